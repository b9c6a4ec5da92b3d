/**
 * Loads: one file going into one table, once. A run owns a load while it holds the load's advisory
 * lock, which PostgreSQL releases when the run's session ends, however it ends.
 */

import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import { bodyOf, type Reading } from '../formats/stored-reading.js';
import type { PassedOver } from '../formats/text/passed-over.js';
import type { CommittedRange } from '../formats/text/ranges.js';
import { isDecoded, readText, type TextForm } from '../formats/text/read-text.js';
import { readsAlike } from '../formats/text/text-reading.js';
import type { TablePlace } from '../model/table-name.js';
import { withTransaction } from '../postgres/connection.js';
import type { FileIdentity } from '../source/file-identity.js';
import { type HashedRange, hasContent, hasText } from '../source/identify.js';
import { type Accounting, addBytes, NO_BYTES, NO_ROWS, type RowCounts } from './counts.js';
import { DATABASE_SQL, PRESENT_OID } from './former-tables.js';
import { keyOfRow, type LoadKey, loadKey, lockName } from './load-key.js';
import { type LoadRow, rowCountsOf } from './load-row.js';
import type { LoadState } from './load-state.js';
import { hasReceipts } from './receipts.js';
import { NO_REMARK_COUNTS, type RemarkCounts, RemarkTally } from './remarks.js';

export interface LoadIdentity {
  /** As the user named the file. */
  readonly path: string;
  /** The version that is loaded. */
  readonly file: FileIdentity;
  readonly place: TablePlace;
  readonly size: number;
  /**
   * The file's fingerprint. Equal content has an equal fingerprint; whether content is equal is
   * decided by the receipts.
   */
  readonly contentHash: string;
  readonly header: Buffer;
  /** What lies before the first record. */
  readonly head: PassedOver;
  /** How the text is read from the file. The content shows it, so the ledger does not store it. */
  readonly form: TextForm;
  readonly format: Reading;
  readonly modelHash: string;
  /** From when its rows are valid, as PostgreSQL reads it; undefined: as before the load was undone, else now. */
  readonly effectiveAt?: string;
}

export type Claim =
  /** Another run works on it. */
  | { readonly kind: 'busy' }
  /** It was loaded before, by this load. */
  | {
      readonly kind: 'known';
      readonly loadId: number;
      readonly path: string;
    }
  /** An undo has removed a part of it: its rows and its receipts are incomplete. */
  | { readonly kind: 'half_undone'; readonly loadId: number }
  /** A part was loaded, and read in another way, so the rest cannot be added to it. */
  | { readonly kind: 'other_format'; readonly loadId: number }
  | ({ readonly kind: 'claimed'; readonly attempt: number } & CommittedPart);

/** What earlier runs of a load have committed. */
export interface CommittedPart {
  readonly loadId: number;
  /** In the order of the file. */
  readonly committed: readonly CommittedRange[];
  readonly rows: RowCounts;
  readonly remarks: RemarkCounts;
  /** The bytes of its splits; undefined where an older edp did not count those of some. */
  readonly accounting: Accounting | undefined;
  /** Whether a record that equals the header is none; where an older edp began the load, it is one. */
  readonly passesHeaders: boolean;
  /** Whether the part was loaded with another model than the run that continues it has. */
  readonly hadOtherModel: boolean;
}

/** What the ledger has about a content, and so what to do with the file. */
export type Finding =
  | Extract<Claim, { kind: 'known' | 'half_undone' | 'other_format' }>
  | { readonly kind: 'interrupted'; readonly loadId: number }
  | {
      readonly kind: 'new';
      readonly generation: number;
      /** What an undone load of the same content had. */
      readonly effectiveAt?: string;
    };

/**
 * Claims loads for this run, except those that another run has or that are complete. All are
 * requested at once, since thousands of small files must not take a round trip each.
 *
 * @param client the session that will own the loads, until it ends
 * @param identities no two with the same key
 * @param force loads known content again, as a load of its own
 * @returns the claims, in the order of the identities
 */
