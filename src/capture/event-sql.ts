/**
 * The query that keeps the changes of one statement: of its rows before and after, as `old_rows` and `new_rows`.
 *
 * It keeps plain texts of values, in an array: to write JSON is left to the reader (change-texts.ts), and of an update, what did not
 * change is NULL. OLD and NEW are joined by key: where both are there it is an update; otherwise a delete or a create.
 */
import { quoteIdentifier, quoteLiteral, quoteName } from '../model/ddl.js';
import type { Attribute, CapturedModel } from './plan.js';
import { keyIndexes, shapeId } from './shape-sql.js';

/** What a statement does to rows. */
export type RowOp = 'insert' | 'update' | 'delete';

/** A function takes at most 100 arguments. */
const MOST_ARGUMENTS = 90;

export interface ChangeQuery {
  readonly op: RowOp;
  /** SQL of the number of each event, and of its time. */
  readonly sequence?: string;
  readonly at?: string;
  /** Where the rows before and after it are. */
  readonly oldRows?: string;
  readonly newRows?: string;
  /** SQL: whether a row with the key of one that is gone may be there, so that it is not published as deleted. */
  readonly looks?: string;
}

export const NEXT_SEQUENCE = "nextval('edp_capture.event_sequence')";

/** Columns of the outbox for events whose JSON is there. */
export const EVENT_COLUMNS = 'sequence, xid, model, version, op, key, after, before, errors, at';

/** Columns of {@link changeQuery}, as the outbox has them. */
export const CHANGE_COLUMNS = 'sequence, xid, model, version, op, at, shape, changes';

/** @returns a query with {@link CHANGE_COLUMNS}, for all models of a source */
export function changeQuery(models: readonly CapturedModel[], query: ChangeQuery): string {
  return models.map((model) => queryOf(model, query)).join('\nUNION ALL\n');
}

function queryOf(model: CapturedModel, query: ChangeQuery): string {
  const { op, sequence = NEXT_SEQUENCE, at = 'clock_timestamp()' } = query;
  const { oldRows = 'old_rows', newRows = 'new_rows' } = query;
  const isBack = query.looks === undefined ? undefined : `${query.looks} AND ${isThere(model)}`;
  const body =
    op === 'update'
      ? changesOf(model, oldRows, newRows, isBack)
      : op === 'insert'
        ? createsOf(model, newRows)
        : deletesOf(model, oldRows, isBack);
  return `SELECT ${sequence}, pg_current_xact_id(), ${quoteLiteral(model.name)}, ${model.version}, e.op, ${at}, ${shapeId(model)}, e.changes
FROM (
${body}
OFFSET 0) AS e${op === 'update' ? `\nWHERE e.op <> 'update' OR ${isChange(model, 'e.changes')}` : ''}`;
}

function createsOf(model: CapturedModel, rows: string): string {
  return `SELECT 'create' AS op, ${wholeRow(model, 'n')} AS changes FROM (${rowsOf(model, rows)}) AS n`;
}

function deletesOf(model: CapturedModel, rows: string, isBack: string | undefined): string {
  return `SELECT 'delete' AS op, ${wholeRow(model, 'o')} AS changes FROM (${rowsOf(model, rows)}) AS o${isBack === undefined ? '' : `\nWHERE NOT (${isBack})`}`;
}

function changesOf(
  model: CapturedModel,
  oldRows: string,
  newRows: string,
  isBack: string | undefined,
): string {
  return `SELECT CASE WHEN o.r IS NULL THEN 'create' WHEN n.r IS NULL THEN 'delete' ELSE 'update' END AS op,
  CASE WHEN o.r IS NULL THEN ${wholeRow(model, 'n')} WHEN n.r IS NULL THEN ${wholeRow(model, 'o')} ELSE ${difference(model)} END AS changes
FROM (${rowsOf(model, oldRows)}) AS o
FULL JOIN (${rowsOf(model, newRows)}) AS n ON ${isSameKey(model)}${isBack === undefined ? '' : `\nWHERE NOT (n.r IS NULL AND ${isBack})`}`;
}

/** SQL: whether the model has a row with the key of row o now. */
function isThere(model: CapturedModel): string {
  const same = keyIndexes(model).map((i) => {
    const attribute = model.attributes[i]!;
    const [now, was] = [`edp_now.a${i}`, `o.a${i}`];
    // An index finds what is equal.
    const isIndexed = attribute.comparison !== 'equality' && attribute.isColumn;
    return `${isIndexed ? `${now} = ${was} AND ` : ''}${sameText(attribute, now, was)}`;
  });
  const relation = quoteName(model.source);
  return `EXISTS (SELECT FROM (${rowsOf(model, relation)}) AS edp_now WHERE ${same.join(' AND ')})`;
}

/** SQL: whether a key of the model has several rows. */
export function isRepeated(model: CapturedModel, rows: string): string {
  const key = keyIndexes(model).map((i) => {
    const { comparison, text } = model.attributes[i]!;
    return comparison === 'equality' ? `e.a${i}` : text(`e.a${i}`);
  });
  return `EXISTS (SELECT FROM (${rowsOf(model, rows)}) AS e GROUP BY ${key.join(', ')} HAVING count(*) > 1)`;
}

/** SQL of the texts of a row. */
export function wholeRow({ attributes }: CapturedModel, row: string): string {
  return `ARRAY[${attributes.map(({ plain }, i) => plain(`${row}.a${i}`)).join(', ')}]`;
}

