/** The call of `edp db` and its help. */
import type { CommandHelp } from './command.js';

export const ACTIONS = ['start', 'stop', 'status', 'url', 'psql', 'destroy'] as const;

export const OPTION_NAMES = ['database-url', 'port', 'tcp', 'yes'] as const;

export const help: CommandHelp = {
  call: 'db <action> [args..]',
  group: 'server',
  completes: [ACTIONS],
  describe: 'The embedded PostgreSQL: start, stop, status, url, destroy; psql for any',
  options: OPTION_NAMES,
  statuses: { failed: 'psql ended with another status than 0' },
  needsNoModel: true,
  build: (yargs) =>
    yargs
      .positional('action', {
        describe:
          'start: start it and leave it running; stop: stop it; status: what it is and where; url: print its URL alone, and leave it running; psql: a shell, or SQL with -c, on the database that commands use; destroy: stop it and remove its data',
        choices: ACTIONS,
        demandOption: true,
      })
      .positional('args', {
        describe:
          'For psql: its own arguments, such as -c SQL, as they are (behind -- where edp has one of the name)',
        array: true,
        type: 'string',
      })
      .example('$0 db start', 'start it and leave it running')
      .example('psql "$($0 db url)"', 'connect any client of PostgreSQL')
      .example("$0 db psql -c 'SELECT count(*) FROM events'", 'run one statement')
      .example('$0 db psql -At -f daily.sql', 'with any arguments of psql')
      .example(
        '$0 db start --port 5433',
        'for tools that need TCP; $0 db url --tcp has the password',
      )
      .example('$0 db destroy --yes', 'remove it, with all tables and the ledger'),
};
