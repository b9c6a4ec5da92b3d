/** SQL that asks the clock or chance is asked again with each run: nothing else tells that its rows changed. */
import { expect, it } from 'vitest';
import { loadSqlReader } from '../../../src/model/warehouse/sql-reader.js';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run } = useWarehouse();

const RECENT = 'clock_timestamp() < until';

async function begin(): Promise<void> {
  await database.query('CREATE TABLE jobs (id int, until timestamptz, load_id bigint)');
  const rows = "(1, now() + interval '1 day', 1), (2, 'infinity', 1)";
  await change(`INSERT INTO jobs VALUES ${rows}`, 'public.jobs', 'inserted', 1);
}

/** As if a day passed: no load tells of it. */
const wait = () => database.query("UPDATE jobs SET until = until - interval '2 days'");
const tables = { jobs: { columns: { id: 'int', until: 'timestamptz' }, key: 'id' } };

it('of a silver table, and of what reads it', async () => {
  await begin();
  const warehouse = await declare({
    tables,
    silver: { open: { from: 'jobs', key: 'job', columns: { job: 'id' }, where: RECENT } },
    dimensions: { job_dim: { from: 'silver.open', 'natural-key': 'job', attributes: [] } },
  });
  const ids = 'SELECT job FROM silver.open ORDER BY 1';
  await run(warehouse);
  expect(await database.query(ids)).toEqual([[1], [2]]);
  expect(statesOf(await run(warehouse))).toEqual([
    'silver.open unchanged',
    'gold.job_dim unchanged',
  ]);
  await wait();
  expect(statesOf(await run(warehouse))).toEqual(['silver.open done', 'gold.job_dim done']);
  expect(await database.query(ids)).toEqual([[2]]);
});

it('of models and views, also behind a view', async () => {
  await begin();
  const warehouse = await declare(
    {
      tables,
      models: { open: { key: 'id' }, ids: { key: 'id' } },
      views: { now_open: {}, kept: { materialized: true } },
    },
    {
      'sql/models/open.sql': `SELECT id FROM jobs WHERE ${RECENT}`,
      'sql/models/ids.sql': 'SELECT id FROM gold.now_open',
      'sql/views/now_open.sql': `SELECT id FROM jobs WHERE ${RECENT}`,
      'sql/views/kept.sql': `SELECT id FROM jobs WHERE ${RECENT}`,
    },
  );
  const all = `SELECT (SELECT count(*)::int FROM gold.open), (SELECT count(*)::int FROM gold.ids),
    (SELECT count(*)::int FROM gold.kept)`;
  await run(warehouse);
  expect(await database.query(all)).toEqual([[2, 2, 2]]);
  await wait();
  await run(warehouse);
  expect(await database.query(all)).toEqual([[1, 1, 1]]);
});

it.each([
  ['now()', true],
  ['current_date', true],
  ['localtimestamp(0)', true],
  ["joined > 'today'::date", true],
  ['pg_catalog.random() < a', true],
  ['age(joined)', true],
  ['age(joined, left_at)', false],
  ["joined > '2024-01-31'::date", false],
  ["state = 'now'", false],
  ['current_user = name', false],
  ["date_trunc('day', joined)", false],
])('%s: %s', async (sql, asksMoment) => {
  expect((await loadSqlReader()).readExpression(sql)).toMatchObject({ asksMoment });
});
