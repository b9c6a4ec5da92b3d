/** How `edp rejects` is called, and what its help says. */
import type { OptionName } from '../options/options.js';
import type { CommandUsage } from './command.js';

export const OPTION_NAMES = [
  'raw',
  'limit',
  'database-url',
] as const satisfies readonly OptionName[];

export const usage: CommandUsage = {
  call: 'rejects <load>',
  describe: 'The records a load rejected, and why',
  options: OPTION_NAMES,
  build: (yargs) =>
    yargs
      .positional('load', { describe: 'number of the load', type: 'string', demandOption: true })
      .example('$0 rejects 7', 'the first rejects of load 7, with their reasons')
      .example('$0 rejects 7 --raw > mend.csv', 'all of them as a CSV; mend it, and …')
      .example('$0 ingest mend.csv --table events', '… load it')
      .example('$0 replay 7', 'try them again as they are, after what was missing has come')
      .example("$0 rejects 7 --json | jq '.rejects[].code'", 'all of them for a script'),
};
