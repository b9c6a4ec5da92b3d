/** The call of `edp lineage` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = ['lineage-format'] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'lineage [name]',
  group: 'warehouse',
  completes: ['relation'],
  describe: 'Show what a table or column is made of, and what is made of it; reads edp.yaml alone',
  options: OPTION_NAMES,
  build: (yargs) =>
    yargs
      .positional('name', {
        describe: 'A table (silver.members) or a column of one (silver.members.plan); default: all',
        type: 'string',
      })
      .example('$0 lineage', 'all tables, and what each reads')
      .example('$0 lineage gold.signup_fact.member_id', 'one column, from its sources to views')
      .example('$0 lineage --format mermaid', 'a diagram for a page')
      .epilog(
        'Columns are followed by their values. What only joins, filters or sorts by a column is not followed; which tables it reads is.',
      ),
};
