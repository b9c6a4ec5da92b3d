/** The call of `edp capture` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const ACTIONS = ['install', 'uninstall', 'snapshot', 'run', 'status'] as const;

export const OPTION_NAMES = [
  'dry-run',
  'capture-to',
  'once',
  'consumer',
  'rotate-seconds',
  'process-count',
  'read-batch-size',
  'write-batch-size',
  'max-rejects',
  'database-url',
  'yes',
] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'capture <action> [tables..]',
  group: 'capture',
  completes: [ACTIONS, 'table'],
  describe: 'Publish what changes in a production database, as capture: of edp.yaml declares',
  options: OPTION_NAMES,
  stopsInOrder: true,
  statuses: {
    doneWithRejects:
      'done, but `edp capture status` has something to say: a trigger is missing, edp.yaml does not fit, rows could not be mapped, a calculation failed; or events were rejected, or a table was not folded (--to table)',
  },
  build: (yargs) =>
    yargs
      .positional('action', {
        describe:
          'install: make triggers and outbox in the source; uninstall: remove all of it; snapshot: publish the rows that are there; run: send events; status: what is installed, and how far consumers are',
        choices: ACTIONS,
        demandOption: true,
      })
      .positional('tables', {
        describe: 'Tables of the model for a snapshot; without any, all',
        type: 'string',
        array: true,
      })
      .example('$0 capture install --dry-run', 'the SQL, without running it')
      .example('$0 capture install', 'again after each change of capture:')
      .example('$0 capture snapshot --to events', 'the rows that are there, as files')
      .example('$0 capture run --to events', 'all changes, until Ctrl-C')
      .example('$0 capture run --to events --once', 'what is committed now')
      .example(
        '$0 capture run --to table --once',
        'into the tables of the warehouse, without files',
      )
      .example(
        '$0 capture run --to files --consumer archive',
        'another consumer, which gets every event, too',
      )
      .example('$0 capture status', 'what is behind, and what holds it back')
      .example('$0 capture uninstall --consumer archive', 'events no longer wait for it')
      .example('$0 capture uninstall --dry-run', 'the SQL that removes all of it')
      .epilog('docs/capture.md has roles, what is published, and what a crash leaves.'),
};
