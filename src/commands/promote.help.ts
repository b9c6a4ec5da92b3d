/** The call of `edp promote` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = [
  'type',
  'table',
  'column',
  'extra-column',
  'limit',
  'database-url',
] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'promote <metric>',
  group: 'mend',
  describe: 'Move an undeclared metric, which was kept beside the rows, to a new column',
  options: OPTION_NAMES,
  statuses: { doneWithRejects: 'values did not fit, and were not moved' },
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .positional('metric', {
        describe: 'name of the metric in the JSON',
        type: 'string',
        demandOption: true,
      })
      .example(
        '$0 generate-report unknown_metrics --format table',
        'undeclared metrics, and how often each occurs',
      )
      .example(
        '$0 promote metric_x',
        'add a column of that name and of the type of its values, declare it in edp.yaml, fill it',
      )
      .example(
        '$0 promote "load avg" --type double --column load_avg',
        'a column with another type and name',
      )
      .epilog(
        'Adds the column, declares it in edp.yaml, and moves the values out of the column that kept them, a few ' +
          'at a time. Loads can continue meanwhile. Values that do not fit stay where they are and are listed. If it ' +
          'is stopped, the same command continues.\n' +
          'Exit status: 0 done, 3 done with values that do not fit.',
      ),
};
