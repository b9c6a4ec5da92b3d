/** How `edp verify` is called, and what its help says. */
import type { OptionName } from '../options/options.js';
import type { CommandUsage } from './command.js';

export const OPTION_NAMES = [
  'process-count',
  'limit',
  'database-url',
] as const satisfies readonly OptionName[];

export const usage: CommandUsage = {
  call: 'verify <load> [file]',
  describe: 'Hold a file against what its load left in the table, by content',
  options: OPTION_NAMES,
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .positional('load', { describe: 'number of the load', type: 'string', demandOption: true })
      .positional('file', {
        describe: 'the file or its URL, where it is no longer where it was loaded from',
        type: 'string',
      })
      .example('$0 verify 7', 'whether the table holds what the file of load 7 says')
      .example('$0 verify 7 archive/events-1.csv', 'the file is elsewhere by now')
      .example("$0 verify 7 --json | jq '.differences'", 'what differs, for a script')
      .epilog(
        'Exit status: 0 file and table agree, 1 they differ or could not be compared.\n' +
          'Without a file, the one that the ledger names; it must have the content that was loaded. A file that is ' +
          'named is compared whatever its content. Compared are the columns the file has fields for, the ' +
          'rejects byte for byte, and the counts of the ledger. Docs: docs/verify.md',
      ),
};
