/** A view: made where its definition changed; a materialized one is refreshed where what it reads changed. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { readPoint, recordChanges } from '../../ledger/changes.js';
import { quoteColumns, quoteLiteral } from '../../model/ddl.js';
import { formatNotes } from '../../model/notes.js';
import type { Check, Task, ViewTask, Warehouse } from '../../model/warehouse/task.js';
import { checkPublished, toCheckedTable } from '../checks/check-published.js';
import { type CheckOutcome, holdsBack } from '../checks/outcome.js';
import { quoteRelation, readShape } from '../compile/relation-shape.js';
import { carryViews, dropped, dropViews, listGrants, listViews } from './dependents.js';
import { nameOf } from './describe-changes.js';
import { NOTHING } from './make-table.js';
import type { TaskOrders, TaskResult } from './task-results.js';
import { behindViews, findChange, findUntracked } from './task-sources.js';
import { assertOwn, keepState, readState, type TaskState } from './task-state.js';

export async function runView(
  client: pg.Client,
  task: ViewTask,
  { tasks }: Warehouse,
  orders: TaskOrders,
): Promise<Omit<TaskResult, 'seconds'>[]> {
  const { isMaterialized, unique } = task;
  const definition = await viewDefinition(client, task);
  const state = await readState(client, task.name);
  const isNew = state === undefined || state.definition !== definition || orders.full;
  const reason = isNew
    ? state === undefined
      ? 'new'
      : 'its definition changed'
    : isMaterialized
      ? await findReason(client, task, tasks, state)
      : undefined;
  const head = { task: task.name, kind: task.kind, slice: '', rows: NOTHING };
  if (reason === undefined) {
    const checks = await checkView(client, task, state, isMaterialized ? isOfTime : () => true);
    return [{ ...head, state: 'unchanged', reason: undefined, checks }];
  }
  const point = await readPoint(client);
  const view = quoteRelation(task.relation);
  await client.query('SAVEPOINT edp_view');
  if (isNew) await makeView(client, task, state);
  else {
    const concurrently = unique.length > 0 ? 'CONCURRENTLY ' : '';
    await client.query(`REFRESH MATERIALIZED VIEW ${concurrently}${view}`);
  }
  const checks = await checkView(client, task, state, () => true);
  // A plain view has no rows of its own that could be held back.
  if (isMaterialized && state !== undefined && holdsBack(checks)) {
    await client.query('ROLLBACK TO SAVEPOINT edp_view');
    return [{ ...head, state: 'failed', reason, checks, isHeldBack: true }];
  }
  await client.query('RELEASE SAVEPOINT edp_view');
  const relation = await nameOf(client, view);
  const kind = isNew ? ('definition' as const) : ('updated' as const);
  await recordChanges(client, [{ relation, kind }]);
  const rows = isMaterialized ? await countRows(client, view) : 0;
  await keepState(client, {
    task: task.name,
    kind: task.kind,
    relation: view,
    definition,
    sources: task.sources.map((source) => quoteRelation(source.relation)),
    point,
    ...(isMaterialized ? { rowCount: rows } : {}),
  });
  return [
    {
      ...head,
      state: orders.dryRun ? 'would-change' : 'done',
      reason,
      rows: { ...NOTHING, read: rows },
      checks,
    },
  ];
}

function isOfTime({ kind }: Check): boolean {
  return kind === 'fresh' || kind === 'row_count';
}

function checkView(
  client: pg.Client,
  task: ViewTask,
  state: TaskState | undefined,
  isWanted: (check: Check) => boolean,
): Promise<CheckOutcome[]> {
  const checks = task.checks.filter(isWanted);
  return checkPublished(client, { ...toCheckedTable(task), checks }, () => ({
    before: state?.rowCount ?? undefined,
    after: undefined,
  }));
}

/** Changes when anything changes that makes the view: with `*` in it, also the columns that it reads. */
export async function viewDefinition(
  client: pg.Client,
  { relation, sql, isMaterialized, unique, indexes, sources }: ViewTask,
): Promise<string> {
  const shapes: unknown[] = [];
  for (const source of sources) shapes.push([...(await readShape(client, source.relation))]);
  const parts = [relation, sql, isMaterialized, unique, indexes, shapes];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function findReason(
  client: pg.Client,
  { sources }: ViewTask,
  tasks: readonly Task[],
  { point }: TaskState,
): Promise<string | undefined> {
  const all = [...sources, ...behindViews(sources, tasks)];
  const untracked = await findUntracked(client, all);
  return untracked === undefined
    ? findChange(client, all, point)
    : `edp does not load ${untracked}`;
}

async function makeView(
  client: pg.Client,
  task: ViewTask,
  state: TaskState | undefined,
): Promise<void> {
  const view = quoteRelation(task.relation);
  const { rows } = await client.query<{ oid: number | null; kind: string | null }>(
    `SELECT c.oid, c.relkind::text AS kind FROM (SELECT to_regclass($1)::oid AS oid) AS named
     LEFT JOIN pg_class c USING (oid)`,
    [view],
  );
  const { oid, kind } = rows[0]!;
  if (oid !== null) await assertOwn(client, task.name, state, view, oid);
  const above = oid === null ? [] : await listViews(client, oid);
  const grants = oid === null ? [] : await listGrants(client, oid);
  await dropViews(client, above);
  if (oid !== null) {
    await client.query(`DROP ${dropped(kind)} ${view}`);
  }
  const what = `${task.isMaterialized ? 'MATERIALIZED ' : ''}VIEW`;
  await client.query(`CREATE ${what} ${view} AS\n${task.sql}`);
  if (task.unique.length > 0) {
    await client.query(`CREATE UNIQUE INDEX ON ${view} (${quoteColumns(task.unique)})`);
  }
  for (const columns of task.indexes) {
    await client.query(`CREATE INDEX ON ${view} (${quoteColumns(columns)})`);
  }
  const comment = formatNotes(task) || task.question;
  if (comment !== undefined) {
    await client.query(`COMMENT ON ${what} ${view} IS ${quoteLiteral(comment)}`);
  }
  for (const grant of grants) await client.query(grant);
  await carryViews(client, above);
}

async function countRows(client: pg.Client, view: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(`SELECT count(*) FROM ${view}`);
  return rows[0]!.count;
}
