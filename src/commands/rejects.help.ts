/** The call of `edp rejects` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = [
  'passed-over',
  'raw',
  'limit',
  'database-url',
] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'rejects <load> [file]',
  group: 'look',
  completes: ['load', 'file'],
  describe: 'Show the records that a load rejected, with reasons',
  options: OPTION_NAMES,
  build: (yargs) =>
    yargs
      .positional('load', { describe: 'number of the load', type: 'string', demandOption: true })
      .positional('file', {
        describe: 'with --passed-over: the file or its URL, if it was moved after the load',
        type: 'string',
      })
      .example('$0 rejects 7', 'the first rejects of load 7, with their reasons')
      .example('$0 rejects 7 --raw > corrected.csv', 'all of them as a CSV; correct it, and …')
      .example('$0 ingest corrected.csv --table events', '… load it')
      .example('$0 replay 7', 'try them again unchanged, after the missing data has been loaded')
      .example('$0 rejects 7 --passed-over', 'the lines that are no records, from the file')
      .example("$0 rejects 7 --json | jq '.rejects[].code'", 'all of them for a script'),
};
