/** What a run did to the slices of a task, and their receipts in the ledger. */
import type pg from 'pg';
import type { EdpError } from '../../base/errors.js';
import type { TASK_RUN_STATES, TaskKind } from '../../model/warehouse/task.js';
import type { CheckOutcome } from '../checks/outcome.js';
import type { SliceRows } from './make-table.js';

/** A dry run says `would-change` for `done`. */
export type TaskRunState = (typeof TASK_RUN_STATES)[number] | 'would-change';

/** What a run did to a slice of a task. */
export interface TaskResult {
  readonly task: string;
  readonly kind: TaskKind;
  /** Empty for a table without slices. */
  readonly slice: string;
  readonly state: TaskRunState;
  readonly reason: string | undefined;
  readonly rows: SliceRows;
  readonly checks: readonly CheckOutcome[];
  readonly seconds: number;
  readonly error?: EdpError;
  /** Whether a check held it back. */
  readonly isHeldBack?: boolean;
  /** Whether a check reads a table that is still to be made. */
  readonly isPutOff?: boolean;
  readonly sql?: readonly string[];
}

export interface TaskOrders {
  /** Make these slices, stale or not, and no others. */
  readonly slices?: { readonly from: string; readonly to: string };
  readonly full: boolean;
  readonly dryRun: boolean;
  /** Whether the statements are kept, in a dry run. */
  readonly withSql: boolean;
}

/** Receipts of what a run did; an unchanged task needs none, unless a check fails. */
export async function keepResults(
  client: pg.Client,
  runId: number,
  results: readonly TaskResult[],
): Promise<void> {
  const kept = results.filter(
    ({ state, checks }) => state !== 'unchanged' || checks.some(({ ok }) => !ok),
  );
  if (kept.length === 0) return;
  await client.query(
    `INSERT INTO edp.task_runs (run_id, task, slice, kind, state, reason, rows_read, inserted, updated,
       deleted, unknown, null_key, checks, error, seconds)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
       $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::jsonb[], $14::text[],
       $15::float8[])
     ON CONFLICT (run_id, task, slice) DO NOTHING`,
    [
      runId,
      kept.map(({ task }) => task),
      kept.map(({ slice }) => slice),
      kept.map(({ kind }) => kind),
      kept.map(({ state }) => (state === 'would-change' ? 'done' : state)),
      kept.map(({ reason }) => reason ?? null),
      ...(['read', 'inserted', 'updated', 'deleted', 'unknown', 'nullKey'] as const).map((name) =>
        kept.map(({ rows }) => rows[name]),
      ),
      kept.map(({ checks }) =>
        JSON.stringify(
          checks.map(({ sample: _, found: __, onlyReports: ___, late: ____, ...check }) => check),
        ),
      ),
      kept.map(({ error }) => error?.message ?? null),
      kept.map(({ seconds }) => seconds),
    ],
  );
}
