/** Histories in silver, dimensions that keep what was, and facts that look up what was there at their moment. */
import { beforeEach, describe, expect, it } from 'vitest';
import { useWarehouse } from '../../support/warehouse-place.js';

const place = useWarehouse();
const { declare, change, run } = place;
const query = (sql: string) => place.database.query(sql);

const FILES = {
  tables: {
    plans: { columns: { id: 'int', plan: 'text', country: 'text', changed: 'timestamp' } },
    uses: {
      columns: { use_id: 'int', member: 'int', at: 'timestamptz', amount: 'int' },
      key: 'use_id',
    },
  },
  silver: {
    members: {
      from: 'plans',
      key: 'member_id',
      columns: { member_id: 'id', plan: 'plan', country: 'country' },
      history: { by: 'changed' },
    },
    uses: {
      from: 'uses',
      key: 'use_id',
      columns: { use_id: 'use_id', member: 'member', at: 'at', amount: 'amount' },
    },
  },
  dimensions: {
    member_dim: { from: 'silver.members', 'natural-key': 'member_id', 'type-2': ['plan'] },
  },
  facts: {
    use_fact: {
      from: 'silver.uses',
      date: 'at',
      dimensions: {
        member_then: { dimension: 'member_dim', by: { member_id: 'member' }, 'as-of': 'at' },
        member_now: { dimension: 'member_dim', by: { member_id: 'member' } },
      },
      measures: { amount: 'sum(amount)' },
    },
    now_fact: { from: 'silver.members', date: 'valid_from', key: 'member_id', columns: ['plan'] },
    every_fact: {
      from: 'silver.members',
      date: 'valid_from',
      key: ['member_id', 'valid_from'],
      columns: ['plan'],
    },
  },
};

const insert = (table: string, load: number, ...rows: string[]) =>
  change(
    `INSERT INTO ${table} VALUES ${rows.map((row) => `(${row}, ${load})`).join(', ')}`,
    `public.${table}`,
    'inserted',
    load,
  );

beforeEach(async () => {
  await query(
    'CREATE TABLE plans (id int, plan text, country text, changed timestamp, load_id bigint)',
  );
  await query(
    'CREATE TABLE uses (use_id int PRIMARY KEY, member int, at timestamptz, amount int, load_id bigint)',
  );
});

const day = (n: number) => `2025-01-${String(n).padStart(2, '0')}`;

/** A use of a member at noon of each of the first ten days. */
const useDaily = (member: number, load: number) =>
  insert(
    'uses',
    load,
    ...Array.from(
      { length: 10 },
      (_, i) => `${member * 100 + i}, ${member}, '${day(i + 1)} 12:00+00', 1`,
    ),
  );

/** Member 1 at each day: the plan then, the plan now. */
const plansOf = async (member: number) =>
  (
    await query(`SELECT extract(day FROM f.date)::int, t.plan, n.plan FROM gold.use_fact f
      JOIN gold.member_dim t ON t.id = member_then JOIN gold.member_dim n ON n.id = member_now
      WHERE t.member_id = ${member} ORDER BY 1`)
  ).map(([at, then, now]) => `${at} ${then} ${now}`);

const expectedPlans = (now: string, ...changes: [number, string][]) =>
  Array.from({ length: 10 }, (_, i) => {
    const [first] = changes as [[number, string]];
    const [, plan] = changes.filter(([at]) => at <= i + 1).at(-1) ?? first;
    return `${i + 1} ${plan} ${now}`;
  });

const madeSlices = (results: readonly { task: string; slice: string; state: string }[]) =>
  results
    .filter(({ task, state }) => task === 'gold.use_fact' && state === 'done')
    .map(({ slice }) => Number(slice.slice(-2)));

