/** The receipts of a run: what it did to each slice of each task. */
import type pg from 'pg';
import type { TaskKind } from '../../model/warehouse/task.js';
import type { SliceRows } from './make-table.js';

export interface TaskRun {
  readonly task: string;
  readonly kind: TaskKind;
  /** Empty for a table without slices. */
  readonly slice: string;
  readonly state: 'done' | 'unchanged' | 'failed' | 'skipped';
  readonly reason: string | null;
  readonly rows: SliceRows;
  readonly checks: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly failing: number;
    readonly severity: 'error' | 'warn';
  }[];
  readonly error: string | null;
  readonly seconds: number;
}

/** In the order in which they ended. */
export async function listTaskRuns(client: pg.Client, runId: number): Promise<TaskRun[]> {
  const { rows } = await client.query<
    Omit<TaskRun, 'rows'> & Record<keyof SliceRows, number | null>
  >(
    `SELECT task, kind, slice, state, reason, checks, error, seconds, rows_read AS read, inserted, updated,
       deleted, unknown, null_key AS "nullKey"
     FROM edp.task_runs WHERE run_id = $1 ORDER BY finished, task, slice`,
    [runId],
  );
  return rows.map(({ read, inserted, updated, deleted, unknown, nullKey, seconds, ...rest }) => ({
    ...rest,
    // A number with a fraction comes as text.
    seconds: Number(seconds),
    rows: {
      read: read ?? 0,
      inserted: inserted ?? 0,
      updated: updated ?? 0,
      deleted: deleted ?? 0,
      unknown: unknown ?? 0,
      nullKey: nullKey ?? 0,
    },
  }));
}

/**
 * Run → how many checks failed in it, each counted once for a table; runs without any are left out. There
 * are none in a ledger without receipts of tasks, and for a role that may not see these.
 */
export async function countFailedChecks(
  client: pg.Client,
  runIds: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const right = await client.query<{ has: boolean | null }>(
    "SELECT has_table_privilege(to_regclass('edp.task_runs'), 'SELECT') AS has",
  );
  if (runIds.length === 0 || right.rows[0]!.has !== true) return new Map();
  const { rows } = await client.query<{ runId: number; failed: number }>(
    `SELECT run_id AS "runId", count(DISTINCT (task, one->>'name'))::int AS failed
     FROM edp.task_runs, jsonb_array_elements(checks) AS one
     WHERE run_id = ANY ($1::bigint[]) AND NOT (one->>'ok')::boolean GROUP BY 1`,
    [runIds],
  );
  return new Map(rows.map(({ runId, failed }) => [runId, failed]));
}
