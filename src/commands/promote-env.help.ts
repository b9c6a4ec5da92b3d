/** The call of `edp promote-env` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = [
  'drop',
  'yes',
  'database-url',
] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'promote-env <env>',
  group: 'warehouse',
  completes: ['environment'],
  describe: 'Put the tables of an environment into the place of those of production, or drop it',
  options: OPTION_NAMES,
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .positional('env', {
        describe: 'name of the environment, as in edp run --env',
        type: 'string',
        demandOption: true,
      })
      .example(
        '$0 promote-env dev',
        'after confirmation: the tables of dev become those of production',
      )
      .example('$0 promote-env dev --yes', 'the same without confirmation')
      .example('$0 promote-env dev --drop', 'the environment goes, and production stays as it is')
      .epilog(
        [
          'All tables change in one short transaction, with the owner, rights, indexes, constraints, triggers,',
          'policies and comments that people gave to those of production, and the views that read them. The',
          'environment is gone then: nothing differs any more. The next edp run goes on from there.',
          '',
          'An environment that is not made as edp.yaml declares it now is refused: edp run --env first.',
        ].join('\n'),
      ),
};
