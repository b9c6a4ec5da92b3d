/** The call of `edp check` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = ['database-url'] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'check [tables...]',
  group: 'warehouse',
  completes: ['relation'],
  describe: 'Check the rows that tables have now, as edp.yaml declares under checks',
  options: OPTION_NAMES,
  statuses: { doneWithRejects: 'A check of severity error failed' },
  build: (yargs) =>
    yargs
      .positional('tables', {
        describe: 'Tasks and loaded tables (rsvps, silver.rsvps, bronze.events); default: all',
        type: 'string',
        array: true,
        default: [],
      })
      .example('$0 check', 'all checks of all tables')
      .example('$0 check silver.rsvps --json', 'one table, with the first failing rows'),
};
