/** The call of `edp diff` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = [
  'env',
  'limit',
  'database-url',
] as const satisfies readonly OptionName[];

/** Rows of each kind that are shown unless `--limit` says how many. */
export const DEFAULT_ROWS = 10;

export const help: CommandHelp = {
  call: 'diff <table>',
  group: 'warehouse',
  completes: ['task'],
  describe: 'Show the rows that differ between production and an environment',
  options: OPTION_NAMES,
  statuses: { difference: 'Rows or columns differ' },
  build: (yargs) =>
    yargs
      .positional('table', {
        describe: 'A task (member_dim, silver.members)',
        type: 'string',
        demandOption: true,
      })
      .example('$0 diff member_dim --env dev', 'rows of one side alone, and rows with other values')
      .example('$0 diff silver.members --env dev --limit 100 --json', 'more of them, for a script')
      .epilog(
        [
          'Rows are compared by the key of the table, and without one as a whole. Ids of dimensions are not',
          'compared: in a dimension rows are known by their natural key, and in a fact an id stands for the',
          'natural key of its member. dw_created_at and dw_updated_at are left out.',
        ].join('\n'),
      ),
};
