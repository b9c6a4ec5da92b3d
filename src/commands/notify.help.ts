/** The call of `edp notify` and its help. */
import type { CommandHelp } from './command.js';

export const ACTIONS = ['test'] as const;

export const help: CommandHelp = {
  call: 'notify <action>',
  group: 'server',
  completes: [ACTIONS],
  describe: 'Try the receivers that edp.yaml lists under notify',
  options: [],
  statuses: { failed: 'a receiver did not take the notice' },
  build: (yargs) =>
    yargs
      .positional('action', {
        describe: 'test: send each receiver a notice that says it is a test',
        choices: ACTIONS,
        demandOption: true,
      })
      .example('$0 notify test', 'what each receiver answers')
      .epilog('docs/monitoring.md has what notices say, and when they are sent.'),
};
