/** The generated GraphQL: graphql-js builds it, and a server over realized rows answers as it says. */
import { buildSchema, type GraphQLObjectType, graphql, validateSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { toCatalogue } from '../../src/codegen/catalogue.js';
import { graphql as target } from '../../src/codegen/targets/graphql/graphql.js';
import { toModel } from '../../src/model/schema.js';
import { parseProject } from '../../src/project/parse.js';
import { generate, PROJECTS } from './projects.js';

function schemaOf(yaml: string): string {
  const { tables = {} } = parseProject(yaml);
  return [...target.generate(toCatalogue(toModel(tables)))][0]!.text;
}

it.each(PROJECTS)('of the project %s is a schema', (project) => {
  const text = generate('graphql', project).get('graphql/schema.graphql')!;
  expect(validateSchema(buildSchema(text))).toEqual([]);
});

it('of names that collide or need care is a schema', () => {
  const names = ['query', 'orders', 'orders_edge', 'Orders', 'orders_by_key', 'page_info', 'int'];
  names.push('x_filter', 'string', '注文', '注', '__a', '1st', 'a"b', 'a\\n b', 'mutation');
  const columns = ['id', 'and', 'or', 'not', '__typename', '__x', 'größe', 'x y', 'x_y', 'X_Y'];
  const text = schemaOf(
    `tables:\n${names
      .map(
        (name) =>
          `  ${JSON.stringify(name)}: { key: id, description: "say \\"\\"\\" \\\\ \\t", columns: { ${columns.map((column) => `${JSON.stringify(column)}: int`).join(', ')} } }\n`,
      )
      .join('')}`,
  );
  const schema = buildSchema(text);
  expect(validateSchema(schema)).toEqual([]);
  expect(Object.keys(schema.getQueryType()!.getFields())).toHaveLength(2 * names.length);
});

describe('references', () => {
  const schema = buildSchema(
    schemaOf(`tables:
  regions: { key: code, columns: { code: text } }
  accounts:
    key: id
    columns:
      id: int
      region: { type: text, references: regions.code }
      region_code: { type: text, references: regions.code }
      parent_id: { type: int, references: accounts.id }
`),
  );
  it('are fields of rows, with names of their own', () => {
    const { astNode } = schema.getType('Accounts') as GraphQLObjectType;
    const fields = astNode!.fields!.map(({ name, type }) => [
      name.value,
      'name' in type ? type.name.value : '',
    ]);
    expect(fields.slice(-3)).toEqual([
      ['region2', 'Regions'],
      ['region3', 'Regions'],
      ['parent', 'Accounts'],
    ]);
  });
});

it('takes a query of a page, and nothing that it does not have', async () => {
  const schema = buildSchema(generate('graphql', 'captured').get('graphql/schema.graphql')!);
  const row = { id: 1, balance: '1.50', limit: null, risk: 'low', deleted_at: null };
  const rootValue = {
    accounts: ({ first, filter }: { first: number; filter?: unknown }) => ({
      nodes: [row],
      pageInfo: { hasNextPage: false, endCursor: JSON.stringify([first, filter]) },
    }),
    accountsByKey: ({ id }: { id: number }) => ({ ...row, id }),
  };
  const ask = (source: string) => graphql({ schema, source, rootValue });
  expect(
    await ask(`{ accounts(filter: { risk: { in: ["low"] }, or: [{ id: { gt: 5 } }, { balance: { isNull: true } }] }) {
      nodes { id balance } pageInfo { hasNextPage endCursor } } accountsByKey(id: 7) { id } }`),
  ).toEqual({
    data: {
      accounts: {
        nodes: [{ id: 1, balance: '1.50' }],
        pageInfo: {
          hasNextPage: false,
          endCursor: JSON.stringify([
            100,
            { risk: { in: ['low'] }, or: [{ id: { gt: 5 } }, { balance: { isNull: true } }] },
          ]),
        },
      },
      accountsByKey: { id: 7 },
    },
  });
  const { errors } = await ask('{ accounts(filter: { risk: { gt: "a" } }) { nodes { none } } }');
  expect(errors?.map(({ message }) => message)).toEqual([
    expect.stringContaining('"gt" is not defined by type "StringFilter"'),
    expect.stringContaining('Cannot query field "none"'),
  ]);
});
