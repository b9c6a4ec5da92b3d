/** One task of a run: finds out what is stale, and makes it right in one transaction. */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { type ReadPoint, readPoint, recordChanges } from '../../ledger/changes.js';
import { quoteIdentifier } from '../../model/ddl.js';
import { formatNotes } from '../../model/notes.js';
import type { Check, Task, Warehouse } from '../../model/warehouse/task.js';
import { askedChecks, listUnasked } from '../checks/asked-checks.js';
import { keepFailures } from '../checks/check-failures.js';
import { checkPublished, toCheckedTable } from '../checks/check-published.js';
import { withLostParents } from '../checks/lost-parents.js';
import { type CheckOutcome, isError, isStopping } from '../checks/outcome.js';
import { withReadableChecks } from '../checks/readable-checks.js';
import { isOfTime, isTableCheck } from '../checks/table-checks.js';
import {
  type CompiledTask,
  compileTask,
  keyReadersOf,
  readersOf,
  type TableTask,
} from '../compile/compile-task.js';
import { quoteRelation, type Shape } from '../compile/relation-shape.js';
import { type CheckedMade, makeChecked } from './checked-change.js';
import { explainTaskFault } from './explain-fault.js';
import { findWork, narrow } from './find-work.js';
import { type Made, makeDelta, NOTHING, type SliceOutcome } from './make-table.js';
import { runView } from './run-view.js';
import { EVERY_SLICE } from './slice-list.js';
import { everything, type Work } from './staleness.js';
import { replaceTable } from './swap.js';
import { whileNoSwap } from './swap-lock.js';
import { keepResults, type TaskOrders, type TaskResult } from './task-results.js';
import { relationsOf } from './task-sources.js';
import {
  keepChecks,
  keepHeldBack,
  keepState,
  listHeldBack,
  readState,
  type TaskState,
} from './task-state.js';

/** What another run brings about: the task is tried again. */
const RACES = ['40001', '40P01'];
/** What may have other causes: a view was made on the table meanwhile, or a table is another one now. */
const PERHAPS_RACES = ['2BP01', '42P01', '42P07', '42704', '42809', 'XX000'];
const ATTEMPTS = 8;
const PERHAPS_ATTEMPTS = 4;
const PAUSE_MS = 150;

/**
 * Runs a task, with all that is stale of it in one transaction, under the lock of the task.
 *
 * @param client in no transaction, unless it is a dry run
 */
export async function runTask(
  client: pg.Client,
  task: Task,
  warehouse: Warehouse,
  orders: TaskOrders,
  runId: number,
): Promise<TaskResult[]> {
  const startedAt = performance.now();
  const lock = [`edp task ${task.name}`];
  await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', lock);
  try {
    for (let attempt = 1; ; attempt++) {
      const run = () =>
        inTransaction(client, orders.dryRun, task, () =>
          work(client, task, warehouse, orders, runId, startedAt),
        );
      try {
        // What lost a race is not disturbed once more.
        return await (attempt === 1 ? run() : whileNoSwap(client, run));
      } catch (error) {
        if (!isRace(error, attempt, orders.dryRun)) {
          throw await explainTaskFault(client, error, task, orders.dryRun);
        }
        // The other run may be about to make more views.
        await delay(PAUSE_MS * attempt * (0.5 + Math.random()));
      }
    }
  } finally {
    await client.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', lock).catch(() => {});
  }
}

function isRace(error: unknown, attempt: number, dryRun: boolean): boolean {
  const { code = '', schema } = error as { code?: string; schema?: string };
  if (RACES.includes(code)) return attempt < ATTEMPTS;
  // Two that make a thing of one name at once.
  const isOfCatalog = code === '23505' && schema === 'pg_catalog';
  const isPerhaps = PERHAPS_RACES.includes(code) || isOfCatalog;
  return isPerhaps && attempt <= PERHAPS_ATTEMPTS && !dryRun;
}