export async function claimLoads(
  client: pg.Client,
  identities: readonly LoadIdentity[],
  force: boolean,
): Promise<Claim[]> {
  const isLocked = await tryLockLoads(client, identities);
  await failpoint('claim.locked', client);
  const claims: Claim[] = identities.map(() => ({ kind: 'busy' }));
  const open = [...identities.keys()].filter((i) => isLocked[i]);
  try {
    const earlier = await listEarlierLoads(
      client,
      open.map((i) => identities[i]!),
    );
    const created: NewLoad[] = [];
    const interrupted: { index: number; loadId: number }[] = [];
    for (const index of open) {
      const identity = identities[index]!;
      const same = earlier.get(loadKey(identity)) ?? [];
      const finding = await matchEarlier(client, identity, same, force);
      if (finding.kind === 'new') created.push({ ...finding, index, identity });
      else if (finding.kind === 'interrupted') interrupted.push({ index, loadId: finding.loadId });
      else claims[index] = finding;
    }
    await failpoint('claim.judged', client);
    await withTransaction(client, async () => {
      // A crash loses the claims only together with everything loaded after them: the log is
      // written in order.
      await client.query('SET LOCAL synchronous_commit = off');
      for (const { index, loadId } of interrupted) {
        claims[index] = await resume(client, loadId, identities[index]!);
        await failpoint('claim.resumed', client);
      }
      const loadIds = await createLoads(client, created);
      await failpoint('claim.created', client);
      created.forEach(({ index }, i) => {
        claims[index] = {
          kind: 'claimed',
          attempt: 1,
          loadId: loadIds[i]!,
          committed: [],
          rows: NO_ROWS,
          remarks: NO_REMARK_COUNTS,
          accounting: NO_BYTES,
          passesHeaders: true,
          hadOtherModel: false,
        };
      });
    });
    await failpoint('claim.committed', client);
    const unclaimed = open.filter((i) => claims[i]!.kind !== 'claimed');
    await releaseLoads(
      client,
      unclaimed.map((i) => identities[i]!),
    );
    await failpoint('claim.released', client);
    return claims;
  } catch (error) {
    await releaseLoads(
      client,
      open.map((i) => identities[i]!),
    ).catch(() => {});
    throw error;
  }
}

interface NewLoad {
  /** Index of its identity in the request. */
  readonly index: number;
  readonly identity: LoadIdentity;
  readonly generation: number;
  readonly effectiveAt?: string;
}

/** The columns of a load's ledger row that identify it. */
const IDENTITY_COLUMNS =
  'path, schema_name, table_name, size_bytes, content_hash, generation, header, file_format, model_hash, head_passed_over, effective_at, table_oid, table_database';
/** The table exists: a run makes it before it claims files. */
const IDENTITY_ROWS = `(SELECT path, schema_name, table_name, size, hash, generation, header, format, model, head,
     coalesce(effective_at, now()), ${PRESENT_OID}, ${DATABASE_SQL}
   FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::int[], $7::bytea[], $8::json[],
     $9::text[], $10::jsonb[], $11::timestamptz[])
     AS given (path, schema_name, table_name, size, hash, generation, header, format, model, head, effective_at)
   ) AS identities`;

function toIdentityRows(loads: readonly Omit<NewLoad, 'index'>[]): unknown[][] {
  return [
    loads.map(({ identity }) => identity.path),
    loads.map(({ identity }) => identity.place.schema),
    loads.map(({ identity }) => identity.place.name),
    loads.map(({ identity }) => identity.size),
    loads.map(({ identity }) => identity.contentHash),
    loads.map(({ generation }) => generation),
    loads.map(({ identity }) => identity.header),
    loads.map(({ identity }) => JSON.stringify(identity.format)),
    loads.map(({ identity }) => identity.modelHash),
    loads.map(({ identity }) => JSON.stringify(identity.head)),
    loads.map(({ identity, effectiveAt }) => identity.effectiveAt ?? effectiveAt ?? null),
  ];
}

