/** Makes the table of a task, or mends it, in the transaction of the caller. */
import type pg from 'pg';
import type { Change } from '../../ledger/changes.js';
import { quoteColumns, quoteIdentifier } from '../../model/ddl.js';
import type { Check, DimensionTask, Relation } from '../../model/warehouse/task.js';
import { printExpr, printSelect } from '../../relational/postgres-sql.js';
import { column, type Select } from '../../relational/tree.js';
import { allPass, checkRows } from '../checks/check-rows.js';
import { publishedRows, stagedRows } from '../checks/checked-rows.js';
import { type CheckOutcome, holdsBack } from '../checks/outcome.js';
import { columnsOf } from '../checks/row-conditions.js';
import {
  AFFECTED,
  type Blueprint,
  NULL_KEY,
  READ,
  type Trace,
  type Within,
} from '../compile/blueprint.js';
import type { KeyReader } from '../compile/key-readers.js';
import { quoteRelation, readShape, type Shape } from '../compile/relation-shape.js';
import { isSlice, sliceText } from '../compile/slice-conditions.js';
import type { DateReader } from '../compile/slice-value.js';
import {
  applyDelta,
  besideStage,
  countDelta,
  DELTA,
  findDelta,
  findOrigins,
  NO_DIFFERENCE,
  STAGE,
} from './delta.js';
import { describeChanges } from './describe-changes.js';
import { findSlices } from './find-slices.js';
import { insertWithIds } from './insert-members.js';
import { insertRows } from './insert-rows.js';
import { makePartitionsFor } from './make-partitions.js';
import { forgetAll, hasIds } from './member-ids.js';
import { insertCounted, readTallies, type Tally } from './slice-tallies.js';
import { createTable, finishTable } from './target-table.js';
import { keepUnknownKeys } from './unknown-keys.js';

export interface SliceRows {
  readonly read: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** Rows that hold an unknown member. */
  readonly unknown: number;
  /** Rows read that have a NULL in a key. */
  readonly nullKey: number;
}

export interface SliceOutcome {
  /** Empty for a table without slices. */
  readonly slice: string;
  readonly rows: SliceRows;
  readonly checks: readonly CheckOutcome[];
  readonly isHeldBack: boolean;
  /** Whether nothing was made there, and something was found out about it. */
  readonly isUntouched?: boolean;
}

export interface Made {
  readonly slices: readonly SliceOutcome[];
  readonly changes: readonly Change[];
  /** Rows more than before. */
  readonly rowChange: number;
  /** Checks of columns that rows have in the table alone, such as the id of a dimension. */
  readonly unchecked: readonly Check[];
  /** Names of the indexes of a table that is made anew. */
  readonly indexes?: readonly string[];
}

export interface Making {
  readonly blueprint: Blueprint;
  readonly checks: readonly Check[];
  readonly comment: string | undefined;
  /** Of the table that is made. */
  readonly readers: readonly DateReader[];
  readonly keyReaders: readonly KeyReader[];
  /** The table that is replaced. */
  readonly replaces?: Relation;
  /** A table, mostly the same: ids of its members stay. */
  readonly idsFrom?: Relation;
  /** Where members have ids until there is a table. */
  readonly idsOf?: DimensionTask['idsOf'];
}

export const NOTHING: SliceRows = {
  read: 0,
  inserted: 0,
  updated: 0,
  deleted: 0,
  unknown: 0,
  nullKey: 0,
};

/** Makes the table without rows. */
export async function makeEmpty(client: pg.Client, { blueprint, comment }: Making): Promise<Made> {
  await createTable(client, blueprint, blueprint.relation);
  await finishTable(client, blueprint, blueprint.relation, comment);
  await keepUnknownKeys(client, blueprint, 'all', [], quoteRelation(blueprint.relation));
  return {
    slices: [],
    changes: [{ relation: '', kind: 'definition' }],
    rowChange: 0,
    unchecked: [],
  };
}