describe('versions', () => {
  it('are kept in silver and in the dimension', async () => {
    const warehouse = await declare(FILES);
    await insert(
      'plans',
      1,
      "1, 'free', 'NL', '2025-01-01'",
      "1, 'free', 'BE', '2025-01-03'",
      "1, 'pro', 'BE', '2025-01-05'",
      "2, 'free', 'DE', '2025-01-02'",
      "3, 'free', 'DE', NULL",
    );
    const results = await run(warehouse);
    expect(results.filter(({ state }) => state === 'failed')).toEqual([]);
    // Rows without a moment are left out, and counted.
    expect(results.find(({ task }) => task === 'silver.members')!.rows).toMatchObject({
      read: 5,
      inserted: 4,
      nullKey: 1,
    });
    expect(
      await query(
        'SELECT member_id, plan, country, valid_from::date::text, valid_to::date::text, is_current FROM silver.members ORDER BY 1, 4',
      ),
    ).toEqual([
      [1, 'free', 'NL', day(1), day(3), false],
      [1, 'free', 'BE', day(3), day(5), false],
      [1, 'pro', 'BE', day(5), null, true],
      [2, 'free', 'DE', day(2), null, true],
    ]);
    expect(
      await query(
        'SELECT member_id, plan, country, valid_from::date::text, valid_to::date::text, is_current FROM gold.member_dim ORDER BY member_id NULLS FIRST, 4',
      ),
    ).toEqual([
      [null, null, null, '-infinity', null, true],
      [1, 'free', 'BE', day(1), day(5), false],
      [1, 'pro', 'BE', day(5), null, true],
      [2, 'free', 'DE', day(2), null, true],
    ]);
    expect(await query('SELECT member_id, plan FROM gold.now_fact ORDER BY 1')).toEqual([
      [1, 'pro'],
      [2, 'free'],
    ]);
    expect(await query('SELECT count(*) FROM gold.every_fact')).toEqual([[4]]);
  });

  it('that come late are placed between, and the facts between follow', async () => {
    const warehouse = await declare(FILES);
    await insert('plans', 1, "1, 'free', 'NL', '2025-01-02'");
    await useDaily(1, 2);
    await insert('plans', 9, "2, 'free', 'NL', '2025-01-02'");
    await useDaily(2, 10);
    await run(warehouse);
    expect(await plansOf(1)).toEqual(expectedPlans('free', [2, 'free']));

    // It changed on the 5th, and was loaded on the 10th.
    await insert('plans', 3, "1, 'pro', 'NL', '2025-01-05'");
    expect(madeSlices(await run(warehouse))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await plansOf(1)).toEqual(expectedPlans('pro', [2, 'free'], [5, 'pro']));

    await insert('plans', 4, "1, 'trial', 'NL', '2025-01-04'");
    expect(madeSlices(await run(warehouse))).toEqual([4]);
    expect(await plansOf(1)).toEqual(expectedPlans('pro', [2, 'free'], [4, 'trial'], [5, 'pro']));
    expect(await plansOf(2)).toEqual(expectedPlans('free', [2, 'free']));

    // An equal neighbour is no version, and changes no look-up.
    await insert('plans', 5, "1, 'trial', 'NL', '2025-01-04 18:00'");
    expect(madeSlices(await run(warehouse))).toEqual([]);

    // What is there before the first version is the first one.
    await insert('plans', 6, "1, 'old', 'NL', '2024-12-01'");
    expect(madeSlices(await run(warehouse))).toEqual([1]);
    expect(await plansOf(1)).toEqual(
      expectedPlans('pro', [1, 'old'], [2, 'free'], [4, 'trial'], [5, 'pro']),
    );

    await change('DELETE FROM plans WHERE load_id = 4', 'public.plans', 'deleted', 4);
    await run(warehouse);
    await change('DELETE FROM plans WHERE load_id = 5', 'public.plans', 'deleted', 5);
    expect(madeSlices(await run(warehouse))).toEqual([]);
    expect(await plansOf(1)).toEqual(expectedPlans('pro', [1, 'old'], [2, 'free'], [5, 'pro']));

    await change('DELETE FROM plans WHERE load_id IN (3)', 'public.plans', 'deleted', 3);
    await run(warehouse);
    expect(await plansOf(1)).toEqual(expectedPlans('free', [1, 'old'], [2, 'free']));
    const again = await run(warehouse);
    expect(again.filter(({ state }) => state !== 'unchanged')).toEqual([]);
  });

  it('keep their ids while they are gone, and when the table is made anew', async () => {
    const warehouse = await declare(FILES);
    await insert('plans', 1, "1, 'free', 'NL', '2025-01-02'");
    await insert('plans', 2, "1, 'pro', 'NL', '2025-01-05'");
    await run(warehouse);
    const ids = () =>
      query('SELECT plan, id::text FROM gold.member_dim WHERE id <> 0 ORDER BY valid_from');
    const before = await ids();
    await change('DELETE FROM plans WHERE load_id = 2', 'public.plans', 'deleted', 2);
    await run(warehouse);
    expect(await ids()).toEqual(before.slice(0, 1));
    await run(warehouse, { full: true });
    await insert('plans', 3, "1, 'pro', 'NL', '2025-01-05'", "2, 'pro', 'NL', '2025-01-05'");
    await run(warehouse);
    expect((await ids()).slice(0, 2)).toEqual(before);
    await run(warehouse, { full: true });
    expect((await ids()).slice(0, 2)).toEqual(before);
  });

  it('cost by what changed: rows of other members are not read', async () => {
    const warehouse = await declare(FILES);
    const many = Array.from({ length: 500 }, (_, i) => `${i}, 'free', 'NL', '2025-01-01'`);
    await insert('plans', 1, ...many);
    await run(warehouse);
    await insert('plans', 2, "7, 'pro', 'NL', '2025-01-05'");
    const results = await run(warehouse);
    const rowsOf = (name: string) => results.find(({ task }) => task === name)!.rows;
    expect(rowsOf('silver.members')).toMatchObject({ read: 2, inserted: 1, updated: 1 });
    expect(rowsOf('gold.member_dim')).toMatchObject({ read: 2, inserted: 1, updated: 1 });
  });
});

it('a row that is updated may leave a key that is longer than that of its source', async () => {
  await query('CREATE TABLE people (id int PRIMARY KEY, region text, load_id bigint)');
  const warehouse = await declare({
    tables: { people: { columns: { id: 'int', region: 'text' }, key: 'id' } },
    silver: {
      people: { from: 'people', key: ['who', 'region'], columns: { who: 'id', region: 'region' } },
    },
    dimensions: {
      region_dim: { from: 'people', 'natural-key': ['region', 'load_id'], attributes: [] },
    },
  });
  await insert('people', 1, "1, 'north'");
  await run(warehouse);
  await change(
    "UPDATE people SET region = 'south', load_id = 2 WHERE id = 1",
    'public.people',
    'updated',
    2,
  );
  await run(warehouse);
  expect(await query('SELECT who, region FROM silver.people')).toEqual([[1, 'south']]);
  expect(await query('SELECT region FROM gold.region_dim WHERE id <> 0')).toEqual([['south']]);
});
