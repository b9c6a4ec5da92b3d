/**
 * Loads: one file going into one table, once. A run owns a load while it holds the load's advisory
 * lock, which PostgreSQL frees the moment the run's session ends, however it ends.
 */
import type pg from 'pg';
import { withTransaction } from '../../database/connection.js';
import type { CommittedRange } from '../plan/cut.js';
import type { RowCounts } from '../split.js';

export interface LoadIdentity {
  /** As the user named the file. */
  readonly path: string;
  readonly table: string;
  readonly size: number;
  readonly contentHash: string;
  readonly header: Buffer;
  readonly delimiter: string;
  /** Line feed or carriage return. */
  readonly recordEnd: string;
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
  | ({ readonly kind: 'claimed'; readonly attempt: number } & CommittedPart);

/** What earlier runs of a load committed. */
export interface CommittedPart {
  readonly loadId: number;
  /** In the order of the file. */
  readonly committed: readonly CommittedRange[];
  readonly rows: RowCounts;
  readonly unknownMetrics: Readonly<Record<string, number>>;
}

/** What the ledger has of a content, and so what is to be done with it. */
export type Finding =
  | Extract<Claim, { kind: 'known' | 'half_undone' }>
  | { readonly kind: 'interrupted'; readonly loadId: number }
  | { readonly kind: 'new'; readonly generation: number };

const NO_ROWS: RowCounts = { read: 0, loaded: 0, rejected: 0, duplicate: 0 };

function lockName({ table, contentHash }: LoadKey): string {
  return `edp load ${table} ${contentHash}`;
}

/**
 * Takes a load for this run, unless another has it or it is done.
 *
 * @param client the session that shall own the load, as long as it lives
 * @param force loads known content again, as a load of its own
 */
export async function claimLoad(
  client: pg.Client,
  identity: LoadIdentity,
  force: boolean,
): Promise<Claim> {
  if (!(await tryLockLoad(client, identity))) return { kind: 'busy' };
  try {
    const claim = await findOrCreate(client, identity, force);
    if (claim.kind !== 'claimed') await releaseLoad(client, identity);
    return claim;
  } catch (error) {
    await releaseLoad(client, identity).catch(() => {});
    throw error;
  }
}

/** Takes the lock of a load, for as long as the session lives, unless another session has it. */
export async function tryLockLoad(client: pg.Client, key: LoadKey): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS locked',
    [lockName(key)],
  );
  return rows[0]?.locked === true;
}

export async function releaseLoad(client: pg.Client, key: LoadKey): Promise<void> {
  await client.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [lockName(key)]);
}

interface LoadRow {
  readonly load_id: number;
  readonly path: string;
  readonly generation: number;
  readonly state: string;
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
  { table, contentHash }: LoadKey,
  force: boolean,
): Promise<Finding> {
  const { rows } = await client.query<LoadRow>(
    `SELECT * FROM edp.loads WHERE table_name = $1 AND content_hash = $2 ORDER BY generation DESC`,
    [table, contentHash],
  );
  const latestIn = (state: string) => rows.find((row) => row.state === state);
  const interrupted = latestIn('loading');
  if (interrupted !== undefined) return { kind: 'interrupted', loadId: interrupted.load_id };
  const loaded = latestIn('loaded');
  if (loaded !== undefined && !force) {
    const { load_id: loadId, path, finished_at: finishedAt } = loaded;
    return { kind: 'known', loadId, path, finishedAt };
  }
  // Records loaded now could be duplicates of rows that are still to be removed.
  const halfUndone = latestIn('undoing');
  if (halfUndone !== undefined) return { kind: 'half_undone', loadId: halfUndone.load_id };
  return { kind: 'new', generation: rows[0] === undefined ? 0 : rows[0].generation + 1 };
}

async function findOrCreate(
  client: pg.Client,
  identity: LoadIdentity,
  force: boolean,
): Promise<Claim> {
  return withTransaction(client, async () => {
    const finding = await findLoad(client, identity, force);
    if (finding.kind === 'interrupted') return resume(client, finding.loadId);
    if (finding.kind !== 'new') return finding;
    const created = await client.query<{ load_id: number }>(
      `INSERT INTO edp.loads (path, table_name, size_bytes, content_hash, generation, header,
         delimiter, record_end, model_hash, attempt)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1) RETURNING load_id`,
      [
        identity.path,
        identity.table,
        identity.size,
        identity.contentHash,
        finding.generation,
        identity.header,
        identity.delimiter,
        identity.recordEnd,
        identity.modelHash,
      ],
    );
    return {
      kind: 'claimed',
      loadId: created.rows[0]!.load_id,
      attempt: 1,
      committed: [],
      rows: NO_ROWS,
      unknownMetrics: {},
    };
  });
}

/** Raises the attempt, which shuts out workers of the run before, and reads what that run committed. */
async function resume(client: pg.Client, loadId: number): Promise<Claim> {
  // Waits for a split of the run before that is just committing; no later one can.
  const { rows } = await client.query<{ attempt: number }>(
    'UPDATE edp.loads SET attempt = attempt + 1 WHERE load_id = $1 RETURNING attempt',
    [loadId],
  );
  return {
    kind: 'claimed',
    attempt: rows[0]!.attempt,
    ...(await readCommittedPart(client, loadId)),
  };
}

export async function readCommittedPart(client: pg.Client, loadId: number): Promise<CommittedPart> {
  const { rows } = await client.query<LoadRow>('SELECT * FROM edp.loads WHERE load_id = $1', [
    loadId,
  ]);
  const load = rows[0]!;
  const receipts = await client.query<CommittedRange & { unknown: Record<string, number> | null }>(
    `SELECT start_byte AS start, end_byte AS "end", first_line AS "firstLine",
            line_count AS "lineCount", unknown_metrics AS unknown
     FROM edp.receipts WHERE load_id = $1 ORDER BY start_byte`,
    [loadId],
  );
  const unknownMetrics: Record<string, number> = {};
  for (const { unknown } of receipts.rows) addCounts(unknownMetrics, unknown ?? {});
  return {
    loadId,
    committed: receipts.rows,
    rows: {
      read: load.rows_read,
      loaded: load.rows_loaded,
      rejected: load.rows_rejected,
      duplicate: load.rows_duplicate,
    },
    unknownMetrics,
  };
}

export function addCounts(
  sum: Record<string, number>,
  counts: Readonly<Record<string, number>>,
): void {
  for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
}

/**
 * Marks a load as done. The commit is synchronous, and PostgreSQL writes its log in order: after it,
 * every split of the load is on disk.
 */
export async function finishLoad(
  client: pg.Client,
  loadId: number,
  attempt: number,
  seconds: number,
): Promise<void> {
  await client.query(
    `UPDATE edp.loads SET state = 'loaded', finished_at = clock_timestamp(), seconds = seconds + $3
     WHERE load_id = $1 AND attempt = $2 AND state = 'loading'`,
    [loadId, attempt, seconds],
  );
}

/** Adds working time to a load that is not done, so that its speed stays true over several runs. */
export async function addWorkingTime(
  client: pg.Client,
  loadId: number,
  seconds: number,
): Promise<void> {
  await client.query('UPDATE edp.loads SET seconds = seconds + $2 WHERE load_id = $1', [
    loadId,
    seconds,
  ]);
}