/** Makes the table anew, where none is. The relation of its changes is left to the caller. */
export async function makeNew(client: pg.Client, making: Making): Promise<Made> {
  const { blueprint, checks, comment, idsFrom, replaces } = making;
  await createTable(client, blueprint, blueprint.relation);
  if (hasIds(blueprint) && idsFrom === undefined) await forgetAll(client, blueprint);
  const { relation } = blueprint;
  const table = quoteRelation(relation);
  if (blueprint.partitions !== undefined) {
    await makePartitionsFor(client, blueprint, await findSlices(client, blueprint));
  }
  let tallies: Tally[];
  if (blueprint.isCounted) {
    tallies = await insertCounted(client, blueprint);
  } else {
    const { rowCount } =
      hasIds(blueprint) && idsFrom !== undefined
        ? await insertWithIds(client, blueprint, idsFrom)
        : await insertRows(client, blueprint);
    const [count] = await countRead(client, blueprint, 'all');
    tallies = [{ slice: '', rows: rowCount ?? 0, unknown: 0, ...count! }];
  }
  const checked = await publishedRows(client, blueprint);
  const found = await checkRows(client, checks, { ...checked, relation: replaces ?? relation });
  const slices = tallies.map(({ slice, read, nullKey, rows: inserted, unknown }) =>
    toOutcome(slice, { ...NOTHING, read, nullKey, inserted, unknown }, found, checks),
  );
  const heldBack = slices.filter((each) => each.isHeldBack).map(({ slice }) => slice);
  if (heldBack.length > 0) await removeSlices(client, blueprint, heldBack);
  await finishTable(client, blueprint, blueprint.relation, comment);
  await keepUnknownKeys(client, blueprint, 'all', tallies, table);
  const inserted = slices
    .filter((each) => !each.isHeldBack)
    .reduce((sum, each) => sum + each.rows.inserted, 0);
  return {
    slices,
    changes: [
      { relation: '', kind: 'definition' },
      ...(inserted > 0 ? [{ relation: '', kind: 'inserted' as const, rows: inserted }] : []),
    ],
    rowChange: inserted,
    unchecked: [],
  };
}

function toOutcome(
  slice: string,
  rows: SliceRows,
  found: ReadonlyMap<string, CheckOutcome[]>,
  wanted: readonly Check[],
): SliceOutcome {
  const checks = found.get(slice) ?? allPass(wanted);
  const isHeldBack = holdsBack(checks);
  return {
    slice,
    rows: isHeldBack ? { ...rows, inserted: 0, updated: 0, deleted: 0 } : rows,
    checks,
    isHeldBack,
  };
}

async function countRead(
  client: pg.Client,
  blueprint: Blueprint,
  within: Within,
  trace?: Trace,
): Promise<{ read: number; nullKey: number }[]> {
  if (blueprint.counts === undefined) return [{ read: 0, nullKey: 0 }];
  const { rows } = await client.query<{ read: number; nullKey: number }>(
    `SELECT sum(${READ})::bigint AS read, sum(${NULL_KEY})::bigint AS "nullKey"
     FROM (\n${printSelect(blueprint.counts(within, trace))}\n) AS counted`,
  );
  return rows;
}

async function removeSlices(
  client: pg.Client,
  { relation, slice }: Blueprint,
  slices: readonly string[],
): Promise<void> {
  const where =
    slice === undefined ? 'true' : printExpr(isSlice(column(slice.column), slice.type, slices));
  await client.query(`DELETE FROM ${quoteRelation(relation)} WHERE ${where}`);
}

