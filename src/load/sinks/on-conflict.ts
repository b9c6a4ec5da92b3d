/**
 * What becomes of staged rows whose key is taken: the SQL of each rule for conflicts (model/load-rules.ts). Code
 * here asks for properties of the rule, and for no word.
 */
import type pg from 'pg';
import { quoteColumns, quoteIdentifier, quoteLiteral } from '../../model/ddl.js';
import { CONFLICT_RULES } from '../../model/load-rules.js';
import {
  INDEX_ORDINALS,
  isCopied,
  isFixed,
  isLineage,
  ORDINAL_SQL,
  OVERRIDING,
  open,
  STAGE,
  type StagingOptions,
  VERDICTS,
} from './staged-rows.js';
import { versionVerdicts } from './version-verdicts.js';

/**
 * Records how many rows of other loads will be replaced: undo cannot restore their values.
 *
 * @param condition on the staged rows `s`
 * @returns `existing`: all rows that will be replaced; `repeated`: records that will replace one of an
 *   earlier record
 */
export async function countReplaced(
  client: pg.Client,
  options: StagingOptions,
  condition: string,
): Promise<{ readonly existing: number; readonly repeated: number }> {
  const { target, onConflict } = options;
  const { replacesRow } = CONFLICT_RULES[onConflict];
  if (!replacesRow || target.key.length === 0) return { existing: 0, repeated: 0 };
  const key = target.key.map((name) => `s.${quoteIdentifier(name)}`).join(', ');
  const { rows } = await client.query<{ count: number; others: number; repeated: number }>(
    `SELECT count(*), count(*) FILTER (WHERE ${isOthers(options)}) AS others,
            (SELECT count(*) - count(DISTINCT (${key})) FROM ${STAGE} s WHERE ${open('s')} AND ${condition}) AS repeated
     FROM ${target.table} t
     WHERE EXISTS (SELECT FROM ${STAGE} s WHERE ${isSameKey(options)} AND ${open('s')} AND ${condition})`,
  );
  const { count, others, repeated } = rows[0]!;
  await noteReplaced(client, options, others);
  return { existing: count, repeated };
}

/** @param others rows of other loads that were replaced */
export async function noteReplaced(
  client: pg.Client,
  { loadId }: StagingOptions,
  others: number,
): Promise<void> {
  if (others === 0) return;
  await client.query('UPDATE edp.loads SET rows_replaced = rows_replaced + $2 WHERE load_id = $1', [
    loadId,
    others,
  ]);
}

/** Condition on a staged row `s` and a row `t` of the table. */
export function isSameKey({ target, nearby }: StagingOptions): string {
  return [
    ...target.key.map(quoteIdentifier).map((column) => `t.${column} = s.${column}`),
    ...(nearby === undefined ? [] : [nearby]),
  ].join(' AND ');
}

/** More values of a list are not named in a statement. */
const MAX_LIST_VALUES = 100;

/**
 * Where the key has the columns that divide the table, rows with the key of a staged one are in few partitions. With
 * their values as constants, the server locks and reads only those.
 *
 * @param staged names of the columns of the staging table
 * @returns as for {@link StagingOptions.nearby}; undefined where it cannot be told
 */
export async function describeNearby(
  client: pg.Client,
  { key, partitions }: StagingOptions['target'],
  staged: readonly string[],
): Promise<string | undefined> {
  const isKnown = (column: string | undefined): column is string =>
    column !== undefined && key.includes(column) && staged.includes(column);
  const conditions: string[] = [];
  const time = partitions?.time?.column;
  if (isKnown(time)) {
    const column = quoteIdentifier(time);
    const { rows } = await client.query<{ least: string | null; most: string | null }>(
      `SELECT min(${column})::text AS least, max(${column})::text AS most FROM ${STAGE}`,
    );
    const { least, most } = rows[0]!;
    if (least === null || most === null) return undefined;
    conditions.push(`t.${column} BETWEEN ${quoteLiteral(least)} AND ${quoteLiteral(most)}`);
  }
  const list = partitions?.list?.column;
  if (isKnown(list)) {
    const column = quoteIdentifier(list);
    const { rows } = await client.query<{ value: string }>(
      `SELECT DISTINCT ${column}::text AS value FROM ${STAGE} WHERE ${column} IS NOT NULL LIMIT ${MAX_LIST_VALUES + 1}`,
    );
    if (rows.length > 0 && rows.length <= MAX_LIST_VALUES) {
      conditions.push(
        `t.${column} IN (${rows.map(({ value }) => quoteLiteral(value)).join(', ')})`,
      );
    }
  }
  return conditions.length === 0 ? undefined : conditions.join(' AND ');
}

/** Condition on a row `t` of the table: another load brought it. */
export function isOthers({ columns, loadId }: StagingOptions): string {
  const lineage = columns.find(isLineage);
  return lineage === undefined
    ? 'false'
    : `t.${quoteIdentifier(lineage.name)} IS DISTINCT FROM ${loadId}`;
}

