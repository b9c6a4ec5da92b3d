/** The call of `edp run` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = [
  'task',
  'date',
  'from',
  'to',
  'only',
  'full',
  'env',
  'parallel',
  'dry-run',
  'sql',
  'database-url',
] as const satisfies readonly OptionName[];

export const help: CommandHelp = {
  call: 'run [tasks...]',
  group: 'warehouse',
  completes: ['task'],
  describe: 'Bring the tables of the warehouse up to date: what changed, and what reads it',
  options: OPTION_NAMES,
  stopsInOrder: true,
  statuses: {
    failed: 'A task failed; what it had made before is as it was',
    doneWithRejects: 'A check of severity error held a slice back',
  },
  build: (yargs) =>
    yargs
      .positional('tasks', {
        describe:
          'Names (job_ran_fact, silver.members), +name with all that it reads, name+ with all that reads it, tag:x, state:changed, silver, gold, dimensions, facts, models, views, all',
        type: 'string',
        array: true,
        default: [],
      })
      .example('$0 run', 'all that is stale')
      .example('$0 run --dry-run', 'what would change, and why')
      .example(
        '$0 run --task job_ran_fact --date 2019-01-31',
        'one day of one fact, and what it reads',
      )
      .example('$0 run facts --from 2019-01-01 --to 2019-01-31', 'a backfill')
      .example('$0 run signup_fact --only --full', 'one table from nothing')
      .example(
        '$0 run --env dev',
        'what differs from production, in schemas of its own; edp promote-env dev puts it into production',
      ),
};
