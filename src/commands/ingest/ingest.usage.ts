/** How `edp ingest` is called, and what its help says. */
import type { OptionName } from '../../options/options.js';
import type { CommandUsage } from '../command.js';

export const OPTION_NAMES = [
  'process-count',
  'read-batch-size',
  'write-batch-size',
  'table',
  'on-conflict',
  'missing-dimensions',
  'on-new-column',
  'max-rejects',
  'force',
  'create',
  'dry-run',
  'limit',
  'database-url',
] as const satisfies readonly OptionName[];

export const usage: CommandUsage = {
  call: 'ingest <files...>',
  describe: 'Load CSV files into PostgreSQL, each record accounted for',
  options: OPTION_NAMES,
  takesFileSettings: true,
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .positional('files', {
        describe:
          'files, globs, URLs (https, http), comma-separated lists, - for stdin, or the word events for every data/events* file',
        type: 'string',
        array: true,
        demandOption: true,
      })
      .example('$0 ingest events', 'every data/events* file')
      .example("$0 ingest 'landing/*.csv' --table events", 'a glob, into a table named by hand')
      .example('$0 ingest events-1.csv.gz events-2.zip', 'gzip, zstd, bzip2 and zip are unpacked')
      .example('$0 ingest https://example.com/events-1.csv.gz', 'from a server; docs/sources.md')
      .example('curl -s $URL | $0 ingest - --table events', 'from a pipe, packed or not')
      .example('$0 ingest sales.csv --create', 'a new table, typed by all records of the file')
      .example('$0 ingest events --max-rejects 1%', 'give up when more than 1 % is rejected')
      .example('$0 ingest events --dry-run', 'what a load would do, with its first rejects')
      .example('$0 ingest events --json | jq .rows', 'counts for a script')
      .epilog(
        [
          '--dry-run loads every file in one transaction that is rolled back: the same counts and rejects as',
          'the load, from the real table, with nothing written. It takes one connection, whatever',
          '--process-count says, and is slower than a load; records with the same keys that others load',
          'meanwhile wait for its end. --limit says how many rejects it shows.',
          '',
          '--create makes a table for files that no table goes by the name of: it infers the types from all',
          'of their records, declares the table in edp.yaml, and loads. The next such file needs no option.',
        ].join('\n'),
      ),
};
