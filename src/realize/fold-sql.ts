/**
 * The SQL that folds the events of touched keys into a realized table. docs/realize.md has the rules.
 *
 * Events of a key are numbered by sequence. Each create or read begins a generation; the first delete of a generation,
 * or the first truncate of its source, ends it. The row is what the last generation says.
 *
 * Most keys are plain: of one source, and with no delete or truncate behind their last create. Their row is that create
 * and what follows it, which needs no numbers.
 */
import type { EventTable } from '../events/event-table.js';
import { quoteColumns, quoteIdentifier, quoteLiteral, quoteTable } from '../model/ddl.js';
import { SEQUENCE_COLUMN } from '../model/event-columns.js';
import { historyName } from '../model/realized-model.js';
import { IS_CURRENT, VALID_FROM, VALID_TO } from '../model/warehouse/versions.js';
import {
  hasOwnSoftDelete,
  historyColumns,
  ownTimestamps,
  type RealizedColumn,
  realizedColumns,
  sqlTypeOf,
} from './realized-columns.js';

/** The temporary table of the keys to fold. */
export const TOUCHED = 'edp_touched';
/** The temporary table of the loads whose events are new. */
export const NEW_LOADS = 'edp_new_loads';

export interface FoldPlan {
  readonly table: EventTable;
  /** The log, as in SQL. */
  readonly log: string;
  readonly hasTruncates: boolean;
}

/** A comparison of the key columns of `row` with the texts of a key of the log. */
function keyEquals(table: EventTable, row: string, key: string): string {
  return table.key
    .map((name, i) => `${row}.${quoteIdentifier(name)} = ${keyValue(table, name, i, key)}`)
    .join(' AND ');
}

function keyValue(table: EventTable, name: string, place: number, key: string): string {
  const column = table.columns.find((one) => one.name === name)!;
  return `(${key}::jsonb ->> ${place})::${sqlTypeOf(column)}`;
}

/** The key of the log as attributes. */
function keyObject(table: EventTable, key: string): string {
  const members = table.key.map((name, i) => `${quoteLiteral(name)}, ${key}::jsonb -> ${i}`);
  return `jsonb_build_object(${members.join(', ')})`;
}

/** `e`: the events of the touched keys, truncates among them. @param which condition on touched keys */
function eventsSql({ table, log, hasTruncates }: FoldPlan, which: string): string {
  const name = quoteLiteral(table.name);
  const own = `SELECT l.key, l.sequence, l.source, l.op, l.time, l.after, l.before
    FROM ${TOUCHED} k JOIN ${log} l ON l.table_name = ${name} AND l.key = k.key
    WHERE k.table_name = ${name} AND ${which}`;
  const truncates = `SELECT k.key, l.sequence, l.source, l.op, l.time, NULL, NULL
    FROM ${TOUCHED} k JOIN ${log} l ON l.table_name = ${name} AND l.key = ''
    WHERE k.table_name = ${name} AND ${which}`;
  return hasTruncates ? `${own} UNION ALL ${truncates}` : own;
}

/**
 * `g`: the events with their generation (0 before any create), and whether it had ended before them. A truncate of the
 * same sequence is before what is read at it: it ends what is below.
 */
function generationsSql(plan: FoldPlan, which: string): string {
  return `e AS (${eventsSql(plan, which)}),
  n AS (SELECT *, row_number() OVER byPlace AS n,
      count(*) FILTER (WHERE op IN ('create', 'read')) OVER byPlace AS generation
    FROM e WINDOW byPlace AS (PARTITION BY key ORDER BY sequence, op <> 'truncate', source
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)),
  s AS (SELECT *, first_value(source) OVER (PARTITION BY key, generation ORDER BY n) AS origin FROM n),
  x AS (SELECT *, op = 'delete' OR op = 'truncate' AND generation > 0 AND source = origin AS ends FROM s),
  g AS (SELECT *, coalesce(bool_or(ends) OVER (PARTITION BY key, generation ORDER BY n
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), false) AS ended FROM x)`;
}

/** Finds the last create of each key, and whether the key is plain. */
export function markPlainSql({ table, log, hasTruncates }: FoldPlan): string {
  const name = quoteLiteral(table.name);
  const truncate = `(SELECT max(sequence) FROM ${log} WHERE table_name = ${name} AND key = '')`;
  return `UPDATE ${TOUCHED} k SET made = b.made, latest = b.latest, is_plain = b.is_plain
    FROM (
      SELECT key, made, latest, one_source AND made IS NOT NULL AND coalesce(made > gone, true)
        ${hasTruncates ? `AND coalesce(made >= ${truncate}, true)` : ''} AS is_plain
      FROM (
        SELECT l.key, max(l.sequence) FILTER (WHERE l.op IN ('create', 'read')) AS made,
          max(l.sequence) FILTER (WHERE l.op = 'delete') AS gone, max(l.sequence) AS latest,
          min(l.source) = max(l.source) AS one_source
        FROM ${TOUCHED} k JOIN ${log} l ON l.table_name = ${name} AND l.key = k.key
        WHERE k.table_name = ${name} AND NOT k.is_quick GROUP BY l.key) AS bounds) AS b
    WHERE k.table_name = ${name} AND k.key = b.key`;
}

