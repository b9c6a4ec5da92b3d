/** Values that increments and rebuilds must treat alike. */
import { describe, expect, it } from 'vitest';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run } = useWarehouse();

const TABLES = {
  a: {
    columns: {
      id: 'int',
      at: 'timestamp',
      day: 'date',
      price: 'numeric',
      doc: 'json',
      name: 'text',
    },
    key: 'id',
  },
};
const CREATE = `CREATE TABLE a (id int PRIMARY KEY, at timestamp, day date, price numeric, doc json, name text, load_id bigint)`;

describe('values', () => {
  it('a type without equality, and a number that is written otherwise, are compared as they are written', async () => {
    const warehouse = await declare({
      tables: TABLES,
      silver: { a: { from: 'a', key: 'id', columns: { id: 'id', doc: 'doc', price: 'price' } } },
    });
    await change(
      `${CREATE}; INSERT INTO a VALUES (1, NULL, NULL, 1.0, '{"a":1}', 'x', 1)`,
      'public.a',
      'inserted',
      1,
    );
    await run(warehouse);
    await change(
      `UPDATE a SET price = 1.00, doc = '{"a": 1}', load_id = 2`,
      'public.a',
      'updated',
      2,
    );
    expect(statesOf(await run(warehouse))).toEqual(['silver.a done']);
    expect(await database.query('SELECT price::text, doc::text FROM silver.a')).toEqual([
      ['1.00', '{"a": 1}'],
    ]);
  });

  it('a sum has the decimals of its rows', async () => {
    const warehouse = await declare({
      tables: TABLES,
      facts: {
        f: { from: 'a', date: 'day', measures: { total: 'sum(price)', mean: 'avg(price)' } },
      },
    });
    const rows = "(1, NULL, '2024-01-01', 1.0, NULL, 'x', 1)";
    await change(`${CREATE}; INSERT INTO a VALUES ${rows}`, 'public.a', 'inserted', 1);
    await run(warehouse);
    await change('UPDATE a SET price = 1.00, load_id = 2', 'public.a', 'updated', 2);
    expect(statesOf(await run(warehouse))).toEqual(['gold.f 2024-01-01 done']);
    const written = 'SELECT total::text, mean_sum::text FROM gold.f';
    expect(await database.query(written)).toEqual([['1.00', '1.00']]);
    expect(statesOf(await run(warehouse))).toEqual(['gold.f unchanged']);
  });

  it('a group by a type that has no hash', async () => {
    const warehouse = await declare({
      facts: {
        f: { from: 'public.m', date: 'day', columns: ['price'], measures: { n: 'count(*)' } },
      },
    });
    await database.query(`CREATE TABLE m (day date, price money)`);
    await database.query(`INSERT INTO m VALUES ('2024-01-01', 1), ('2024-01-01', NULL)`);
    await run(warehouse);
    await database.query(`INSERT INTO m VALUES ('2024-01-01', 1), ('2024-01-01', 2)`);
    expect(statesOf(await run(warehouse))).toEqual(['gold.f 2024-01-01 done']);
    expect(await database.query('SELECT price::text, n FROM gold.f ORDER BY 1')).toEqual([
      ['$1.00', 2],
      ['$2.00', 1],
      [null, 1],
    ]);
  });

  it('the first and the last day of four digits are slices like others', async () => {
    const warehouse = await declare({
      tables: TABLES,
      facts: {
        f: { from: 'a', date: 'day', measures: { n: 'count(*)' } },
        h: {
          from: 'a',
          date: 'at',
          slice: 'hour',
          timezone: 'Asia/Tokyo',
          measures: { n: 'count(*)' },
        },
      },
    });
    await change(CREATE, 'public.a', 'definition');
    await run(warehouse);
    const rows = [
      "(1, '0001-01-01 00:30', '0001-01-01')",
      "(2, '9999-12-31 23:30', '9999-12-31')",
      "(3, '4713-01-01 BC', '4713-01-01 BC')",
    ];
    await change(
      `INSERT INTO a SELECT v.id, v.at::timestamp, v.day::date, NULL, NULL, NULL, 1 FROM (VALUES ${rows}) AS v (id, at, day)`,
      'public.a',
      'inserted',
      1,
    );
    expect(statesOf(await run(warehouse)).filter((state) => !state.endsWith('done'))).toEqual([]);
    expect(await database.query('SELECT f.date::text FROM gold.f ORDER BY f.date')).toEqual([
      ['4713-01-01 BC'],
      ['0001-01-01'],
      ['9999-12-31'],
    ]);
    expect(await database.query('SELECT count(*) FROM gold.h')).toEqual([[3]]);
  });

  it('what cannot be cast is NULL, and what can is cast as without on-error', async () => {
    const silver = (type: string, from: string) => ({ from, type, 'on-error': 'null' });
    const warehouse = await declare({
      tables: TABLES,
      silver: {
        a: {
          from: 'a',
          key: 'id',
          columns: {
            id: 'id',
            small: silver('numeric(4,2)', 'price'),
            whole: silver('int', 'price'),
            number: silver('int', 'name'),
          },
        },
      },
    });
    await change(
      `${CREATE}; INSERT INTO a (id, price, name, load_id) VALUES (1, 12345.6, 'x', 1), (2, 3.0, '7', 1), (3, 1e20, NULL, 1)`,
      'public.a',
      'inserted',
      1,
    );
    expect(statesOf(await run(warehouse))).toEqual(['silver.a done']);
    expect(
      await database.query('SELECT id, small::text, whole, number FROM silver.a ORDER BY 1'),
    ).toEqual([
      [1, null, 12346, null],
      [2, '3.00', 3, 7],
      [3, null, null, null],
    ]);
  });

  it('a type is known however it is written, and of SQL also where it is not', async () => {
    const warehouse = await declare({
      tables: TABLES,
      silver: {
        a: {
          from: 'a',
          key: 'id',
          columns: {
            id: 'id',
            upper: { sql: "at AT TIME ZONE 'UTC'", type: 'TIMESTAMPTZ', timezone: 'Asia/Tokyo' },
            plain: { sql: "at AT TIME ZONE 'UTC'", timezone: 'Asia/Tokyo' },
            month: { sql: 'day + 1', truncate: 'month' },
          },
        },
      },
    });
    await change(
      `${CREATE}; INSERT INTO a VALUES (1, '2024-01-31 12:00', '2024-01-31', NULL, NULL, NULL, 1)`,
      'public.a',
      'inserted',
      1,
    );
    await run(warehouse);
    expect(
      await database.query('SELECT upper::text, plain::text, month::text FROM silver.a'),
    ).toEqual([['2024-01-31 12:00:00+00', '2024-01-31 12:00:00+00', '2024-02-01']]);
  });

  it('a sum over a domain of doubles is exact', async () => {
    const warehouse = await declare({
      facts: { f: { from: 'public.d', date: 'day', measures: { s: 'sum(v)' } } },
    });
    await database.query(
      'CREATE DOMAIN amount AS double precision; CREATE TABLE d (day date, v amount)',
    );
    await database.query(
      "INSERT INTO d SELECT '2024-01-01', v FROM unnest('{0.1,0.2,0.3}'::float8[]) AS v",
    );
    await run(warehouse);
    expect(await database.query('SELECT s::text FROM gold.f')).toEqual([['0.6']]);
  });

  it('a key that is too long for an index is unknown until it arrives', async () => {
    const warehouse = await declare({
      tables: TABLES,
      dimensions: { d: { from: 'public.names', 'natural-key': 'name' } },
      facts: {
        f: {
          from: 'a',
          key: 'id',
          date: 'day',
          dimensions: { name_id: { dimension: 'd', by: ['name'] } },
        },
      },
    });
    await database.query('CREATE TABLE names (name text)');
    await change(CREATE, 'public.a', 'definition');
    await run(warehouse);
    const long = "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 200) i)";
    await change(
      `INSERT INTO a (id, name, load_id) VALUES (1, ${long}, 1)`,
      'public.a',
      'inserted',
      1,
    );
    expect(statesOf(await run(warehouse, { tasks: ['f'], only: true }))).toEqual([
      'gold.f null done',
    ]);
    expect(await database.query('SELECT key FROM edp.unknown_keys')).toEqual([[[]]]);
  });
});
