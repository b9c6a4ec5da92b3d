/** The call of `edp status` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = [
  'runs',
  'limit',
  'database-url',
] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'status [load]',
  group: 'look',
  completes: ['load'],
  describe: 'List the loads or the runs, newest first, or show one in detail',
  options: OPTION_NAMES,
  build: (yargs) =>
    yargs
      .positional('load', {
        describe: 'number of a load, or with --runs of a run, to show in detail',
        type: 'string',
      })
      .example('$0 status', 'the newest loads')
      .example('$0 status 7', 'load 7, split by split')
      .example('$0 status --runs', 'what commands changed')
      .example('$0 status --runs 12 --json', 'run 12, for a script'),
};