/** Adds a load that will be rolled back. */
export async function insertTriedLoad(
  client: pg.Client,
  loadId: number,
  identity: LoadIdentity,
): Promise<void> {
  // No file has this content hash, so no run waits for the load.
  const tried = { ...identity, contentHash: `dry run ${randomUUID()}` };
  await client.query(
    `INSERT INTO edp.loads (${IDENTITY_COLUMNS}, load_id) OVERRIDING SYSTEM VALUE
     SELECT *, $12::bigint FROM ${IDENTITY_ROWS}`,
    [...toIdentityRows([{ identity: tried, generation: 0 }]), loadId],
  );
}

async function createLoads(client: pg.Client, loads: readonly NewLoad[]): Promise<number[]> {
  if (loads.length === 0) return [];
  const { rows } = await client.query<
    Pick<LoadRow, 'load_id' | 'schema_name' | 'table_name' | 'content_hash'>
  >(
    `INSERT INTO edp.loads (${IDENTITY_COLUMNS}, attempt)
     SELECT *, 1 FROM ${IDENTITY_ROWS}
     RETURNING load_id, schema_name, table_name, content_hash`,
    toIdentityRows(loads),
  );
  const idOf = new Map(rows.map((row) => [loadKey(keyOfRow(row)), row.load_id]));
  return loads.map(({ identity }) => idOf.get(loadKey(identity))!);
}

async function tryLockLoads(client: pg.Client, keys: readonly LoadKey[]): Promise<boolean[]> {
  const { rows } = await client.query<{ locked: boolean }>(
    `SELECT pg_try_advisory_lock(hashtextextended(name, 0)) AS locked
     FROM unnest($1::text[]) WITH ORDINALITY AS keys (name, i) ORDER BY i`,
    [keys.map(lockName)],
  );
  return rows.map(({ locked }) => locked);
}

/** Takes the lock of a load until the session ends, unless another session has it. */
export async function tryLockLoad(client: pg.Client, key: LoadKey): Promise<boolean> {
  return (await tryLockLoads(client, [key]))[0] === true;
}

export async function releaseLoads(client: pg.Client, keys: readonly LoadKey[]): Promise<void> {
  if (keys.length === 0) return;
  await client.query(
    'SELECT pg_advisory_unlock(hashtextextended(name, 0)) FROM unnest($1::text[]) AS keys (name)',
    [keys.map(lockName)],
  );
}

/**
 * Looks up a content, and writes nothing.
 *
 * @param force whether known content is to be loaded again, as a load of its own
 */
export async function findLoad(
  client: pg.Client,
  identity: LoadIdentity,
  force: boolean,
): Promise<Finding> {
  const earlier = await listEarlierLoads(client, [identity]);
  return matchEarlier(client, identity, earlier.get(loadKey(identity)) ?? [], force);
}

/** Lists loads that may have the same content, by key, the latest first. */
async function listEarlierLoads(
  client: pg.Client,
  keys: readonly LoadKey[],
): Promise<Map<string, LoadRow[]>> {
  const { rows } = await client.query<LoadRow>(
    `SELECT * FROM edp.loads
     WHERE (schema_name, table_name, content_hash) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))
     ORDER BY generation DESC`,
    [
      keys.map(({ place }) => place.schema),
      keys.map(({ place }) => place.name),
      keys.map(({ contentHash }) => contentHash),
    ],
  );
  const earlier = new Map<string, LoadRow[]>();
  for (const row of rows) {
    const key = loadKey(keyOfRow(row));
    earlier.set(key, [...(earlier.get(key) ?? []), row]);
  }
  return earlier;
}

/**
 * Decides which of the earlier loads has the same content.
 *
 * @param earlier loads of files with the same fingerprint, the latest first
 */
