/** `edp ingest`: event files into PostgreSQL, each record accounted for. */

import { EdpError, EXIT, FailedRun } from '../../base/errors.js';
import type { LoadingRun } from '../../ledger/runs.js';
import type { IngestResult } from '../../load/file-results.js';
import { type SplitPool, withPool } from '../../load/load-pool.js';
import { type IngestOptions, ingest } from '../../load/run.js';
import { resolveFileSettings, resolveOptions } from '../../options/resolve-options.js';
import { type Database, greet, withDatabase } from '../../postgres/database.js';
import { mustBeCopied, withReadableFiles } from '../../source/copies.js';
import { discoverFiles, type InputFile, isStdin, totalBytes } from '../../source/discover.js';
import type { Command, Invocation } from '../command.js';
import type { CreatedJson, LoadHead } from '../json/load.schema.js';
import { asLoadingRun } from '../shared/recorded-run.js';
import { assertDeclaredKey } from './declared-key.js';
import { OPTION_NAMES } from './ingest.help.js';
import { makeIngestProgress } from './ingest-progress.js';
import { exitStatus, printSummary, toJson } from './summary.js';

export const command: Command = {
  async run(invocation: Invocation) {
    const { given, project, output, signal } = invocation;
    const resolved = resolveOptions(OPTION_NAMES, given, project.options);
    const options = { ...resolved, settingsFor: resolveFileSettings(given, project) };
    if (given.limit !== undefined && !options.dryRun) {
      throw new EdpError('usage', '--limit is for --dry-run: how many rejects to show', {
        hint: 'edp rejects <load> --limit N shows those of a load',
      });
    }
    if (options.check && options.dryRun) {
      throw new EdpError('usage', '--check looks at tables, and --dry-run leaves them as they are');
    }
    const files = await discoverFiles(given.files as string[], project.directory);
    if (files.some(isStdin) && options.table === undefined) {
      throw new EdpError('usage', 'standard input has no file name to derive the table from', {
        hint: 'specify the table: edp ingest - --table NAME',
      });
    }
    if (!options.create) assertDeclaredKey(options.key, project.model, files, options.table);
    const copying = { note: (text: string) => output.note(text), signal };
    const withFiles = (run: (all: readonly InputFile[]) => Promise<number>) =>
      withReadableFiles(project.directory, files, copying, run);
    const withFilesOf = async (
      database: Database,
      run: (all: readonly InputFile[]) => Promise<number>,
    ) => {
      // To copy them may take long.
      if (files.some(mustBeCopied)) await greet(database);
      return withFiles(run);
    };
    const where = { databaseUrl: options.databaseUrl, directory: project.directory };
    /** @param open what loads; undefined for a dry run */
    const workIn = async (
      to: Invocation,
      database: Database,
      open: { readonly pool: SplitPool; readonly run: LoadingRun } | undefined,
      all: readonly InputFile[],
      more: CreatedJson,
    ) => {
      const run = (settled: Invocation, loadOptions: typeof options & IngestOptions) =>
        open === undefined
          ? tryFiles(settled, database, all, loadOptions, more)
          : load(settled, database, open.pool, all, loadOptions, open.run, {
              command: 'ingest',
              ...more,
            });
      const { onNewColumn } = options;
      if (onNewColumn !== 'add') return run(to, { ...options, onNewColumn });
      const { addNewColumns } = await import('./new-columns.js');
      const widened = await addNewColumns(to, open?.run.client, all, options);
      // There are no new fields now; a dry run adds no column, and the inferred type would fit all
      // values.
      return run(widened, { ...options, onNewColumn: open === undefined ? 'ignore' : undefined });
    };
    const work = (
      to: Invocation,
      database: Database,
      pool: SplitPool | undefined,
      all: readonly InputFile[],
      more: CreatedJson = {},
    ) =>
      pool === undefined
        ? workIn(to, database, undefined, all, more)
        : asLoadingRun(invocation, 'ingest', database, (own, run) =>
            workIn(to, own, { pool, run }, all, more),
          );
    if (options.create) {
      const { withCreated } = await import('./create.js');
      return withFiles((all) =>
        withCreated(invocation, where, all, options, async (created, database, more, rest) =>
          options.dryRun
            ? work(created, database, undefined, rest, more)
            : withPool(options.processCount, await totalBytes(rest), (pool) =>
                work(created, database, pool, rest, more),
              ),
        ),
      );
    }
    if (options.dryRun) {
      return withDatabase(where, (database) =>
        withFilesOf(database, (all) => work(invocation, database, undefined, all)),
      );
    }
    return withPool(options.processCount, await totalBytes(files), (pool) =>
      withDatabase(where, (database) =>
        withFilesOf(database, (all) => work(invocation, database, pool, all)),
      ),
    );
  },
};

async function tryFiles(
  invocation: Invocation,
  database: Database,
  files: readonly InputFile[],
  options: IngestOptions & { readonly limit: number },
  more: CreatedJson = {},
): Promise<number> {
  const { tryLoad } = await import('./dry-run-summary.js');
  return tryLoad(invocation, database, files, options, options.limit, more);
}

/**
 * Loads the files and prints the result; shared with seed-dimensions.
 *
 * @param head first keys of the JSON
 */
export async function load(
  { project, output, signal }: Invocation,
  database: Database,
  pool: SplitPool,
  files: readonly InputFile[],
  options: IngestOptions & { readonly check?: boolean },
  run: LoadingRun,
  head: LoadHead,
): Promise<number> {
  const progress = await makeIngestProgress(output);
  let result: IngestResult;
  try {
    const loadAll =
      options.replace === true
        ? (await import('../../load/replace/replace-run.js')).replaceContent
        : ingest;
    result = await loadAll(database, run, pool, project.model, files, options, progress, signal);
  } finally {
    progress.stop();
  }
  run.countRejected(result.thisRun.rows.rejected);
  run.noteFailure(result.failedCode);
  const status = exitStatus(result);
  printSummary(output, result, database);
  if (result.failure !== undefined) {
    // The summary has what was loaded; the error, printed last, has the reason for the end.
    throw new FailedRun(result.failure, toJson(head, result, false));
  }
  const isOk = status !== EXIT.failed && !result.isInterrupted;
  if (options.check !== true || result.isInterrupted) {
    output.result(toJson(head, result, isOk));
    return status;
  }
  const { checkLoaded } = await import('./check-loaded.js');
  const { checks, hasFailed } = await checkLoaded(output, project, database, result);
  output.result(toJson({ ...head, command: 'ingest', checks }, result, isOk && !hasFailed));
  return hasFailed && status === EXIT.done ? EXIT.doneWithRejects : status;
}
