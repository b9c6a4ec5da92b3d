/** What the ledger knows of a task: the table that it made, and the point at which it read. */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import type { ReadPoint } from '../../ledger/changes.js';
import type { TaskKind } from '../../model/warehouse/task.js';

export interface TaskState {
  readonly oid: number;
  readonly definition: string;
  readonly point: ReadPoint;
  readonly highWater: string | null;
  readonly rowCount: number | null;
  /** Hashes of the checks that all of its rows were asked. */
  readonly checks: readonly string[];
  /** Names of the indexes that were made with it; null where that was not kept. */
  readonly indexes: readonly string[] | null;
}

/** @returns undefined where it was never made, or its table is not there any more */
export async function readState(client: pg.Client, task: string): Promise<TaskState | undefined> {
  const { rows } = await client.query<TaskState>(
    `SELECT t.relation_oid AS oid, t.definition, t.high_water AS "highWater", t.row_count AS "rowCount",
       t.checks, t.indexes,
       json_build_object('history', t.history, 'snapshot', t.snapshot::text, 'wal', t.wal::text,
         'knownRun', t.promoted_run) AS point
     FROM edp.tasks t JOIN pg_class c ON c.oid = t.relation_oid
     WHERE t.task = $1 AND t.relation_oid = to_regclass(t.relation)`,
    [task],
  );
  return rows[0];
}

export interface MadeTask {
  readonly task: string;
  readonly kind: TaskKind;
  /** As in SQL. */
  readonly relation: string;
  readonly definition: string;
  readonly sources: readonly string[];
  readonly point: ReadPoint;
  readonly highWater?: string | null;
  readonly rowCount?: number | null;
  readonly checks: readonly string[];
  /** Of a table that was made anew. */
  readonly indexes?: readonly string[];
}

/** Keeps what a task made, in the transaction that made it. */
export async function keepState(client: pg.Client, made: MadeTask): Promise<void> {
  const { point } = made;
  await client.query(
    `INSERT INTO edp.tasks (task, kind, relation, relation_oid, definition, sources, history, snapshot, wal,
       high_water, row_count, checks, indexes, promoted_run)
     SELECT $1, $2, format('%I.%I', n.nspname, c.relname), c.oid, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $3::regclass
     ON CONFLICT (task) DO UPDATE SET kind = excluded.kind, relation = excluded.relation,
       relation_oid = excluded.relation_oid, definition = excluded.definition, sources = excluded.sources,
       history = excluded.history, snapshot = excluded.snapshot, wal = excluded.wal,
       high_water = excluded.high_water, row_count = excluded.row_count, checks = excluded.checks,
       indexes = coalesce(excluded.indexes, tasks.indexes), promoted_run = excluded.promoted_run, made_at = clock_timestamp()`,
    [
      made.task,
      made.kind,
      made.relation,
      made.definition,
      made.sources,
      point.history,
      point.snapshot,
      point.wal,
      made.highWater ?? null,
      made.rowCount ?? null,
      made.checks,
      made.indexes ?? null,
      point.knownRun ?? null,
    ],
  );
}

/** Keeps which checks all rows of a table were asked that is right. */
export async function keepChecks(
  client: pg.Client,
  task: string,
  checks: readonly string[],
): Promise<void> {
  await client.query('UPDATE edp.tasks SET checks = $2 WHERE task = $1', [task, checks]);
}

/** Slices that were held back, with the reason. */
export async function listHeldBack(
  client: pg.Client,
  task: string,
): Promise<{ slice: string; reason: string }[]> {
  const { rows } = await client.query<{ slice: string; reason: string }>(
    'SELECT slice, reason FROM edp.stale_slices WHERE task = $1',
    [task],
  );
  return rows;
}

/** @param made slices that are right now; undefined for all */
export async function keepHeldBack(
  client: pg.Client,
  task: string,
  made: readonly string[] | undefined,
  heldBack: readonly { slice: string; reason: string }[],
): Promise<void> {
  await client.query(
    'DELETE FROM edp.stale_slices WHERE task = $1 AND ($2::text[] IS NULL OR slice = ANY ($2))',
    [task, made ?? null],
  );
  if (heldBack.length === 0) return;
  await client.query(
    `INSERT INTO edp.stale_slices (task, slice, reason)
     SELECT $1, * FROM unnest($2::text[], $3::text[])
     ON CONFLICT (task, slice) DO UPDATE SET reason = excluded.reason`,
    [task, heldBack.map(({ slice }) => slice), heldBack.map(({ reason }) => reason)],
  );
}

/** How many rows a task had made when it last ran; undefined where that is not known. */
export async function findRowCount(client: pg.Client, task: string): Promise<number | undefined> {
  const { rows } = await client.query<{ count: number | null }>(
    'SELECT row_count AS count FROM edp.tasks WHERE task = $1',
    [task],
  );
  return rows[0]?.count ?? undefined;
}

/**
 * @param relation as in SQL, which has this oid
 * @throws EdpError `task_failed` where it was not made by the task
 */
export async function assertOwn(
  client: pg.Client,
  task: string,
  state: TaskState | undefined,
  relation: string,
  oid: number,
): Promise<void> {
  if (state?.oid === oid) return;
  const { rows } = await client.query<{ kind: string; isOwn: boolean }>(
    `SELECT relkind::text AS kind,
       EXISTS (SELECT FROM edp.tasks WHERE task = $1 AND relation_oid = c.oid) AS "isOwn"
     FROM pg_class c WHERE oid = $2`,
    [task, oid],
  );
  const { kind, isOwn } = rows[0]!;
  if (isOwn) return;
  const what = kind === 'v' || kind === 'm' ? 'view' : 'table';
  throw new EdpError('task_failed', `there is a ${what} ${relation} that edp run did not make`, {
    hint: 'rename or drop it, or give the task another name',
  });
}
