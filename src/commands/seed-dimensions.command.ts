/** `edp seed-dimensions`: loads the two dimension files, in the same way as every load. */
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { withPool } from '../load/load-pool.js';
import type { IngestOptions } from '../load/run.js';
import { NO_SETTINGS } from '../model/file-settings.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withDatabase } from '../postgres/database.js';
import { discoverFiles, totalBytes } from '../source/discover.js';
import { isFile } from '../source/local-files.js';
import type { Command } from './command.js';
import { load } from './ingest/ingest.command.js';
import { OPTION_NAMES } from './seed-dimensions.help.js';
import { asLoadingRun } from './shared/recorded-run.js';

const FILES = ['first_dimensions.csv', 'second_dimensions.csv'];

const PROCESS_COUNT = 2;

const INGEST_OPTIONS: IngestOptions = {
  table: undefined,
  settingsFor: () => NO_SETTINGS,
  processCount: PROCESS_COUNT,
  readBatchSize: 100_000,
  writeBatchSize: 10_000,
  // A changed file replaces the rows that it changes.
  onConflict: 'update',
  missingDimensions: 'reject',
  onNewColumn: undefined,
  maxRejects: undefined,
  force: false,
};

export const command: Command = {
  async run(invocation) {
    const { given, project } = invocation;
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const directory = path.resolve(project.directory, options.dir);
    const hasOwn = await Promise.all(FILES.map((file) => isFile(path.join(directory, file))));
    const missing = FILES.filter((_, i) => !hasOwn[i]);
    if (missing.length > 0) {
      throw new EdpError('no_such_file', `${options.dir} has no ${missing.join(' and no ')}`, {
        hint: 'edp generate-data writes both; or name another directory with --dir',
      });
    }
    const files = await discoverFiles(
      FILES.map((file) => path.join(options.dir, file)),
      project.directory,
    );
    const { databaseUrl } = options;
    return withPool(PROCESS_COUNT, await totalBytes(files), (pool) =>
      withDatabase({ databaseUrl, directory: project.directory }, (database) =>
        asLoadingRun(invocation, 'seed-dimensions', database, (own, run) =>
          load(invocation, own, pool, files, INGEST_OPTIONS, run, { command: 'seed-dimensions' }),
        ),
      ),
    );
  },
};
