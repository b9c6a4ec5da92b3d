/** Target ddl: the realized tables and their histories as SQL, each as `edp realize` makes it. */
import { GENERATED } from '../../../events/event-schema.js';
import { toNotes } from '../../../model/notes.js';
import { realizedTables } from '../../../model/realized-tables.js';
import type { Catalogue, CatalogueTable } from '../../catalogue.js';
import { kebabCase, uniqueNames } from '../../code-names.js';
import type { Target } from '../../codegen-target.js';
import { tableSql } from './realized-sql.js';

export const ddl: Target = {
  describe: 'SQL of the realized tables',
  isAtRoot: false,
  folder: 'ddl',
  files: /^ddl\/[^/]+\.sql$/,
  *generate({ tables }: Catalogue) {
    const names = uniqueNames(
      tables.map(({ name }) => name),
      kebabCase,
    );
    for (const table of tables) {
      yield { path: `ddl/${names.get(table.name)!}.sql`, text: fileOf(table) };
    }
  },
};

function fileOf(table: CatalogueTable): string {
  const { target, history } = realizedTables({
    ...table,
    ...toNotes(table),
    columns: table.columns.map(({ name, type, ...notes }) => ({ name, type, ...toNotes(notes) })),
  });
  const own = [target, ...(history === undefined ? [] : [history])];
  return [
    `-- ${GENERATED}`,
    '-- As edp realize makes it: of what the model says of its rows, the server enforces the key alone.',
    ...saidOnly(table),
    '',
    'BEGIN;',
    "SET LOCAL client_encoding = 'UTF8';",
    'SET LOCAL standard_conforming_strings = on;',
    '-- No notice of each column that is there already.',
    'SET LOCAL client_min_messages = warning;',
    '',
    ...own.flatMap((each) => [...tableSql(each), '']),
    'COMMIT;',
    '',
  ].join('\n');
}

/** What the model says and the server is not told: events of different keys come in any order. */
function saidOnly({ columns, key }: CatalogueTable): string[] {
  return columns.flatMap(({ name, nullable, references }) => [
    ...(nullable || key.includes(name) ? [] : [`-- ${name}: not null`]),
    ...(references === undefined
      ? []
      : [`-- ${name}: refers to ${references.table} (${references.column})`]),
  ]);
}
