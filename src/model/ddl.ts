/** Model → DDL. Every identifier is quoted, so that no name can become SQL. */

import { physicalKey } from './kept-versions.js';
import { type Column, type Notes, neededTables, physicalColumns, type Table } from './model.js';
import { formatNotes } from './notes.js';
import { parseTableName, type TableName } from './table-name.js';
import { SQL_TYPE } from './types.js';

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** @param text name of a table as edp.yaml writes it, with its schema or without */
export function quoteTable(text: string): string {
  return quoteName(parseTableName(text));
}

export function quoteName({ schema, name }: TableName): string {
  return schema === undefined
    ? quoteIdentifier(name)
    : `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

export function quoteLiteral(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

export function quoteColumns(names: readonly string[]): string {
  return names.map(quoteIdentifier).join(', ');
}

/**
 * The statements that create a table with its key, references and indexes. The order of tables
 * matters: a referenced table comes first.
 */
export function createTableStatements(table: Table): string[] {
  const name = quoteTable(table.name);
  const parts = physicalColumns(table).map(
    (column) =>
      `${quoteIdentifier(column.name)} ${SQL_TYPE[column.type]}${column.isNullable ? '' : ' NOT NULL'}${column.default === undefined ? '' : ` DEFAULT ${column.default}`}`,
  );
  // With a guard, a side table keeps the key unique.
  if (table.key.length > 0 && table.hasKeyGuard !== true)
    parts.push(`PRIMARY KEY (${quoteColumns(physicalKey(table))})`);
  for (const { name: column, references } of table.columns) {
    if (references === undefined) continue;
    parts.push(
      `FOREIGN KEY (${quoteIdentifier(column)}) REFERENCES ${quoteTable(references.table)} (${quoteIdentifier(references.column)})`,
    );
  }
  return [
    `CREATE TABLE ${name} (\n  ${parts.join(',\n  ')}\n)${partitionClause(table)}`,
    ...table.indexes.map((columns) => `CREATE INDEX ON ${name} (${quoteColumns(columns)})`),
    ...commentStatements(table),
  ];
}

/** As a part of ALTER TABLE. */
export function addColumnClause({ name, type }: Pick<Column, 'name' | 'type'>): string {
  return `ADD COLUMN IF NOT EXISTS ${quoteIdentifier(name)} ${SQL_TYPE[type]}`;
}

function partitionClause({ partitions }: Table): string {
  if (partitions === undefined) return '';
  const { list, range } = partitions;
  return list === undefined
    ? ` PARTITION BY RANGE (${quoteIdentifier(range!.column)})`
    : ` PARTITION BY LIST (${quoteIdentifier(list)})`;
}

export function commentStatements({ name, notes, columns, sources }: Table): string[] {
  const comment = (object: string, own: Notes | undefined) =>
    own === undefined ? [] : [`COMMENT ON ${object} IS ${quoteLiteral(formatNotes(own))}`];
  const table = quoteTable(name);
  const metrics = sources.flatMap((source) => source.metrics);
  return [
    ...comment(`TABLE ${table}`, notes),
    ...columns.flatMap((column) =>
      comment(`COLUMN ${table}.${quoteIdentifier(column.name)}`, column.notes),
    ),
    ...metrics.flatMap((metric) =>
      comment(`COLUMN ${table}.${quoteIdentifier(metric.column)}`, metric.notes),
    ),
  ];
}

/** The table and every table it refers to or copies from, directly or not, those first. */
export function withReferredTables(table: Table, all: readonly Table[]): Table[] {
  const ordered: Table[] = [];
  const visit = (current: Table, trail: readonly Table[]) => {
    if (ordered.includes(current) || trail.includes(current)) return;
    for (const name of current.columns.flatMap(neededTables)) {
      const target = all.find((candidate) => candidate.name === name);
      if (target !== undefined) visit(target, [...trail, current]);
    }
    ordered.push(current);
  };
  visit(table, []);
  return ordered;
}