/** `p`: the rows of plain keys. */
function plainSql({ table, log }: FoldPlan): string {
  const name = quoteLiteral(table.name);
  return `p AS (SELECT l.key, true AS live,
      edp.merged(l.after) FILTER (WHERE l.sequence = k.made)
        || coalesce(edp.merged(l.after ORDER BY l.sequence) FILTER (WHERE l.sequence > k.made), '{}') AS attributes,
      max(l.time) FILTER (WHERE l.sequence = k.made) AS created,
      max(l.time) FILTER (WHERE l.sequence = k.latest) AS updated, max(l.sequence) AS sequence
    FROM ${TOUCHED} k JOIN ${log} l ON l.table_name = ${name} AND l.key = k.key AND l.sequence >= k.made
    WHERE k.table_name = ${name} AND k.is_plain GROUP BY l.key)`;
}

/** `f`: for each key that has a row, what is in it. */
function foldedSql(plan: FoldPlan, which: string): string {
  const { table } = plan;
  // Of a deleted key, a delete counts more than a truncate behind it, which found nothing to end.
  const last = `max(n) FILTER (WHERE op = 'delete' OR ends AND NOT ended) OVER own AS gone,
      max(n) FILTER (WHERE op IN ('create', 'read', 'update') AND NOT ended) OVER own AS latest`;
  const kept = table.softDelete === false ? 'live' : 'live OR gone IS NOT NULL';
  return `${generationsSql(plan, which)},
  l AS (SELECT g.*, max(generation) OVER (PARTITION BY key) AS newest, ${last}
    FROM g WINDOW own AS (PARTITION BY key, generation)),
  c AS (SELECT key, generation, gone, generation > 0 AND gone IS NULL AS live,
      CASE WHEN generation > 0
        THEN coalesce(edp.merged(after ORDER BY n) FILTER (WHERE op IN ('create', 'read', 'update') AND NOT ended), '{}')
        ELSE coalesce((array_agg(before ORDER BY n DESC) FILTER (WHERE op = 'delete' AND before IS NOT NULL))[1], '{}')
      END AS attributes,
      max(time) FILTER (WHERE op IN ('create', 'read')) AS created,
      max(time) FILTER (WHERE n = coalesce(gone, latest)) AS updated,
      max(sequence) FILTER (WHERE n = coalesce(gone, latest)) AS sequence
    FROM l WHERE generation = newest GROUP BY key, generation, gone),
  ${plainSql(plan)},
  f AS (SELECT key, live, attributes, created, updated, sequence FROM p
    UNION ALL SELECT key, live, attributes, created, updated, sequence FROM c WHERE ${kept})`;
}

/** The columns of the row, but attributes, as members of an object. */
function ownMembers(table: EventTable): string {
  const { created, updated } = ownTimestamps(table);
  const { softDelete } = table;
  const members = [
    `${quoteLiteral(SEQUENCE_COLUMN)}, f.sequence`,
    ...(created === undefined ? [] : [`${quoteLiteral(created)}, f.created`]),
    ...(updated === undefined ? [] : [`${quoteLiteral(updated)}, f.updated`]),
    ...(softDelete === false || !hasOwnSoftDelete(table)
      ? []
      : [`${quoteLiteral(softDelete)}, CASE WHEN NOT f.live THEN f.updated END`]),
  ];
  return `jsonb_build_object(${members.join(', ')})`;
}

/** A column of the model takes the time of the delete as well. */
function declaredSoftDelete(table: EventTable): string {
  if (table.softDelete === false || hasOwnSoftDelete(table)) return '';
  return ` || CASE WHEN f.live THEN '{}' ELSE jsonb_build_object(${quoteLiteral(table.softDelete)}, f.updated) END`;
}

function isDistinct(columns: readonly RealizedColumn[], a: string, b: string): string {
  const list = (row: string) =>
    columns
      .map(({ name, type }) => `${row}.${quoteIdentifier(name)}${type === 'json' ? '::text' : ''}`)
      .join(', ');
  return `(${list(a)}) IS DISTINCT FROM (${list(b)})`;
}

function assignments(columns: readonly RealizedColumn[], from: string): string {
  return columns
    .map(({ name }) => `${quoteIdentifier(name)} = ${from}.${quoteIdentifier(name)}`)
    .join(', ');
}

function sameKey(key: readonly string[], a: string, b: string): string {
  return key
    .map((name) => `${a}.${quoteIdentifier(name)} = ${b}.${quoteIdentifier(name)}`)
    .join(' AND ');
}

