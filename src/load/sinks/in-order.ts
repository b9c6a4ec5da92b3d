/**
 * Tables that refer to themselves: every record is judged as if it stood in the table alone, behind those
 * before it in the file. One statement over many rows would let a record refer to one behind it, and what is
 * loaded would depend on where splits begin.
 *
 * The server goes through the staged records in a block of PL/pgSQL, with a statement for each, and makes all
 * its checks behind each. Records share a savepoint until one is refused: the records before it are inserted
 * again, then it is tried alone, and the number that share the next one grows from there.
 */
import pg from 'pg';
import { quoteIdentifier, quoteLiteral } from '../../model/ddl.js';
import { CONFLICT_RULES } from '../../model/load-rules.js';
import { refersTo } from '../../postgres/column-pair.js';
import type { ForeignKey } from '../../postgres/foreign-keys-in-catalog.js';
import { completion, inference } from './inferred-members.js';
import { insertStatement, isOthers, isSameKey, keyVerdicts } from './on-conflict.js';
import { ORDINAL_SQL, open, STAGE, type StagingOptions, VERDICTS } from './staged-rows.js';

/** Records that share a savepoint at most. */
const MAX_TOGETHER = 1024;

/** Raised where a statement inserted another number of rows than one; no code of the server. */
export const NOT_ONE_ROW = 'EDP01';

export interface OrderedInsert {
  readonly staging: StagingOptions;
  /** Foreign keys of one column by which the table refers to itself, with columns that are staged. */
  readonly ownKeys: readonly ForeignKey[];
  /** Columns with members that may still be waiting for their record. */
  readonly inferred: readonly string[];
}

/** What a block has done, until a record was refused that it could not judge. */
export interface OrderedOutcome {
  /** Rows that were inserted, or replaced by a record. */
  readonly written: number;
  /** Of these, rows that were replaced; and of those, rows of other loads. */
  readonly replaced: number;
  readonly others: number;
  /** Inferred members that got values. */
  readonly completed: number;
  /** Members that were inferred. */
  readonly inferred: number;
  /** Records with a verdict because they refer to no row. */
  readonly dangling: number;
  /** The refused record; nothing of it, and no record behind it, is inserted. */
  readonly refused?: { readonly ordinal: number; readonly error: pg.DatabaseError };
}

/** Inserts the staged records without a verdict, from an ordinal on, in their order. */
export async function insertInOrder(
  client: pg.Client,
  insert: OrderedInsert,
  from: number,
): Promise<OrderedOutcome> {
  const answer = (await client.query(
    `DO ${quoteLiteral(writeBlock(insert, from))};
     SELECT current_setting('${RESULT}') AS result`,
  )) as unknown as [unknown, pg.QueryResult<{ result: string }>];
  const { at, state, message, detail, column, constraint, ...counts } = JSON.parse(
    answer[1].rows[0]!.result,
  ) as Stored;
  if (state === null) return counts;
  const error = Object.assign(new pg.DatabaseError(message!, 0, 'error'), {
    code: state,
    detail: detail || undefined,
    column: column || undefined,
    constraint: constraint || undefined,
  });
  return { ...counts, refused: { ordinal: at, error } };
}

const RESULT = 'edp.in_order';

interface Stored extends Omit<OrderedOutcome, 'refused'> {
  readonly at: number;
  readonly state: string | null;
  readonly message: string | null;
  readonly detail: string | null;
  readonly column: string | null;
  readonly constraint: string | null;
}

/** The name of a variable, which no column of a model can have, because of its control character. */
const v = (name: string): string => quoteIdentifier(`\u0001${name}`);

/** Counts of all records, and of those that share the present savepoint. */
const COUNTS = ['written', 'replaced', 'others', 'completed', 'inferred'] as const;
const own = (count: (typeof COUNTS)[number]): string => v(`own_${count}`);

function writeBlock(insert: OrderedInsert, from: number): string {
  const current = `s.${ORDINAL_SQL} = ${v('current')}`;
  const declareCounts = COUNTS.map((name) => `${v(name)} bigint := 0; ${own(name)} bigint;`);
  const stored = [
    ...COUNTS.map((name) => `'${name}', ${v(name)}`),
    ...['at', 'dangling', 'state', 'message', 'detail', 'column', 'constraint'].map(
      (name) => `'${name}', ${v(name)}`,
    ),
  ];
  return `
DECLARE
  ${v('at')} int := ${from};
  ${v('last')} int;
  ${v('current')} int;
  ${v('together')} int := 1;
  ${v('rows')} bigint;
  ${v('dangling')} bigint := 0;
  ${v('is_taken')} boolean;
  ${['state', 'message', 'detail', 'column', 'constraint'].map((name) => `${v(name)} text;`).join(' ')}
  ${declareCounts.join('\n  ')}
BEGIN
  SELECT coalesce(max(s.${ORDINAL_SQL}), -1) INTO ${v('last')} FROM ${STAGE} s;
  WHILE ${v('at')} <= ${v('last')} LOOP
    ${COUNTS.map((name) => `${own(name)} := 0;`).join(' ')}
    BEGIN
      FOR ${v('next')} IN ${v('at')} .. least(${v('at')} + ${v('together')} - 1, ${v('last')}) LOOP
        ${v('current')} := ${v('next')};
        ${judgeOne(insert, current)}
      END LOOP;
      ${COUNTS.map((name) => `${v(name)} := ${v(name)} + ${own(name)};`).join(' ')}
      ${v('at')} := ${v('current')} + 1;
      ${v('together')} := least(2 * ${v('together')}, ${MAX_TOGETHER});
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS ${v('state')} = RETURNED_SQLSTATE, ${v('message')} = MESSAGE_TEXT,
        ${v('detail')} = PG_EXCEPTION_DETAIL, ${v('column')} = COLUMN_NAME,
        ${v('constraint')} = CONSTRAINT_NAME;
      IF ${v('current')} > ${v('at')} THEN
        ${v('together')} := ${v('current')} - ${v('at')};
        ${v('state')} := NULL;
      ELSIF ${v('state')} = '23503' THEN
        ${blameReference(insert, current)}
        ${v('at')} := ${v('at')} + 1;
        ${v('dangling')} := ${v('dangling')} + 1;
        ${v('state')} := NULL;
      END IF;
    END;
    EXIT WHEN ${v('state')} IS NOT NULL;
  END LOOP;
  PERFORM set_config('${RESULT}', json_build_object(${stored.join(', ')})::text, true);
END`;
}

