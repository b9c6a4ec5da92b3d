/** How `edp promote` is called, and what its help says. */
import type { OptionName } from '../options/options.js';
import type { CommandUsage } from './command.js';

export const OPTION_NAMES = [
  'type',
  'table',
  'column',
  'extra-column',
  'limit',
  'database-url',
] as const satisfies readonly OptionName[];

export const usage: CommandUsage = {
  call: 'promote <metric>',
  describe: 'Make a metric that was kept beside the rows a column of its own',
  options: OPTION_NAMES,
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .positional('metric', {
        describe: 'the metric, by its name in the JSON',
        type: 'string',
        demandOption: true,
      })
      .example('$0 generate-report unknown_metrics --format table', 'what was kept, and how often')
      .example('$0 promote metric_x', 'an int column of that name; declared in edp.yaml, filled')
      .example('$0 promote "load avg" --type double --column load_avg', 'of another type and name')
      .epilog(
        'Adds the column, declares it in edp.yaml, and moves the values out of the column that kept them, a few ' +
          'at a time; loads may go on. Values that do not fit stay where they are and are listed. When stopped, the ' +
          'same command goes on.\n' +
          'Exit status: 0 done, 3 done with values that do not fit.',
      ),
};
