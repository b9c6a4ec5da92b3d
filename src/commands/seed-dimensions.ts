/** `edp seed-dimensions`: the two dimension files, through the same path as every load. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from '../command.js';
import { withDatabase } from '../database/database.js';
import { EdpError } from '../errors.js';
import { discoverFiles } from '../ingest/plan/discover.js';
import { type OptionName, resolveOptions } from '../options.js';
import { load } from './ingest.js';

const FILES = ['first_dimensions.csv', 'second_dimensions.csv'];

const OPTION_NAMES = ['dir', 'database-url'] as const satisfies readonly OptionName[];

export const command: Command = {
  options: OPTION_NAMES,
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .example('$0 seed-dimensions', 'data/first_dimensions.csv and data/second_dimensions.csv')
      .example('$0 seed-dimensions --dir masterdata', 'from another directory'),

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
    // A changed file replaces what it changes.
    return withDatabase(
      { databaseUrl: options.databaseUrl, directory: project.directory },
      (database) =>
        load(
          invocation,
          database,
          files,
          {
            table: undefined,
            csvFor: () => ({}),
            processCount: 2,
            readBatchSize: 100_000,
            writeBatchSize: 10_000,
            onConflict: 'update',
            missingDimensions: 'reject',
            maxRejects: undefined,
            force: false,
          },
          'seed-dimensions',
        ),
    );
  },
};

function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}