async function matchEarlier(
  client: pg.Client,
  identity: LoadIdentity,
  earlier: readonly LoadRow[],
  force: boolean,
): Promise<Finding> {
  const latestIn = async (state: LoadState) => {
    for (const row of earlier) {
      if (row.state === state && row.gone_at === null && (await isContentOf(client, identity, row)))
        return row;
    }
    return undefined;
  };
  const interrupted = await latestIn('loading');
  if (interrupted !== undefined) {
    const { load_id: loadId, file_format: begun } = interrupted;
    const isAlike = readsAlike(begun, identity.format) || !(await hasReceipts(client, loadId));
    return { kind: isAlike ? 'interrupted' : 'other_format', loadId };
  }
  const loaded = force ? undefined : await latestIn('loaded');
  if (loaded !== undefined) {
    return { kind: 'known', loadId: loaded.load_id, path: loaded.path };
  }
  // Records loaded now could be duplicates of rows that are still to be removed.
  const halfUndone = await latestIn('undoing');
  if (halfUndone !== undefined) return { kind: 'half_undone', loadId: halfUndone.load_id };
  const [last] = earlier;
  if (last === undefined) return { kind: 'new', generation: 0 };
  const kept = last.state === 'undone' ? { effectiveAt: last.effective_at } : {};
  return { kind: 'new', generation: last.generation + 1, ...kept };
}

/** Whether a file has the content that a load has read from its own file so far. */
async function isContentOf(
  client: pg.Client,
  { path, file, header, form, format }: LoadIdentity,
  load: LoadRow,
): Promise<boolean> {
  // If it was read in another way, the same bytes may have another header, or none.
  if (readsAlike(format, load.file_format) && !header.equals(load.header)) return false;
  const ranges = await listHashedRanges(client, load.load_id);
  if (!isDecoded(form)) return hasContent(file, ranges);
  // The fingerprint of a text covers only its beginning. A completed load has all of the text.
  const end =
    load.state === 'loading' ? undefined : (ranges.at(-1)?.end ?? load.file_format.dataStart);
  try {
    const text = readText(file, path, form);
    return await hasText(bodyOf(text, load.file_format), ranges, end);
  } catch (error) {
    // The text breaks off before its content is known; the run that loads it will report that.
    if (error instanceof EdpError && error.code === 'corrupt_file') return false;
    throw error;
  }
}

/** The ranges that a load has read so far, with their hashes. */
export async function listHashedRanges(client: pg.Client, loadId: number): Promise<HashedRange[]> {
  const { rows } = await client.query<HashedRange>(
    `SELECT start_byte AS start, end_byte AS "end", content_hash AS "contentHash"
     FROM edp.receipts WHERE load_id = $1 ORDER BY start_byte`,
    [loadId],
  );
  return rows;
}

/**
 * Raises the attempt, which shuts out workers of the run before, and reads what that run has
 * committed.
 */
async function resume(
  client: pg.Client,
  loadId: number,
  { path, size, header, head, format, modelHash, effectiveAt }: LoadIdentity,
): Promise<Claim> {
  // Waits for a split of the run before that is committing now; no later one can commit.
  const { rows } = await client.query<{ attempt: number }>(
    'UPDATE edp.loads SET attempt = attempt + 1 WHERE load_id = $1 RETURNING attempt',
    [loadId],
  );
  const part = await readCommittedPart(client, loadId, modelHash);
  const continued = { ...format, passesHeaders: part.passesHeaders };
  await client.query(
    // A load of a text that broke off may continue with the whole text, which is in another file.
    `UPDATE edp.loads SET header = $2, file_format = $3, model_hash = $4,
       head_passed_over = $7, path = CASE WHEN size_bytes = $5 THEN path ELSE $6 END, size_bytes = $5
     WHERE load_id = $1`,
    [loadId, header, JSON.stringify(continued), modelHash, size, path, JSON.stringify(head)],
  );
  if (effectiveAt !== undefined) await moveEffect(client, loadId, effectiveAt);
  return { kind: 'claimed', attempt: rows[0]!.attempt, ...part };
}

/** Versions that rows of the load made are other ones then. */
async function moveEffect(client: pg.Client, loadId: number, effectiveAt: string): Promise<void> {
  await client.query(
    `WITH moved AS (UPDATE edp.loads SET effective_at = $2::timestamptz
       WHERE load_id = $1 AND effective_at <> $2::timestamptz RETURNING schema_name, table_name)
     INSERT INTO edp.changes (relation, kind, load_id, rows)
     SELECT format('%I.%I', schema_name, table_name), 'updated', $1, 0 FROM moved`,
    [loadId, effectiveAt],
  );
}

