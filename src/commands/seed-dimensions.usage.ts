/** How `edp seed-dimensions` is called, and what its help says. */
import type { OptionName } from '../options/options.js';
import type { CommandUsage } from './command.js';

export const OPTION_NAMES = ['dir', 'database-url'] as const satisfies readonly OptionName[];

export const usage: CommandUsage = {
  call: 'seed-dimensions',
  describe: 'Load first_dimensions.csv and second_dimensions.csv',
  options: OPTION_NAMES,
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .example('$0 seed-dimensions', 'data/first_dimensions.csv and data/second_dimensions.csv')
      .example('$0 seed-dimensions --dir masterdata', 'from another directory'),
};
