/** The call of `edp schema` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const ACTIONS = ['check', 'publish', 'diff'] as const;
export const OPTION_NAMES = ['from-version', 'to-version'] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'schema <action> [tables..]',
  group: 'capture',
  completes: [ACTIONS, 'table'],
  describe:
    'Publish versions of schemas, and say what a change of the model means to their readers',
  options: OPTION_NAMES,
  statuses: {
    difference: 'check: something must be done, such as a new version; diff: versions differ',
  },
  build: (yargs) =>
    yargs
      .positional('action', {
        describe:
          'check: the model against what is published; publish: freeze the versions of the model; diff: two versions, attribute by attribute',
        choices: ACTIONS,
        demandOption: true,
      })
      .positional('tables', {
        describe: 'only these tables (default: all)',
        type: 'string',
        array: true,
      })
      .example(
        '$0 schema check',
        'what has changed since the published versions, and what it breaks',
      )
      .example('$0 schema publish', 'freeze what is new')
      .example('$0 schema diff accounts --from v2 --to v3', 'two published versions')
      .epilog(
        [
          'schemas/lock.json has the hash of each published file: a published version never changes, so commit both.',
          'docs/schemas.md has the rules of compatibility.',
        ].join('\n'),
      ),
};
