/** Surrogate ids: one for each natural key, whatever happens to the member. */
import { expect, it } from 'vitest';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run } = useWarehouse();

const add = (values: string, load = 1) =>
  change(`INSERT INTO users VALUES ${values}`, 'public.users', 'inserted', load);
const remove = (id: number) =>
  change(`DELETE FROM users WHERE id = ${id}`, 'public.users', 'deleted', 1);
const begin = () =>
  database.query('CREATE TABLE users (id int, region text, plan text, load_id bigint)');

async function ids(): Promise<Record<string, string>> {
  const rows = await database.query(
    'SELECT user_dim.id::text, region FROM gold.user_dim WHERE region IS NOT NULL ORDER BY region',
  );
  return Object.fromEntries(rows.map(([id, region]) => [region, id])) as Record<string, string>;
}

const declared = (id: string, more = {}) =>
  declare({
    tables: { users: { columns: { id: 'int', region: 'text', plan: 'text' }, key: 'id' } },
    silver: {
      users: {
        from: 'users',
        key: ['usr', 'region'],
        columns: { usr: 'id', region: 'region', plan: 'plan' },
      },
    },
    dimensions: {
      user_dim: { from: 'silver.users', 'natural-key': ['usr', 'region'], id, ...more },
    },
  });

async function mustRun(...args: Parameters<typeof run>): Promise<void> {
  const failed = (await run(...args)).filter(({ state }) => state === 'failed');
  expect(statesOf(failed)).toEqual([]);
}

for (const id of ['bigint', 'int', 'uuid']) {
  it(`a member that goes and comes back has its ${id} again`, async () => {
    await begin();
    const warehouse = await declared(id);
    await add("(1, 'a', 'x', 1), (2, 'b', 'x', 1), (3, 'c', 'x', 1)");
    await mustRun(warehouse);
    const before = await ids();
    expect(Object.keys(before)).toEqual(['a', 'b', 'c']);

    await remove(3);
    await remove(1);
    await mustRun(warehouse);
    expect(await ids()).toEqual({ b: before.b });
    await add("(4, 'd', 'x', 1)");
    await mustRun(warehouse);
    const fourth = (await ids()).d!;
    expect(Object.values(before)).not.toContain(fourth);

    await add("(1, 'a', 'y', 1)");
    await mustRun(warehouse);
    expect(await ids()).toEqual({ a: before.a, b: before.b, d: fourth });
    // Made anew, in both ways: the highest id may be of one who is gone.
    await remove(4);
    await mustRun(warehouse, { full: true });
    await add("(5, 'e', 'x', 1)");
    await mustRun(warehouse);
    const fifth = (await ids()).e!;
    expect([...Object.values(before), fourth]).not.toContain(fifth);
    await remove(2);
    await add("(3, 'c', 'x', 1), (4, 'd', 'z', 1)");
    await mustRun(await declared(id, { attributes: [] }));
    expect(await ids()).toEqual({ a: before.a, c: before.c, d: fourth, e: fifth });
    expect(await database.query('SELECT key FROM edp.member_ids')).toEqual([[['2', 'b']]]);
  });
}

it('a dimension with another key has other ids', async () => {
  await begin();
  await add("(1, 'a', 'x', 1), (2, 'b', 'x', 1)");
  await mustRun(await declared('int'));
  await remove(1);
  await mustRun(await declared('int'));
  expect(await database.query('SELECT count(*)::int FROM edp.member_ids')).toEqual([[1]]);
  await mustRun(await declared('int', { 'natural-key': 'region' }));
  expect(await database.query('SELECT count(*)::int FROM edp.member_ids')).toEqual([[0]]);
  expect(Object.keys(await ids())).toEqual(['b']);
});

it('a member comes back by an equal key, however that is written', async () => {
  await database.query(`CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TABLE prices (price numeric, span interval, name text COLLATE any_case, region text)`);
  const row = (...values: string[]) => database.query(`INSERT INTO prices VALUES (${values})`);
  const key = ['price', 'span', 'name', 'region'];
  const warehouse = await declare({
    dimensions: { user_dim: { from: 'public.prices', 'natural-key': key } },
  });
  await row('2.5', "'1 day'", "'Ann'", "'a'");
  await row('2.5', "'1 day'", "'Bob'", "'b'");
  await mustRun(warehouse);
  const before = await ids();
  for (const full of [false, true]) {
    await database.query('DELETE FROM prices');
    await mustRun(warehouse);
    expect(await ids()).toEqual({});
    await row('2.50', "'24 hours'", "'ANN'", "'a'");
    await row('2.500', "'1 day'", "'Bob'", "'b'");
    await row('2.5', "'1 day'", "'Bob'", "'c'");
    await mustRun(warehouse, { full });
    const { c, ...others } = await ids();
    expect([others, Object.values(before).includes(c!)]).toEqual([before, false]);
    expect(
      await database.query('SELECT price::text, name FROM gold.user_dim ORDER BY region'),
    ).toEqual([
      ['2.50', 'ANN'],
      ['2.500', 'Bob'],
      ['2.5', 'Bob'],
      [null, null],
    ]);
  }
});
