/** The call of `edp test` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = [] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'test [names...]',
  group: 'warehouse',
  describe: 'Run the tests of tasks: rows that are given, and rows that are to come of them',
  options: OPTION_NAMES,
  stopsInOrder: true,
  statuses: { failed: 'A test failed, or its task could not be made' },
  build: (yargs) =>
    yargs
      .positional('names', {
        describe:
          'Names of tests, tasks (silver.members) or files (tests/members.yaml); default: all',
        type: 'string',
        array: true,
        default: [],
      })
      .example('$0 test', 'all tests of tests/*.yaml')
      .example('$0 test silver.members', 'those of one task')
      .example('$0 test --json', 'missing, unexpected and different rows, for a script')
      .epilog(
        [
          'A test is an entry of a file tests/NAME.yaml of the project:',
          '',
          '  one spelling of each plan:',
          '    task: silver.members',
          '    given:',
          '      raw_members:',
          '        - { id: 1, plan: Pro, is_test: false }',
          '    expect:',
          '      - { member_id: 1, plan: pro }',
          '',
          'Tests run on the embedded server, in a database that is made for them and dropped afterwards, and',
          'never on the database with your data, whatever DATABASE_URL says. Columns that a row does not list',
          'are NULL; columns that are not expected are not compared.',
        ].join('\n'),
      ),
};
