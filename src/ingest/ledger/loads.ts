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
  readonly modelHash: string;
}

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
  | {
      readonly kind: 'claimed';
      readonly loadId: number;
      readonly attempt: number;
      /** What earlier runs committed, in the order of the file. */
      readonly committed: readonly CommittedRange[];
      readonly rows: RowCounts;
      readonly unknownMetrics: Readonly<Record<string, number>>;
      /** Whether earlier runs loaded with another model. */
      readonly hadOtherModel: boolean;
    };

const NO_ROWS: RowCounts = { read: 0, loaded: 0, rejected: 0, duplicate: 0 };

function lockName({ table, contentHash }: LoadIdentity): string {
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
  const name = lockName(identity);
  const { rows } = await client.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS locked',
    [name],
  );
  if (rows[0]?.locked !== true) return { kind: 'busy' };
  try {
    const claim = await findOrCreate(client, identity, force);
    if (claim.kind === 'known') await releaseLoad(client, identity);
    return claim;
  } catch (error) {
    await releaseLoad(client, identity).catch(() => {});
    throw error;
  }
}

export async function releaseLoad(client: pg.Client, identity: LoadIdentity): Promise<void> {
  await client.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [lockName(identity)]);
}

interface LoadRow {
  readonly load_id: number;
  readonly path: string;
  readonly generation: number;
  readonly state: string;
  readonly attempt: number;
  readonly model_hash: string;
  readonly finished_at: string;
  readonly rows_read: number;
  readonly rows_loaded: number;
  readonly rows_rejected: number;
  readonly rows_duplicate: number;
}

async function findOrCreate(
  client: pg.Client,
  identity: LoadIdentity,
  force: boolean,
): Promise<Claim> {
  return withTransaction(client, async () => {
    const { rows } = await client.query<LoadRow>(
      `SELECT * FROM edp.loads WHERE table_name = $1 AND content_hash = $2
       ORDER BY generation DESC LIMIT 1`,
      [identity.table, identity.contentHash],
    );
    const latest = rows[0];
    if (latest?.state === 'loaded' && !force) {
      const { load_id: loadId, path, finished_at: finishedAt } = latest;
      return { kind: 'known', loadId, path, finishedAt };
    }
    if (latest?.state === 'loading') return resume(client, latest, identity.modelHash);
    const created = await client.query<{ load_id: number }>(
      `INSERT INTO edp.loads
         (path, table_name, size_bytes, content_hash, generation, header, delimiter, model_hash, attempt)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1) RETURNING load_id`,
      [
        identity.path,
        identity.table,
        identity.size,
        identity.contentHash,
        latest === undefined ? 0 : latest.generation + 1,
        identity.header,
        identity.delimiter,
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
      hadOtherModel: false,
    };
  });
}

/**
 * Raises the attempt, which shuts out workers of the run before, and reads what that run committed.
 *
 * @param modelHash of the model that the load goes on with
 */
async function resume(client: pg.Client, load: LoadRow, modelHash: string): Promise<Claim> {
  // Waits for a split of the run before that is just committing; no later one can.
  const { rows } = await client.query<LoadRow>(
    'UPDATE edp.loads SET attempt = attempt + 1, model_hash = $2 WHERE load_id = $1 RETURNING *',
    [load.load_id, modelHash],
  );
  const current = rows[0]!;
  const receipts = await client.query<CommittedRange & { unknown: Record<string, number> | null }>(
    `SELECT start_byte AS start, end_byte AS "end", first_line AS "firstLine",
            line_count AS "lineCount", unknown_metrics AS unknown
     FROM edp.receipts WHERE load_id = $1 ORDER BY start_byte`,
    [load.load_id],
  );
  const unknownMetrics: Record<string, number> = {};
  for (const { unknown } of receipts.rows) addCounts(unknownMetrics, unknown ?? {});
  return {
    kind: 'claimed',
    loadId: load.load_id,
    attempt: current.attempt,
    committed: receipts.rows,
    rows: {
      read: current.rows_read,
      loaded: current.rows_loaded,
      rejected: current.rows_rejected,
      duplicate: current.rows_duplicate,
    },
    unknownMetrics,
    hadOtherModel: load.model_hash !== modelHash && receipts.rows.length > 0,
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