/**
 * Gives verdicts to records whose key already exists, in the table or in an earlier record.
 *
 * @param condition on the staged rows `s` that are to be settled, and compared with each other
 */
export async function settleKeys(
  client: pg.Client,
  options: StagingOptions,
  condition: string,
): Promise<void> {
  for (const statement of keyVerdicts(options, condition)) await client.query(statement);
}

/**
 * The statements that give them.
 *
 * @param condition as for {@link settleKeys}
 */
export function keyVerdicts(options: StagingOptions, condition: string): string[] {
  if (options.target.key.length === 0) return [];
  if (options.target.hasVersions) return [versionVerdicts(options, condition)];
  const { replacesRow } = CONFLICT_RULES[options.onConflict];
  const fixed = replacesRow ? fixedVerdicts(options, condition) : [];
  return [...fixed, takenVerdicts(options, condition)];
}

function takenVerdicts(options: StagingOptions, condition: string): string {
  const { target, columns, onConflict } = options;
  const { replacesRow, isDuplicate } = CONFLICT_RULES[onConflict];
  const key = target.key.map(quoteIdentifier);
  const compared = columns.filter(
    (column) => !isLineage(column) && !isCopied(column) && !target.key.includes(column.name),
  );
  const isSame = (left: string, right: string) =>
    compared
      .map(({ name, type }) => {
        // json has no equality of its own, as some others.
        const isText = type === 'json' || target.others.get(name)?.isComparable === false;
        const cast = isText ? '::text' : '';
        const column = quoteIdentifier(name);
        return `${left}.${column}${cast} IS NOT DISTINCT FROM ${right}.${column}${cast}`;
      })
      .join(' AND ') || 'true';
  // The record to compare with: if records replace the row, the previous one with the same key; else the first.
  const met = replacesRow
    ? `lag(s.${ORDINAL_SQL}) OVER w`
    : `nullif(first_value(s.${ORDINAL_SQL}) OVER w, s.${ORDINAL_SQL})`;
  const keyText = `concat_ws(', ', ${key.map((column) => `s.${column}`).join(', ')})`;
  return `INSERT INTO ${VERDICTS}
     SELECT ordinal, CASE WHEN is_same OR ${isDuplicate} THEN 'duplicate' ELSE 'conflict' END,
            format('key (%s) is already there, with other values%s', key_text,
                   CASE WHEN in_table THEN '' ELSE ', from an earlier record' END),
            ${quoteLiteral(target.key.join(', '))}
     FROM (
       SELECT s.${ORDINAL_SQL} AS ordinal, ${keyText} AS key_text,
              t.${key[0]} IS NOT NULL AS in_table,
              CASE WHEN t.${key[0]} IS NOT NULL AND (m.met IS NULL OR ${!replacesRow})
                   THEN ${isSame('s', 't')} ELSE ${isSame('s', 'o')} END AS is_same,
              t.${key[0]} IS NOT NULL OR m.met IS NOT NULL AS is_taken
       FROM ${STAGE} s
       JOIN (SELECT s.${ORDINAL_SQL} AS ordinal, ${met} AS met FROM ${STAGE} s
             WHERE ${open('s')} AND ${condition}
             WINDOW w AS (PARTITION BY ${key.map((column) => `s.${column}`).join(', ')}
                          ORDER BY s.${ORDINAL_SQL})) m
         ON m.ordinal = s.${ORDINAL_SQL}
       LEFT JOIN ${target.table} t ON ${isSameKey(options)}
       LEFT JOIN ${STAGE} o ON o.${ORDINAL_SQL} = m.met
     ) AS looked
     WHERE is_taken AND (is_same OR ${!replacesRow})`;
}

/**
 * The statements that give verdicts to records that would change what the server never changes in a row: the
 * row keeps the value that it got with its first record.
 */
function fixedVerdicts(options: StagingOptions, condition: string): string[] {
  const { target, columns } = options;
  const key = target.key.map(quoteIdentifier);
  const partition = key.map((part) => `s.${part}`).join(', ');
  const fixed = columns.filter(({ name }) => isFixed(target, name) && !target.key.includes(name));
  return fixed.map(({ name }) => {
    const column = quoteIdentifier(name);
    const kept = `CASE WHEN t.${key[0]} IS NOT NULL THEN t.${column} ELSE f.${column} END`;
    return `INSERT INTO ${VERDICTS}
       SELECT s.${ORDINAL_SQL}, 'conflict',
              format('key (%s) is already there, with another value of a column that the server never changes (GENERATED ALWAYS AS IDENTITY): %s',
                     concat_ws(', ', ${partition}), ${kept}),
              ${quoteLiteral(name)}
       FROM ${STAGE} s
       JOIN (SELECT s.${ORDINAL_SQL} AS ordinal, first_value(s.${ORDINAL_SQL}) OVER w AS first
             FROM ${STAGE} s WHERE ${open('s')} AND ${condition}
             WINDOW w AS (PARTITION BY ${partition} ORDER BY s.${ORDINAL_SQL})) m
         ON m.ordinal = s.${ORDINAL_SQL}
       JOIN ${STAGE} f ON f.${ORDINAL_SQL} = m.first
       LEFT JOIN ${target.table} t ON ${isSameKey(options)}
       WHERE s.${column} <> ${kept}`;
  });
}

