/**
 * The query that makes the events of one statement: of its rows before and after, as `old_rows` and `new_rows`.
 *
 * Texts of JSON are put together from those of the values, which is several times faster than to build jsonb. OLD and
 * NEW are joined by key: where both are there it is an update, of what changed; otherwise a delete or a create.
 */
import { quoteIdentifier, quoteLiteral, quoteTable } from '../model/ddl.js';
import { formatTableName } from '../model/table-name.js';
import type { Attribute, CapturedModel } from './plan.js';

/** What a statement does to rows. */
export type RowOp = 'insert' | 'update' | 'delete';

/** A function takes at most 100 arguments. */
const MOST_ARGUMENTS = 90;

export interface EventQuery {
  readonly op: RowOp;
  /** SQL of the number of each event, and of its time. */
  readonly sequence?: string;
  readonly at?: string;
  /** Whether the table is as the statement has left it, so that keys which are there again are not deleted. */
  readonly isAfter?: boolean;
}

export const NEXT_SEQUENCE = "nextval('edp_capture.event_sequence')";

/** Columns of {@link eventQuery}, as the outbox has them. */
export const EVENT_COLUMNS = 'sequence, xid, model, version, op, key, after, before, errors, at';

/** @returns a query with the columns of the outbox, for all models of a source */
export function eventQuery(models: readonly CapturedModel[], query: EventQuery): string {
  return models.map((model) => queryOf(model, query)).join('\nUNION ALL\n');
}

function queryOf(
  model: CapturedModel,
  { op, sequence = NEXT_SEQUENCE, at = 'clock_timestamp()', isAfter = false }: EventQuery,
): string {
  const body =
    op === 'update'
      ? changesOf(model, isAfter)
      : op === 'insert'
        ? createsOf(model)
        : deletesOf(model, isAfter);
  return `SELECT ${sequence}, pg_current_xact_id(), ${quoteLiteral(model.name)}, ${model.version}, e.op, e.key, e.after, e.before, NULL::text, ${at}
FROM (
${body}
OFFSET 0) AS e${op === 'update' ? "\nWHERE e.op <> 'update' OR e.after <> '{}'" : ''}`;
}

function createsOf(model: CapturedModel): string {
  const after = model.attributes.map((attribute, i) => pair(attribute, `n.a${i}`));
  return `SELECT 'create' AS op, ${keyOf(model, 'n')} AS key, ${object(after)} AS after, NULL::text AS before
FROM (${rowsOf(model, 'new_rows')}) AS n`;
}

function deletesOf(model: CapturedModel, isAfter: boolean): string {
  const before = model.attributes.map((attribute, i) => pair(attribute, `o.a${i}`));
  return `SELECT 'delete' AS op, ${keyOf(model, 'o')} AS key, NULL::text AS after, ${object(before)} AS before
FROM (${rowsOf(model, 'old_rows')}) AS o${isAfter ? ` WHERE ${isGone(model)}` : ''}`;
}

function changesOf(model: CapturedModel, isAfter: boolean): string {
  const { attributes } = model;
  const after = attributes.map(
    (attribute, i) =>
      `CASE WHEN n.r AND (o.r IS NULL OR ${differ(attribute, `n.a${i}`, `o.a${i}`)}) THEN ${pair(attribute, `n.a${i}`)} END`,
  );
  const before = attributes.map(
    (attribute, i) =>
      `CASE WHEN o.r AND (n.r IS NULL OR ${differ(attribute, `n.a${i}`, `o.a${i}`)}) THEN ${pair(attribute, `o.a${i}`)} END`,
  );
  const join = keyIndexes(model).map((i) => `n.a${i} = o.a${i}`);
  return `SELECT CASE WHEN o.r IS NULL THEN 'create' WHEN n.r IS NULL THEN 'delete' ELSE 'update' END AS op,
  CASE WHEN n.r THEN ${keyOf(model, 'n')} ELSE ${keyOf(model, 'o')} END AS key,
  CASE WHEN n.r THEN ${object(after)} END AS after,
  CASE WHEN o.r THEN ${object(before)} END AS before
FROM (${rowsOf(model, 'old_rows')}) AS o
FULL JOIN (${rowsOf(model, 'new_rows')}) AS n ON ${join.join(' AND ')}${isAfter ? ` WHERE n.r IS NOT NULL OR ${isGone(model)}` : ''}`;
}

