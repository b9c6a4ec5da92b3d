/** Names that mean something in SQL, or within the statements of edp. */
import { expect, it } from 'vitest';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run } = useWarehouse();

const LONG = `Ä${'x'.repeat(55)}`;
const NAMES = [
  'source',
  'made',
  'stage',
  'rows',
  'd',
  'affected',
  'Select',
  "it's",
  'dimension_1',
  'slice',
];
const quoted = (name: string) => `"${name}"`;

it('tables and columns of any name, in schemas of any name', async () => {
  const warehouse = await declare({
    layers: { silver: 'Clean "1"', gold: 'order' },
    tables: {
      [LONG]: {
        columns: {
          id: 'int',
          day: 'date',
          ...Object.fromEntries(NAMES.map((name) => [name, 'text'])),
        },
        key: 'id',
      },
    },
    silver: {
      [LONG]: {
        from: LONG,
        key: 'id',
        where: 'source is distinct from 1::text',
        columns: {
          id: 'id',
          date: 'day',
          ...Object.fromEntries(NAMES.map((name) => [name, name])),
        },
      },
    },
    dimensions: {
      select: {
        from: `silver.${LONG}`,
        'natural-key': ['source', 'made'],
        attributes: NAMES.slice(2),
      },
    },
    facts: {
      [LONG]: {
        from: `silver.${LONG}`,
        date: 'date',
        dimensions: { table: { dimension: 'select', by: ['source', 'made'] } },
        columns: NAMES.slice(2),
        measures: { count: 'count(*)', when: 'max(id)' },
      },
      user: {
        from: `silver.${LONG}`,
        key: 'id',
        date: 'date',
        columns: NAMES,
        dimensions: { table: { dimension: 'select', by: ['source', 'made'] } },
      },
    },
  });
  const columns = NAMES.map((name) => `${quoted(name)} text`).join(', ');
  const table = quoted(LONG);
  await change(
    `CREATE TABLE ${table} (id int PRIMARY KEY, day date, ${columns}, load_id bigint)`,
    `public.${table}`,
    'definition',
  );
  const row = (id: number, load: number) =>
    `(${id}, '2024-01-0${load}', ${NAMES.map((name) => `$$${name}$$`).join(', ')}, ${load})`;
  await change(
    `INSERT INTO ${table} VALUES ${row(1, 1)}, ${row(2, 1)}`,
    `public.${table}`,
    'inserted',
    1,
  );
  const good = (states: readonly string[]) =>
    states.filter((state) => !/(done|unchanged)$/.test(state));
  expect(good(statesOf(await run(warehouse)))).toEqual([]);
  await change(`INSERT INTO ${table} VALUES ${row(3, 2)}`, `public.${table}`, 'inserted', 2);
  await change(
    `UPDATE ${table} SET day = '2024-01-03', "made" = 'new', load_id = 3 WHERE id = 1`,
    `public.${table}`,
    'updated',
    3,
  );
  for (let i = 0; i < 3; i++) {
    expect(good(statesOf(await run(warehouse, { full: i > 0 })))).toEqual([]);
    expect(
      await database.query(
        `SELECT id, date::text, made, "table" = 0 FROM "order"."user" AS u ORDER BY id`,
      ),
    ).toEqual([
      [1, '2024-01-03', 'new', false],
      [2, '2024-01-01', 'made', false],
      [3, '2024-01-02', 'made', false],
    ]);
    expect(await database.query(`SELECT sum("count"), max("when") FROM "order".${table}`)).toEqual([
      ['3', 3],
    ]);
  }
  expect((await run(warehouse)).every(({ state }) => state === 'unchanged')).toBe(true);
});
