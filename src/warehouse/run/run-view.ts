/** A view: made where its definition changed; a materialized one is refreshed where what it reads changed. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { readPoint, recordChanges } from '../../ledger/changes.js';
import { quoteColumns, quoteLiteral } from '../../model/ddl.js';
import { formatNotes } from '../../model/notes.js';
import type { Check, Relation, Task, ViewTask, Warehouse } from '../../model/warehouse/task.js';
import { askedChecks, listUnasked } from '../checks/asked-checks.js';
import { checkPublished, toCheckedTable } from '../checks/check-published.js';
import { type CheckOutcome, holdsBack } from '../checks/outcome.js';
import { isOfTime } from '../checks/table-checks.js';
import { quoteRelation, readSource } from '../compile/relation-shape.js';
import { nameOf } from './describe-changes.js';
import { NOTHING } from './make-table.js';
import { findRelation, listIndexes, nextName, swapIn } from './swap.js';
import type { TaskOrders, TaskResult } from './task-results.js';
import { behindViews, findChange, findMoment, findUntracked } from './task-sources.js';
import { assertOwn, keepChecks, keepState, readState, type TaskState } from './task-state.js';

export async function runView(
  client: pg.Client,
  task: ViewTask,
  { tasks }: Warehouse,
  orders: TaskOrders,
): Promise<Omit<TaskResult, 'seconds'>[]> {
  const { isMaterialized, unique } = task;
  const definition = await viewDefinition(client, task);
  const state = await readState(client, task.name);
  const renewal = await findRenewal(client, task, definition, state, orders);
  const isNew = renewal !== undefined;
  const reason = isNew || !isMaterialized ? renewal : await findReason(client, task, tasks, state!);
  const head = { task: task.name, kind: task.kind, slice: '', rows: NOTHING };
  if (reason === undefined) {
    const unasked = listUnasked(task, state!.checks);
    const isAsked = (check: Check) => isOfTime(check) || unasked.includes(check);
    const checks = await checkView(client, task, state, isMaterialized ? isAsked : () => true);
    if (unasked.length > 0) {
      await keepChecks(client, task.name, askedChecks(task, unasked, checks));
    }
    return [{ ...head, state: 'unchanged', reason: undefined, checks }];
  }
  const point = await readPoint(client);
  const view = quoteRelation(task.relation);
  await client.query('SAVEPOINT edp_view');
  // Readers of a view without a unique index would wait while it is refreshed.
  const indexes = isNew || unique.length === 0 ? await makeView(client, task, state) : undefined;
  if (indexes === undefined) {
    await client.query(`REFRESH MATERIALIZED VIEW CONCURRENTLY ${view}`);
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
    checks: askedChecks(task, [], []),
    ...(indexes === undefined ? {} : { indexes }),
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

/** @returns why it is made anew */
async function findRenewal(
  client: pg.Client,
  task: ViewTask,
  definition: string,
  state: TaskState | undefined,
  { full }: TaskOrders,
): Promise<string | undefined> {
  if (state === undefined) return 'new';
  if (state.definition !== definition) return 'its definition changed';
  if (full) return '--full';
  return (await readsOthers(client, task)) ? 'a table that it reads is another one' : undefined;
}

/** A view stays with a table that is renamed; it does not turn to the one that has the name now. */
async function readsOthers(client: pg.Client, { relation, sources }: ViewTask): Promise<boolean> {
  const { rows } = await client.query<{ others: boolean }>(
    `SELECT EXISTS (
       SELECT FROM unnest($2::text[]) AS name JOIN pg_class c ON c.oid = to_regclass(name)
       WHERE c.relnamespace <> ALL ('{pg_catalog,information_schema}'::regnamespace[]) AND NOT EXISTS (
         SELECT FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
         WHERE d.classid = 'pg_rewrite'::regclass AND r.ev_class = to_regclass($1) AND d.refobjid = c.oid)
     ) AS others`,
    [quoteRelation(relation), sources.map((source) => quoteRelation(source.relation))],
  );
  return rows[0]!.others;
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
  for (const source of sources) shapes.push([...(await readSource(client, source))]);
  const parts = [relation, sql, isMaterialized, unique, indexes, shapes];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function findReason(
  client: pg.Client,
  task: ViewTask,
  tasks: readonly Task[],
  { point }: TaskState,
): Promise<string | undefined> {
  const moment = findMoment(task, tasks);
  if (moment !== undefined) return moment;
  const { sources } = task;
  const all = [...sources, ...behindViews(sources, tasks)];
  const untracked = await findUntracked(client, all);
  return untracked === undefined
    ? findChange(client, all, point)
    : `edp does not load ${untracked}`;
}

/** @returns names of its indexes */
async function makeView(
  client: pg.Client,
  task: ViewTask,
  state: TaskState | undefined,
): Promise<string[]> {
  const { relation } = task;
  const view = quoteRelation(relation);
  const oid = await findRelation(client, view);
  if (oid === undefined) {
    await createView(client, task, relation);
    return listIndexes(client, view);
  }
  await assertOwn(client, task.name, state, view, oid);
  const next = { ...relation, name: nextName(relation.name) };
  await createView(client, task, next);
  return swapIn(client, relation, next, oid, state);
}

async function createView(client: pg.Client, task: ViewTask, as: Relation): Promise<void> {
  const view = quoteRelation(as);
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
}

async function countRows(client: pg.Client, view: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(`SELECT count(*) FROM ${view}`);
  return rows[0]!.count;
}
