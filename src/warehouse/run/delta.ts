/** The difference between a table and what it is to be, and the three statements that make it so. */
import type pg from 'pg';
import { quoteColumns, quoteIdentifier } from '../../model/ddl.js';
import { printExpr } from '../../relational/postgres-sql.js';
import {
  all,
  binary,
  call,
  cast,
  column,
  type Expr,
  type From,
  same,
  some,
} from '../../relational/tree.js';
import { affectedBy, type Blueprint, dataColumns, type Within } from '../compile/blueprint.js';
import { unknownId } from '../compile/fact-rows.js';
import { isAffected } from '../compile/key-conditions.js';
import { isSameWhereEqual, quoteRelation, type Shape } from '../compile/relation-shape.js';
import { isSlice, sliceText } from '../compile/slice-conditions.js';
import { makePartitionsFor, slicesIn } from './make-partitions.js';
import {
  forgetBack,
  hasIds,
  idFromBefore,
  isAnyGone,
  joinGone,
  keepIds,
  nextId,
} from './member-ids.js';
import { assertNoGap } from './version-constraints.js';

/** Temporary tables: rows as they are to be; places of rows that differ, before and after. */
export const STAGE = 'pg_temp.edp_stage';
export const DELTA = 'pg_temp.edp_delta';

/** More rows than these are found by reading the whole table. */
const MAX_PLACES = 1_000_000;
/** More slices than these are not listed for the planner. */
const MAX_SLICES = 1000;

export interface Difference {
  /** In rows. */
  readonly size: number;
  /** SQL of a condition for `made`: the partitions in which rows are replaced. */
  readonly within: string;
  /** Whether places are listed for the planner, who looks for each of them in each of these partitions. */
  readonly hasPlaces: boolean;
}

export const NO_DIFFERENCE: Difference = { size: 0, within: '', hasPlaces: false };

/**
 * Rows of the table that the difference `d` replaces, called `made`, and which is which, as a join has it. They are
 * read where they are: the planner would read the whole table for them.
 */
export function replacedRows(blueprint: Blueprint, difference: Difference): string {
  const { relation, partitions } = blueprint;
  const [part, isPart] =
    partitions === undefined
      ? ['', '']
      : [', tableoid AS edp_part', ' AND made.edp_part = d.old_part'];
  return `(SELECT ctid AS edp_place${part}, * FROM ${quoteRelation(relation)} AS made
    WHERE true${standsThere(difference)}) AS made ON made.edp_place = d.old${isPart}`;
}

/** SQL that a row of the table is at a place of the difference. @param which rows of the difference */
function standsThere({ within, hasPlaces }: Difference, which = 'true'): string {
  if (!hasPlaces) return within;
  return `${within} AND made.ctid = ANY (ARRAY(SELECT old FROM ${DELTA} WHERE old IS NOT NULL AND ${which}))`;
}

/** SQL that `made` is the row that a row `d` of the difference replaces: a place is one of a partition. */
function isReplaced({ partitions }: Blueprint): string {
  return `made.ctid = d.old${partitions === undefined ? '' : ' AND made.tableoid = d.old_part'}`;
}

/**
 * Fills {@link DELTA} with a row for each row that is to be inserted (no old place), deleted (no new
 * place) or updated.
 *
 * @returns how many they are, and where
 */
export async function findDelta(
  client: pg.Client,
  blueprint: Blueprint,
  types: Shape,
  within: Within,
): Promise<Difference> {
  const { relation, partitions, slice } = blueprint;
  const table = quoteRelation(relation);
  const isSame = printExpr(sameKey(blueprint, types));
  const differs = differences(blueprint, types);
  const scope = printExpr(scopeOf(blueprint, within), 9);
  const before = mayMove(blueprint) ? '' : ` AND ${scope}`;
  const part =
    partitions === undefined
      ? ''
      : `, made.tableoid AS old_part, made.${quoteIdentifier(slice!.column)} AS old_slice`;
  const { rowCount } = await client.query(`CREATE TEMP TABLE edp_delta ON COMMIT DROP AS
    SELECT made.ctid AS old, stage.ctid AS new${part} FROM ${STAGE} AS stage
    LEFT JOIN ${table} AS made ON ${isSame}${before}
    WHERE made.ctid IS NULL${differs.map((each) => ` OR ${each}`).join('')}
    UNION ALL
    SELECT made.ctid, NULL${part} FROM ${table} AS made
    WHERE ${scope} AND NOT EXISTS (SELECT FROM ${STAGE} AS stage WHERE ${isSame})`);
  const size = rowCount ?? 0;
  return partitions === undefined || size === 0
    ? { size, within: '', hasPlaces: size <= MAX_PLACES }
    : findParts(client, blueprint, size);
}

