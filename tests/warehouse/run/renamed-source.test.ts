/** Tables that somebody renames: what is made of them reads those that have the names now. */
import { expect, it } from 'vitest';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run } = useWarehouse();

it('views, plain and materialized', async () => {
  const columns = { id: 'int', day: 'date', n: 'int' };
  const warehouse = await declare(
    {
      tables: { jobs: { columns, key: 'id' } },
      facts: { f: { from: 'jobs', date: 'day', measures: { total: 'sum(n)' } } },
      views: { plain: {}, kept: { materialized: true }, tables: {} },
      models: { m: { key: 'total' } },
    },
    {
      'sql/views/plain.sql': 'SELECT sum(total)::int AS total FROM gold.f',
      'sql/views/kept.sql': 'WITH unused AS (SELECT 1 FROM gold.f) SELECT total FROM gold.plain',
      'sql/views/tables.sql': 'SELECT count(*) AS n FROM pg_catalog.pg_class',
      'sql/models/m.sql': 'SELECT total FROM gold.plain',
    },
  );
  await database.query('CREATE TABLE jobs (id int, day date, n int, load_id bigint)');
  const insert = (values: string, load: number) =>
    change(`INSERT INTO jobs VALUES (${values}, ${load})`, 'public.jobs', 'inserted', load);
  await insert("1, '2024-01-01', 5", 1);
  await run(warehouse);
  expect(statesOf(await run(warehouse)).filter((state) => !/unchanged/.test(state))).toEqual([]);

  await database.query('ALTER TABLE gold.f RENAME TO f_before');
  await insert("2, '2024-01-02', 7", 2);
  await run(warehouse);
  const all = `SELECT (SELECT total FROM gold.plain), (SELECT total FROM gold.kept),
    (SELECT total::int FROM gold.m)`;
  expect(await database.query(all)).toEqual([[12, 12, 12]]);
  expect(statesOf(await run(warehouse)).filter((state) => !/unchanged/.test(state))).toEqual([]);
});
