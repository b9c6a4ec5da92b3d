/**
 * MERGE into a partitioned table: where it has inserted a row, PostgreSQL shows that row as the new version of each row that it
 * updates next.
 */
import { randomBytes } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { useTestDatabase } from '../support/database.js';
import { foldEvents } from './fold.js';
import { brief, byText, installIn, takeEvents } from './source.js';

const source = useTestDatabase('empty');

const TEXT = `
tables:
  orders: { key: [id, day], columns: { id: int, day: int, state: text } }
  totals: { key: id, columns: { id: int, total: numeric } }
capture:
  tables:
    orders: {}
    totals: { columns: { total: { calculation: "(SELECT coalesce(sum(p.amount), 0) FROM public.parts AS p WHERE p.total_id = totals.id)", also-on: { parts: total_id } } } }
`;

/** Rows in the order in which MERGE takes them: of each action, some come behind a row that is inserted. */
const merge = (
  rows: string,
  into = 'orders',
) => `MERGE INTO ${into} AS o USING (VALUES ${rows}) AS s (id, day, to_day) ON o.id = s.id AND o.day = s.day
  WHEN MATCHED AND s.to_day < 0 THEN DELETE
  WHEN MATCHED THEN UPDATE SET state = 'merged', day = s.to_day
  WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.day, 'inserted')`;

const MERGES: readonly [string, string][] = [
  ['an update behind an insert', merge('(90, 5, 0), (1, 1, 1)')],
  [
    'several updates behind inserts',
    merge('(90, 5, 0), (1, 1, 1), (2, 2, 2), (91, 15, 0), (12, 12, 12)'),
  ],
  ['an update of the key behind an insert', merge('(90, 5, 0), (1, 1, 7)')],
  [
    'a move into another partition behind an insert',
    merge('(90, 5, 0), (1, 1, 17), (91, 6, 0), (2, 2, 2)'),
  ],
  [
    'deletes and updates behind an insert',
    merge('(90, 5, 0), (3, 3, -1), (1, 1, 1), (13, 13, -1)'),
  ],
  ['a partition with partitions', merge('(90, 15, 0), (12, 12, 12)', 'orders_2')],
  [
    'a partition that was made behind the install',
    merge('(90, 25, 0), (1, 1, 1), (91, 26, 0), (12, 12, 12)'),
  ],
  [
    'many rows',
    `INSERT INTO orders SELECT i, i % 20, 'second' FROM generate_series(100, 250) AS i;
     MERGE INTO orders AS o USING (SELECT i AS id, i % 20 AS day FROM generate_series(300, 0, -1) AS i) AS s ON o.id = s.id AND o.day = s.day
       WHEN MATCHED THEN UPDATE SET state = 'merged' WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.day, 'inserted')`,
  ],
];

let major = 0;
beforeAll(async () => {
  const [[version] = []] = await source.query("SELECT current_setting('server_version_num')::int");
  major = Math.floor((version as number) / 10_000);
  await source.query(`
    CREATE TABLE orders (id int, day int, state text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (10);
    CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (day);
    CREATE TABLE orders_2a PARTITION OF orders_2 FOR VALUES FROM (10) TO (14);
    CREATE TABLE orders_2b (state text, gone int, day int NOT NULL, id int NOT NULL);
    ALTER TABLE orders_2b DROP COLUMN gone;
    ALTER TABLE orders_2 ATTACH PARTITION orders_2b DEFAULT;
    CREATE TABLE totals (id int PRIMARY KEY);
    CREATE TABLE parts (id int, total_id int, amount numeric, PRIMARY KEY (id, amount)) PARTITION BY RANGE (amount);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
    CREATE TABLE parts_2 PARTITION OF parts DEFAULT`);
  await installIn(source.config, TEXT);
  await source.query('CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM (20) TO (30)');
});
beforeEach(() =>
  source.query(
    "TRUNCATE orders; INSERT INTO orders SELECT i, i, 'first' FROM generate_series(0, 19) AS i",
  ),
);

describe('the rows that MERGE has updated are published as they are', () => {
  it.each(MERGES)('%s', async (_, sql) => {
    if (major < 15) return;
    await source.query(sql);
    const events = await takeEvents(source.config);
    const rows = await source.query('SELECT id, day, state FROM orders ORDER BY id, day');
    const orders = events.filter(({ type }) => type.startsWith('orders.'));
    const found = [...foldEvents(orders).values()].map(({ id, day, state }) => [id, day, state]);
    expect(found.sort(([a], [b]) => Number(a) - Number(b))).toEqual(rows);
  });

  it('as updates, and each row once', async () => {
    if (major < 15) return;
    await takeEvents(source.config);
    await source.query(merge('(90, 5, 0), (1, 1, 1), (2, 2, 7)'));
    expect(byText(brief(await takeEvents(source.config)))).toEqual(
      byText([
        [
          'orders.created',
          { key: { id: 90, day: 5 }, after: { id: 90, day: 5, state: 'inserted' } },
        ],
        [
          'orders.updated',
          {
            key: { id: 1, day: 1 },
            after: { state: 'merged' },
            before: { state: 'first' },
            partial: true,
          },
        ],
        ['orders.deleted', { key: { id: 2, day: 2 }, before: { id: 2, day: 2, state: 'first' } }],
        ['orders.created', { key: { id: 2, day: 7 }, after: { id: 2, day: 7, state: 'merged' } }],
      ]),
    );
  });

  it('and calculations of them are made', async () => {
    if (major < 15) return;
    await source.query(
      'INSERT INTO totals VALUES (1), (2), (3); INSERT INTO parts VALUES (1, 1, 1), (2, 1, 2)',
    );
    await takeEvents(source.config);
    await source.query(`MERGE INTO parts AS p USING (VALUES (9, 3, 9), (1, 2, 1)) AS s (id, total_id, amount) ON p.id = s.id
      WHEN MATCHED THEN UPDATE SET total_id = s.total_id WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.total_id, s.amount)`);
    const events = await takeEvents(source.config);
    const totals = events.map(({ data }) => [data.key?.id, data.after?.total]);
    expect(totals.sort()).toEqual([
      [1, '2'],
      [2, '1'],
      [3, '9'],
    ]);
  });
});

it('a partition is made by whoever owns the table, and has no rights on what capture has made', async () => {
  const role = `owner_${randomBytes(4).toString('hex')}`;
  await source.query(
    `CREATE ROLE ${role}; GRANT CREATE ON SCHEMA public TO ${role}; ALTER TABLE orders OWNER TO ${role}`,
  );
  try {
    await source.query(
      `SET ROLE ${role}; CREATE TABLE orders_4 PARTITION OF orders FOR VALUES FROM (30) TO (40); RESET ROLE`,
    );
    const [copies] = await source.query(
      "SELECT count(*)::int FROM pg_trigger WHERE tgrelid = 'orders_4'::regclass AND tgparentid <> 0",
    );
    expect(copies).toEqual([1]);
  } finally {
    await source.query(`RESET ROLE; DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
  }
});
