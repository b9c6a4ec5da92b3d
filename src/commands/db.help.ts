/** The call of `edp db` and its help. */
import type { CommandHelp } from './command.js';

export const ACTIONS = ['start', 'stop', 'url', 'psql'] as const;

export const help: CommandHelp = {
  call: 'db <action> [args..]',
  describe: 'The embedded PostgreSQL: start, stop, url, psql',
  options: [],
  statuses: { failed: 'psql ended with another status than 0' },
  needsNoModel: true,
  build: (yargs) =>
    yargs
      .positional('action', {
        describe:
          'start: start it and leave it running; stop: stop it; url: print its URL alone; psql: a shell, or SQL with -c',
        choices: ACTIONS,
        demandOption: true,
      })
      .positional('args', {
        describe: 'For psql: its own arguments, after --',
        array: true,
        type: 'string',
      })
      .option('command', {
        alias: 'c',
        type: 'string',
        array: true,
        describe: 'SQL to run with psql',
      })
      .parserConfiguration({ 'populate--': true, 'camel-case-expansion': false })
      .example('$0 db start', 'start it and leave it running')
      .example('psql "$($0 db url)"', 'connect any client of PostgreSQL')
      .example("$0 db psql -c 'SELECT count(*) FROM events'", 'run one statement'),
};
