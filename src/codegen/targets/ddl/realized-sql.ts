/** The statements of one table: it is made, or gets the columns that it lacks. */
import {
  addColumnClause,
  commentStatements,
  createTableStatements,
  quoteIdentifier,
  quoteLiteral,
  quoteTable,
} from '../../../model/ddl.js';
import type { Table } from '../../../model/model.js';
import { parseTableName } from '../../../model/table-name.js';

/** @returns lines. Run again, they change what is lacking alone, and comments */
export function tableSql(table: Table): string[] {
  const { notes: _, columns, ...rest } = table;
  // Comments are said anew each time.
  const plain = { ...rest, columns: columns.map(({ notes: __, ...column }) => column) };
  const name = quoteTable(table.name);
  // A table without its key is another one, which edp realize refuses.
  const added = columns.filter((column) => !table.key.includes(column.name));
  const body = [
    ...schemaLines(table),
    `IF to_regclass(${quoteLiteral(name)}) IS NULL THEN`,
    ...createTableStatements(plain).map((statement) => `${statement};`),
    'ELSE',
    `ALTER TABLE ${name}`,
    `${added.map((column) => `  ${addColumnClause(column)}`).join(',\n')};`,
    'END IF;',
  ];
  const tag = freeTag(body.join('\n'));
  return [
    `DO ${tag} BEGIN`,
    ...body,
    `END ${tag};`,
    ...commentStatements(table).map((statement) => `${statement};`),
  ];
}

/** Who may not make schemas may do without: one that is there is not asked for. */
function schemaLines({ name }: Table): string[] {
  const { schema } = parseTableName(name);
  if (schema === undefined) return [];
  const quoted = quoteIdentifier(schema);
  return [
    `IF to_regnamespace(${quoteLiteral(quoted)}) IS NULL THEN CREATE SCHEMA ${quoted}; END IF;`,
  ];
}

/** That does not end the text too soon. */
function freeTag(text: string): string {
  let tag = '$edp$';
  for (let i = 2; text.includes(tag); i++) tag = `$edp${i}$`;
  return tag;
}
