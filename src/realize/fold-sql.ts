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
import { quoteColumns, quoteIdentifier, quoteLiteral } from '../model/ddl.js';
import {
  historyColumns,
  type RealizedColumn,
  realizedColumns,
  SEQUENCE_COLUMN,
} from '../model/event-columns.js';
import { IS_CURRENT, VALID_FROM, VALID_TO } from '../model/validity-columns.js';
import { listedValues, returned, valuesFrom, type WantedValue } from './changed-values.js';
import { ownTimestamps, sqlTypeOf } from './realized-columns.js';

// Temporary tables hide those of the model that have their names: so nobody's table is called like them. Nor does a name
// in these statements meet one of the model: tables are named with their schema, columns with their row, and rows as `r.*`.
/** The temporary table of the keys to fold, of all tables of a session; of those all of whose keys are, only such that the log may have no more. */
export const TOUCHED = '"edp realize: touched"';
/** The temporary table of the keys of one table, with the way that each is folded. */
export const MARKED = '"edp realize: marked"';
/** The temporary table of the loads whose events are new. */
export const NEW_LOADS = '"edp realize: new loads"';

export interface FoldPlan {
  readonly table: EventTable;
  /** Where it is, as in SQL, with its schema. */
  readonly target: string;
  /** The same of its history; undefined where it has none. */
  readonly history: string | undefined;
  /** Columns of the table whose type is a wider one than the declared. */
  readonly widened: ReadonlySet<string>;
  /** The log, as in SQL. */
  readonly log: string;
  readonly hasTruncates: boolean;
  /** Whether all keys of the table are folded, and not those that are touched. */
  readonly isWhole: boolean;
  /** Of a table of which all keys are folded, by several sessions: which of them this one has. */
  readonly part?: Part;
}

