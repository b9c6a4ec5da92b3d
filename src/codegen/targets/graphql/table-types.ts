/** The types of one table as GraphQL: a row, a page of rows, a filter. */
import type { CatalogueTable } from '../../catalogue.js';
import { uniqueNames, wordsOf } from '../../code-names.js';
import { type RowColumn, rowColumns } from '../../row-columns.js';
import { SCALARS } from './common-types.js';

export interface TableTypes {
  /** Its fields of the type Query. */
  readonly query: string;
  readonly own: string;
}

interface Field extends RowColumn {
  readonly column: string;
}

/** Names of types, and of a query, that are made of the name of a type. */
export function madeOfType(type: string): string[] {
  return ['Edge', 'Connection', 'Filter', 'ByKey'].map((suffix) => `${type}${suffix}`);
}

/** Fields that filters have besides those of columns. */
const OF_FILTERS = ['and', 'or', 'not'];
/** Of a page, unless more or fewer are asked for. */
const ROWS = 100;

/** @param types name of its type by table */
export function tableTypes(table: CatalogueTable, types: ReadonlyMap<string, string>): TableTypes {
  const { name, key, softDelete } = table;
  const type = types.get(name)!;
  const fields = fieldsOf(table);
  const keys = key.map((column) => fields.find((field) => field.column === column)!);
  const keyArguments = keys.map(
    (field) => `${field.name}: ${SCALARS[field.type]}! ${columnOf(field)}`,
  );
  const rows = fields.map(
    (field) =>
      `${description(field.description, '  ')}  ${field.name}: ${SCALARS[field.type]}${field.isNullable ? '' : '!'} ${columnOf(field)}\n`,
  );
  const list = `${type[0]!.toLowerCase()}${type.slice(1)}`;
  const deleted =
    softDelete === false
      ? []
      : ['    "Rows that are deleted in the source, too."\n    includeDeleted: Boolean = false\n'];
  return {
    query: [
      `  "The row of ${plain(name)} that has this key."\n  ${list}ByKey(${keyArguments.join(', ')}): ${type}\n`,
      `  "Rows of ${plain(name)}, in the order of their keys."\n  ${list}(\n    first: Int = ${ROWS}\n    after: String\n    filter: ${type}Filter\n${deleted.join('')}  ): ${type}Connection!\n`,
    ].join(''),
    own: [
      `${description(table.description ?? `a row of ${name}`)}type ${type} @table(name: ${quoted(name)}, key: [${key.map(quoted).join(', ')}]) {\n${rows.join('')}${references(table, fields, types)}}\n`,
      `type ${type}Edge {\n  cursor: String!\n  node: ${type}!\n}\n`,
      `type ${type}Connection {\n  edges: [${type}Edge!]!\n  nodes: [${type}!]!\n  pageInfo: PageInfo!\n}\n`,
      `input ${type}Filter {\n${fields.map((field) => `  ${field.name}: ${SCALARS[field.type]}Filter ${columnOf(field)}\n`).join('')}  and: [${type}Filter!]\n  or: [${type}Filter!]\n  not: ${type}Filter\n}\n`,
    ].join('\n'),
  };
}

function fieldsOf(table: CatalogueTable): Field[] {
  const columns = rowColumns(table);
  const names = uniqueNames(
    columns.map(({ name }) => name),
    fieldName,
    OF_FILTERS,
  );
  return columns.map((column) => ({
    ...column,
    column: column.name,
    name: names.get(column.name)!,
  }));
}

/** The column's own name, where GraphQL takes it. */
function fieldName(column: string): string {
  return /^(?!__)[A-Za-z_]\w*$/.test(column) ? column : wordsOf(column).join('_');
}

function columnOf({ column }: Field): string {
  return `@column(name: ${quoted(column)})`;
}

/** Of columns that refer to the key of another table which is there, too: its row. */
function references(
  { columns }: CatalogueTable,
  fields: readonly Field[],
  types: ReadonlyMap<string, string>,
): string {
  const taken = fields.map(({ name }) => name.toLowerCase());
  const own = columns.filter(({ references: to }) => to !== undefined && types.has(to.table));
  const names = uniqueNames(
    own.map(({ name }) => name),
    (column) => fieldName(column).replace(/_?(?:id|key|code)$/i, '') || 'row',
    [...taken, ...OF_FILTERS],
  );
  return own
    .map(({ name, references: to }) => {
      const { table, column } = to!;
      return `  ${names.get(name)!}: ${types.get(table)!} @reference(column: ${quoted(name)}, to: ${quoted(column)})\n`;
    })
    .join('');
}

/** A string of GraphQL has the escapes of JSON. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u2028\u2029\ud800-\udfff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Within a description. */
function plain(text: string): string {
  return quoted(text).slice(1, -1);
}

function description(text: string | undefined, indent = ''): string {
  return text === undefined ? '' : `${indent}${quoted(text)}\n`;
}