/** In which partitions rows are replaced, so that no other one is read. */
async function findParts(
  client: pg.Client,
  { slice }: Blueprint,
  size: number,
): Promise<Difference> {
  const { rows } = await client.query<{ slices: string[] | null; parts: number }>(
    `SELECT (array_agg(DISTINCT ${sliceText('old_slice')}))[:${MAX_SLICES + 1}] AS slices, count(DISTINCT old_part) AS parts
     FROM ${DELTA} WHERE old IS NOT NULL`,
  );
  const { slices, parts } = rows[0]!;
  if (slices === null) return { size, within: ' AND false', hasPlaces: false };
  if (slices.length > MAX_SLICES) return { size, within: '', hasPlaces: false };
  const { column: name, type } = slice!;
  return {
    size,
    within: ` AND (${printExpr(isSlice(column(name, 'made'), type, slices))})`,
    hasPlaces: size * parts <= MAX_PLACES,
  };
}

/**
 * Conditions under which a row differs. Values are compared as they are written: 1.0 is not 1.00, and there are
 * types without equality.
 */
function differences({ key, rest, anyOfEqual = [] }: Blueprint, types: Shape): string[] {
  const isPlain = (name: string) =>
    anyOfEqual.includes(name) || isSameWhereEqual(types.get(name) ?? '');
  const plain = rest.filter(isPlain).map((name) => {
    const quoted = quoteIdentifier(name);
    return `stage.${quoted} IS DISTINCT FROM made.${quoted}`;
  });
  const written = [...key, ...rest].filter((name) => !isPlain(name)).map(quoteIdentifier);
  if (written.length === 0) return plain;
  const rowOf = (of: string) => `ROW(${written.map((name) => `${of}.${name}`).join(', ')})`;
  return [...plain, `record_image_ne(${rowOf('stage')}, ${rowOf('made')})`];
}

/** Slices outside of those that are made in which the table has rows of the stage so far: they moved. */
export async function findOrigins(
  client: pg.Client,
  blueprint: Blueprint,
  types: Shape,
  within: Within,
): Promise<string[]> {
  const { key, slice, relation } = blueprint;
  if (typeof within !== 'object' || slice === undefined || key.includes(slice.column)) return [];
  const table = quoteRelation(relation);
  const isSame = printExpr(sameKey(blueprint, types));
  const date = `made.${quoteIdentifier(slice.column)}`;
  const { rows } = await client.query<{ slice: string }>(
    `SELECT DISTINCT ${sliceText(date)} AS slice FROM ${STAGE} AS stage JOIN ${table} AS made ON ${isSame}
     WHERE ${printExpr(scopeOf(blueprint, within), 9)} IS NOT TRUE`,
  );
  return rows.map((row) => row.slice);
}

/** These have an equality, and none of its own for hashes. */
const NOT_HASHED = /^(money|bit|tsvector|tsquery)\b/;

/** Equality of keys in a form that can be hashed; NULL equals NULL. */
function sameKey({ key, notNull }: Blueprint, types: Shape): Expr {
  const [present, nullable] = [true, false].map((is) =>
    key.filter((name) => notNull.includes(name) === is),
  ) as [string[], string[]];
  const hash = (of: string) =>
    call('hash_record', {
      kind: 'row',
      of: nullable.map((name) => {
        const value = column(name, of);
        return NOT_HASHED.test(types.get(name) ?? '') ? cast(value, 'text') : value;
      }),
    });
  return all([
    ...present.map((name) => binary(column(name, 'stage'), '=', column(name, 'made'))),
    ...(nullable.length === 0
      ? []
      : [binary(hash('stage'), '=', hash('made')), same(nullable, 'stage', 'made')]),
  ]);
}

/** A row that moved to a slice stands in another one so far. */
function mayMove({ key, slice }: Blueprint): boolean {
  return slice !== undefined && !key.includes(slice.column);
}

/** Which rows of the table, called `made`, are compared. */
function scopeOf(blueprint: Blueprint, within: Within): Expr {
  const { hasUnknownMember, id, slice } = blueprint;
  if (within === 'keys') return isAffected(affectedBy(blueprint), 'made');
  if (typeof within === 'object' && slice !== undefined) {
    return isSlice(column(slice.column, 'made'), slice.type, within.slices);
  }
  return hasUnknownMember
    ? binary(column('id', 'made'), '<>', unknownId(id ?? 'int'))
    : { kind: 'boolean', value: true };
}

