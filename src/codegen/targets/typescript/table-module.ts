/** The types of one table as TypeScript, and the schema that the reader checks its events by. */
import { TYPE_OF_OP } from '../../../events/change-event.js';
import { changeSchema } from '../../../events/event-schema.js';
import type { EventColumn } from '../../../events/event-table.js';
import { valueSchema } from '../../../events/value-schema.js';
import type { ColumnType } from '../../../model/types.js';
import type { CatalogueTable } from '../../catalogue.js';
import { rowColumns } from '../../row-columns.js';
import { importLine } from './import-line.js';

/** @param type the first part of the names of its types */
export function tableModule(table: CatalogueTable, type: string): string {
  const { name, key, columns, version } = table;
  const attributes = columns.map((column) =>
    property(column, changeType(column, !key.includes(column.name))),
  );
  const rows = rowColumns(table).map((column) =>
    property(column, rowType(column.type, column.isNullable)),
  );
  const keys = key.map((own) => {
    const column = columns.find((one) => one.name === own)!;
    return property(column, changeType(column, false));
  });
  const declarations = [
    importLine(
      `type { ${imports([...attributes, ...rows].join('\n')).join(', ')} }`,
      '../envelope.js',
    ),
    declaration(`the key of ${name}`, `interface ${type}Key`, keys),
    declaration(
      [table.description, `attributes of ${name}, as its events have them`]
        .filter((part) => part !== undefined)
        .join('\n'),
      `interface ${type}Attributes`,
      attributes,
    ),
    declaration(
      `a row of the realized table, its values written as events write them`,
      `interface ${type}Row`,
      rows,
    ),
    `${comment(`what an event that makes a row of ${name} has at least`)}export type ${type}Created = ${createdType(table, type)};\n`,
    `${comment(`a change of ${name}, by version ${version} of its schema`)}export type ${type}Event = Envelope &\n  (\n${eventTypes(name, type)}  );\n`,
    `${comment(`JSON Schema of \`data\` of its events`)}export const schema: object = ${JSON.stringify(changeSchema(table), null, 2)};\n`,
  ];
  return declarations.join('\n');
}

/** What of the envelope's module these declarations use. */
function imports(text: string): string[] {
  return ['About', 'Envelope', ...(text.includes('NotFinite') ? ['NotFinite'] : [])];
}

function declaration(about: string, head: string, members: readonly string[]): string {
  return `${comment(about)}export ${head} {\n${members.join('')}}\n`;
}

function property(
  { name, description }: Pick<EventColumn, 'name' | 'description'>,
  type: string,
): string {
  const about = description === undefined ? '' : comment(description, '  ');
  return `${about}  readonly ${propertyName(name)}: ${type};\n`;
}

function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) && name !== '__proto__' ? name : quoted(name);
}

/** As a text of TypeScript. */
function quoted(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

function comment(text: string, indent = ''): string {
  const lines = text.replaceAll('*/', '*\\/').split(/\r\n|[\n\r\u2028\u2029]/);
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return [
    `${indent}/**`,
    ...lines.map((line) => `${indent} * ${line}`.trimEnd()),
    `${indent} */\n`,
  ].join('\n');
}

const TYPES: Readonly<Record<ColumnType, string>> = {
  smallint: 'number',
  int: 'number',
  // Digits: JavaScript would round them.
  bigint: 'string',
  real: 'number | NotFinite',
  double: 'number | NotFinite',
  numeric: 'string',
  text: 'string',
  boolean: 'boolean',
  date: 'string',
  timestamp: 'string',
  timestamptz: 'string',
  uuid: 'string',
  json: 'unknown',
  jsonb: 'unknown',
};

function rowType(type: ColumnType, isNullable: boolean): string {
  const own = TYPES[type];
  return isNullable && own !== 'unknown' ? `${own} | null` : own;
}

/** Of a value that corrections may still have to put right, any scalar. */
function changeType({ type, corrections }: EventColumn, isNullable: boolean): string {
  const asIs = JSON.stringify(valueSchema(type, isNullable));
  const isAsIs = JSON.stringify(valueSchema(type, isNullable, corrections)) === asIs;
  if (isAsIs || TYPES[type] === 'unknown') return rowType(type, isNullable);
  return `string | number | boolean${isNullable ? ' | null' : ''}`;
}

/** Values that are calculated may follow later. */
function createdType({ columns, knowsCalculated }: CatalogueTable, type: string): string {
  if (knowsCalculated !== true) return `${type}Key & Partial<${type}Attributes>`;
  const later = columns.filter(({ isCalculated }) => isCalculated).map(({ name }) => quoted(name));
  if (later.length === 0) return `${type}Attributes`;
  const names = later.join(' | ');
  return `Omit<${type}Attributes, ${names}> &\n  Partial<Pick<${type}Attributes, ${names}>>`;
}

function eventTypes(table: string, type: string): string {
  const one = (op: keyof typeof TYPE_OF_OP, parts: Readonly<Record<string, string>>) => {
    const members = Object.entries(parts).map(([name, own]) => `readonly ${name}: ${own}`);
    const data = [`readonly op: '${op}'`, ...members].join('; ');
    return `    | { readonly type: ${quoted(`${table}.${TYPE_OF_OP[op]}`)}; readonly data: About & { ${data} } }\n`;
  };
  const before = { 'before?': `Partial<${type}Attributes>` };
  const made = { key: `${type}Key`, after: `${type}Created` };
  return [
    one('create', made),
    one('read', made),
    one('update', { key: `${type}Key`, after: `Partial<${type}Attributes>`, ...before }),
    one('delete', { key: `${type}Key`, ...before }),
    one('truncate', {}),
  ].join('');
}
