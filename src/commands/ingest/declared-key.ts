/** `--key` for files of a table that is declared already. */
import { EdpError } from '../../base/errors.js';
import { quoteColumns, quoteTable } from '../../model/ddl.js';
import { hasTable, matchTable } from '../../model/match.js';
import type { Model, Table } from '../../model/model.js';
import { PROJECT_FILE } from '../../project/file.js';
import type { InputFile } from '../../source/discover.js';

/**
 * The key of a declared table is what edp.yaml says: `verify`, `replay` and the next load rely on it, so a run cannot
 * have another one.
 *
 * @param key as given by `--key`; undefined if it was not
 * @throws EdpError `usage` if it is not the key of the table
 */
export function assertDeclaredKey(
  key: readonly string[] | undefined,
  model: Model,
  files: readonly InputFile[],
  tableName: string | undefined,
): void {
  if (key === undefined) return;
  const own = files.filter((file) => hasTable(model, file.path, tableName));
  for (const table of new Set(own.map((file) => matchTable(model, file.path, tableName)))) {
    assertIsKey(key, table);
  }
}

function assertIsKey(key: readonly string[], table: Table): void {
  const { name } = table;
  const columns = key.map(
    (one) => (table.columns.find((c) => c.name === one) ?? findByField(table, one))?.name ?? one,
  );
  if ([...columns].sort().join('\n') === [...table.key].sort().join('\n')) return;
  if (table.key.length > 0) {
    throw new EdpError(
      'usage',
      `--key ${key.join(',')}: the key of table "${name}" is ${table.key.join(', ')}`,
      { hint: `omit --key, or change the key in ${PROJECT_FILE} and in the database` },
    );
  }
  throw new EdpError(
    'usage',
    `--key ${key.join(',')}: ${PROJECT_FILE} declares table "${name}" without a key, and a single run cannot give it one`,
    {
      hint: `write key: [${columns.join(', ')}] under "${name}" in ${PROJECT_FILE}; if the table has been created, also run ALTER TABLE ${quoteTable(name)} ADD PRIMARY KEY (${quoteColumns(columns)}); --key is for tables that --create makes`,
    },
  );
}

function findByField(table: Table, field: string): Table['columns'][number] | undefined {
  return table.columns.find((column) => column.field === field);
}
