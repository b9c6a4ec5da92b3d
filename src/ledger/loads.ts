/**
 * Loads: one file going into one table, once. A run owns a load while it holds the load's advisory
 * lock, which PostgreSQL frees the moment the run's session ends, however it ends.
 */

import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import { bodyOf, type Reading } from '../formats/reading.js';
import type { CommittedRange } from '../formats/text/ranges.js';
import { isDecoded, readText, type TextForm } from '../formats/text/read-text.js';
import { readsAlike } from '../formats/text/text-reading.js';
import { withTransaction } from '../postgres/connection.js';
import { type HashedRange, hasContent, hasText } from '../source/identify.js';
import type { RowCounts } from './counts.js';
import { NO_ROWS } from './counts.js';
import { NO_REMARK_COUNTS, type RemarkCounts, RemarkTally } from './remarks.js';

export interface LoadIdentity {
  /** As the user named the file. */
  readonly path: string;
  /** Absolute path of the file. */
  readonly file: string;
  readonly table: string;
  readonly size: number;
  /** The file's fingerprint: equal content has equal ones; the receipts tell whether it is equal. */
  readonly contentHash: string;
  readonly header: Buffer;
  /** How the text is got out of the file; told by its content, so that the ledger does not keep it. */
  readonly form: TextForm;
  readonly format: Reading;
  readonly modelHash: string;
}

/** What the lock of a load is known by: a content going into a table, whatever the file is called. */
export type LoadKey = Pick<LoadIdentity, 'table' | 'contentHash'>;

export type Claim =
  /** Another run is at it. */
  | { readonly kind: 'busy' }
  /** It was loaded before, by this load. */
  | {
      readonly kind: 'known';
      readonly loadId: number;
      readonly path: string;
      readonly finishedAt: string;
    }
  /** Half of it was removed: neither its rows nor its receipts are whole. */
  | { readonly kind: 'half_undone'; readonly loadId: number }
  /** Part of it was loaded, and read in another way: what is left cannot be added to that. */
  | { readonly kind: 'other_format'; readonly loadId: number }
  | ({ readonly kind: 'claimed'; readonly attempt: number } & CommittedPart);

/** What earlier runs of a load committed. */
export interface CommittedPart {
  readonly loadId: number;
  /** In the order of the file. */
  readonly committed: readonly CommittedRange[];
  readonly rows: RowCounts;
  readonly remarks: RemarkCounts;
  /** Whether it was loaded with another model than the run has that goes on with it. */
  readonly hadOtherModel: boolean;
}

/** What the ledger has of a content, and so what is to be done with it. */
export type Finding =
  | Extract<Claim, { kind: 'known' | 'half_undone' | 'other_format' }>
  | { readonly kind: 'interrupted'; readonly loadId: number }
  | { readonly kind: 'new'; readonly generation: number };

export function loadKey({ table, contentHash }: LoadKey): string {
  return `${table} ${contentHash}`;
}

function lockName(key: LoadKey): string {
  return `edp load ${loadKey(key)}`;
}

/**
 * Takes loads for this run, apart from those that another has or that are done. Thousands of small files
 * must not take a round trip each, so all are asked for at once.
 *
 * @param client the session that shall own the loads, as long as it lives
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
      const finding = await judge(client, identity, same, force);
      if (finding.kind === 'new') created.push({ index, identity, generation: finding.generation });
      else if (finding.kind === 'interrupted') interrupted.push({ index, loadId: finding.loadId });
      else claims[index] = finding;
    }
    await failpoint('claim.judged', client);
    await withTransaction(client, async () => {
      // Lost in a crash together with all that was loaded under it: the log is written in order.
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
  /** Of its identity among those asked for. */
  readonly index: number;
  readonly identity: LoadIdentity;
  readonly generation: number;
}