/**
 * Whether the key of \`o\` is not there again. A statement may delete a key and write it anew (WITH … DELETE … INSERT), and the triggers of
 * what it does fire when each part has come to its end: an INSERT that does not ask for all deleted rows ends before the DELETE.
 */
function isGone(model: CapturedModel): string {
  const { attributes, source } = model;
  const columns = new Set(source.columns.map(({ name }) => quoteIdentifier(name)));
  const keys = keyIndexes(model);
  // To look for what is computed would be to read the whole table.
  if (!keys.every((i) => columns.has(attributes[i]!.value))) return 'true';
  const alias = quoteIdentifier(source.name);
  const same = keys.map((i) => `${alias}.${attributes[i]!.value} = o.a${i}`).join(' AND ');
  const filter = filterOf(model);
  return `NOT EXISTS (SELECT FROM ${quoteTable(formatTableName(source))} AS ${alias}${filter === '' ? ' WHERE' : `${filter} AND`} ${same})`;
}

/** SQL: whether two values have different texts, or may have. */
export function differ({ isExact }: Attribute, a: string, b: string): string {
  return isExact ? `${a} IS DISTINCT FROM ${b}` : `record_image_ne(ROW(${a}), ROW(${b}))`;
}

/** The rows that the model has, with the values of its attributes. */
function rowsOf(model: CapturedModel, relation: string): string {
  const values = model.attributes.map(({ value }, i) => `${value} AS a${i}`);
  return `SELECT ${['true AS r', ...values].join(', ')} FROM ${relation} AS ${quoteIdentifier(model.source.name)}${filterOf(model)}`;
}

export function filterOf({ where }: CapturedModel): string {
  return where === undefined ? '' : ` WHERE (${where}\n)`;
}

export function keyIndexes({ key, attributes }: CapturedModel): number[] {
  return key.map((name) => attributes.findIndex((one) => one.name === name));
}

export function keyOf(model: CapturedModel, alias: string): string {
  const parts = keyIndexes(model).map((i) => pair(model.attributes[i]!, `${alias}.a${i}`));
  return `'{' || ${parts.join(" || ',' || ")} || '}'`;
}

export function pair({ name, json }: Attribute, value: string): string {
  return `${quoteLiteral(`${JSON.stringify(name)}:`)} || ${json(value)}`;
}

/** @param parts SQL of texts, which may be NULL */
export function object(parts: readonly string[]): string {
  if (parts.length <= MOST_ARGUMENTS) return `'{' || concat_ws(',', ${parts.join(', ')}) || '}'`;
  const groups: string[] = [];
  for (let i = 0; i < parts.length; i += MOST_ARGUMENTS) {
    groups.push(`nullif(concat_ws(',', ${parts.slice(i, i + MOST_ARGUMENTS).join(', ')}), '')`);
  }
  return `'{' || concat_ws(',', ${groups.join(', ')}) || '}'`;
}

/**
 * Rows as they are in the source now, of some of which it is known how they are told apart: reads, and calculations.
 *
 * @param from the relation, and what restricts it, behind FROM; it has the name of the source table
 */
export function readQuery(
  model: CapturedModel,
  from: string,
  sequence: string,
  withCalculations: boolean,
): string {
  const values = model.attributes.map(
    ({ json, value, name }) => `${quoteLiteral(`${JSON.stringify(name)}:`)} || ${json(value)}`,
  );
  const own = new Set(model.attributes.map(({ name }) => name));
  const calculated = calculatedPairs(model, withCalculations ? own : undefined);
  return `SELECT ${sequence}, pg_current_xact_id(), ${quoteLiteral(model.name)}, ${model.version}, 'read', ${rowKey(model)},
  ${object([...values, ...(withCalculations ? calculated : [])])}, NULL::text, NULL::text, clock_timestamp()
FROM ${from}`;
}

/** SQL of the JSON text of a row's key. */
export function rowKey(model: CapturedModel): string {
  const parts = keyIndexes(model).map((i) => {
    const { name, json, value } = model.attributes[i]!;
    return `${quoteLiteral(`${JSON.stringify(name)}:`)} || ${json(value)}`;
  });
  return `'{' || ${parts.join(" || ',' || ")} || '}'`;
}

export function calculatedPairs(
  { calculations }: CapturedModel,
  except: ReadonlySet<string> = new Set(),
): string[] {
  return calculations
    .filter(({ name }) => !except.has(name))
    .map(({ name, json }) => `${quoteLiteral(`${JSON.stringify(name)}:`)} || ${json}`);
}