/** Keys of a table, by their hash. */
export interface Part {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/**
 * The value of a column of the table. Operators take a third of the time of jsonb_populate_record(), which remains for
 * columns of other types than the declared one.
 *
 * @param value of the attribute, as jsonb
 * @param text of it, or its value in the declared type
 */
function columnValue(
  { target, widened }: Pick<FoldPlan, 'target' | 'widened'>,
  { name }: RealizedColumn,
  value: string,
  text: string,
): string {
  if (!widened.has(name)) return text;
  const record = `jsonb_populate_record(NULL::${target}, jsonb_build_object(${quoteLiteral(name)}, ${value}))`;
  return `(${record}).${quoteIdentifier(name)}`;
}

/** The value of an attribute in a JSON object, as it is in the column of the table. */
function attributeValue(plan: FoldPlan, column: RealizedColumn, attributes: string): string {
  const name = quoteLiteral(column.name);
  const isJson = column.type === 'json' || column.type === 'jsonb';
  const value = isJson
    ? `nullif(${attributes} -> ${name}, 'null')${column.type === 'json' ? '::json' : ''}`
    : inType(column, `${attributes} ->> ${name}`);
  return columnValue(plan, column, `${attributes} -> ${name}`, value);
}

/** @param text SQL of a text */
function inType(column: RealizedColumn, text: string): string {
  return column.type === 'text' ? `${text}` : `(${text})::${sqlTypeOf(column)}`;
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
    FROM ${MARKED} k JOIN ${log} l ON l.table_name = ${name} AND l.key = k.key WHERE ${which}`;
  const truncates = `SELECT k.key, l.sequence, l.source, l.op, l.time, NULL, NULL
    FROM ${MARKED} k JOIN ${log} l ON l.table_name = ${name} AND l.key = '' WHERE ${which}`;
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

/**
 * Marks the touched keys of the table: quick are those whose new events are updates behind all that is in their row, which
 * is there; of the others it finds the last create, and whether they are plain.
 */
export function markSql(plan: FoldPlan): string {
  return plan.isWhole ? markWholeSql(plan) : markTouchedSql(plan);
}

const LATEST = `max(l.sequence) FILTER (WHERE l.op IN ('create', 'read')) AS made,
        max(l.sequence) FILTER (WHERE l.op = 'delete') AS gone, max(l.sequence) AS latest,
        min(l.source) = max(l.source) AS one_source`;

function isPlain({ table, log, hasTruncates }: FoldPlan): string {
  const truncate = `(SELECT max(sequence) FROM ${log} WHERE table_name = ${quoteLiteral(table.name)} AND key = '')`;
  return `coalesce(one_source AND made IS NOT NULL AND coalesce(made > gone, true)
        ${hasTruncates ? `AND coalesce(made >= ${truncate}, true)` : ''}, false)`;
}

/** All keys that the log has, and those that it has no more. */
function markWholeSql(plan: FoldPlan): string {
  const { table, log, part } = plan;
  const name = quoteLiteral(table.name);
  const own =
    part === undefined ? '' : ` AND abs(hashtext(l.key)::bigint) % ${part.count} = ${part.index}`;
  return `INSERT INTO ${MARKED} (key, first, is_quick, is_plain, made, latest)
    WITH b AS (SELECT l.key, ${LATEST} FROM ${log} l WHERE l.table_name = ${name} AND l.key <> ''${own} GROUP BY l.key)
    SELECT key, NULL::numeric, false, ${isPlain(plan)}, made, latest FROM b
    UNION ALL SELECT k.key, NULL, false, false, NULL, NULL FROM ${TOUCHED} k
    WHERE k.table_name = ${name} AND NOT EXISTS (SELECT FROM ${log} l WHERE l.table_name = ${name} AND l.key = k.key)`;
}

function markTouchedSql(plan: FoldPlan): string {
  const { table, target, history, log } = plan;
  const name = quoteLiteral(table.name);
  const live =
    table.softDelete === false ? '' : ` AND t.${quoteIdentifier(table.softDelete)} IS NULL`;
  const hasState =
    history !== undefined
      ? ` AND EXISTS (SELECT FROM ${history} h
        WHERE ${keyEquals(table, 'h', 'k.key')} AND h.${IS_CURRENT})`
      : '';
  const sequence = `t.${quoteIdentifier(SEQUENCE_COLUMN)}`;
  return `INSERT INTO ${MARKED} (key, first, is_quick, is_plain, made, latest)
    WITH q AS MATERIALIZED (
      SELECT k.key, k.first, ${sequence} IS NOT NULL${hasState} AS is_quick
      FROM ${TOUCHED} k LEFT JOIN ${target} t
        ON NOT k.has_reset AND ${keyEquals(table, 't', 'k.key')} AND k.first > ${sequence}${live}
      WHERE k.table_name = ${name}),
    b AS (
      SELECT l.key, ${LATEST}
      FROM q JOIN ${log} l ON l.table_name = ${name} AND l.key = q.key WHERE NOT q.is_quick GROUP BY l.key)
    SELECT q.key, q.first, q.is_quick, ${isPlain(plan)}, made, latest
    FROM q LEFT JOIN b ON b.key = q.key`;
}

/** An object as a value of its own, which each use of it would else read out of the table again. */
const asItself = (attributes: string) => `${attributes} || '{}'`;

/** `p`: the rows of plain keys. A key has one event of a sequence and source. */
function plainSql({ table, log }: FoldPlan): string {
  const name = quoteLiteral(table.name);
  return `p AS (SELECT l.key, true AS live,
      ${asItself('edp.merged(l.after ORDER BY l.sequence)')} AS attributes,
      max(l.time) FILTER (WHERE l.sequence = k.made) AS created,
      max(l.time) FILTER (WHERE l.sequence = k.latest) AS updated, max(l.sequence) AS sequence
    FROM ${MARKED} k JOIN ${log} l ON l.table_name = ${name} AND l.key = k.key AND l.sequence >= k.made
    WHERE k.is_plain GROUP BY l.key)`;
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
        THEN ${asItself(`coalesce(edp.merged(after ORDER BY n) FILTER (WHERE op IN ('create', 'read', 'update') AND NOT ended), '{}')`)}
        ELSE ${asItself(`coalesce((array_agg(before ORDER BY n DESC) FILTER (WHERE op = 'delete' AND before IS NOT NULL))[1], '{}')`)}
      END AS attributes,
      max(time) FILTER (WHERE op IN ('create', 'read')) AS created,
      max(time) FILTER (WHERE n = coalesce(gone, latest)) AS updated,
      max(sequence) FILTER (WHERE n = coalesce(gone, latest)) AS sequence
    FROM l WHERE generation = newest GROUP BY key, generation, gone),
  ${plainSql(plan)},
  f AS (SELECT key, live, attributes, created, updated, sequence FROM p
    UNION ALL SELECT key, live, attributes, created, updated, sequence FROM c WHERE ${kept})`;
}

/** The columns of the row of `f`, in the order of the columns. */
function rowValues(plan: FoldPlan, columns: readonly RealizedColumn[]): string[] {
  const { table } = plan;
  const { created, updated } = ownTimestamps(table);
  const attributes = new Map(table.columns.map(({ name }) => [name, true]));
  const own = (column: RealizedColumn, value: string) =>
    columnValue(plan, column, `to_jsonb(${value})`, value);
  return columns.map((column) => {
    const { name } = column;
    const place = table.key.indexOf(name);
    if (place >= 0) {
      return columnValue(
        plan,
        column,
        `f.key::jsonb -> ${place}`,
        keyValue(table, name, place, 'f.key'),
      );
    }
    if (attributes.has(name)) {
      const value = attributeValue(plan, column, 'f.attributes');
      // A column of the model takes the time of the delete as well.
      if (name !== table.softDelete) return value;
      const time = columnValue(
        plan,
        column,
        'to_jsonb(f.updated)',
        inType(column, `to_jsonb(f.updated) #>> '{}'`),
      );
      return `CASE WHEN f.live THEN ${value} ELSE ${time} END`;
    }
    if (name === SEQUENCE_COLUMN) return own(column, 'f.sequence');
    if (name === created) return own(column, 'f.created');
    if (name === updated) return own(column, 'f.updated');
    return own(column, 'CASE WHEN NOT f.live THEN f.updated END');
  });
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

/**
 * Makes the rows of a table those of `wanted`, for the keys that are folded.
 *
 * @param stale condition on rows `t` that go
 * @param values of the rows that change, to be answered
 */
function mergeSql(
  target: string,
  columns: readonly RealizedColumn[],
  key: readonly string[],
  stale: string,
  values: readonly WantedValue[],
): string {
  const others = columns.filter((column) => !key.includes(column.name));
  const names = quoteColumns(columns.map((column) => column.name));
  // What a row was is asked of the row itself: RETURNING has what it is. Sorting asks for all rows before it gives the first: a table that
  // counts as empty, as after VACUUM, is scanned for each of them, and what was inserted before would be scanned with it.
  const old = values.length === 0 ? '' : ` JOIN ${target} o ON ${sameKey(key, 'o', 'w')}`;
  return `deleted AS (DELETE FROM ${target} t ${stale} RETURNING ${returned(values, 't')}),
  updated AS (UPDATE ${target} t SET ${assignments(others, 'w')} FROM wanted w${old}
    WHERE ${sameKey(key, 't', 'w')} AND ${isDistinct(others, 't', 'w')} RETURNING ${beforeAndAfter(values)}),
  inserted AS (INSERT INTO ${target} AS t (${names}) SELECT ${names} FROM wanted w
    WHERE NOT EXISTS (SELECT FROM ${target} t WHERE ${sameKey(key, 't', 'w')}) ORDER BY ${quoteColumns(key)} RETURNING ${returned(values, 't')})${changedSql(values, ['inserted', 'deleted'])}
  SELECT (SELECT count(*) FROM inserted)::int AS inserted, (SELECT count(*) FROM updated)::int AS updated,
    (SELECT count(*) FROM deleted)::int AS deleted${listedValues(values)}`;
}

/** Values of an updated row `t` that was `o`. */
function beforeAndAfter(values: readonly WantedValue[]): string {
  if (values.length === 0) return returned(values, 't');
  return `${returned(values, 'o', 'before_')}, ${returned(values, 't', 'after_')}`;
}

/** `changed`: values of all rows, before and after. @param whole what has one row for each */
function changedSql(values: readonly WantedValue[], whole: readonly string[]): string {
  if (values.length === 0) return '';
  const parts = [
    ...whole.map((from) => valuesFrom(values, from)),
    valuesFrom(values, 'updated', 'before_'),
    valuesFrom(values, 'updated', 'after_'),
  ];
  return `,
  changed AS (${parts.join(' UNION ALL ')})`;
}

/** Folds all events of the keys. Answers how many rows were inserted, updated, deleted. */
export function foldSql(plan: FoldPlan, values: readonly WantedValue[]): string {
  const { table, target } = plan;
  const columns = realizedColumns(table);
  const row = rowValues(plan, columns);
  const list = columns.map(({ name }, i) => `${row[i]} AS ${quoteIdentifier(name)}`).join(', ');
  const stale = `USING ${MARKED} k
    WHERE NOT k.is_quick AND ${keyEquals(table, 't', 'k.key')}
      AND NOT k.is_plain AND NOT EXISTS (SELECT FROM f WHERE f.key = k.key)`;
  return `WITH ${foldedSql(plan, 'NOT k.is_quick AND NOT k.is_plain')},
  wanted AS MATERIALIZED (SELECT ${list} FROM f),
  ${mergeSql(target, columns, table.key, stale, values)}`;
}

/** Attributes of updates without the key, which they cannot change. */
function withoutKey({ key }: EventTable, attributes: string): string {
  return `(${attributes} - ARRAY[${key.map(quoteLiteral).join(', ')}]::text[])`;
}

/** Puts new updates into rows without reading the events before them. Answers how many rows were updated. */
export function patchSql(plan: FoldPlan, values: readonly WantedValue[]): string {
  const { table, target, log } = plan;
  const name = quoteLiteral(table.name);
  // Updates cannot change the key.
  const keys = new Set(table.key);
  const attributes = table.columns
    .filter((column) => !keys.has(column.name))
    .map((column) => {
      const own = quoteIdentifier(column.name);
      const value = attributeValue(plan, column, 'p.attributes');
      return `${own} = CASE WHEN p.attributes ? ${quoteLiteral(column.name)} THEN ${value} ELSE t.${own} END`;
    });
  const { updated } = ownTimestamps(table);
  const set = [
    ...attributes,
    `${quoteIdentifier(SEQUENCE_COLUMN)} = p.sequence`,
    ...(updated === undefined ? [] : [`${quoteIdentifier(updated)} = p.time`]),
  ];
  // What a row was is asked of the row itself: RETURNING has what it is.
  const old = values.length === 0 ? '' : ` JOIN ${target} o ON ${keyEquals(table, 'o', 'p.key')}`;
  const both = values.length === 0 ? '' : ` AND ${sameKey(table.key, 't', 'o')}`;
  return `WITH p AS (
    SELECT l.key, ${asItself('edp.merged(l.after ORDER BY l.sequence, l.source)')} AS attributes, max(l.sequence) AS sequence,
      (array_agg(l.time ORDER BY l.sequence DESC, l.source DESC))[1] AS time
    FROM ${MARKED} k JOIN ${log} l ON l.table_name = ${name} AND l.key = k.key AND l.sequence >= k.first
    WHERE k.is_quick AND l.load_id IN (SELECT load_id FROM ${NEW_LOADS})
    GROUP BY l.key),
  updated AS (UPDATE ${target} t SET ${set.join(', ')}
    FROM p${old} WHERE ${keyEquals(table, 't', 'p.key')}${both} RETURNING ${beforeAndAfter(values)})${changedSql(values, [])}
  SELECT 0 AS inserted, (SELECT count(*) FROM updated)::int AS updated, 0 AS deleted${listedValues(values)}`;
}

/**
 * Whether a state is another one than that before it: what says again what is known begins no version. By the bytes of all
 * columns, so that states have the same digits however their events are cut into folds.
 */
function isOtherState(before: string): string {
  return `coalesce(state *<> ${before}, true)`;
}

/** Folds the states of the keys into the history. */
export function foldHistorySql(plan: FoldPlan, values: readonly WantedValue[]): string {
  const { table } = plan;
  const history = plan.history!;
  const columns = historyColumns(table);
  const key = [...table.key, VALID_FROM];
  const list = columns.map((column) => `r.${quoteIdentifier(column.name)}`).join(', ');
  const members = [
    `${quoteLiteral(SEQUENCE_COLUMN)}, v.sequence`,
    `${quoteLiteral(VALID_FROM)}, v.valid_from`,
    `${quoteLiteral(VALID_TO)}, v.valid_to`,
    `${quoteLiteral(IS_CURRENT)}, v.valid_to IS NULL`,
  ];
  const stale = `USING ${MARKED} k
    WHERE ${keyEquals(table, 't', 'k.key')} AND NOT k.is_quick AND NOT EXISTS (SELECT FROM wanted w WHERE ${sameKey(key, 'w', 't')})`;
  return `WITH ${generationsSql(plan, 'NOT k.is_quick')},
  m AS (SELECT key, n, ends, sequence, time,
      edp.merged(after) OVER (PARTITION BY key, generation ORDER BY n) AS attributes
    FROM g WHERE generation > 0 AND NOT ended AND (op IN ('create', 'read', 'update') OR ends)),
  r AS (SELECT m.key, m.n, m.ends, m.sequence, m.time, (s.*)::${history} AS state
    FROM m, LATERAL jsonb_populate_record(NULL::${history}, m.attributes || ${keyObject(table, 'm.key')}) s),
  d AS (SELECT *, ends OR lag(ends) OVER byPlace IS NOT FALSE OR ${isOtherState('lag(state) OVER byPlace')} AS changes
    FROM r WINDOW byPlace AS (PARTITION BY key ORDER BY n)),
  b AS (SELECT *, max(time) OVER (PARTITION BY key ORDER BY n) AS valid_from FROM d WHERE changes),
  v AS (SELECT *, lead(valid_from) OVER (PARTITION BY key ORDER BY n) AS valid_to FROM b),
  wanted AS MATERIALIZED (SELECT ${list} FROM v, LATERAL jsonb_populate_record(v.state, jsonb_build_object(${members.join(', ')})) r
    WHERE NOT v.ends AND (v.valid_to IS NULL OR v.valid_to > v.valid_from)),
  ${mergeSql(history, columns, key, stale, values)}`;
}

/** Puts new states behind those that are there, for keys whose rows are patched. */
export function extendHistorySql(plan: FoldPlan, values: readonly WantedValue[]): string {
  const { table, log } = plan;
  const name = quoteLiteral(table.name);
  const history = plan.history!;
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
    SELECT l.key, l.sequence, row_number() OVER byPlace AS n, edp.merged(l.after) OVER byPlace AS attributes, l.time
    FROM ${MARKED} k JOIN ${log} l ON l.table_name = ${name} AND l.key = k.key AND l.sequence >= k.first
    WHERE k.is_quick AND l.load_id IN (SELECT load_id FROM ${NEW_LOADS})
    WINDOW byPlace AS (PARTITION BY l.key ORDER BY l.sequence, l.source ROWS UNBOUNDED PRECEDING)),
  r AS (SELECT u.key, u.sequence, u.n, u.time, (h.*)::${history} AS former, (s.*)::${history} AS state
    FROM u JOIN ${history} h ON ${keyEquals(table, 'h', 'u.key')} AND h.${IS_CURRENT},
      LATERAL jsonb_populate_record(h.*, ${withoutKey(table, 'u.attributes')}) s),
  d AS (SELECT *, ${isOtherState('coalesce(lag(state) OVER (PARTITION BY key ORDER BY n), former)')} AS changes FROM r),
  c AS (SELECT key, sequence, former, state, (former).${VALID_FROM} AS began,
      row_number() OVER byPlace AS n, greatest(max(time) OVER byPlace, (former).${VALID_FROM}) AS valid_from
    FROM d WHERE changes WINDOW byPlace AS (PARTITION BY key ORDER BY n)),
  x AS (SELECT *, lead(valid_from) OVER (PARTITION BY key ORDER BY n) AS valid_to FROM c),
  wanted AS MATERIALIZED (
    SELECT ${list} FROM x, LATERAL jsonb_populate_record(x.state, jsonb_build_object(${members.join(', ')})) r
    WHERE x.valid_to IS NULL OR x.valid_to > x.valid_from
    UNION ALL
    SELECT ${list} FROM x, LATERAL jsonb_populate_record(x.former, ${end}) r WHERE x.n = 1 AND x.valid_from > x.began),
  ${mergeSql(history, columns, [...table.key, VALID_FROM], 'WHERE false', values)}`;
}