/** Compares the table with what it is to be, and mends it. */
export async function makeDelta(
  client: pg.Client,
  making: Making,
  ordered: Within,
  trace?: Trace,
): Promise<Made> {
  const { blueprint, checks, readers, keyReaders } = making;
  const types = await readShape(client, blueprint.relation);
  const within = await fillStage(client, blueprint, types, ordered, trace);
  const tallies = blueprint.isCounted
    ? await readTallies(client, blueprint, STAGE)
    : (await countRead(client, blueprint, within, trace)).map((count) => ({
        slice: '',
        rows: 0,
        unknown: 0,
        ...count,
      }));
  const staged = await stagedRows(client, blueprint, besideStage(blueprint, within, types));
  const isStaged = (check: Check) => columnsOf(check).every((name) => staged.shape.has(name));
  const wanted = checks.filter(isStaged);
  const found = await checkRows(client, wanted, staged);
  const heldBack = [...found].flatMap(([slice, outcomes]) => (holdsBack(outcomes) ? [slice] : []));
  const rest = await takeOut(client, blueprint, within, heldBack);
  let difference = NO_DIFFERENCE;
  if (rest !== undefined) {
    // Slices that a check holds back may have such keys.
    if (blueprint.mayRepeatKey) {
      await client.query(`CREATE UNIQUE INDEX ON ${STAGE} (${quoteColumns(blueprint.key)})`);
    }
    difference = await findDelta(client, blueprint, types, rest);
  }
  const isEqual = difference.size === 0;
  const counts = isEqual ? [] : await countDelta(client, blueprint, difference);
  const changes = isEqual
    ? []
    : await describeChanges(client, blueprint, readers, keyReaders, types, difference);
  if (!isEqual) await applyDelta(client, blueprint, types, difference);
  if (rest !== undefined) await keepUnknownKeys(client, blueprint, rest, tallies, STAGE);
  const names = new Set([
    ...(typeof within === 'object' ? within.slices : blueprint.slice === undefined ? [''] : []),
    ...tallies.map(({ slice }) => slice),
    ...counts.map(({ slice }) => slice ?? ''),
  ]);
  const tallied = new Map(tallies.map((tally) => [tally.slice, tally]));
  const counted = new Map(counts.map((count) => [count.slice ?? '', count]));
  const slices = [...names].sort().map((slice) => {
    const { read = 0, nullKey = 0, unknown = 0 } = tallied.get(slice) ?? {};
    const { inserted = 0, updated = 0, deleted = 0 } = counted.get(slice) ?? {};
    return toOutcome(slice, { read, nullKey, unknown, inserted, updated, deleted }, found, wanted);
  });
  const rowChange = slices.reduce((sum, { rows }) => sum + rows.inserted - rows.deleted, 0);
  return { slices, changes, rowChange, unchecked: checks.filter((check) => !isStaged(check)) };
}

/**
 * Rows as they are to be. A row that moved takes the slice along that it stood in: else nobody would notice
 * that it is in both.
 *
 * @returns what is made
 */
async function fillStage(
  client: pg.Client,
  blueprint: Blueprint,
  types: Shape,
  within: Within,
  trace: Trace | undefined,
): Promise<Within> {
  await client.query(`DROP TABLE IF EXISTS ${STAGE}, ${DELTA}, pg_temp.${AFFECTED}`);
  if (within === 'keys') await fillAffected(client, blueprint.affected!(trace!));
  await client.query(
    `CREATE TEMP TABLE edp_stage ON COMMIT DROP AS\n${printSelect(blueprint.rows(within))}`,
  );
  await client.query(`ANALYZE ${STAGE}`);
  const origins = await findOrigins(client, blueprint, types, within);
  if (typeof within === 'object' && origins.length > 0) {
    const slices = [...within.slices, ...origins];
    return fillStage(client, blueprint, types, { slices }, trace);
  }
  return within;
}

async function fillAffected(client: pg.Client, query: Select): Promise<void> {
  await client.query(`CREATE TEMP TABLE ${AFFECTED} ON COMMIT DROP AS\n${printSelect(query)}`);
  await client.query(`ANALYZE pg_temp.${AFFECTED}`);
}

/** Leaves out slices that a check holds back. @returns what is left; undefined for nothing */
async function takeOut(
  client: pg.Client,
  { slice, relation }: Blueprint,
  within: Within,
  heldBack: readonly string[],
): Promise<Within | undefined> {
  if (heldBack.length === 0) return within;
  if (slice === undefined) return undefined;
  const isHeldBack = printExpr(isSlice(column(slice.column), slice.type, heldBack));
  await client.query(`DELETE FROM ${STAGE} WHERE ${isHeldBack}`);
  if (typeof within === 'object') {
    return { slices: within.slices.filter((each) => !heldBack.includes(each)) };
  }
  const of = sliceText(quoteIdentifier(slice.column));
  const { rows } = await client.query<{ slice: string }>(
    `SELECT DISTINCT ${of} AS slice FROM ${STAGE} UNION SELECT DISTINCT ${of} FROM ${quoteRelation(relation)}`,
  );
  const all = rows.map((row) => row.slice);
  return { slices: all.filter((each) => !heldBack.includes(each)) };
}
