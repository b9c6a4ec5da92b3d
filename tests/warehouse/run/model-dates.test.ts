/** Models with a date: each day by itself. */
import { expect, it } from 'vitest';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run } = useWarehouse();

const project = (sql: string) =>
  declare(
    {
      tables: { jobs: { columns: { id: 'int', at: 'timestamp', n: 'int' }, key: 'id' } },
      models: { per_hour: { key: 'hour', date: 'day' } },
    },
    { 'sql/models/per_hour.sql': sql },
  );

const SQL = `SELECT date_trunc('hour', at) AS hour, CAST(at AS date) AS day, sum(n) AS n FROM jobs GROUP BY 1, 2`;

const begin = async () => {
  await database.query('CREATE TABLE jobs (id int, at timestamp, n int, load_id bigint)');
  await change(
    "INSERT INTO jobs VALUES (1, '2024-01-01 10:00', 5, 1), (2, '2024-01-01 11:00', 6, 1), (3, '2024-01-02 23:59', 7, 1), (4, 'infinity', 1, 1)",
    'public.jobs',
    'inserted',
    1,
  );
};

it('counts each day, and makes the days that are ordered alone', async () => {
  await begin();
  const warehouse = await project(SQL);
  const counts = (results: Awaited<ReturnType<typeof run>>) =>
    results.map(({ slice, state, rows }) => [slice, state, rows.read, rows.inserted, rows.updated]);
  expect(counts(await run(warehouse))).toEqual([
    ['2024-01-01', 'done', 2, 2, 0],
    ['2024-01-02', 'done', 1, 1, 0],
    ['infinity', 'done', 1, 1, 0],
  ]);
  await change('UPDATE jobs SET n = n + 1', 'public.jobs', 'updated', 2);
  expect(counts(await run(warehouse, { dates: ['2024-01-01', '2024-01-01'] }))).toEqual([
    ['2024-01-01', 'done', 2, 0, 2],
  ]);
  expect(counts(await run(warehouse))).toEqual([
    ['2024-01-01', 'done', 2, 0, 0],
    ['2024-01-02', 'done', 1, 0, 1],
    ['infinity', 'done', 1, 0, 1],
  ]);
});

it('a date with a time is refused: its rows would not be made with their day', async () => {
  await begin();
  const results = await run(
    await project(SQL.replace('CAST(at AS date)', 'at').replace('1, 2', '1, 2, at')),
  );
  expect(statesOf(results)).toEqual([
    'gold.per_hour failed: gold.per_hour: date "day" is timestamp without time zone, and must be a date',
  ]);
});
