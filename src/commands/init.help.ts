/** The call of `edp init` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = [] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'init <project> [directory]',
  describe: 'Write a small project to begin with: a warehouse, its files and its SQL',
  options: OPTION_NAMES,
  needsNoModel: true,
  build: (yargs) =>
    yargs
      .positional('project', {
        describe:
          'warehouse: members, groups, events and their answers, with every trouble that a warehouse is for',
        choices: ['warehouse'] as const,
        demandOption: true,
      })
      .positional('directory', {
        describe: 'where to write it; it is made if it is not there',
        type: 'string',
        default: '.',
      })
      .example('$0 init warehouse demo && cd demo', 'the files of the project')
      .example(
        "$0 ingest 'data/*.csv' --on-conflict update && $0 run",
        'load them, make the tables',
      )
      .example('$0 sample', 'what the views answer'),
};
