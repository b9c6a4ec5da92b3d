/**
 * Tables that refer to themselves: every record is judged as if it stood in the table alone, behind those
 * before it in the file. One statement over many rows could not say what became of each record.
 *
 * The server goes through the staged records in a block of PL/pgSQL, with a statement for each, and makes all
 * its checks behind each. Records share a savepoint until one is refused: the records before it are inserted
 * again, then it is tried alone, and the number that share the next one grows from there. A record whose
 * parent is missing waits for it (waiting.ts).
 */
import pg from 'pg';
import { quoteIdentifier, quoteLiteral } from '../../model/ddl.js';
import { CONFLICT_RULES } from '../../model/load-rules.js';
import { refersTo } from '../../postgres/column-pair.js';
import type { ForeignKey } from '../../postgres/foreign-keys-in-catalog.js';
import { completion, inference } from './inferred-members.js';
import { insertStatement, isOthers, isSameKey, keyVerdicts } from './on-conflict.js';
import { ORDINAL_SQL, open, STAGE, type StagingOptions, VERDICTS } from './staged-rows.js';
import { type Parents, REFUSE_WAITING, TURNS, WAITING, waitFor, wake } from './waiting.js';

/** Records that share a savepoint at most. */
const MAX_TOGETHER = 1024;

/** The columns in the detail of a foreign key's error, in any language of the server: `Key (a)=(1) …`. */
export const REFERRING = /\(([^()]+)\)=\(/;

/** After a record without its parent, for how many records it is looked up before they are tried. */
const LOOKS = 64;

/** Raised where a statement inserted another number of rows than one; no code of the server. */
export const NOT_ONE_ROW = 'EDP01';

export interface OrderedInsert {
  readonly staging: StagingOptions;
  /** Foreign keys of one column by which the table refers to itself, with columns that are staged. */
  readonly ownKeys: readonly ForeignKey[];
  readonly parents: Parents;
  /** Columns with members that may still be waiting for their record. */
  readonly inferred: readonly string[];
}

/** Where a block begins. */
export interface Turn {
  readonly pass: number;
  /** First ordinal of the pass that is to be tried. */
  readonly ordinal: number;
  /** Whether the table may have changed since all that wait had a turn. */
  readonly hasChanged: boolean;
}

export const FIRST_TURN: Turn = { pass: 1, ordinal: 0, hasChanged: true };

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
  /** How often a record was not inserted because it refers to no row. */
  readonly dangling: number;
  /** The refused record; nothing of it, and no record behind it, is inserted. */
  readonly refused?: { readonly turn: Turn; readonly error: pg.DatabaseError };
}

/** Inserts the staged records without a verdict, from a turn on, in their order. */
export async function insertInOrder(
  client: pg.Client,
  insert: OrderedInsert,
  from: Turn,
): Promise<OrderedOutcome> {
  const answer = (await client.query(
    `DO ${quoteLiteral(writeBlock(insert, from))};
     SELECT current_setting('${RESULT}') AS result`,
  )) as unknown as [unknown, pg.QueryResult<{ result: string }>];
  const { pass, at, changed, state, message, detail, column, constraint, ...counts } = JSON.parse(
    answer[1].rows[0]!.result,
  ) as Stored;
  if (state === null) return counts;
  const error = Object.assign(new pg.DatabaseError(message!, 0, 'error'), {
    code: state,
    detail: detail || undefined,
    column: column || undefined,
    constraint: constraint || undefined,
  });
  return { ...counts, refused: { turn: { pass, ordinal: at, hasChanged: changed }, error } };
}

const RESULT = 'edp.in_order';