/** Makes the rows of a table those of `wanted`, for the keys that are folded. @param stale condition on rows `t` that go */
function mergeSql(
  name: string,
  columns: readonly RealizedColumn[],
  key: readonly string[],
  stale: string,
): string {
  const target = quoteTable(name);
  const others = columns.filter((column) => !key.includes(column.name));
  const names = quoteColumns(columns.map((column) => column.name));
  return `deleted AS (DELETE FROM ${target} t ${stale} RETURNING 1),
  updated AS (UPDATE ${target} t SET ${assignments(others, 'w')} FROM wanted w
    WHERE ${sameKey(key, 't', 'w')} AND ${isDistinct(others, 't', 'w')} RETURNING 1),
  inserted AS (INSERT INTO ${target} (${names}) SELECT ${names} FROM wanted w
    WHERE NOT EXISTS (SELECT FROM ${target} t WHERE ${sameKey(key, 't', 'w')}) RETURNING 1)
  SELECT (SELECT count(*) FROM inserted)::int AS inserted, (SELECT count(*) FROM updated)::int AS updated,
    (SELECT count(*) FROM deleted)::int AS deleted`;
}

/** Folds all events of the keys. Answers how many rows were inserted, updated, deleted. */
export function foldSql(plan: FoldPlan): string {
  const { table } = plan;
  const name = quoteLiteral(table.name);
  const columns = realizedColumns(table);
  const list = columns.map((column) => `r.${quoteIdentifier(column.name)}`).join(', ');
  const stale = `USING ${TOUCHED} k
    WHERE k.table_name = ${name} AND NOT k.is_quick AND ${keyEquals(table, 't', 'k.key')}
      AND NOT k.is_plain AND NOT EXISTS (SELECT FROM f WHERE f.key = k.key)`;
  return `WITH ${foldedSql(plan, 'NOT k.is_quick AND NOT k.is_plain')},
  wanted AS MATERIALIZED (SELECT ${list} FROM f, LATERAL jsonb_populate_record(NULL::${quoteTable(table.name)},
    f.attributes || ${keyObject(table, 'f.key')} || ${ownMembers(table)}${declaredSoftDelete(table)}) r),
  ${mergeSql(table.name, columns, table.key, stale)}`;
}

/** Marks keys whose new events are updates behind all that is in their row, which is there. */
export function markQuickSql(table: EventTable): string {
  const live =
    table.softDelete === false ? '' : ` AND t.${quoteIdentifier(table.softDelete)} IS NULL`;
  const hasState = table.hasHistory
    ? ` AND EXISTS (SELECT FROM ${quoteTable(historyName(table.name))} h
        WHERE ${keyEquals(table, 'h', 'k.key')} AND h.${IS_CURRENT})`
    : '';
  return `UPDATE ${TOUCHED} k SET is_quick = true FROM ${quoteTable(table.name)} t
    WHERE k.table_name = ${quoteLiteral(table.name)} AND NOT k.has_reset AND ${keyEquals(table, 't', 'k.key')}
      AND k.first > t.${quoteIdentifier(SEQUENCE_COLUMN)}${live}${hasState}`;
}

/** Attributes of updates without the key, which they cannot change. */
function withoutKey({ key }: EventTable, attributes: string): string {
  return `(${attributes} - ARRAY[${key.map(quoteLiteral).join(', ')}]::text[])`;
}

/** Puts new updates into rows without reading the events before them. Answers how many rows were updated. */
export function patchSql({ table, log }: FoldPlan): string {
  const name = quoteLiteral(table.name);
  const { updated } = ownTimestamps(table);
  const keys = new Set(table.key);
  const others = realizedColumns(table).filter((column) => !keys.has(column.name));
  const target = quoteTable(table.name);
  const own = [
    `${quoteLiteral(SEQUENCE_COLUMN)}, p.sequence`,
    ...(updated === undefined ? [] : [`${quoteLiteral(updated)}, p.time`]),
  ];
  return `WITH p AS (
    SELECT l.key, edp.merged(l.after ORDER BY l.sequence, l.source) AS attributes, max(l.sequence) AS sequence,
      (array_agg(l.time ORDER BY l.sequence DESC, l.source DESC))[1] AS time
    FROM ${TOUCHED} k JOIN ${log} l ON l.table_name = ${name} AND l.key = k.key
    WHERE k.table_name = ${name} AND k.is_quick AND l.load_id IN (SELECT load_id FROM ${NEW_LOADS})
    GROUP BY l.key),
  updated AS (UPDATE ${target} t SET ${assignments(others, 'r')}
    FROM p JOIN ${target} o ON ${keyEquals(table, 'o', 'p.key')},
      LATERAL jsonb_populate_record(o, ${withoutKey(table, 'p.attributes')} || jsonb_build_object(${own.join(', ')})) r
    WHERE ${sameKey(table.key, 't', 'o')} RETURNING 1)
  SELECT 0 AS inserted, (SELECT count(*) FROM updated)::int AS updated, 0 AS deleted`;
}

