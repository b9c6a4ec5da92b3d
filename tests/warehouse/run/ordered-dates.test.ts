/** Dates that are ordered, of a fact that is there: the others stay. */
import { expect, it } from 'vitest';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run } = useWarehouse();

const project = (measures: object) =>
  declare({
    tables: { jobs: { columns: { id: 'int', at: 'date', n: 'int' }, key: 'id' } },
    facts: { job_fact: { from: 'jobs', date: 'at', measures } },
  });

const DATES = 'SELECT date::text, total::int FROM gold.job_fact ORDER BY 1';
const ALL = [
  ['2024-01-01', 5],
  ['2024-01-02', 7],
];

async function begin(): Promise<void> {
  await database.query('CREATE TABLE jobs (id int, at date, n int, load_id bigint)');
  const rows = "(1, '2024-01-01', 5, 1), (2, '2024-01-02', 7, 1)";
  await change(`INSERT INTO jobs VALUES ${rows}`, 'public.jobs', 'inserted', 1);
}

it('with --full', async () => {
  await begin();
  const warehouse = await project({ total: 'sum(n)' });
  await run(warehouse);
  await database.query("UPDATE gold.job_fact SET total = 0 WHERE date = '2024-01-02'");
  const orders = { full: true, dates: ['2024-01-02', '2024-01-02'] } as const;
  expect(statesOf(await run(warehouse, orders))).toEqual(['gold.job_fact 2024-01-02 done']);
  expect(await database.query(DATES)).toEqual(ALL);
  expect(statesOf(await run(warehouse))).toEqual(['gold.job_fact unchanged']);
});

it('where the definition changed: all are made', async () => {
  await begin();
  await run(await project({ total: 'sum(n)' }));
  const changed = await project({ total: 'sum(n)', jobs: 'count(*)' });
  expect(statesOf(await run(changed, { dates: ['2024-01-02', '2024-01-02'] }))).toEqual([
    'gold.job_fact 2024-01-01 done',
    'gold.job_fact 2024-01-02 done',
  ]);
  expect(await database.query(DATES)).toEqual(ALL);
  expect(statesOf(await run(changed))).toEqual(['gold.job_fact unchanged']);
});

it('of a fact that is not there yet, they are all that is made', async () => {
  await begin();
  const warehouse = await project({ total: 'sum(n)' });
  await run(warehouse, { dates: ['2024-01-02', '2024-01-02'] });
  expect(await database.query(DATES)).toEqual(ALL.slice(1));
  await run(warehouse);
  expect(await database.query(DATES)).toEqual(ALL);
});

it('of a fact that is not there yet: how much it grows says nothing until all are made', async () => {
  await begin();
  const rows = Array.from({ length: 9 }, (_, i) => `(${i + 3}, '2024-02-0${i + 1}', 1, 1)`);
  await change(`INSERT INTO jobs VALUES ${rows.join()}`, 'public.jobs', 'inserted', 1);
  const warehouse = await declare({
    tables: { jobs: { columns: { id: 'int', at: 'date', n: 'int' }, key: 'id' } },
    facts: { job_fact: { from: 'jobs', date: 'at', measures: { total: 'sum(n)' } } },
    checks: { 'gold.job_fact': [{ row_count: { change: '50%' } }] },
  });
  await run(warehouse, { dates: ['2024-01-02', '2024-01-02'] });
  await run(warehouse, { dates: ['2024-02-01', '2024-02-09'] });
  const states = statesOf(await run(warehouse));
  expect(states.filter((state) => !state.endsWith('done'))).toEqual([]);
  expect(await database.query('SELECT count(*)::int FROM gold.job_fact')).toEqual([[11]]);

  await change("DELETE FROM jobs WHERE at > '2024-02-01'", 'public.jobs', 'deleted', 1);
  const fewer = statesOf(await run(warehouse));
  expect(fewer.filter((state) => !state.endsWith('failed'))).toEqual([]);
});
