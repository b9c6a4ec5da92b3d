/** `edp ingest`: event files into PostgreSQL, each record accounted for. */

import { EdpError, EXIT, FailedRun } from '../../base/errors.js';
import type { IngestResult } from '../../load/file-results.js';
import { type SplitPool, withPool } from '../../load/load-pool.js';
import { type IngestOptions, ingest } from '../../load/run.js';
import {
  FILE_OPTION_NAMES,
  type OptionName,
  resolveFileSettings,
  resolveOptions,
} from '../../options/options.js';
import { type Database, withDatabase } from '../../postgres/database.js';
import {
  discoverFiles,
  type InputFile,
  isStdin,
  totalBytes,
  withSpooledStdin,
} from '../../source/discover.js';
import type { Command, Invocation } from '../command.js';
import { makeProgress } from './ingest-progress.js';
import { exitStatus, printSummary, toJson } from './summary.js';

const OPTION_NAMES = [
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

export const command: Command = {
  options: [...OPTION_NAMES, ...FILE_OPTION_NAMES],
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .positional('files', {
        describe:
          'files, globs, comma-separated lists, - for stdin, or the word events for every data/events* file',
        type: 'string',
        array: true,
        demandOption: true,
      })
      .example('$0 ingest events', 'every data/events* file')
      .example("$0 ingest 'landing/*.csv' --table events", 'a glob, into a table named by hand')
      .example('$0 ingest events-1.csv.gz events-2.zip', 'gzip, zstd, bzip2 and zip are unpacked')
      .example('$0 ingest shop.jsonl', 'a JSON object in each line (docs/jsonl.md of the package)')
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

  async run(invocation: Invocation) {
    const { given, project } = invocation;
    const resolved = resolveOptions(OPTION_NAMES, given, project.options);
    const options = { ...resolved, settingsFor: resolveFileSettings(given, project) };
    if (given.limit !== undefined && !options.dryRun) {
      throw new EdpError('usage', '--limit is for --dry-run: how many rejects to show', {
        hint: 'edp rejects <load> --limit N shows those of a load',
      });
    }
    const files = await discoverFiles(given.files as string[], project.directory);
    if (files.some(isStdin) && options.table === undefined) {
      throw new EdpError('usage', 'standard input has no name to tell the table by', {
        hint: 'name the table: edp ingest - --table NAME',
      });
    }
    const withFiles = (run: (all: readonly InputFile[]) => Promise<number>) =>
      withSpooledStdin(project.directory, files, run);
    const where = { databaseUrl: options.databaseUrl, directory: project.directory };
    const work = async (
      to: Invocation,
      database: Database,
      pool: SplitPool | undefined,
      all: readonly InputFile[],
      more: object = {},
    ) => {
      const run = (settled: Invocation, loadOptions: typeof options & IngestOptions) =>
        pool === undefined
          ? tryFiles(settled, database, all, loadOptions, more)
          : load(settled, database, pool, all, loadOptions, 'ingest', more);
      const { onNewColumn, dryRun } = options;
      if (onNewColumn !== 'add') return run(to, { ...options, onNewColumn });
      const { addNewColumns } = await import('./new-columns.js');
      const widened = await addNewColumns(to, database, all, options);
      // No field is new any more; a dry run adds no column, and its type would fit all values.
      return run(widened, { ...options, onNewColumn: dryRun ? 'ignore' : undefined });
    };
    if (options.create) {
      const { withCreated } = await import('./create.js');
      return withFiles((all) =>
        withCreated(invocation, where, all, options, async (created, database, more) =>
          options.dryRun
            ? work(created, database, undefined, all, more)
            : withPool(options.processCount, await totalBytes(all), (pool) =>
                work(created, database, pool, all, more),
              ),
        ),
      );
    }
    if (options.dryRun) {
      return withDatabase(where, (database) =>
        withFiles((all) => work(invocation, database, undefined, all)),
      );
    }
    return withPool(options.processCount, await totalBytes(files), (pool) =>
      withDatabase(where, (database) => withFiles((all) => work(invocation, database, pool, all))),
    );
  },
};

async function tryFiles(
  invocation: Invocation,
  database: Database,
  files: readonly InputFile[],
  options: IngestOptions & { readonly limit: number },
  more: object = {},
): Promise<number> {
  const { tryLoad } = await import('./dry-run-summary.js');
  return tryLoad(invocation, database, files, options, options.limit, more);
}

/**
 * Loads the files and tells the result; shared with seed-dimensions.
 *
 * @param more what the JSON says beside
 */
export async function load(
  { project, output, signal }: Invocation,
  database: Database,
  pool: SplitPool,
  files: readonly InputFile[],
  options: IngestOptions,
  commandName = 'ingest',
  more: object = {},
): Promise<number> {
  const progress = makeProgress(output);
  let result: IngestResult;
  try {
    result = await ingest(database, pool, project.model, files, options, progress, signal);
  } finally {
    progress.stop();
  }
  const status = exitStatus(result);
  printSummary(output, result, database);
  if (result.failure !== undefined) {
    // The summary says what was loaded before; the error, printed last, why it ended.
    throw new FailedRun(result.failure, { ...toJson(commandName, result, false), ...more });
  }
  const isOk = status !== EXIT.failed && !result.isInterrupted;
  output.result({ ...toJson(commandName, result, isOk), ...more });
  return status;
}
