/** Text whose collation calls texts equal that are written in several ways. */
import { expect, it } from 'vitest';
import { useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run } = useWarehouse();

const SHOW = {
  latest: 'SELECT name, nr FROM silver.latest',
  names: 'SELECT name, nr FROM silver.names ORDER BY nr',
  name_dim: 'SELECT name FROM gold.name_dim WHERE id <> 0',
  word_dim: 'SELECT nr, name FROM gold.word_dim WHERE id <> 0 ORDER BY nr',
  per_name: 'SELECT date::text, name, n, least FROM gold.per_name ORDER BY 1',
};

it('is as a rebuild writes it', async () => {
  await database.query(`CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TABLE a (nr int, day date, name text COLLATE any_case, long varchar(9) COLLATE any_case, load_id bigint)`);
  const warehouse = await declare({
    tables: { a: { columns: { nr: 'int', day: 'date', name: 'text', long: 'text' }, key: 'nr' } },
    silver: {
      latest: { from: 'a', key: 'name', columns: { name: 'name', nr: 'nr' }, 'latest-by': 'name' },
      names: { from: 'public.b', key: 'nr', columns: { name: 'name', nr: 'nr' } },
    },
    dimensions: {
      name_dim: { from: 'a', 'natural-key': 'name', attributes: [] },
      word_dim: { from: 'a', 'natural-key': 'nr', attributes: ['name'] },
    },
    facts: {
      per_name: {
        from: 'a',
        date: 'day',
        columns: ['name'],
        measures: { n: 'count(*)', least: 'min(long)' },
      },
    },
  });
  await database.query('CREATE VIEW b AS SELECT nr, name FROM a');
  const shown = async () => {
    const tables: Record<string, unknown> = {};
    for (const [name, sql] of Object.entries(SHOW)) tables[name] = await database.query(sql);
    return tables;
  };
  const steps = [
    [
      "INSERT INTO a VALUES (1, '2024-01-01', 'Ann', 'x', 1), (2, '2024-01-01', 'ann', 'x', 1)",
      'inserted',
      1,
    ],
    ["INSERT INTO a VALUES (3, '2024-01-01', 'ANN', 'x', 2)", 'inserted', 2],
    ["UPDATE a SET name = 'aNN', load_id = 3 WHERE nr = 2", 'updated', 3],
    ['DELETE FROM a WHERE load_id = 2', 'deleted', 2],
    ["INSERT INTO a VALUES (4, '2024-01-01', 'anN', 'x', 1)", 'inserted', 1],
  ] as const;
  for (const [sql, kind, load] of steps) {
    await change(sql, 'public.a', kind, load);
    await run(warehouse);
    const incremental = await shown();
    await run(warehouse, { full: true });
    expect([sql, await shown()]).toEqual([sql, incremental]);
  }
});
