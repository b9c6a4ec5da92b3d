/** The call of `edp init` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

export const OPTION_NAMES = ['from-dbt'] as const satisfies readonly OptionName[];
export const PROJECTS = ['events', 'csv', 'warehouse'] as const;

export const help: CommandHelp = {
  call: 'init [project] [directory]',
  group: 'load',
  completes: [PROJECTS, 'folder'],
  describe:
    'Write a project to begin with: events, CSV files, a warehouse, or what a dbt project becomes',
  options: OPTION_NAMES,
  needsNoModel: true,
  build: (yargs) =>
    yargs
      .positional('project', {
        describe:
          'events: events with metrics, which edp generates; csv: CSV files of a shop; warehouse: members, groups, events and their answers, with every trouble that a warehouse is for. Not with --from-dbt',
        type: 'string',
      })
      .positional('directory', {
        describe: 'where to write it, by default here; it is made if it is not there',
        type: 'string',
      })
      .example('$0 init csv shop && cd shop && make', 'a project, and all of its steps')
      .example('$0 init warehouse demo && cd demo', 'the files of the project')
      .example(
        "$0 ingest 'data/*.csv' --on-conflict update && $0 run",
        'load them, make the tables',
      )
      .example('$0 sample', 'what the views answer')
      .example('$0 init --from-dbt ../shop shop', 'what a dbt project becomes')
      .epilog(
        [
          'Each project has a README, a Makefile, a workflow (.github/workflows/edp.yml) and .gitignore, where',
          'these are not there yet; edp init writes over no file.',
          '',
          '--from-dbt takes seeds, sources, tests, and models of SQL with ref, source, config, var and',
          'is_incremental. FROM_DBT.md in the new project lists what became of each part, and what was',
          'not taken, with the reason and what to do instead. docs/from-dbt.md has the rules.',
        ].join('\n'),
      ),
};