/** As stored in a receipt; null for none. */
interface StoredCounts {
  readonly recordBytes: number | null;
  readonly passedOver: PassedOver | null;
  readonly unknownMetrics: Record<string, number> | null;
  readonly corrections: Record<string, number> | null;
}

/** @param modelHash of the model with which the load continues */
export async function readCommittedPart(
  client: pg.Client,
  loadId: number,
  modelHash: string,
): Promise<CommittedPart> {
  const { rows } = await client.query<LoadRow>('SELECT * FROM edp.loads WHERE load_id = $1', [
    loadId,
  ]);
  const load = rows[0]!;
  const receipts = await client.query<CommittedRange & StoredCounts>(
    `SELECT start_byte AS start, end_byte AS "end", first_line AS "firstLine",
            line_count AS "lineCount",
            unknown_metrics AS "unknownMetrics", corrections,
            record_bytes AS "recordBytes", passed_over AS "passedOver"
     FROM edp.receipts WHERE load_id = $1 ORDER BY start_byte`,
    [loadId],
  );
  const remarks = new RemarkTally();
  let accounting: Accounting | undefined = NO_BYTES;
  for (const { unknownMetrics, corrections, recordBytes, passedOver } of receipts.rows) {
    remarks.addCounts({ unknownMetrics: unknownMetrics ?? {}, corrections: corrections ?? {} });
    accounting =
      accounting === undefined || recordBytes === null
        ? undefined
        : addBytes(accounting, { recordBytes, passedOver: passedOver ?? {} });
  }
  return {
    loadId,
    committed: receipts.rows,
    rows: rowCountsOf(load),
    remarks: remarks.counts,
    accounting,
    passesHeaders: receipts.rows.length === 0 || load.file_format.passesHeaders === true,
    hadOtherModel: load.model_hash !== modelHash && receipts.rows.length > 0,
  };
}

/** The end of a run's work on a load. */
export interface EndedLoad {
  readonly loadId: number;
  readonly attempt: number;
  readonly key: LoadKey;
  readonly isComplete: boolean;
  /** Working time of this run. */
  readonly seconds: number;
  /** What lies behind the last record; undefined where that is not known. */
  readonly tail: PassedOver | undefined;
  /** Length of the text, where it is known. */
  readonly textBytes: number | undefined;
}

/**
 * Marks loads as complete, where they are, and releases them. The commit is synchronous, and
 * PostgreSQL writes its log in order: after it, every split of the loads is on disk.
 */
export async function endLoads(client: pg.Client, loads: readonly EndedLoad[]): Promise<void> {
  await failpoint('end.begin', client);
  await writeEnds(client, loads);
  await failpoint('end.written', client);
  await releaseLoads(
    client,
    loads.map(({ key }) => key),
  );
  await failpoint('end.released', client);
}

/** @returns how many of them this run still has */
export async function writeEnds(
  client: pg.Client,
  loads: readonly Omit<EndedLoad, 'key'>[],
): Promise<number> {
  const { rowCount } = await client.query(
    `UPDATE edp.loads l SET seconds = l.seconds + e.seconds,
       state = CASE WHEN is_complete THEN 'loaded' ELSE state END,
       finished_at = CASE WHEN is_complete THEN clock_timestamp() END,
       tail_passed_over = tail, text_bytes = e.text_bytes
     FROM unnest($1::bigint[], $2::int[], $3::float8[], $4::boolean[], $5::jsonb[], $6::bigint[])
       AS e (load_id, attempt, seconds, is_complete, tail, text_bytes)
     WHERE l.load_id = e.load_id AND l.attempt = e.attempt AND state = 'loading'`,
    [
      loads.map(({ loadId }) => loadId),
      loads.map(({ attempt }) => attempt),
      loads.map(({ seconds }) => seconds),
      loads.map(({ isComplete }) => isComplete),
      loads.map(({ tail }) => (tail === undefined ? null : JSON.stringify(tail))),
      loads.map(({ textBytes }) => textBytes ?? null),
    ],
  );
  return rowCount ?? 0;
}
