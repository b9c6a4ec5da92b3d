/** How `edp inspect` is called, and what its help says. */
import type { OptionName } from '../options/options.js';
import type { CommandUsage } from './command.js';

export const OPTION_NAMES = ['whole', 'process-count'] as const satisfies readonly OptionName[];

export const usage: CommandUsage = {
  call: 'inspect <file>',
  describe: 'What a CSV file is: dialect, columns, types, oddities; loads nothing',
  options: OPTION_NAMES,
  takesFileSettings: true,
  build: (yargs) =>
    yargs
      .positional('file', {
        describe: 'a file, a URL (https, http), or - for stdin',
        type: 'string',
        demandOption: true,
      })
      .example('$0 inspect sales.csv', 'delimiter, encoding, columns and what is odd')
      .example('$0 inspect sales.csv --delimiter tab', 'the same, if fields are between tabs')
      .example('$0 inspect huge.csv --whole', 'types from all of a file, however large')
      .example('$0 inspect sales.csv --json | jq .dialect', 'for a script'),
};
