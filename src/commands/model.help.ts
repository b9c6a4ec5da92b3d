/** The call of `edp model` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const ACTIONS = ['infer', 'import'] as const;
export const OPTION_NAMES = [
  'table',
  'key',
  'out',
  'process-count',
  'schema',
  'database-url',
] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'model <action> [files...]',
  group: 'load',
  completes: [ACTIONS, 'file'],
  describe: 'Write a model for edp.yaml: inferred from files, or imported from a database',
  options: OPTION_NAMES,
  takesFileSettings: true,
  build: (yargs) =>
    yargs
      .positional('action', {
        describe:
          'infer: columns, types and key from every record of files; import: tables and capture from the catalog of a database',
        choices: ACTIONS,
        demandOption: true,
      })
      .positional('files', {
        describe:
          'of infer: files, globs, URLs (https, http), comma-separated lists, or - for stdin; of import: names of tables, or patterns (default: all)',
        type: 'string',
        array: true,
      })
      .example('$0 model infer sales.csv', 'print a model of the file')
      .example("$0 model infer 'sales-*.csv' --table sales", 'one table that fits all of them')
      .example('$0 model infer sales.csv --out edp.yaml', 'put the table into edp.yaml')
      .example('$0 model infer sales.csv --json | jq .tables[0].columns', 'for a script')
      .example(
        '$0 model import --database-url "$SOURCE_URL" --out edp.yaml',
        'all tables of a source, to be captured',
      )
      .example("$0 model import 'sales.*' accounts --database-url …", 'some of them, printed')
      .epilog(
        [
          'Each type fits every value of every file without loss; docs/infer.md lists the rules. Files whose',
          'names differ only in dates and numbers share one table. Without --out, the model is written to',
          'stdout; with it, other lines of an existing file are not changed. docs/model-import.md is about import;',
          'its --database-url is the source, by default that of the section capture.',
        ].join('\n'),
      ),
};
