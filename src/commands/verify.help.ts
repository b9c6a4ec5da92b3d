/** The call of `edp verify` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = [
  'process-count',
  'limit',
  'database-url',
  'from-replica',
  'replica-url',
  'replica-wait',
] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'verify <load> [file]',
  group: 'mend',
  completes: ['load', 'file'],
  describe: 'Compare a file with the rows that its load wrote, value by value',
  options: OPTION_NAMES,
  statuses: { failed: 'file and rows differ' },
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .positional('load', { describe: 'number of the load', type: 'string', demandOption: true })
      .positional('file', {
        describe: 'the file or its URL, if it was moved after the load',
        type: 'string',
      })
      .example('$0 verify 7', 'compare the table with the file of load 7')
      .example('$0 verify 7 archive/events-1.csv', 'the file was moved')
      .example("$0 verify 7 --json | jq '.differences'", 'the differences, for a script')
      .epilog(
        'Exit status: 0 file and table agree, 1 they differ or could not be compared.\n' +
          'Without a file argument, edp reads the file that the ledger names, which must have the content that was ' +
          'loaded. A file argument may have any content. edp compares the columns for which the file has fields, ' +
          'the rejects byte for byte, and the counts of the ledger. Docs: docs/verify.md',
      ),
};
