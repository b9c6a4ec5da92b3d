/** The call of `edp undo` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';
import { REPLACING_FLAG } from './shared/replacing-flag.js';

export const OPTION_NAMES = ['yes', 'database-url'] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'undo <load>',
  group: 'mend',
  completes: ['load'],
  describe: 'Remove exactly the rows of a load, so that its file can be loaded again',
  options: OPTION_NAMES,
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .positional('load', { describe: 'number of the load', type: 'string', demandOption: true })
      .example('$0 undo 7', 'ask, then remove what load 7 wrote')
      .example(
        '$0 undo 7 --yes && $0 ingest data/events.csv',
        'do not ask; then load the file again',
      )
      .example('$0 undo 7 --json --yes | jq .removed', 'what was removed, for a script')
      .epilog(
        // The paragraphs are wrapped to the terminal.
        [
          'undo finds rows by the lineage column of the table (load_id). With an index on it, only the blocks with these rows are read; without one, the whole table is read, a few megabytes at a time. Each step is a short transaction. If the command is stopped or killed, the same command continues.',
          '',
          `Not restored: values that the load replaced in rows of other loads (${REPLACING_FLAG}). Those rows now belong to this load and are removed with it. Records that it counted as duplicates stay with the load that inserted them. Dimension members that it inferred are removed, unless other rows refer to them or another load gave them values. If rows of other loads refer to rows of this load, those loads must be undone first.`,
        ].join('\n'),
      ),
};
