/** What generators know of a table. */
import { expect, it } from 'vitest';
import { toCatalogue } from '../../src/codegen/catalogue.js';
import { toModel } from '../../src/model/schema.js';
import { parseProject } from '../../src/project/parse.js';

const PROJECT = `
capture:
  source: { name: shop, database-url: postgresql:///shop }
  tables:
    accounts:
      from: legacy.accounts
      where: not is_demo
      columns:
        balance: { calculation: app.balance(id), also-on: { lines: account_id } }
        region: { from: region_code, reference: regions }
    regions: {}
tables:
  regions: { key: code, columns: { code: text }, owner: maps, tags: [geo, public] }
  accounts:
    description: who pays
    owner: billing
    key: id
    version: 3
    history: true
    timestamps: [created_at, updated_at]
    migrations: { 3: { rename: { name: full_name } } }
    indexes: [[region, full_name]]
    columns:
      id: bigint
      full_name: { type: text, nullable: false, description: as written, owner: legal, tags: pii }
      balance: numeric
      region: { type: text, references: regions }
      risk: { type: text, values: { low: [L], high: [] } }
  log: { columns: { line: text } }
  people: { key: id, versions: true, columns: { id: int } }
`;

it('the catalogue has all that the model says of a table', () => {
  const { tables, capture } = parseProject(PROJECT);
  const published = new Map([['accounts', [1, 2]]]);
  const catalogue = toCatalogue(toModel(tables!), capture, published);
  expect(JSON.parse(JSON.stringify(catalogue))).toEqual({
    tables: [
      {
        name: 'regions',
        owner: 'maps',
        tags: ['geo', 'public'],
        version: 1,
        published: [],
        key: ['code'],
        columns: [{ name: 'code', type: 'text', nullable: false }],
        indexes: [],
        softDelete: 'deleted_at',
        hasHistory: false,
        migrations: {},
        knowsCalculated: true,
        captured: { source: 'shop', from: 'regions', isStrict: false, columns: {} },
      },
      {
        name: 'accounts',
        description: 'who pays',
        owner: 'billing',
        version: 3,
        published: [1, 2],
        key: ['id'],
        columns: [
          { name: 'id', type: 'bigint', nullable: false },
          {
            ...{ name: 'full_name', type: 'text', nullable: false },
            ...{ description: 'as written', owner: 'legal', tags: ['pii'] },
          },
          { name: 'balance', type: 'numeric', nullable: true, isCalculated: true },
          {
            ...{ name: 'region', type: 'text', nullable: true },
            references: { table: 'regions', column: 'code' },
          },
          {
            ...{ name: 'risk', type: 'text', nullable: true, values: ['low', 'high'] },
            corrections: { values: { low: ['L'], high: [] } },
          },
        ],
        indexes: [['region', 'full_name']],
        softDelete: 'deleted_at',
        timestamps: ['created_at', 'updated_at'],
        hasHistory: true,
        migrations: { 3: { rename: { name: 'full_name' } } },
        knowsCalculated: true,
        captured: {
          source: 'shop',
          from: 'legacy.accounts',
          where: 'not is_demo',
          isStrict: false,
          columns: {
            balance: {
              ...{ kind: 'calculation', sql: 'app.balance(id)' },
              alsoOn: { lines: 'account_id' },
            },
            region: { kind: 'reference', column: 'region_code', table: 'regions' },
          },
        },
      },
    ],
    others: [
      { table: 'log', why: 'it has no key' },
      { table: 'people', why: 'it keeps versions of files' },
    ],
  });
});