/** Folds the states of the keys into the history. */
export function foldHistorySql(plan: FoldPlan): string {
  const { table } = plan;
  const history = historyName(table.name);
  const columns = historyColumns(table);
  const key = [...table.key, VALID_FROM];
  const list = columns.map((column) => `r.${quoteIdentifier(column.name)}`).join(', ');
  const members = [
    `${quoteLiteral(SEQUENCE_COLUMN)}, v.sequence`,
    `${quoteLiteral(VALID_FROM)}, v.valid_from`,
    `${quoteLiteral(VALID_TO)}, v.valid_to`,
    `${quoteLiteral(IS_CURRENT)}, v.valid_to IS NULL`,
  ];
  const stale = `USING ${TOUCHED} k
    WHERE k.table_name = ${quoteLiteral(table.name)} AND ${keyEquals(table, 't', 'k.key')}
      AND NOT k.is_quick AND NOT EXISTS (SELECT FROM wanted w WHERE ${sameKey(key, 'w', 't')})`;
  return `WITH ${generationsSql(plan, 'NOT k.is_quick')},
  m AS (SELECT key, n, ends, sequence, time,
      edp.merged(after) OVER (PARTITION BY key, generation ORDER BY n) AS attributes
    FROM g WHERE generation > 0 AND NOT ended AND (op IN ('create', 'read', 'update') OR ends)),
  b AS (SELECT *, max(time) OVER (PARTITION BY key ORDER BY n) AS valid_from FROM m),
  v AS (SELECT *, lead(valid_from) OVER (PARTITION BY key ORDER BY n) AS valid_to FROM b),
  wanted AS MATERIALIZED (SELECT ${list} FROM v, LATERAL jsonb_populate_record(NULL::${quoteTable(history)},
    v.attributes || ${keyObject(table, 'v.key')} || jsonb_build_object(${members.join(', ')})) r
    WHERE NOT v.ends AND (v.valid_to IS NULL OR v.valid_to > v.valid_from)),
  ${mergeSql(history, columns, key, stale)}`;
}

/** Puts new states behind those that are there, for keys whose rows are patched. */
export function extendHistorySql({ table, log }: FoldPlan): string {
  const name = quoteLiteral(table.name);
  const history = historyName(table.name);
  const columns = historyColumns(table);
  const list = columns.map((column) => `r.${quoteIdentifier(column.name)}`).join(', ');
  const members = [
    `${quoteLiteral(SEQUENCE_COLUMN)}, x.sequence`,
    `${quoteLiteral(VALID_FROM)}, x.valid_from`,
    `${quoteLiteral(VALID_TO)}, x.valid_to`,
    `${quoteLiteral(IS_CURRENT)}, x.valid_to IS NULL`,
  ];
  const end = `jsonb_build_object(${quoteLiteral(VALID_TO)}, x.valid_from, ${quoteLiteral(IS_CURRENT)}, false)`;
  return `WITH u AS (
    SELECT l.key, l.sequence, row_number() OVER byPlace AS n, edp.merged(l.after) OVER byPlace AS attributes,
      max(l.time) OVER byPlace AS latest
    FROM ${TOUCHED} k JOIN ${log} l ON l.table_name = ${name} AND l.key = k.key
    WHERE k.table_name = ${name} AND k.is_quick AND l.load_id IN (SELECT load_id FROM ${NEW_LOADS})
    WINDOW byPlace AS (PARTITION BY l.key ORDER BY l.sequence, l.source ROWS UNBOUNDED PRECEDING)),
  v AS (SELECT u.*, h AS state, h.${VALID_FROM} AS began, greatest(u.latest, h.${VALID_FROM}) AS valid_from
    FROM u JOIN ${quoteTable(history)} h ON ${keyEquals(table, 'h', 'u.key')} AND h.${IS_CURRENT}),
  x AS (SELECT *, lead(valid_from) OVER (PARTITION BY key ORDER BY n) AS valid_to FROM v),
  wanted AS MATERIALIZED (
    SELECT ${list} FROM x, LATERAL jsonb_populate_record(x.state,
      ${withoutKey(table, 'x.attributes')} || jsonb_build_object(${members.join(', ')})) r
    WHERE x.valid_to IS NULL OR x.valid_to > x.valid_from
    UNION ALL
    SELECT ${list} FROM x, LATERAL jsonb_populate_record(x.state, ${end}) r WHERE x.n = 1 AND x.valid_from > x.began),
  ${mergeSql(history, columns, [...table.key, VALID_FROM], 'WHERE false')}`;
}