/**
 * Cuts records into runs, so that each record of a key can be judged by what the one before it made of the
 * row. Where records replace rows, or are versions, no key comes twice in a run, since one statement replaces a row
 * once only; else the first of each key are a run, and all others, which find their key taken, the second.
 *
 * @param condition on the staged rows `s`
 * @returns the condition of each run, in order
 */
export async function cutRuns(
  client: pg.Client,
  { target, onConflict }: StagingOptions,
  condition: string,
): Promise<string[]> {
  if (target.key.length === 0) return [condition];
  const key = target.key.map((name) => `s.${quoteIdentifier(name)}`).join(', ');
  const { rows } = await client.query<Repeat>(
    `SELECT ordinal, previous FROM (
       SELECT s.${ORDINAL_SQL} AS ordinal,
              lag(s.${ORDINAL_SQL}) OVER (PARTITION BY ${key} ORDER BY s.${ORDINAL_SQL}) AS previous
       FROM ${STAGE} s WHERE ${condition}) AS keyed
     WHERE previous IS NOT NULL ORDER BY ordinal`,
  );
  if (rows.length === 0) return [condition];
  await client.query(INDEX_ORDINALS);
  return (
    CONFLICT_RULES[onConflict].replacesRow || target.hasVersions
      ? betweenRepeats(rows)
      : firstsAndOthers(rows)
  ).map((part) => `${condition} AND ${part}`);
}

/** A record whose key an earlier one has, too. */
interface Repeat {
  readonly ordinal: number;
  /** The last of these earlier ones. */
  readonly previous: number;
}

function betweenRepeats(repeats: readonly Repeat[]): string[] {
  const starts = [0];
  for (const { ordinal, previous } of repeats) {
    if (previous >= starts.at(-1)!) starts.push(ordinal);
  }
  return starts.map((start, i) => {
    const end = starts[i + 1];
    const until = end === undefined ? '' : ` AND s.${ORDINAL_SQL} < ${end}`;
    return `s.${ORDINAL_SQL} >= ${start}${until}`;
  });
}

function firstsAndOthers(repeats: readonly Repeat[]): string[] {
  const others = `'{${repeats.map(({ ordinal }) => ordinal).join()}}'::int[]`;
  return [`s.${ORDINAL_SQL} <> ALL (${others})`, `s.${ORDINAL_SQL} = ANY (${others})`];
}

/**
 * The statements that put records into the table; their counts of rows together are those of the records.
 *
 * @param condition as for {@link insertStatement}
 */
export function insertStatements(options: StagingOptions, condition: string): string[] {
  const { target, columns, onConflict } = options;
  const insert = insertStatement(options, condition);
  if (!target.hasGuardedKey || !CONFLICT_RULES[onConflict].replacesRow) return [insert];
  // The key is unique in a side table, which ON CONFLICT cannot name.
  const changed = columns.filter(
    ({ name }) => !isFixed(target, name) && !target.key.includes(name),
  );
  const set = changed.map(({ name }) => `${quoteIdentifier(name)} = s.${quoteIdentifier(name)}`);
  const isThere = `EXISTS (SELECT FROM ${target.table} t WHERE ${isSameKey(options)})`;
  return [
    `UPDATE ${target.table} t SET ${set.join(', ')} FROM ${STAGE} s WHERE ${isSameKey(options)} AND ${condition}`,
    insertStatement({ ...options, onConflict: 'reject' }, `${condition} AND NOT ${isThere}`),
  ];
}

/** @param condition on the staged rows `s`; where records replace rows, no key comes twice */
export function insertStatement(
  { target, columns, onConflict }: StagingOptions,
  condition: string,
): string {
  const staged = quoteColumns(columns.map(({ name }) => name));
  const overriding = columns.some(({ name }) => isFixed(target, name)) ? OVERRIDING : '';
  const insert = `INSERT INTO ${target.table} (${staged})${overriding}
          SELECT ${staged} FROM ${STAGE} s WHERE ${condition} ORDER BY ${ORDINAL_SQL}`;
  if (!CONFLICT_RULES[onConflict].replacesRow || target.key.length === 0) return insert;
  const key = quoteColumns(target.key);
  const assignments = columns
    .filter(({ name }) => !target.key.includes(name) && !isFixed(target, name))
    .map(({ name }) => `${quoteIdentifier(name)} = EXCLUDED.${quoteIdentifier(name)}`);
  const action = assignments.length === 0 ? 'NOTHING' : `UPDATE SET ${assignments.join(', ')}`;
  return `${insert} ON CONFLICT (${key}) DO ${action}`;
}
