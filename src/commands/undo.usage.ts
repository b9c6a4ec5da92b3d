/** How `edp undo` is called, and what its help says. */
import type { OptionName } from '../options/options.js';
import type { CommandUsage } from './command.js';
import { REPLACING_FLAG } from './shared/replacing-flag.js';

export const OPTION_NAMES = ['yes', 'database-url'] as const satisfies readonly OptionName[];

export const usage: CommandUsage = {
  call: 'undo <load>',
  describe: 'Remove exactly the rows of a load, so that its file can be loaded again',
  options: OPTION_NAMES,
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .positional('load', { describe: 'number of the load', type: 'string', demandOption: true })
      .example('$0 undo 7', 'remove the rows, rejects and receipts of load 7, after a question')
      .example(
        '$0 undo 7 --yes && $0 ingest data/events.csv',
        'the same without one, and load anew',
      )
      .example('$0 undo 7 --json --yes | jq .removed', 'what was removed, for a script')
      .epilog(
        [
          'Rows are found by the lineage column of the table (load_id). With an index on it only the blocks',
          'that hold them are read; without, the whole table is, a few megabytes at a time. Each step is a',
          'short transaction; stopped or killed at any moment, the same command goes on.',
          '',
          `Not brought back: values that the load replaced in rows of others (${REPLACING_FLAG}); those`,
          'rows belong to it now and go with it. Records it counted as duplicates stay with the load that',
          'brought them. Dimension members it inferred go, unless others refer to them or gave them values.',
          'A load whose rows others refer to cannot be undone before those are.',
        ].join('\n'),
      ),
};
