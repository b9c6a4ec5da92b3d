/** The call of `edp codegen` and its help. */
import type { OptionName } from '../options/option-definitions.js';
import type { CommandHelp } from './command.js';

/** As `codegen/targets/all-targets.ts` has them, which is not loaded for help. */
export const TARGET_NAMES = [
  'json-schema',
  'ddl',
  'typescript',
  'graphql',
  'proto',
  'kotlin',
  'activerecord',
  'docs',
] as const;
export const OPTION_NAMES = ['out', 'compare-files'] as const satisfies readonly OptionName[];

export const DEFAULT_OUT = 'generated';

export const help: CommandHelp = {
  call: 'codegen [targets..]',
  group: 'capture',
  completes: [TARGET_NAMES],
  describe:
    'Write files made from the model: JSON Schemas, SQL, TypeScript, GraphQL, Protocol Buffers, Kotlin, Ruby, a page',
  options: OPTION_NAMES,
  statuses: { difference: 'With --check: files differ from the model' },
  build: (yargs) =>
    yargs
      .positional('targets', {
        describe: 'what to make (default: all)',
        type: 'string',
        array: true,
        choices: TARGET_NAMES,
      })
      .example('$0 codegen', 'all targets')
      .example('$0 codegen json-schema', 'schemas/<table>/change/v1.json and realized/v1.json')
      .example(
        '$0 codegen typescript --out src',
        'src/typescript/: types of each table, and readEvent, which needs ajv',
      )
      .example('$0 codegen ddl', 'generated/ddl/<table>.sql: the tables that edp realize makes')
      .example('$0 codegen docs', 'generated/docs/tables.html: opens in any browser, loads nothing')
      .example('$0 codegen --check', 'in CI: status 4 if a file is not what the model says')
      .epilog(
        [
          'schemas/ stands at the root of the project, since events refer to it; the rest is written to --out',
          '(default: generated). The same model gives the same bytes. Files that it has made before and that nothing',
          'needs any more are removed; published schemas never change (docs/schemas.md).',
        ].join('\n'),
      ),
};
