/** The call of `edp ingest` and its help. */
import type { OptionName } from '../../options/option-definitions.js';
import type { CommandHelp } from '../command.js';

export const OPTION_NAMES = [
  'process-count',
  'read-batch-size',
  'write-batch-size',
  'table',
  'key',
  'on-conflict',
  'missing-dimensions',
  'on-new-column',
  'max-rejects',
  'effective-at',
  'force',
  'replace',
  'create',
  'check',
  'dry-run',
  'limit',
  'database-url',
] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'ingest <files...>',
  group: 'load',
  completes: ['data'],
  describe: 'Load CSV and JSON lines files into PostgreSQL, and account for each record',
  options: OPTION_NAMES,
  statuses: {
    failed: 'a file is not loaded, or only in part; the others are',
    doneWithRejects:
      'records were rejected, also by earlier runs of the loads, or with --check a check of severity error failed',
  },
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
      .example("$0 ingest 'landing/*.csv' --table events", 'a glob, into the specified table')
      .example(
        '$0 ingest events-1.csv.gz events-2.zip',
        'gzip, zstd, bzip2 and zip are decompressed',
      )
      .example('$0 ingest https://example.com/events-1.csv.gz', 'from a server; docs/sources.md')
      .example('curl -s $URL | $0 ingest - --table events', 'from a pipe, compressed or not')
      .example(
        '$0 ingest sales.csv --create',
        'a new table, with types from all records of the file',
      )
      .example(
        '$0 ingest prices.csv --replace --max-rejects 0',
        'the file as the new content of its table, or nothing at all',
      )
      .example('$0 ingest events --max-rejects 1%', 'stop if more than 1 % is rejected')
      .example('$0 ingest events --dry-run', 'what a load would do, with its first rejects')
      .example('$0 ingest events --json | jq .rows', 'counts for a script')
      .epilog(
        [
          '--dry-run loads every file in one transaction and rolls it back. Counts and rejects are those of a',
          'load into the real table, but nothing is written. It uses one connection for any --process-count',
          'and is slower than a load. Other loads of records with the same keys wait until it ends. --limit',
          'specifies how many rejects it shows.',
          '',
          '--create makes a table for files whose name matches no table: it infers the types from all of their',
          'records, declares the table in edp.yaml, and loads the files. The next such file needs no option.',
          'Its key is --key, or an identifier whose values all differ; it is printed.',
          '',
          '--effective-at says when what the files bring became valid, where a dimension with type-2 orders its',
          'versions by the load: a file of last month that comes today. It stays with the load, and comes back',
          'with its content after an undo. A load that is complete keeps the time that it has.',
          '',
          '--replace deletes all rows of the table and loads the files in one transaction: readers have the old',
          'content, then the new. The loads that brought the old rows count as undone. With --dry-run it says',
          'how many rows would go.',
        ].join('\n'),
      ),
};
