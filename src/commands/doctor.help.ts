/** The call of `edp doctor` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = [
  'database-url',
  'process-count',
] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'doctor',
  group: 'mend',
  describe: 'Find out what is wrong with project, server and machine, and what mends it',
  options: OPTION_NAMES,
  statuses: { failed: 'A finding has severity error' },
  needsNoModel: true,
  build: (yargs) =>
    yargs
      .example('$0 doctor', 'all checks, with the mend of each finding')
      .example('$0 doctor --json', 'the same, for a script')
      .example('$0 doctor --database-url "$URL"', 'of another server')
      .epilog(
        [
          'It changes nothing. An error keeps edp from its work, or endangers data; a warning will, or',
          'slows it; a note is good to know. What a role may not look at is listed, too.',
          'docs/doctor.md lists all checks.',
        ].join('\n'),
      ),
};