/** SQL of the texts of rows n and o where they differ, and of the key. */
function difference(model: CapturedModel): string {
  const keys = new Set(keyIndexes(model));
  return bothRows(model, (i, text, isNew) => {
    if (isNew && keys.has(i)) return text;
    const attribute = model.attributes[i]!;
    // The two of a key are equal, by the join.
    if (keys.has(i) && attribute.comparison === 'equality') return 'NULL::text';
    return ifChanged(attribute, i, text);
  });
}

/**
 * The same of one row, for which to begin a comparison costs more than to write both texts; only long values that did not change
 * are left out.
 */
export function bothWhole({ attributes, ...model }: CapturedModel): string {
  return bothRows({ ...model, attributes }, (i, text) => {
    const attribute = attributes[i]!;
    const isShort = attribute.comparison !== 'bytes' && !LONG_KINDS.has(attribute.kind);
    return isShort || model.key.includes(attribute.name) ? text : ifChanged(attribute, i, text);
  });
}

const LONG_KINDS: ReadonlySet<string> = new Set(['text', 'value', 'padded']);

function ifChanged(attribute: Attribute, i: number, text: string): string {
  return `CASE WHEN ${differ(attribute, `n.a${i}`, `o.a${i}`)} THEN ${text} END`;
}

function bothRows(
  { attributes }: CapturedModel,
  one: (i: number, text: string, isNew: boolean) => string,
): string {
  const texts = ['n', 'o'].flatMap((row) =>
    attributes.map(({ plain }, i) => one(i, plain(`${row}.a${i}`), row === 'n')),
  );
  // What refers to a row that is gone has no text: which of them changed, from NULL to NULL, is said behind all texts.
  const lost = attributes.flatMap(({ isReference, comparison, ...attribute }, i) =>
    isReference
      ? [
          `CASE WHEN ${differ({ ...attribute, isReference, comparison }, `n.a${i}`, `o.a${i}`)} THEN '${i},' END`,
        ]
      : [],
  );
  if (lost.length > 0) texts.push(`nullif(concat(${lost.join(', ')}), '')`);
  return `ARRAY[${texts.join(', ')}]`;
}

/** SQL: whether a {@link difference} is one. */
function isChange({ key }: CapturedModel, changes: string): string {
  return `num_nonnulls(VARIADIC ${changes}) > ${key.length}`;
}

export function isSameKey(model: CapturedModel): string {
  return keyIndexes(model)
    .map((i) => sameText(model.attributes[i]!, `n.a${i}`, `o.a${i}`))
    .join(' AND ');
}

/** SQL: whether two values of a key are written alike. Equal ones may not be: 'a' and 'A'. Numbers are keys by their value. */
function sameText({ comparison, text }: Attribute, a: string, b: string): string {
  if (comparison !== 'bytes') return `${a} = ${b}`;
  return `${text(a)} COLLATE "C" = ${text(b)} COLLATE "C"`;
}

/** SQL: whether two values have different texts, or may have. */
function differ({ comparison }: Attribute, a: string, b: string): string {
  if (comparison === 'bytes') return `record_image_ne(ROW(${a}), ROW(${b}))`;
  const differs = `${a} IS DISTINCT FROM ${b}`;
  return comparison === 'scale'
    ? `(${differs} OR scale(${a}) IS DISTINCT FROM scale(${b}))`
    : differs;
}

/** The rows that the model has, with the values of its attributes. */
function rowsOf(model: CapturedModel, relation: string): string {
  const values = model.attributes.map(({ value }, i) => `${value} AS a${i}`);
  return `SELECT ${['true AS r', ...values].join(', ')} FROM ${relation} AS ${quoteIdentifier(model.source.name)}${filterOf(model)}`;
}

export function filterOf({ where }: CapturedModel): string {
  return where === undefined ? '' : ` WHERE (${where}\n)`;
}

function pair({ name, json }: Attribute, value: string): string {
  return named(name, json(value));
}

/** @param json SQL of a JSON text */
export function named(name: string, json: string): string {
  return `${quoteLiteral(`${JSON.stringify(name)}:`)} || ${json}`;
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

/** SQL of what all events of a read have. */
export interface ReadParts {
  readonly sequence: string;
  readonly errors: string;
  readonly at: string;
}

/**
 * Rows as they are in the source now, with their calculations, as events with {@link EVENT_COLUMNS}.
 *
 * @param from the relation, and what restricts it, behind FROM; it has the name of the source table
 */
export function readQuery(
  model: CapturedModel,
  from: string,
  { sequence, errors, at }: ReadParts,
): string {
  const values = model.attributes.map((attribute) => pair(attribute, attribute.value));
  const own = new Set(model.attributes.map(({ name }) => name));
  const calculated = calculatedPairs(model, own);
  return `SELECT ${sequence}, pg_current_xact_id(), ${quoteLiteral(model.name)}, ${model.version}, 'read', ${rowKey(model)},
  ${object([...values, ...calculated])}, NULL::text, ${errors}, ${at}
FROM ${from}`;
}

/** SQL of the JSON text of a row's key. */
export function rowKey(model: CapturedModel): string {
  const parts = keyIndexes(model).map((i) =>
    pair(model.attributes[i]!, model.attributes[i]!.value),
  );
  return `'{' || ${parts.join(" || ',' || ")} || '}'`;
}

export function calculatedPairs(
  { calculations }: CapturedModel,
  except: ReadonlySet<string> = new Set(),
): string[] {
  return calculations
    .filter(({ name }) => !except.has(name))
    .map(({ name, json }) => named(name, json));
}
