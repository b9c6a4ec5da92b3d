/** How `edp replay` is called, and what its help says. */
import type { OptionName } from '../options/options.js';
import type { CommandUsage } from './command.js';

export const OPTION_NAMES = [
  'on-conflict',
  'missing-dimensions',
  'database-url',
] as const satisfies readonly OptionName[];

export const usage: CommandUsage = {
  call: 'replay <load>',
  describe: 'Try the rejects of a load again, exactly once',
  options: OPTION_NAMES,
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .positional('load', { describe: 'number of the load', type: 'string', demandOption: true })
      .example('$0 replay 7', 'after the missing dimensions have arrived, or the model was mended')
      .example('$0 replay 7 --missing-dimensions infer', 'add the members that are still missing')
      .example(
        '$0 replay 7 --on-conflict update',
        'let the rejected records win over the rows there are',
      )
      .epilog(
        [
          'Each record that loads now leaves the rejects in the transaction that brings its row, so it is',
          'loaded once, also in a table without a key. The others stay, with the reason of today. Records',
          'whose bytes are wrong need mending first: edp rejects <load> --raw > mend.csv. The file itself is',
          'not needed. Stopped or killed at any moment, the same command goes on.',
        ].join('\n'),
      ),
};
