/** SQL of the user in an environment: relations get other names, and all else stays as it is written. */
import { expect, it } from 'vitest';
import { environmentFault, toEnvironment } from '../../../src/model/warehouse/environment.js';
import { loadSqlReader } from '../../../src/model/warehouse/sql-reader.js';
import { loadFiles } from '../../support/warehouse-project.js';

const reader = await loadSqlReader();

const rename = (sql: string) =>
  reader.renameRelations(sql, (schema, name) =>
    (schema === 'silver' || schema === undefined) && name === 'users'
      ? { schema: 'silver__dev', name }
      : undefined,
  );

const cases: readonly (readonly [string, string])[] = [
  ['SELECT * FROM silver.users', 'SELECT * FROM "silver__dev"."users"'],
  ['SELECT * FROM silver.users, silver.jobs', 'SELECT * FROM "silver__dev"."users", silver.jobs'],
  [
    'SELECT silver.users.id FROM silver . "users"',
    'SELECT "silver__dev"."users".id FROM "silver__dev"."users"',
  ],
  [
    'SELECT silver.users.* FROM silver.users',
    'SELECT "silver__dev"."users".* FROM "silver__dev"."users"',
  ],
  ['SELECT users.id FROM Silver.USERS', 'SELECT users.id FROM "silver__dev"."users"'],
  [
    "SELECT 'é silver.users' FROM silver/* x */.users -- silver.users",
    `SELECT 'é silver.users' FROM "silver__dev"."users" -- silver.users`,
  ],
  ['WITH users AS (SELECT 1) SELECT * FROM users', 'WITH users AS (SELECT 1) SELECT * FROM users'],
  ['SELECT * FROM users', 'SELECT * FROM "silver__dev"."users"'],
  [
    'SELECT (SELECT count(*) FROM silver.users) FROM silver.users u',
    'SELECT (SELECT count(*) FROM "silver__dev"."users") FROM "silver__dev"."users" u',
  ],
  [
    'SELECT 1 FROM ONLY silver.users TABLESAMPLE SYSTEM (1)',
    'SELECT 1 FROM ONLY "silver__dev"."users" TABLESAMPLE SYSTEM (1)',
  ],
];

it.each(cases)('%s', (sql, wanted) => {
  expect(rename(sql)).toBe(wanted);
  expect(reader.readQuery(rename(sql))).not.toHaveProperty('message');
});

it.each([
  ['dev', undefined],
  ['a_b2', undefined],
  ['2b', /begins with a letter/],
  ['a__b', /single underscores/],
  ['a.b', /small letters/],
  ['', /small letters/],
  ['x'.repeat(56), /64 bytes/],
  ['x'.repeat(55), undefined],
  ['x', /is a layer/],
])('%j as a name', (name, fault) => {
  const found = environmentFault(name, {
    bronze: 'public',
    silver: 'silver',
    gold: name === 'x' ? 'silver__x' : 'gold',
  });
  if (fault === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(fault);
});

it('checks look at what they are about there', async () => {
  const { warehouse } = await loadFiles({
    'edp.yaml': JSON.stringify({
      tables: { raw: { columns: { id: 'int' }, key: 'id' } },
      silver: {
        a: { from: 'raw', key: 'id', columns: { id: 'id' } },
        b: { from: 'raw', key: 'id', columns: { id: 'id' } },
      },
      checks: {
        'silver.b': [{ relationships: { column: 'id', to: 'silver.a.id' } }, { sql: 'same' }],
      },
    }),
    'sql/checks/same.sql': 'SELECT * FROM silver.b EXCEPT SELECT * FROM silver.a',
  });
  const beside = (...made: string[]) =>
    toEnvironment(warehouse, 'dev', new Set(made), reader).made.at(-1)!.checks;
  expect(beside('silver.a', 'silver.b')).toMatchObject([
    { to: { schema: 'silver__dev', name: 'a', task: 'silver__dev.a' } },
    { sql: 'SELECT * FROM "silver__dev"."b" EXCEPT SELECT * FROM "silver__dev"."a"' },
  ]);
  expect(beside('silver.b')).toMatchObject([
    { to: { schema: 'silver', name: 'a', task: 'silver.a' } },
    { sql: 'SELECT * FROM "silver__dev"."b" EXCEPT SELECT * FROM silver.a' },
  ]);
});