/** A dry run is one transaction, that is rolled back at its end. */
async function inTransaction<T>(
  client: pg.Client,
  dryRun: boolean,
  task: Task,
  run: () => Promise<T>,
): Promise<T> {
  if (dryRun) {
    await client.query('SAVEPOINT edp_task');
    try {
      return await run();
    } catch (error) {
      await client.query('ROLLBACK TO SAVEPOINT edp_task');
      throw error;
    }
  }
  const sources = await listLockable(client, task);
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  try {
    await lockSources(client, sources);
    const result = await run();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** Materialized views cannot be locked; they show to all what they have. */
async function listLockable(client: pg.Client, task: Task): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT DISTINCT name FROM unnest($1::text[]) AS name JOIN pg_class c ON c.oid = to_regclass(name)
     WHERE c.relkind IN ('r', 'p', 'v') ORDER BY 1`,
    [relationsOf(task).map(quoteRelation)],
  );
  return rows.map(({ name }) => name);
}

/**
 * Before the transaction has its snapshot: a table that takes the place of another while this waits for it
 * has no rows for a snapshot that is older.
 */
async function lockSources(client: pg.Client, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await client.query(`LOCK TABLE ${names.join(', ')} IN ACCESS SHARE MODE`);
}

async function work(
  client: pg.Client,
  declared: Task,
  warehouse: Warehouse,
  orders: TaskOrders,
  runId: number,
  startedAt: number,
): Promise<TaskResult[]> {
  const { task, isPutOff } = await withReadableChecks(client, declared);
  const results =
    task.kind === 'view'
      ? await runView(client, task, warehouse, orders)
      : await runTable(client, task, warehouse, orders);
  const seconds = (performance.now() - startedAt) / 1000;
  const timed = results.map((result) => ({
    ...result,
    seconds: seconds / results.length,
    isPutOff,
  }));
  await keepResults(client, runId, timed);
  await keepFailures(client, runId, timed);
  return timed;
}

async function runTable(
  client: pg.Client,
  task: TableTask,
  warehouse: Warehouse,
  orders: TaskOrders,
): Promise<Omit<TaskResult, 'seconds'>[]> {
  const compiled = await compileTask(client, task, warehouse);
  const state = await readState(client, task.name);
  const isOrdered = orders.slices !== undefined && compiled.blueprint.slice !== undefined;
  const isNew =
    state === undefined || state.definition !== compiled.definition || (orders.full && !isOrdered);
  // Of a table that is there, readers would lose the other dates.
  const isPart = isOrdered && (!isNew || state === undefined);
  const stale = isNew
    ? everything(reasonOfNew(state, compiled.definition))
    : await findWork(client, task, compiled, state, warehouse);
  const kept = await listHeldBack(client, task.name);
  const heldBack = isNew ? [] : kept;
  const wanted = isNew ? stale : narrow(compiled.blueprint, stale, heldBack, orders);
  const lost =
    isNew || task.checks.length === 0
      ? []
      : await withLostParents(client, task, warehouse.tasks, state.point);
  const unasked = isNew ? [] : listUnasked(task, state!.checks);
  if (wanted === undefined) return [await checkUnchanged(client, task, state!, lost, unasked)];
  const point = await readPoint(client);
  const making = {
    blueprint: compiled.blueprint,
    checks: task.checks,
    comment: formatNotes(task) || undefined,
    readers: readersOf(task.name, warehouse.tasks),
    keyReaders: keyReadersOf(task.name, warehouse.tasks),
    ...('idsOf' in task && task.idsOf !== undefined ? { idsOf: task.idsOf } : {}),
  };
  const make = async (): Promise<Made> => {
    if (!isNew) return makeDelta(client, making, wanted.within, wanted.trace);
    const whole = await replaceTable(client, state, making, isPart);
    if (!isPart) return whole;
    const part = narrow(compiled.blueprint, undefined, [], orders)!;
    const filled = await makeDelta(client, making, part.within);
    return { ...filled, changes: [...whole.changes, ...filled.changes] };
  };
  const isSameDefinition = state?.definition === compiled.definition;
  const made = await makeChecked(client, {
    task,
    making,
    state,
    isNew,
    isSameDefinition,
    isIncomplete: kept.some(({ slice }) => slice === EVERY_SLICE),
    ofAllRows: [...new Set([...lost, ...unasked])].filter((check) => !isTableCheck(check)),
    make,
  });
  await recordChanges(client, made.changes);
  await keepOutcome(client, task, compiled, { made, state, isNew, isPart, unasked, wanted, point });
  // What had been read before is read again each time.
  if (
    wanted.isLook === true &&
    made.changes.length === 0 &&
    !made.slices.some(({ isHeldBack }) => isHeldBack)
  ) {
    const failing = made.slices.flatMap((each) => each.checks).filter(isError);
    const others = failing.filter(({ isOfTable }) => isOfTable !== true);
    return [{ ...unchanged(task), checks: [...made.tableChecks, ...others] }];
  }
  return toResults(task, made, wanted, orders.dryRun);
}

function reasonOfNew(state: TaskState | undefined, definition: string): string {
  if (state === undefined) return 'new';
  return state.definition === definition ? '--full' : 'its definition changed';
}

interface Outcome {
  readonly made: CheckedMade;
  readonly state: TaskState | undefined;
  readonly isNew: boolean;
  /** Whether only some dates were ordered. */
  readonly isPart: boolean;
  /** Checks that were declared since the last run. */
  readonly unasked: readonly Check[];
  readonly wanted: Work;
  readonly point: ReadPoint;
}

async function keepOutcome(
  client: pg.Client,
  task: TableTask,
  { definition, blueprint, shape }: CompiledTask,
  { made, state, isNew, isPart, unasked, wanted, point }: Outcome,
): Promise<void> {
  // The table before stays, and is still another one than the declared one.
  if (made.isTakenBack && isNew && state !== undefined) return;
  await keepState(client, {
    task: task.name,
    kind: task.kind,
    relation: quoteRelation(blueprint.relation),
    definition,
    sources: relationsOf(task).map(quoteRelation),
    // What else is stale is found again, from the point before.
    point: isPart && !isNew ? state!.point : point,
    highWater: await findHighWater(client, task, shape),
    rowCount: (isNew ? 0 : (state?.rowCount ?? 0)) + made.rowChange,
    checks: askedChecks(
      task,
      unasked,
      made.slices.flatMap(({ isHeldBack, checks }) => (isHeldBack ? [] : checks)),
    ),
    ...(made.indexes === undefined ? {} : { indexes: made.indexes }),
  });
  const slices = typeof wanted.within === 'object' ? wanted.within.slices : undefined;
  const heldBack = made.slices
    .filter(({ isHeldBack }) => isHeldBack)
    .map(({ slice, checks }) => ({ slice, reason: `held back by ${namesOfFailed(checks)}` }));
  const isIncomplete = isNew && (isPart || made.isTakenBack);
  const rest = isIncomplete ? [{ slice: EVERY_SLICE, reason: 'new' }] : [];
  await keepHeldBack(client, task.name, slices, [...heldBack, ...rest]);
}

/** Types with values that nothing comes behind. */
const WITH_INFINITY = /^(date|timestamp|numeric|real|double)\b/;

/** The last value of the column by which new rows of a foreign source are found; infinity is read each time. */
async function findHighWater(
  client: pg.Client,
  task: TableTask,
  shape: Shape,
): Promise<string | null> {
  if (task.kind !== 'silver' || task.incrementalBy === undefined) return null;
  const { column } = task.incrementalBy;
  const name = quoteIdentifier(column);
  // NaN is behind infinity. numeric(5, 2) has none.
  const type = shape.get(column)?.replace(/\(.*?\)/, '') ?? '';
  const finite = WITH_INFINITY.test(type) ? `WHERE ${name} < CAST('infinity' AS ${type})` : '';
  const { rows } = await client.query<{ last: string | null }>(
    `SELECT max(${name})::text AS last FROM ${quoteRelation(task.source.relation)} ${finite}`,
  );
  return rows[0]!.last;
}

function namesOfFailed(checks: readonly CheckOutcome[]): string {
  return checks
    .filter(isStopping)
    .map(({ name }) => name)
    .join(', ');
}

/** What time brings about, and what others did, is found out whether or not there is anything to do. */
async function checkUnchanged(
  client: pg.Client,
  task: TableTask,
  { rowCount }: TaskState,
  lost: readonly Check[],
  unasked: readonly Check[],
): Promise<Omit<TaskResult, 'seconds'>> {
  const checks = task.checks.filter(
    (check) => isOfTime(check) || lost.includes(check) || unasked.includes(check),
  );
  const outcomes = await checkPublished(
    client,
    { ...toCheckedTable(task), checks },
    ({ where }) => ({
      before: undefined,
      after: where === undefined && rowCount !== null ? rowCount : undefined,
    }),
  );
  if (unasked.length > 0) {
    await keepChecks(client, task.name, askedChecks(task, unasked, outcomes));
  }
  return { ...unchanged(task), checks: outcomes };
}

function unchanged({ name, kind }: Task): Omit<TaskResult, 'seconds'> {
  const rows = NOTHING;
  return { task: name, kind, slice: '', state: 'unchanged', reason: undefined, rows, checks: [] };
}

function toResults(
  { name, kind }: TableTask,
  made: CheckedMade,
  { reason, reasons, within }: Work,
  dryRun: boolean,
): Omit<TaskResult, 'seconds'>[] {
  const isEmpty = ({ rows }: SliceOutcome) => rows.read + rows.inserted + rows.deleted === 0;
  // Of a range, days without anything are no news.
  const isMany = typeof within === 'object' && within.slices.length > 1;
  const isNews = (slice: SliceOutcome) =>
    !isMany || reasons.size > 0 || !isEmpty(slice) || slice.isUntouched === true;
  const slices = made.slices.filter(isNews);
  if (slices.length === 0) {
    const isMade = made.changes.length > 0;
    const state = isMade ? (dryRun ? 'would-change' : 'done') : 'unchanged';
    return [{ ...unchanged({ name, kind } as Task), state, reason, checks: made.tableChecks }];
  }
  return slices.map(({ slice, rows, checks, isHeldBack, isUntouched }) => ({
    task: name,
    kind,
    slice,
    state: isHeldBack
      ? 'failed'
      : isUntouched === true
        ? 'unchanged'
        : dryRun
          ? 'would-change'
          : 'done',
    reason: reasons.get(slice) ?? reason,
    rows,
    checks,
    isHeldBack,
  }));
}
