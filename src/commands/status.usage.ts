/** How `edp status` is called, and what its help says. */
import type { OptionName } from '../options/options.js';
import type { CommandUsage } from './command.js';

export const OPTION_NAMES = ['limit', 'database-url'] as const satisfies readonly OptionName[];

export const usage: CommandUsage = {
  call: 'status [load]',
  describe: 'What was loaded, newest first; one load in detail',
  options: OPTION_NAMES,
  build: (yargs) =>
    yargs
      .positional('load', { describe: 'number of one load, to see in detail', type: 'string' })
      .example('$0 status', 'the newest loads')
      .example('$0 status 7', 'load 7, split by split'),
};
