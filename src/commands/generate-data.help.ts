/** The call of `edp generate-data` and its help. */
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = [
  'files',
  'count',
  'seed',
  'first-id',
  'out',
  'dirty',
  'unknown-metrics',
  'process-count',
] as const;

export const help: CommandHelp = {
  call: 'generate-data',
  group: 'load',
  describe: 'Write event CSVs to try edp with, clean or dirty',
  options: OPTION_NAMES,
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .example('$0 generate-data', 'a million events in 8 files, and the dimensions, into data/')
      .example('$0 generate-data --files 1 --count 10000000 --seed 7', 'one big file, other values')
      .example(
        '$0 generate-data --dirty 0.01 --unknown-metrics 0.001 --json',
        'damage 1% of the records, and print the expected result of a load',
      )
      .example(
        '$0 generate-data --seed 2 --first-id 1000001',
        'more events, with ids that follow those of the first million',
      ),
};