/** @param current condition on the staged record `s` */
function judgeOne({ staging, ownKeys, inferred }: OrderedInsert, current: string): string {
  const { target, missingDimensions } = staging;
  const isTaken =
    target.key.length === 0
      ? 'false'
      : `EXISTS (SELECT FROM ${target.table} t WHERE ${isSameKey(staging)})`;
  const infer = missingDimensions === 'infer' ? ownKeys : [];
  return `
        SELECT ${isTaken} INTO ${v('is_taken')} FROM ${STAGE} s WHERE ${current} AND ${open('s')};
        CONTINUE WHEN NOT FOUND;
        ${infer.map((key) => inferOne(key, staging, current)).join('')}
        ${inferred.map((name) => completeOne(staging, name, current)).join('')}
        ${target.key.length === 0 ? '' : settleKey(staging, current)}
        ${insertStatement(staging, current)};
        GET DIAGNOSTICS ${v('rows')} = ROW_COUNT;
        IF ${v('rows')} <> 1 THEN
          RAISE EXCEPTION USING ERRCODE = '${NOT_ONE_ROW}', MESSAGE = 'not one row';
        END IF;
        ${own('written')} := ${own('written')} + 1;`;
}

function settleKey(staging: StagingOptions, current: string): string {
  const { target, onConflict } = staging;
  const countReplaced = `
          SELECT ${own('replaced')} + count(*), ${own('others')} + count(*) FILTER (WHERE ${isOthers(staging)})
          INTO ${own('replaced')}, ${own('others')}
          FROM ${STAGE} s JOIN ${target.table} t ON ${isSameKey(staging)} WHERE ${current};`;
  return `IF ${v('is_taken')} THEN
          ${keyVerdicts(staging, current).join(';\n')};
          CONTINUE WHEN EXISTS (SELECT FROM ${VERDICTS} v WHERE v.ordinal = ${v('current')});${CONFLICT_RULES[onConflict].replacesRow ? countReplaced : ''}
        END IF;`;
}

/** A member that the server refuses stays missing. */
function inferOne(key: ForeignKey, { loadId, columns }: StagingOptions, current: string): string {
  const missing = missingReference(key, columns, current);
  return `IF EXISTS (SELECT ${missing}) THEN
          BEGIN
            ${inference(key, missing, loadId)};
            GET DIAGNOSTICS ${v('rows')} = ROW_COUNT;
            ${own('inferred')} := ${own('inferred')} + ${v('rows')};
          EXCEPTION WHEN OTHERS THEN
            IF SQLSTATE ~ '^(08|25|28|40|53|57|58|F0)' THEN RAISE; END IF;
          END;
        END IF;
        `;
}

function completeOne(staging: StagingOptions, name: string, current: string): string {
  return `${completion(staging, name, current)};
        GET DIAGNOSTICS ${v('rows')} = ROW_COUNT;
        IF ${v('rows')} > 0 THEN
          ${own('completed')} := ${own('completed')} + ${v('rows')};
          CONTINUE;
        END IF;
        `;
}

/** The staged record, where it refers by a key to no row and not to itself: `FROM … s WHERE …`. */
function missingReference(
  { column, referredRows, referredColumn, pair }: ForeignKey,
  columns: StagingOptions['columns'],
  current: string,
): string {
  const isStaged = columns.some(({ name }) => name === referredColumn);
  const itself = isStaged ? ` AND (${refersTo([pair], 's', 's')}) IS NOT TRUE` : '';
  return `FROM ${STAGE} s WHERE ${current} AND s.${quoteIdentifier(column)} IS NOT NULL
            AND NOT EXISTS (SELECT FROM ${referredRows} d WHERE ${refersTo([pair], 's', 'd')})${itself}`;
}

/** Gives the verdict of a record that a foreign key refused: by name of its column, where edp knows the key. */
function blameReference({ staging, ownKeys }: OrderedInsert, current: string): string {
  const named = ownKeys.map((key) => {
    const name = key.referredTable.replaceAll('%', '%%');
    return `SELECT ${v('current')}, 'missing_dimension',
            format(${quoteLiteral(`%s is not in ${name}`)}, s.${quoteIdentifier(key.column)}), ${quoteLiteral(key.column)}
            ${missingReference(key, staging.columns, current)}`;
  });
  const byName =
    named.length === 0
      ? ''
      : `INSERT INTO ${VERDICTS} ${named.map((select) => `(${select})`).join(' UNION ALL ')} LIMIT 1;`;
  return `${byName}
        IF NOT EXISTS (SELECT FROM ${VERDICTS} v WHERE v.ordinal = ${v('current')}) THEN
          INSERT INTO ${VERDICTS} VALUES (${v('current')}, 'missing_dimension',
            concat_ws(': ', ${v('message')}, nullif(${v('detail')}, '')),
            coalesce(nullif(${v('column')}, ''), nullif(${v('constraint')}, '')));
        END IF;`;
}
