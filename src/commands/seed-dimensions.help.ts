/** The call of `edp seed-dimensions` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = ['dir', 'database-url'] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'seed-dimensions',
  group: 'load',
  describe: 'Load first_dimensions.csv and second_dimensions.csv',
  options: OPTION_NAMES,
  statuses: { failed: 'a file is not loaded', doneWithRejects: 'records were rejected' },
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .example('$0 seed-dimensions', 'data/first_dimensions.csv and data/second_dimensions.csv')
      .example('$0 seed-dimensions --dir masterdata', 'from another directory'),
};
