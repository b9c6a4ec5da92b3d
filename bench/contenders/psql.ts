/** psql's own `\copy` of the flat file. */
import { quoteColumns, quoteIdentifier, quoteLiteral } from '../../src/model/ddl.js';
import { askVersion, type Contender, flatFileOf } from './contender.js';

export const psql: Contender = {
  name: 'psql',
  title: 'psql \\copy of the flat CSV',
  reads: 'flat',

  find: () =>
    askVersion(
      'psql',
      ['--version'],
      "the system's PostgreSQL client: apt-get install postgresql-client",
    ),

  async load({ dataset, target, database, launch }) {
    const table = `${quoteIdentifier(target.table)} (${quoteColumns(dataset.columns)})`;
    const file = quoteLiteral(flatFileOf(dataset).path);
    await launch({
      command: 'psql',
      args: [
        ...['--no-psqlrc', '--quiet', '--set', 'ON_ERROR_STOP=1', database.url],
        ...['--command', `\\copy ${table} FROM ${file} WITH (FORMAT csv, HEADER)`],
      ],
    });
  },
};
