/** The call of `edp inspect` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = ['whole', 'process-count'] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'inspect <file>',
  group: 'load',
  completes: ['file'],
  describe: 'Show the format, columns, types and irregularities of a file; loads nothing',
  options: OPTION_NAMES,
  takesFileSettings: true,
  build: (yargs) =>
    yargs
      .positional('file', {
        describe: 'a file, a URL (https, http), or - for stdin',
        type: 'string',
        demandOption: true,
      })
      .example('$0 inspect sales.csv', 'delimiter, encoding, columns and irregularities')
      .example('$0 inspect sales.csv --delimiter tab', 'the same, with tabs between fields')
      .example('$0 inspect huge.csv --whole', 'types from all records, also of a large file')
      .example('$0 inspect sales.csv --json | jq .dialect', 'for a script'),
};
