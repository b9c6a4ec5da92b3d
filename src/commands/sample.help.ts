/** The call of `edp sample` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = ['limit', 'database-url'] as const satisfies readonly OptionName[];

/** Rows of a view that are shown unless `--limit` says how many. */
export const DEFAULT_ROWS = 10;

export const help: CommandHelp = {
  call: 'sample [views...]',
  group: 'warehouse',
  completes: ['view'],
  describe: 'Show the question of each view and its first rows',
  options: OPTION_NAMES,
  build: (yargs) =>
    yargs
      .positional('views', {
        describe: 'Names of views (signup_rate, gold.signup_rate); default: all',
        type: 'string',
        array: true,
        default: [],
      })
      .example('$0 sample', 'all views, 10 rows of each')
      .example('$0 sample signup_rate --limit 3 --json', 'one view, for a script'),
};
