/** Equal values that are written in several ways: a group has the same one, however it came about. */
import { expect, it } from 'vitest';
import { useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run } = useWarehouse();

const COLUMNS = ['level', 'plan', 'price', 'share', 'span', 'ratio'];

const SHOW = `SELECT f::text FROM (
  SELECT date, ${COLUMNS.join(', ')}, least, most, lowest, sum, per FROM gold.job_fact) AS f ORDER BY 1`;

it('is the one that a rebuild gives, as it is written', async () => {
  await database.query(`CREATE TYPE level AS ENUM ('low', 'high');
    CREATE TABLE jobs (id int, at date, level level, plan char(5), price numeric, share double precision,
      span interval, ratio numeric(6,2), n numeric, m float8, load_id bigint)`);
  const text = Object.fromEntries(['level', 'plan', 'span'].map((name) => [name, 'text']));
  const numbers = Object.fromEntries(['price', 'ratio', 'n'].map((name) => [name, 'numeric']));
  const columns = { id: 'int', at: 'date', share: 'double', m: 'double', ...text, ...numbers };
  const warehouse = await declare({
    tables: { jobs: { columns, key: 'id' } },
    facts: {
      job_fact: {
        from: 'jobs',
        date: 'at',
        columns: COLUMNS,
        measures: {
          least: 'min(n)',
          most: 'max(n * price)',
          lowest: 'min(m)',
          sum: 'sum(n)',
          per: 'min(n / ratio)',
        },
      },
    },
  });
  const add = (load: number, ...rows: readonly string[]) =>
    change(
      `INSERT INTO jobs VALUES ${rows.map((row) => `(${row}, ${load})`).join(', ')}`,
      'public.jobs',
      'inserted',
      load,
    );
  const compare = async () => {
    await run(warehouse);
    const incremental = await database.query(SHOW);
    await run(warehouse, { full: true });
    expect(incremental).toEqual(await database.query(SHOW));
    return incremental;
  };
  const row = (id: number, price: string, share: string, span: string, n: string, m: string) =>
    `${id}, '2024-01-01', 'low', 'a', ${price}, ${share}, '${span}', 1.50, ${n}, ${m}`;
  await add(
    1,
    row(1, '2.00', "'-0'", '60 minutes', '1.5', "'-0'"),
    row(2, '2', '0', '1 hour', '1.50', '0'),
  );
  expect(await compare()).toHaveLength(1);
  await add(
    2,
    row(3, '2.0', '0', '1 hour', '1.500', '0'),
    row(4, '02', '0', '3600 seconds', '1.5', '0'),
  );
  await compare();
  await change('DELETE FROM jobs WHERE id IN (1, 3)', 'public.jobs', 'deleted', 1);
  await compare();
  await add(3, row(5, '2.000', '0', '1 hour', "'NaN'", "'NaN'"));
  await compare();
  await change("UPDATE jobs SET price = 'Infinity', n = 'NaN'", 'public.jobs', 'updated', 3);
  expect(await compare()).toEqual([[expect.stringContaining('NaN')]]);
});
