/** Target graphql: a schema of the realized tables, with a query for a key and one for a list of each. */
import { GENERATED } from '../../../events/event-schema.js';
import type { Catalogue } from '../../catalogue.js';
import { pascalCase, uniqueNames } from '../../code-names.js';
import type { Target } from '../../codegen-target.js';
import { COMMON, RESERVED_TYPES } from './common-types.js';
import { madeOfType, tableTypes } from './table-types.js';

export const graphql: Target = {
  describe: 'a GraphQL schema of the realized tables',
  isAtRoot: false,
  folder: 'graphql',
  files: /^graphql\/schema\.graphql$/,
  *generate({ tables }: Catalogue) {
    const names = tables.map(({ name }) => name);
    const types = uniqueNames(names, pascalCase, RESERVED_TYPES, madeOfType);
    const parts = tables.map((table) => tableTypes(table, types));
    const queries = parts.map(({ query }) => query).join('');
    const text = [
      `# ${GENERATED}\n`,
      COMMON,
      ...(queries === '' ? [] : [`type Query {\n${queries}}\n`]),
      ...parts.map(({ own }) => own),
    ].join('\n');
    yield { path: 'graphql/schema.graphql', text };
  },
};
