/** How `edp model` is called, and what its help says. */
import type { OptionName } from '../options/options.js';
import type { CommandUsage } from './command.js';

export const ACTIONS = ['infer'] as const;
export const OPTION_NAMES = [
  'table',
  'out',
  'process-count',
] as const satisfies readonly OptionName[];

export const usage: CommandUsage = {
  call: 'model <action> <files...>',
  describe: 'A model for edp.yaml, inferred from all records of CSV files',
  options: OPTION_NAMES,
  takesFileSettings: true,
  build: (yargs) =>
    yargs
      .positional('action', {
        describe: 'infer: columns, types and key from every record of the files',
        choices: ACTIONS,
        demandOption: true,
      })
      .positional('files', {
        describe: 'files, globs, URLs (https, http), comma-separated lists, or - for stdin',
        type: 'string',
        array: true,
        demandOption: true,
      })
      .example('$0 model infer sales.csv', 'print a model of the file')
      .example("$0 model infer 'sales-*.csv' --table sales", 'one table that all of them fit')
      .example('$0 model infer sales.csv --out edp.yaml', 'put the table into edp.yaml')
      .example('$0 model infer sales.csv --json | jq .tables[0].columns', 'for a script')
      .epilog(
        [
          'Types are those that every value of every file fits, and that lose nothing of it; docs/infer.md',
          'says which. Files of one name, apart from dates and numbers, make one table. Without --out the',
          'model goes to stdout; with it, other lines of an existing file stay as they are.',
        ].join('\n'),
      ),
};