/**
 * Which rows of the table, called `made`, the stage does not replace.
 *
 * @returns undefined where it replaces all
 */
export function besideStage(blueprint: Blueprint, within: Within, types: Shape): Expr | undefined {
  if (within === 'all') return undefined;
  const from: From = { kind: 'table', schema: 'pg_temp', name: 'edp_stage', as: 'stage' };
  const isReplaced: Expr = {
    kind: 'exists',
    query: { columns: [], from, where: sameKey(blueprint, types) },
  };
  return {
    kind: 'not',
    of: some([
      call('coalesce', scopeOf(blueprint, within), { kind: 'boolean', value: false }),
      ...(mayMove(blueprint) ? [isReplaced] : []),
    ]),
  };
}

export interface DeltaCount {
  /** Undefined for a table without slices. */
  readonly slice: string | null;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/** An updated row counts in its new slice. */
export async function countDelta(
  client: pg.Client,
  blueprint: Blueprint,
  difference: Difference,
): Promise<DeltaCount[]> {
  const { slice } = blueprint;
  const of = slice === undefined ? undefined : quoteIdentifier(slice.column);
  const value =
    of === undefined
      ? 'NULL'
      : sliceText(`CASE WHEN d.new IS NULL THEN made.${of} ELSE stage.${of} END`);
  const { rows } = await client.query<DeltaCount>(`
    SELECT ${value} AS slice,
      count(*) FILTER (WHERE d.old IS NULL) AS inserted,
      count(*) FILTER (WHERE d.old IS NOT NULL AND d.new IS NOT NULL) AS updated,
      count(*) FILTER (WHERE d.new IS NULL) AS deleted
    FROM ${DELTA} AS d LEFT JOIN ${STAGE} AS stage ON stage.ctid = d.new
    LEFT JOIN ${replacedRows(blueprint, difference)} GROUP BY 1`);
  return rows;
}

/** Makes the table equal to the stage where they differ. */
export async function applyDelta(
  client: pg.Client,
  blueprint: Blueprint,
  types: Shape,
  difference: Difference,
): Promise<void> {
  const { relation, hasTimes } = blueprint;
  const table = quoteRelation(relation);
  const columns = dataColumns(blueprint);
  const sets = columns.map((name) => `${quoteIdentifier(name)} = stage.${quoteIdentifier(name)}`);
  if (hasTimes) sets.push('dw_updated_at = now()');
  if (hasIds(blueprint)) {
    const gone = `FROM ${table} AS made JOIN ${DELTA} AS d ON made.ctid = d.old WHERE d.new IS NULL${standsThere(difference, 'new IS NULL')}`;
    await keepIds(client, blueprint, gone);
  }
  await client.query(
    `DELETE FROM ${table} AS made USING ${DELTA} AS d
     WHERE ${isReplaced(blueprint)} AND d.new IS NULL${standsThere(difference, 'new IS NULL')}`,
  );
  await client.query(
    `UPDATE ${table} AS made SET ${sets.join(', ')} FROM ${DELTA} AS d, ${STAGE} AS stage
     WHERE ${isReplaced(blueprint)} AND stage.ctid = d.new${standsThere(difference, 'new IS NOT NULL')}`,
  );
  // As late as can be: readers of other rows wait from now on.
  if (blueprint.partitions !== undefined) {
    const staged = `${DELTA} AS d JOIN ${STAGE} AS stage ON stage.ctid = d.new`;
    await makePartitionsFor(client, blueprint, slicesIn(blueprint, staged, 'd.old IS NULL'));
  }
  const values = columns.map((name) => `stage.${quoteIdentifier(name)}`).join(', ');
  const isBack = hasIds(blueprint) && (await isAnyGone(client, blueprint));
  await client.query(
    `INSERT INTO ${table} (${isBack ? 'id, ' : ''}${quoteColumns(columns)})
     SELECT ${isBack ? `coalesce(${idFromBefore(blueprint)}, ${nextId(blueprint, relation)}), ` : ''}${values}
     FROM ${DELTA} AS d JOIN ${STAGE} AS stage ON stage.ctid = d.new
     ${isBack ? joinGone(blueprint, 'stage', types) : ''} WHERE d.old IS NULL`,
  );
  if (isBack) await forgetBack(client, blueprint, relation);
  if (blueprint.versionsOf !== undefined) await assertNoGap(client, blueprint);
}