interface Stored extends Omit<OrderedOutcome, 'refused'> {
  readonly pass: number;
  readonly at: number;
  readonly changed: boolean;
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

function writeBlock(insert: OrderedInsert, from: Turn): string {
  const current = `s.${ORDINAL_SQL} = ${v('current')}`;
  const declareCounts = COUNTS.map((name) => `${v(name)} bigint := 0; ${own(name)} bigint;`);
  const stored = [...COUNTS, ...STATE].map((name) => `'${name}', ${v(name)}`);
  return `
DECLARE
  ${v('pass')} int := ${from.pass};
  ${v('at')} int := ${from.ordinal};
  ${v('changed')} boolean := ${from.hasChanged};
  ${v('waits')} boolean := EXISTS (SELECT FROM ${WAITING});
  ${v('looks')} int := 0;
  ${v('last')} int;
  ${v('current_pass')} int;
  ${v('current')} int;
  ${v('is_over')} boolean;
  ${v('together')} int := 1;
  ${v('tried')} int;
  ${v('rows')} bigint;
  ${v('next')} record;
  ${v('dangling')} bigint := 0;
  ${v('is_taken')} boolean;
  ${['state', 'message', 'detail', 'column', 'constraint'].map((name) => `${v(name)} text;`).join(' ')}
  ${declareCounts.join('\n  ')}
BEGIN
  SELECT coalesce(max(s.${ORDINAL_SQL}), -1) INTO ${v('last')} FROM ${STAGE} s;
  LOOP
    ${COUNTS.map((name) => `${own(name)} := 0;`).join(' ')}
    ${v('current_pass')} := ${v('pass')};
    ${v('current')} := ${v('at')} - 1;
    ${v('tried')} := 0;
    BEGIN
      LOOP
        ${v('is_over')} := false;
        EXIT WHEN ${v('tried')} >= ${v('together')};
        ${takeTurn()}
        EXIT WHEN ${v('is_over')};
        ${v('tried')} := ${v('tried')} + 1;
        ${judgeOne(insert, current)}
      END LOOP;
      ${COUNTS.map((name) => `${v(name)} := ${v(name)} + ${own(name)};`).join(' ')}
      ${v('changed')} := ${v('changed')} OR ${COUNTS.map(own).join(' + ')} > 0;
      ${v('pass')} := ${v('current_pass')};
      ${v('at')} := ${v('current')} + 1;
      ${v('together')} := least(2 * ${v('together')}, ${MAX_TOGETHER});
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS ${v('state')} = RETURNED_SQLSTATE, ${v('message')} = MESSAGE_TEXT,
        ${v('detail')} = PG_EXCEPTION_DETAIL, ${v('column')} = COLUMN_NAME,
        ${v('constraint')} = CONSTRAINT_NAME;
      ${v('is_over')} := false;
      IF ${v('tried')} > 1 THEN
        ${v('together')} := ${v('tried')} - 1;
        ${v('state')} := NULL;
      ELSE
        ${v('pass')} := ${v('current_pass')};
        ${v('at')} := ${v('current')};
        IF ${v('state')} ~ '^23' THEN
          ${blameParent(insert, current)}
        END IF;
      END IF;
    END;
    EXIT WHEN ${v('state')} IS NOT NULL;
    IF ${v('is_over')} THEN
      ${beginPass(insert)}
    END IF;
  END LOOP;
  PERFORM set_config('${RESULT}', json_build_object(${stored.join(', ')})::text, true);
END`;
}

const STATE = [
  ...['pass', 'at', 'changed', 'dangling'],
  ...['state', 'message', 'detail', 'column', 'constraint'],
];

/** The next record of the file or, in later passes, of those that have a turn. */
function takeTurn(): string {
  return `IF ${v('current_pass')} = 1 THEN
          IF ${v('current')} < ${v('last')} THEN ${v('current')} := ${v('current')} + 1;
          ELSE ${v('is_over')} := true;
          END IF;
        ELSE
          SELECT n.pass, n.ordinal INTO ${v('next')} FROM ${TURNS} n
          WHERE (n.pass, n.ordinal) > (${v('current_pass')}, ${v('current')}) ORDER BY n.pass, n.ordinal LIMIT 1;
          IF FOUND THEN
            ${v('current_pass')} := ${v('next')}.pass;
            ${v('current')} := ${v('next')}.ordinal;
          ELSE ${v('is_over')} := true;
          END IF;
        END IF;`;
}

/** Where the file is over, or all turns: another one for those that may have a parent now, or the verdict. */
function beginPass({ parents }: OrderedInsert): string {
  const end = `${REFUSE_WAITING};
      EXIT;`;
  const again = parents.areRecognized
    ? end
    : `IF NOT ${v('changed')} THEN
        ${end}
      END IF;
      INSERT INTO ${TURNS} SELECT ${v('pass')} + 1, w.ordinal FROM ${WAITING} w ON CONFLICT DO NOTHING;
      ${v('changed')} := false;`;
  return `IF ${v('pass')} = 1 THEN
        ${v('pass')} := 2;
        ${v('at')} := 0;
      ELSE
        ${again}
      END IF;`;
}

/** @param current condition on the staged record `s` */
function judgeOne({ staging, ownKeys, parents, inferred }: OrderedInsert, current: string): string {
  const { target, missingDimensions } = staging;
  const isTaken =
    target.key.length === 0
      ? 'false'
      : `EXISTS (SELECT FROM ${target.table} t WHERE ${isSameKey(staging)})`;
  const infer = missingDimensions === 'infer' ? ownKeys : [];
  const woken = `IF ${v('waits')} THEN
          ${wake(parents, staging, current, v('current_pass'))}
        END IF;`;
  return `
        IF ${v('current_pass')} > 1 THEN
          DELETE FROM ${WAITING} w WHERE w.ordinal = ${v('current')};
          CONTINUE WHEN NOT FOUND;
        END IF;
        SELECT ${isTaken} INTO ${v('is_taken')} FROM ${STAGE} s WHERE ${current} AND ${open('s')};
        CONTINUE WHEN NOT FOUND;
        ${infer.map((key) => inferOne(key, staging, current)).join('')}
        ${inferred.map((name) => completeOne(staging, name, current, woken)).join('')}
        ${target.key.length === 0 ? '' : settleKey(staging, current)}
        ${lookForParent({ staging, ownKeys, parents, inferred }, current)}
        ${target.key.length === 0 ? '' : countKey(staging, current)}
        ${insertStatement(staging, current)};
        GET DIAGNOSTICS ${v('rows')} = ROW_COUNT;
        IF ${v('rows')} <> 1 THEN
          RAISE EXCEPTION USING ERRCODE = '${NOT_ONE_ROW}', MESSAGE = 'not one row';
        END IF;
        ${own('written')} := ${own('written')} + 1;
        ${woken}`;
}

/** Spares the server an error for each of many records without a parent. */
function lookForParent({ staging, ownKeys, parents }: OrderedInsert, current: string): string {
  const references = parents.references.filter(({ constraint }) =>
    ownKeys.some((key) => key.constraint === constraint),
  );
  if (staging.target.hasTriggers || staging.target.hasRules || references.length === 0) return '';
  return `IF ${v('looks')} > 0 THEN
          ${waitFor(references, parents, staging, current)};
          IF FOUND THEN
            ${v('looks')} := ${LOOKS};
            ${v('dangling')} := ${v('dangling')} + 1;
            ${v('waits')} := true;
            CONTINUE;
          END IF;
          ${v('looks')} := ${v('looks')} - 1;
        END IF;`;
}

function settleKey(staging: StagingOptions, current: string): string {
  return `IF ${v('is_taken')} THEN
          ${keyVerdicts(staging, current).join(';\n')};
          CONTINUE WHEN EXISTS (SELECT FROM ${VERDICTS} v WHERE v.ordinal = ${v('current')});
        END IF;`;
}

function countKey(staging: StagingOptions, current: string): string {
  if (!CONFLICT_RULES[staging.onConflict].replacesRow) return '';
  return `IF ${v('is_taken')} THEN
          SELECT ${own('replaced')} + count(*), ${own('others')} + count(*) FILTER (WHERE ${isOthers(staging)})
          INTO ${own('replaced')}, ${own('others')}
          FROM ${STAGE} s JOIN ${staging.target.table} t ON ${isSameKey(staging)} WHERE ${current};
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

function completeOne(
  staging: StagingOptions,
  name: string,
  current: string,
  woken: string,
): string {
  return `${completion(staging, name, current)};
        GET DIAGNOSTICS ${v('rows')} = ROW_COUNT;
        IF ${v('rows')} > 0 THEN
          ${own('completed')} := ${own('completed')} + ${v('rows')};
          ${woken}
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

/**
 * Lets a record wait that a constraint refused, if a parent of it is missing. Else, if it was a foreign key,
 * gives it the verdict of the server.
 */
function blameParent({ staging, parents }: OrderedInsert, current: string): string {
  const { references, areAll } = parents;
  const reason = `concat_ws(': ', ${v('message')}, nullif(${v('detail')}, '')),
            coalesce(nullif(${v('column')}, ''), substring(${v('detail')} FROM '${REFERRING.source}'), nullif(${v('constraint')}, ''))`;
  const refuse = areAll
    ? `INSERT INTO ${VERDICTS} SELECT ${v('current')}, 'missing_dimension', ${reason}`
    : `INSERT INTO ${WAITING} SELECT ${v('current')}, NULL, ${reason}
            ON CONFLICT (ordinal) DO UPDATE
              SET parent = NULL, reason = EXCLUDED.reason, column_name = EXCLUDED.column_name`;
  const wait = references.length === 0 ? '' : `${waitFor(references, parents, staging, current)};`;
  const done = `${v('waits')} := true;
            ${v('at')} := ${v('at')} + 1;
            ${v('dangling')} := ${v('dangling')} + 1;
            ${v('state')} := NULL;`;
  return `${wait}
          IF ${references.length === 0 ? 'false' : 'FOUND'} THEN
            ${v('looks')} := ${LOOKS};
            ${done}
          ELSIF ${v('state')} = '23503' THEN
            ${refuse};
            ${done}
          END IF;`;
}
