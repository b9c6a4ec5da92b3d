/** A change of a table, that is taken back where a check of the whole table fails. */
import type pg from 'pg';
import type { Check, Task } from '../../model/warehouse/task.js';
import { allPass, checkRows } from '../checks/check-rows.js';
import { publishedRows } from '../checks/checked-rows.js';
import { ofItself } from '../checks/lost-parents.js';
import { type CheckedRows, type CheckOutcome, holdsBack } from '../checks/outcome.js';
import {
  checkTable,
  countRows,
  isTableCheck,
  type RowCounts,
  type TableCheck,
} from '../checks/table-checks.js';
import { type Made, type Making, NOTHING, type SliceOutcome } from './make-table.js';
import { replaceTable } from './swap.js';
import type { TaskState } from './task-state.js';

export interface Change {
  readonly task: Task;
  readonly making: Making;
  readonly state: TaskState | undefined;
  /** Whether the table is made anew. */
  readonly isNew: boolean;
  /** Whether the table that is there has the same columns. */
  readonly isSameDefinition: boolean;
  /** Whether the table that is there has some dates only, since others were not ordered or nothing passed. */
  readonly isIncomplete: boolean;
  /** Checks of rows that may fail for rows that do not change. */
  readonly ofAllRows: readonly Check[];
  make(): Promise<Made>;
}

export interface CheckedMade extends Made {
  /** Of the whole table; they are among those of each slice, too. */
  readonly tableChecks: readonly CheckOutcome[];
  readonly isTakenBack: boolean;
}

export async function makeChecked(client: pg.Client, change: Change): Promise<CheckedMade> {
  const { task, making, state, isNew } = change;
  const checks = task.checks.filter(isTableCheck);
  const before = await countBefore(client, change);
  await client.query('SAVEPOINT edp_change');
  const made = await change.make();
  const rows = await publishedRows(client, making.blueprint);
  const rowCount = (isNew ? 0 : (state?.rowCount ?? 0)) + made.rowChange;
  const tableChecks = await checkWhole(client, checks, made.unchecked, rows, (check) => ({
    before: before.get(check),
    after: check.where === undefined ? rowCount : undefined,
  }));
  const isWholeTable = making.blueprint.slice === undefined;
  const isHeldBack = isWholeTable && isNew && made.slices.some((each) => each.isHeldBack);
  if (holdsBack(tableChecks) || (isHeldBack && state !== undefined)) {
    await client.query('ROLLBACK TO SAVEPOINT edp_change');
    return takenBack(client, change, made, tableChecks);
  }
  const slices = isNew ? made.slices : await addOfAllRows(client, change, made, rows);
  await client.query('RELEASE SAVEPOINT edp_change');
  return { ...made, slices: withChecks(slices, tableChecks), tableChecks, isTakenBack: false };
}

async function countBefore(
  client: pg.Client,
  { task, making, state, isSameDefinition, isIncomplete }: Change,
): Promise<ReadonlyMap<Check, number>> {
  const counts = new Map<Check, number>();
  if (state === undefined || isIncomplete) return counts;
  for (const check of task.checks) {
    if (check.kind !== 'row_count' || check.change === undefined) continue;
    if (check.where === undefined) {
      if (state.rowCount !== null) counts.set(check, state.rowCount);
    } else if (isSameDefinition) {
      const { from } = await publishedRows(client, making.blueprint);
      counts.set(check, await countRows(client, check, from));
    }
  }
  return counts;
}

async function checkWhole(
  client: pg.Client,
  checks: readonly TableCheck[],
  ofRows: readonly Check[],
  rows: CheckedRows,
  countsOf: (check: Check) => RowCounts,
): Promise<CheckOutcome[]> {
  const { slice: _, ...whole } = rows;
  const outcomes: CheckOutcome[] = [];
  const late = ofRows.filter((check) => !isTableCheck(check));
  if (late.length > 0) {
    outcomes.push(...((await checkRows(client, late, whole)).get('') ?? allPass(late)));
  }
  for (const check of checks) {
    outcomes.push(await checkTable(client, check, rows, countsOf(check)));
  }
  return outcomes.map((outcome) => ({ ...outcome, isOfTable: true }));
}

/** The table is as it was; one that was not there is made without rows, for what reads it. */
async function takenBack(
  client: pg.Client,
  { making, state }: Change,
  made: Made,
  tableChecks: readonly CheckOutcome[],
): Promise<CheckedMade> {
  const empty = state === undefined ? await replaceTable(client, state, making, true) : undefined;
  const none: SliceOutcome = { slice: '', rows: NOTHING, checks: [], isHeldBack: true };
  const slices = (made.slices.length === 0 ? [none] : made.slices).map((each) => ({
    ...each,
    rows: { ...each.rows, inserted: 0, updated: 0, deleted: 0 },
    isHeldBack: true,
  }));
  return {
    slices: withChecks(slices, tableChecks),
    changes: empty?.changes ?? [],
    rowChange: 0,
    unchecked: [],
    tableChecks,
    isTakenBack: true,
  };
}

function withChecks(
  slices: readonly SliceOutcome[],
  tableChecks: readonly CheckOutcome[],
): SliceOutcome[] {
  return slices.map((slice) => ({ ...slice, checks: [...slice.checks, ...tableChecks] }));
}

/** What checks find in rows that were published before is reported, as these stay. */
async function addOfAllRows(
  client: pg.Client,
  { task, ofAllRows }: Change,
  made: Made,
  rows: CheckedRows,
): Promise<readonly SliceOutcome[]> {
  const own = made.changes.some(({ kind }) => kind === 'deleted') ? ofItself(task) : [];
  const checks = [...new Set([...ofAllRows, ...own])];
  if (checks.length === 0) return made.slices;
  const found = await checkRows(client, checks, rows);
  const slices = made.slices.map((each) =>
    each.isHeldBack ? each : { ...each, checks: replaced(each.checks, found.get(each.slice)) },
  );
  const others = [...found]
    .filter(([slice]) => !slices.some((each) => each.slice === slice))
    .map(([slice, outcomes]) => ({ slice, checks: outcomes.filter(({ ok }) => !ok) }))
    .filter((each) => each.checks.length > 0)
    .map((each) => ({ ...each, rows: NOTHING, isHeldBack: false, isUntouched: true }));
  return [...slices, ...others];
}

function replaced(
  checks: readonly CheckOutcome[],
  found: readonly CheckOutcome[] = [],
): readonly CheckOutcome[] {
  return checks.map((check) => found.find(({ name }) => name === check.name) ?? check);
}
