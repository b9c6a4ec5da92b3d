/** What a fold tells of the rows that it changes: `edp run` makes only what reads them. */
import { describe, expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { cloudEvent, toLines } from './event-lines.js';

const folder = useWarehouseFolder({
  'edp.yaml': `
tables:
  orders:
    key: nr
    history: true
    timestamps: [made_at, changed_at]
    columns: { nr: int, shop: text, placed: timestamptz, amount: int }
silver:
  orders:
    from: orders
    key: order_id
    columns: { order_id: nr, shop: shop, placed: placed, amount: amount }
    where: deleted_at IS NULL
dimensions:
  order_dim: { from: orders, natural-key: nr, attributes: [shop] }
facts:
  raw_fact: { from: orders, key: nr, date: placed, columns: [shop, amount] }
  order_fact: { from: silver.orders, date: placed, columns: [shop], measures: { orders: count(*), amount: sum(amount) } }
  state_fact: { from: orders_history, key: [nr, valid_from], date: placed, columns: [amount] }
`,
});

const DAYS = 400;
const ORDERS = 20_000;
const dayOf = (day: number) =>
  `${new Date(Date.UTC(2025, 0, 1 + (day % DAYS))).toISOString().slice(0, -1)}000Z`;
const order = (
  sequence: number,
  op: 'create' | 'update' | 'delete',
  nr: number,
  after?: Record<string, unknown>,
) => cloudEvent({ table: 'orders', op, sequence, key: { nr }, ...(after && { after }) });

const CREATES = Array.from({ length: ORDERS }, (_, nr) =>
  order(nr + 1, 'create', nr, { nr, shop: `s${nr % 3}`, placed: dayOf(nr), amount: nr }),
);
/** Two orders go to another day, each from a day of its own, two are deleted, one comes, and one is late. */
const CHANGES = [
  order(30_001, 'update', 5, { placed: dayOf(50) }),
  order(30_002, 'update', 405, { placed: dayOf(50) }),
  order(30_003, 'update', 6, { amount: 1 }),
  order(30_004, 'update', 6, { amount: 2 }),
  order(30_005, 'update', 7, { shop: 'other' }),
  order(30_006, 'delete', 8),
  order(30_007, 'delete', 9),
  order(30_008, 'create', ORDERS, { nr: ORDERS, shop: 's1', placed: dayOf(10), amount: 3 }),
  order(30_010, 'update', ORDERS, { amount: 4 }),
  order(30_009, 'update', ORDERS, { shop: 's2' }),
];
const CHANGED_KEYS = 7;
const CHANGED_DAYS = [5, 6, 7, 8, 9, 10, 50].map((day) => dayOf(day).slice(0, 10));

/** By task: its slices, and the rows that it has read. */
async function runAndCount() {
  const { json, status, stderr } = await folder.edp('run');
  expect(status, stderr).toBe(0);
  const done = json.tasks.filter(({ state }) => state === 'done');
  return Object.fromEntries(
    [...new Set(done.map(({ task }) => task))].map((name) => {
      const own = done.filter(({ task }) => task === name);
      return [
        name,
        {
          slices: own.flatMap(({ date }) => date ?? []).sort(),
          read: own.reduce((sum, { rows }) => sum + rows.read, 0),
        },
      ];
    }),
  );
}

const readTables = () =>
  Promise.all(
    ['silver.orders', 'gold.raw_fact', 'gold.order_fact', 'gold.state_fact'].map((name) =>
      folder.database.query(
        `SELECT (to_jsonb(t) - 'dw_created_at' - 'dw_updated_at')::text FROM ${name} t ORDER BY 1`,
      ),
    ),
  );

describe('ten events of a large table', () => {
  it('make few slices stale, and so does the undo of their load', {
    timeout: 120_000,
  }, async () => {
    await folder.write('all.jsonl', toLines(CREATES));
    expect((await folder.edp('realize', 'all.jsonl')).status).toBe(0);
    await runAndCount();
    const before = await readTables();
    await folder.write('ten.jsonl', toLines(CHANGES));
    for (const [command, ...args] of [
      ['realize', 'ten.jsonl'],
      ['undo', '2', '--yes'],
    ] as const) {
      expect((await folder.edp(command, ...args)).status).toBe(0);
      const counts = await runAndCount();
      expect(Object.keys(counts).sort()).toEqual([
        'gold.order_dim',
        'gold.order_fact',
        'gold.raw_fact',
        'gold.state_fact',
        'silver.orders',
      ]);
      const perDay = ORDERS / DAYS + 2;
      for (const name of ['gold.raw_fact', 'gold.order_fact', 'gold.state_fact']) {
        expect(counts[name]!.slices, name).toEqual(CHANGED_DAYS);
        expect(counts[name]!.read, name).toBeLessThan(2 * CHANGED_DAYS.length * perDay);
      }
      for (const name of ['silver.orders', 'gold.order_dim']) {
        expect(counts[name]!.read, name).toBeLessThanOrEqual(CHANGED_KEYS);
      }
      const made = await readTables();
      expect((await folder.edp('run', '--full')).status).toBe(0);
      expect(made).toEqual(await readTables());
    }
    expect(await readTables()).toEqual(before);
  });
});
