/** SQL as one writes it by hand: a statement for each table, and its indexes behind the rows. By psql. */
import { sourceFile } from '../repository.js';
import type { Contender } from './contender.js';
import { psql } from './psql.js';

export const handWritten: Contender = {
  name: 'hand-written',
  title: 'hand-written SQL by psql',
  reads: 'tables',
  find: psql.find,

  async load({ target, database, launch }) {
    const { step, from } = target.making!;
    const file = sourceFile(`warehouse/hand-written/${step === 'build' ? 'build' : 'day'}.sql`);
    await launch({
      command: 'psql',
      args: [
        ...['--no-psqlrc', '--quiet', '--set', 'ON_ERROR_STOP=1', '--set', `day=${from}`],
        ...['--file', file, database.url],
      ],
    });
  },
};
