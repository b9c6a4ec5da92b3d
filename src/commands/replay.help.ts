/** The call of `edp replay` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = [
  'on-conflict',
  'missing-dimensions',
  'database-url',
] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'replay <load>',
  group: 'mend',
  completes: ['load'],
  describe: 'Try to load the rejects of a load again, each exactly once',
  options: OPTION_NAMES,
  statuses: { doneWithRejects: 'rejects are left' },
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .positional('load', { describe: 'number of the load', type: 'string', demandOption: true })
      .example(
        '$0 replay 7',
        'after the missing dimensions were loaded, or the model was corrected',
      )
      .example('$0 replay 7 --missing-dimensions infer', 'add the members that are still missing')
      .example('$0 replay 7 --on-conflict update', 'let the rejected records replace existing rows')
      .epilog(
        [
          'One transaction inserts the row of a record and removes its reject, so each record is loaded once,',
          'also into a table without a key. The other rejects stay, with their current reason. Records whose',
          'bytes are wrong must be corrected first: edp rejects <load> --raw > corrected.csv. The file itself',
          'is not needed. Where a table refers to itself, rejects are tried again for as long as more of them load,',
          'so children may stand before their parents. If the command is stopped or killed, the same command continues.',
        ].join('\n'),
      ),
};