async function createLoads(client: pg.Client, loads: readonly NewLoad[]): Promise<number[]> {
  if (loads.length === 0) return [];
  const { rows } = await client.query<{
    load_id: number;
    table_name: string;
    content_hash: string;
  }>(
    `INSERT INTO edp.loads (path, table_name, size_bytes, content_hash, generation, header,
       file_format, model_hash, attempt)
     SELECT *, 1 FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::int[], $6::bytea[],
       $7::json[], $8::text[])
     RETURNING load_id, table_name, content_hash`,
    [
      loads.map(({ identity }) => identity.path),
      loads.map(({ identity }) => identity.table),
      loads.map(({ identity }) => identity.size),
      loads.map(({ identity }) => identity.contentHash),
      loads.map(({ generation }) => generation),
      loads.map(({ identity }) => identity.header),
      loads.map(({ identity }) => JSON.stringify(identity.format)),
      loads.map(({ identity }) => identity.modelHash),
    ],
  );
  const idOf = new Map(
    rows.map((row) => [
      loadKey({ table: row.table_name, contentHash: row.content_hash }),
      row.load_id,
    ]),
  );
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

/** Takes the lock of a load, for as long as the session lives, unless another session has it. */
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

interface LoadRow {
  readonly load_id: number;
  readonly path: string;
  readonly table_name: string;
  readonly content_hash: string;
  readonly header: Buffer;
  readonly file_format: Reading;
  readonly generation: number;
  readonly state: string;
  readonly model_hash: string;
  readonly finished_at: string;
  readonly rows_read: number;
  readonly rows_loaded: number;
  readonly rows_rejected: number;
  readonly rows_duplicate: number;
}

/**
 * Looks a content up, and writes nothing.
 *
 * @param force whether known content is to be loaded again, as a load of its own
 */
export async function findLoad(
  client: pg.Client,
  identity: LoadIdentity,
  force: boolean,
): Promise<Finding> {
  const earlier = await listEarlierLoads(client, [identity]);
  return judge(client, identity, earlier.get(loadKey(identity)) ?? [], force);
}

/** Loads that may be of the same content, by key, the latest first. */
async function listEarlierLoads(
  client: pg.Client,
  keys: readonly LoadKey[],
): Promise<Map<string, LoadRow[]>> {
  const { rows } = await client.query<LoadRow>(
    `SELECT * FROM edp.loads
     WHERE (table_name, content_hash) IN (SELECT * FROM unnest($1::text[], $2::text[]))
     ORDER BY generation DESC`,
    [keys.map(({ table }) => table), keys.map(({ contentHash }) => contentHash)],
  );
  const earlier = new Map<string, LoadRow[]>();
  for (const row of rows) {
    const key = loadKey({ table: row.table_name, contentHash: row.content_hash });
    earlier.set(key, [...(earlier.get(key) ?? []), row]);
  }
  return earlier;
}

/** @param earlier loads of files that look the same, the latest first */
async function judge(
  client: pg.Client,
  identity: LoadIdentity,
  earlier: readonly LoadRow[],
  force: boolean,
): Promise<Finding> {
  const latestIn = async (state: string) => {
    for (const row of earlier) {
      if (row.state === state && (await isContentOf(client, identity, row))) return row;
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
    const { load_id: loadId, path, finished_at: finishedAt } = loaded;
    return { kind: 'known', loadId, path, finishedAt };
  }
  // Records loaded now could be duplicates of rows that are still to be removed.
  const halfUndone = await latestIn('undoing');
  if (halfUndone !== undefined) return { kind: 'half_undone', loadId: halfUndone.load_id };
  return { kind: 'new', generation: earlier[0] === undefined ? 0 : earlier[0].generation + 1 };
}

/** Whether a file holds what a load found in its own, as far as it got. */
async function isContentOf(
  client: pg.Client,
  { path, file, header, form, format }: LoadIdentity,
  load: LoadRow,
): Promise<boolean> {
  // Read in another way, the same bytes may have another header, or none.
  if (readsAlike(format, load.file_format) && !header.equals(load.header)) return false;
  const ranges = await listHashedRanges(client, load.load_id);
  if (!isDecoded(form)) return hasContent(file, ranges);
  // The fingerprint of a text is that of its beginning: a load that is done has all of it.
  const end =
    load.state === 'loading' ? undefined : (ranges.at(-1)?.end ?? load.file_format.dataStart);
  try {
    const text = readText(file, path, form);
    return await hasText(bodyOf(text, load.file_format), ranges, end);
  } catch (error) {
    // It breaks off before it has shown what it is: the run that loads it will tell.
    if (error instanceof EdpError && error.code === 'corrupt_file') return false;
    throw error;
  }
}

async function hasReceipts(client: pg.Client, loadId: number): Promise<boolean> {
  const { rows } = await client.query('SELECT FROM edp.receipts WHERE load_id = $1 LIMIT 1', [
    loadId,
  ]);
  return rows.length > 0;
}

/** What a load found in its file, as far as it got. */
export async function listHashedRanges(client: pg.Client, loadId: number): Promise<HashedRange[]> {
  const { rows } = await client.query<HashedRange>(
    `SELECT start_byte AS start, end_byte AS "end", content_hash AS "contentHash"
     FROM edp.receipts WHERE load_id = $1 ORDER BY start_byte`,
    [loadId],
  );
  return rows;
}

/** Raises the attempt, which shuts out workers of the run before, and reads what that run committed. */
async function resume(
  client: pg.Client,
  loadId: number,
  { path, size, header, format, modelHash }: LoadIdentity,
): Promise<Claim> {
  const part = await readCommittedPart(client, loadId, modelHash);
  // Waits for a split of the run before that is just committing; no later one can.
  const { rows } = await client.query<{ attempt: number }>(
    // A text that broke off goes on with the whole one, which is in another file.
    `UPDATE edp.loads SET attempt = attempt + 1, header = $2, file_format = $3, model_hash = $4,
       path = CASE WHEN size_bytes = $5 THEN path ELSE $6 END, size_bytes = $5
     WHERE load_id = $1 RETURNING attempt`,
    [loadId, header, JSON.stringify(format), modelHash, size, path],
  );
  return {
    kind: 'claimed',
    attempt: rows[0]!.attempt,
    ...(await readCommittedPart(client, loadId, modelHash)),
    hadOtherModel: part.hadOtherModel,
  };
}

/** As a receipt has them; null for none. */
interface StoredNotes {
  readonly unknownMetrics: Record<string, number> | null;
  readonly corrections: Record<string, number> | null;
}

/** @param modelHash of the model that the load goes on with */
export async function readCommittedPart(
  client: pg.Client,
  loadId: number,
  modelHash: string,
): Promise<CommittedPart> {
  const { rows } = await client.query<LoadRow>('SELECT * FROM edp.loads WHERE load_id = $1', [
    loadId,
  ]);
  const load = rows[0]!;
  const receipts = await client.query<CommittedRange & StoredNotes>(
    `SELECT start_byte AS start, end_byte AS "end", first_line AS "firstLine",
            line_count AS "lineCount",
            unknown_metrics AS "unknownMetrics", corrections
     FROM edp.receipts WHERE load_id = $1 ORDER BY start_byte`,
    [loadId],
  );
  const remarks = new RemarkTally();
  for (const { unknownMetrics, corrections } of receipts.rows) {
    remarks.addCounts({ unknownMetrics: unknownMetrics ?? {}, corrections: corrections ?? {} });
  }
  return {
    loadId,
    committed: receipts.rows,
    rows: {
      read: load.rows_read,
      loaded: load.rows_loaded,
      rejected: load.rows_rejected,
      duplicate: load.rows_duplicate,
    },
    remarks: remarks.counts,
    hadOtherModel: load.model_hash !== modelHash && receipts.rows.length > 0,
  };
}

/** A load as a run leaves it. */
export interface EndedLoad {
  readonly loadId: number;
  readonly attempt: number;
  readonly key: LoadKey;
  readonly isComplete: boolean;
  /** Working time of this run. */
  readonly seconds: number;
}

/**
 * Marks loads as done, where they are, and lets them go. The commit is synchronous, and PostgreSQL
 * writes its log in order: after it, every split of the loads is on disk.
 */
export async function endLoads(client: pg.Client, loads: readonly EndedLoad[]): Promise<void> {
  await failpoint('end.begin', client);
  await client.query(
    `UPDATE edp.loads l SET seconds = l.seconds + e.seconds,
       state = CASE WHEN is_complete THEN 'loaded' ELSE state END,
       finished_at = CASE WHEN is_complete THEN clock_timestamp() END
     FROM unnest($1::bigint[], $2::int[], $3::float8[], $4::boolean[])
       AS e (load_id, attempt, seconds, is_complete)
     WHERE l.load_id = e.load_id AND l.attempt = e.attempt AND state = 'loading'`,
    [
      loads.map(({ loadId }) => loadId),
      loads.map(({ attempt }) => attempt),
      loads.map(({ seconds }) => seconds),
      loads.map(({ isComplete }) => isComplete),
    ],
  );
  await failpoint('end.written', client);
  await releaseLoads(
    client,
    loads.map(({ key }) => key),
  );
  await failpoint('end.released', client);
}
