/** Checks that read each other's tables: at first, one of the tables is not there. */
import { describe, expect, it } from 'vitest';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, run } = useWarehouse();

const CREATE = `CREATE TABLE c (id int, name text); CREATE TABLE o (nr int, id int);
  INSERT INTO c VALUES (1, 'a'), (2, 'b'); INSERT INTO o VALUES (7, 1), (8, 2)`;
const PROJECT = {
  silver: {
    c: { from: 'public.c', key: 'id', columns: { id: 'id', name: 'name' } },
    o: { from: 'public.o', key: 'nr', columns: { nr: 'nr', id: 'id' } },
  },
  checks: {
    'silver.c': [{ relationships: { column: 'id', to: 'silver.o.id' } }],
    'silver.o': [{ relationships: { column: 'id', to: 'silver.c.id' } }],
  },
};

describe('two tables whose checks read each other', () => {
  it.each([false, true])('are made by the first run, with --full: %s', async (full) => {
    const warehouse = await declare(PROJECT);
    await database.query(CREATE);
    expect(statesOf(await run(warehouse, { full })).sort()).toEqual([
      'silver.c done',
      'silver.o done',
    ]);
    const [[asked]] = (await database.query('SELECT min(cardinality(checks)) FROM edp.tasks')) as [
      [number],
    ];
    expect(asked).toBe(1);
  });

  it('say in the first run what the check finds that came last', async () => {
    const warehouse = await declare(PROJECT);
    await database.query(`${CREATE}; INSERT INTO c VALUES (3, 'c'); INSERT INTO o VALUES (9, 4)`);
    for (const dryRun of [true, false]) {
      const results = await run(warehouse, { dryRun });
      const failing = results.flatMap(({ task, checks }) =>
        checks.filter(({ ok }) => !ok).map(({ name }) => `${task} ${name}`),
      );
      expect(failing.sort()).toEqual(['silver.c relationships_id', 'silver.o relationships_id']);
    }
  });
});

it('a check that reads what is made of its own table is asked behind it', async () => {
  const warehouse = await declare(
    { ...PROJECT, models: { m: { key: 'n' } }, checks: { 'silver.c': [{ sql: 'few' }] } },
    {
      'sql/models/m.sql': 'SELECT count(*) AS n FROM silver.c',
      'sql/checks/few.sql': 'SELECT * FROM gold.m WHERE n < 3',
    },
  );
  await database.query(CREATE);
  const results = await run(warehouse);
  expect(statesOf(results).filter((state) => !/^silver.o/.test(state))).toEqual([
    'silver.c done',
    'gold.m done',
    'silver.c failed',
  ]);
  expect(results.flatMap(({ checks }) => checks.map(({ name, ok }) => [name, ok]))).toEqual([
    ['few', false],
  ]);
});
