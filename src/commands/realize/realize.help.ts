/** The call of `edp realize` and its help. */
import type { OptionName } from '../../options/option-definitions.js';
import type { CommandHelp } from '../command.js';

export const OPTION_NAMES = [
  'event-format',
  'process-count',
  'read-batch-size',
  'write-batch-size',
  'max-rejects',
  'force',
  'database-url',
] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'realize [files...]',
  group: 'load',
  completes: ['file'],
  describe: 'Keep change events, and fold them into the tables that they are about',
  options: OPTION_NAMES,
  statuses: {
    failed: 'a file is not loaded, or a table is not folded; the others are',
    doneWithRejects: 'events were rejected, also by earlier runs of the loads',
  },
  stopsInOrder: true,
  takesFiles: true,
  build: (yargs) =>
    yargs
      .positional('files', {
        describe:
          'files, directories, globs, URLs (https, http), comma-separated lists, or - for stdin; none: fold what is loaded',
        type: 'string',
        array: true,
      })
      .example('$0 realize events/', 'all *.jsonl below the directory')
      .example("$0 realize 'events/accounts/*.jsonl' --json | jq .tables", 'what was folded')
      .example('$0 realize changes.jsonl --format debezium', 'what Debezium writes')
      .example('$0 realize', 'fold what a run before has loaded and not folded')
      .epilog(
        [
          'Each event is kept once in the table change_events, and the tables of edp.yaml become what all events',
          'of their keys say. Any order, any repetition and any cut into files gives the same tables.',
          'docs/realize.md has the rules. The rejects of a load can be mended and replayed (edp rejects, edp',
          'replay); edp undo takes the effect of a load back.',
        ].join('\n'),
      ),
};
