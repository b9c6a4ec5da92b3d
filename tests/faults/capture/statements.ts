/** What writers do. */
import type { Random } from '../random.js';
import type { Shape } from './source.js';

export interface Statement {
  readonly name: string;
  readonly sql: (random: Random, shape: Shape) => string;
  /** The first PostgreSQL that has it. */
  readonly since?: number;
  /** Whether a snapshot that is older than the statement must not run it (docs/capture.md says why). */
  readonly needsNewSnapshot?: true;
  /** How often it is picked, compared with others. */
  readonly weight?: number;
}

const account = (r: Random) =>
  `(SELECT id FROM legacy_accounts ORDER BY id OFFSET ${r.below(30)} LIMIT 1)`;
const day = (r: Random) => `'2026-0${1 + r.below(3)}-${10 + r.below(15)}'`;

export const STATEMENTS: readonly Statement[] = [
  {
    name: 'insert',
    sql: (r, { nameColumn }) =>
      `INSERT INTO legacy_accounts (${nameColumn}, balance, region_id, at, score, big, doc, due) VALUES ('n${r.below(99)}"\\', ${r.below(1000)}.${r.below(10)}0, (SELECT min(id) FROM regions), now(), ${r.pick(['1.5', "'NaN'", '1e300'])}, 9007199254740993, '{"a":\n [${r.below(9)}]}', '2026-07-0${1 + r.below(9)}')`,
  },
  {
    name: 'insert many',
    sql: (r, { nameColumn }) =>
      `INSERT INTO legacy_accounts (${nameColumn}, balance) SELECT 'bulk ' || i, i FROM generate_series(1, ${50 + r.below(60)}) AS i`,
  },
  {
    name: 'update',
    weight: 3,
    sql: (r, { nameColumn }) =>
      `UPDATE legacy_accounts SET balance = balance + 1, ${nameColumn} = 'u${r.below(50)}', due = date '2026-08-01' + ${r.below(20)} WHERE id = ${account(r)}`,
  },
  {
    name: 'update of a new column',
    sql: (r, { hasNote, nameColumn }) =>
      hasNote
        ? `UPDATE legacy_accounts SET note = 'note ${r.below(50)}' WHERE id % 4 = ${r.below(4)}`
        : `UPDATE legacy_accounts SET ${nameColumn} = 'v${r.below(50)}' WHERE id % 6 = ${r.below(6)}`,
  },
  {
    name: 'update many',
    sql: (r) =>
      `UPDATE legacy_accounts SET balance = coalesce(balance, 0) * 1.0 WHERE id % ${2 + r.below(5)} = 0`,
  },
  {
    name: 'update that changes nothing',
    sql: (_, { nameColumn }) => `UPDATE legacy_accounts SET ${nameColumn} = ${nameColumn}`,
  },
  {
    name: 'filter entered and left',
    sql: (r) => `UPDATE legacy_accounts SET is_demo = NOT is_demo WHERE id % ${3 + r.below(5)} = 0`,
  },
  {
    name: 'key change',
    weight: 2,
    sql: (r) =>
      r.pick([
        `UPDATE legacy_accounts SET ref = gen_random_uuid() WHERE id = ${account(r)}`,
        `UPDATE legacy_accounts SET id = id + 1000000 WHERE id = ${account(r)}`,
        `UPDATE legacy_accounts SET id = id + 1000000, ref = gen_random_uuid() WHERE id % 9 = ${r.below(9)}`,
      ]),
  },
  { name: 'delete', sql: (r) => `DELETE FROM legacy_accounts WHERE id = ${account(r)}` },
  {
    name: 'delete many',
    sql: (r, { nameColumn }) =>
      `DELETE FROM legacy_accounts WHERE ${nameColumn} LIKE 'bulk %' AND id % 3 <> ${r.below(3)}`,
  },
  {
    name: 'insert in a table that calculations read',
    weight: 3,
    sql: (r) =>
      r.pick([
        `INSERT INTO lines (account_id, amount) VALUES (${account(r)}, ${r.below(100)})`,
        `INSERT INTO lines (account_id, amount) VALUES (${account(r)}, ${r.below(100)})`,
        `INSERT INTO lines (account_id, amount) SELECT id, 1 FROM legacy_accounts LIMIT ${1 + r.below(300)}`,
      ]),
  },
  {
    name: 'update in a table that calculations read',
    sql: (r) =>
      `UPDATE lines SET amount = amount + 1, account_id = ${account(r)} WHERE id % 7 = ${r.below(7)}`,
  },
  {
    name: 'delete in a table that calculations read',
    sql: (r) => `DELETE FROM lines WHERE id % 5 = ${r.below(5)}`,
  },
  {
    name: 'truncate of a table that calculations read',
    sql: (r) => r.pick(['TRUNCATE lines', 'TRUNCATE lines RESTART IDENTITY']),
  },
  {
    name: 'truncate cascade',
    sql: (r) =>
      r.below(4) === 0
        ? 'TRUNCATE legacy_accounts RESTART IDENTITY CASCADE'
        : 'TRUNCATE tags CASCADE',
  },
  {
    name: 'on conflict',
    sql: (r) =>
      r.pick([
        `INSERT INTO regions (code, name) VALUES ('r${r.below(9)}', 'x${r.below(99)}') ON CONFLICT (code) DO UPDATE SET name = excluded.name`,
        `INSERT INTO tags (code, name) SELECT 't' || i, 'y${r.below(99)}' FROM generate_series(1, ${1 + r.below(20)}) AS i ON CONFLICT DO NOTHING`,
        `INSERT INTO tags (code, name) SELECT 't' || i, 'z${r.below(99)}' FROM generate_series(1, ${1 + r.below(20)}) AS i ON CONFLICT (code) DO UPDATE SET name = excluded.name`,
      ]),
  },
  { name: 'set null', sql: (r) => `DELETE FROM regions WHERE code = 'r${r.below(9)}'` },
  {
    name: 'on conflict into partitions',
    weight: 2,
    sql: (r) =>
      `INSERT INTO orders VALUES (${r.below(60)}, ${day(r)}, 's${r.below(9)}') ON CONFLICT (id, day) DO UPDATE SET state = excluded.state`,
  },
  {
    name: 'move between partitions',
    weight: 2,
    sql: (r) =>
      r.pick([
        `UPDATE orders SET day = ${day(r)} WHERE id = ${r.below(60)}`,
        `UPDATE orders SET day = day + 31, state = 'moved' WHERE id % 10 = ${r.below(10)} AND day < '2026-03-01'`,
      ]),
  },
  {
    name: 'statement on a partition',
    weight: 3,
    sql: (r, { partitions }) => {
      const name = r.pick([...partitions]);
      return r.pick([
        `UPDATE ${name} SET state = 'direct${r.below(9)}' WHERE id % 2 = 0`,
        `UPDATE ${name} SET id = id + 100 WHERE id % 7 = ${r.below(7)}`,
        `DELETE FROM ${name} WHERE id % 3 = ${r.below(3)}`,
        `INSERT INTO ${name} SELECT id + 200, day, 'copied' FROM ${name} WHERE id < 100 ON CONFLICT DO NOTHING`,
      ]);
    },
  },
  {
    name: 'truncate of partitions',
    needsNewSnapshot: true,
    sql: (r, { partitions }) =>
      r.pick([
        `TRUNCATE ${r.pick([...partitions])}`,
        'TRUNCATE orders_2',
        'TRUNCATE orders',
        'TRUNCATE orders_rest, nodes',
      ]),
  },
  {
    name: 'nested trigger',
    weight: 2,
    sql: (r) =>
      r.pick([
        `INSERT INTO nodes (id, parent) VALUES (${r.below(60)}, (SELECT min(id) FROM nodes)) ON CONFLICT (id) DO UPDATE SET parent = excluded.parent WHERE nodes.id <> excluded.parent`,
        `UPDATE nodes SET changes = changes + 10 WHERE id % 3 = ${r.below(3)}`,
      ]),
  },
  { name: 'delete cascade', sql: (r) => `DELETE FROM nodes WHERE id = ${r.below(60)}` },
  {
    name: 'update cascade',
    weight: 2,
    sql: (r) =>
      r.pick([
        `UPDATE tags SET code = code || 'x' WHERE code = 't${r.below(12)}'`,
        `UPDATE tags SET code = rtrim(code, 'x') WHERE code LIKE 't${r.below(12)}x%'`,
        `UPDATE tags SET code = code || 'y', name = 'renamed' WHERE length(code) = 2`,
        `DELETE FROM tags WHERE code LIKE 't${r.below(12)}%'`,
        `INSERT INTO tagged SELECT ${r.below(90)}, min(code) FROM tags ON CONFLICT (id) DO UPDATE SET tag = excluded.tag`,
      ]),
  },
  {
    name: 'swap of keys',
    weight: 2,
    sql: (r) => {
      const [a, b] = [1 + r.below(60), 1 + r.below(60)];
      return r.pick([
        `UPDATE seats SET id = -1 - id WHERE id = ${a}; UPDATE seats SET id = ${a} WHERE id = ${b}; UPDATE seats SET id = ${b} WHERE id = ${-1 - a}`,
        `WITH gone AS (DELETE FROM seats WHERE id / 6 = ${r.below(10)} RETURNING *) INSERT INTO seats SELECT CASE WHEN id % 6 = 5 THEN id - 5 ELSE id + 1 END, who FROM gone`,
        `INSERT INTO seats SELECT i, 'new ${r.below(99)}' FROM generate_series(${a}, ${a + 5}) AS i WHERE NOT EXISTS (SELECT FROM seats WHERE id = i)`,
        `DELETE FROM seats WHERE id = ${a}`,
      ]);
    },
  },
  {
    name: 'merge',
    since: 15,
    weight: 2,
    sql: (r) =>
      r.pick([
        `MERGE INTO tags AS t USING (SELECT 't' || i AS code FROM generate_series(1, 15) AS i) AS s ON t.code = s.code
          WHEN MATCHED AND t.code = 't${r.below(15)}' THEN DELETE
          WHEN MATCHED AND t.code > 't${r.below(9)}' THEN UPDATE SET name = 'merged ${r.below(99)}'
          WHEN NOT MATCHED AND s.code > 't${r.below(9)}' THEN INSERT VALUES (s.code, 'merged')`,
        `MERGE INTO orders AS o USING (SELECT i AS id, date '2026-02-10' + i % 9 AS day FROM generate_series(1, 20) AS i) AS s ON o.id = s.id AND o.day = s.day
          WHEN MATCHED AND o.id % 4 = ${r.below(4)} THEN DELETE
          WHEN MATCHED THEN UPDATE SET state = 'merged ${r.below(99)}'
          WHEN NOT MATCHED AND s.id % 3 = ${r.below(3)} THEN INSERT VALUES (s.id, s.day, 'merged')`,
      ]),
  },
  {
    // It takes rows that it inserts and rows that it updates in turn.
    name: 'merge into partitions',
    since: 15,
    weight: 3,
    sql: (r) =>
      `MERGE INTO orders AS o USING (SELECT i * 7 % 60 AS id, date '2026-01-25' + i % ${3 + r.below(9)} AS day FROM generate_series(${r.below(20)}, ${20 + r.below(40)}) AS i) AS s ON o.id = s.id AND o.day = s.day
        WHEN MATCHED AND o.id % 9 = ${r.below(9)} THEN UPDATE SET day = o.day + 1
        WHEN MATCHED THEN UPDATE SET state = 'merged behind ${r.below(99)}'
        WHEN NOT MATCHED AND s.id % 2 = ${r.below(2)} THEN INSERT VALUES (s.id, s.day, 'merged')`,
  },
  {
    name: 'merge that deletes a key and writes it anew',
    since: 15,
    weight: 2,
    sql: (r) => {
      const id = r.below(60);
      return r.pick([
        `MERGE INTO tagged AS t USING (VALUES (${id}, 0), (-1, ${id})) AS s (old, new) ON t.id = s.old
          WHEN MATCHED THEN DELETE
          WHEN NOT MATCHED AND s.new > 0 THEN INSERT VALUES (s.new, NULL)`,
        `MERGE INTO tagged AS t USING (VALUES (${id}, 0), (${id + 1}, ${id})) AS s (old, new) ON t.id = s.old
          WHEN MATCHED AND s.new = 0 THEN DELETE
          WHEN MATCHED THEN UPDATE SET id = s.new`,
      ]);
    },
  },
  {
    name: 'two updates in one statement',
    sql: (r) =>
      `WITH a AS (UPDATE tagged SET tag = (SELECT max(code) FROM tags) WHERE id % 5 = 0 RETURNING id)
        UPDATE tagged SET tag = (SELECT min(code) FROM tags) WHERE id % 5 = ${1 + r.below(4)}`,
  },
  {
    name: 'delete and insert in one statement',
    sql: (r) =>
      `WITH gone AS (DELETE FROM tagged WHERE id % 6 = ${r.below(6)} RETURNING id, tag) INSERT INTO tagged SELECT id + ${r.pick([0, 0, 1000])}, tag FROM gone${r.pick(['', ' LIMIT 1'])}`,
  },
];

/** @returns each as often as its weight says */
export function statementsFor(major: number): readonly Statement[] {
  return STATEMENTS.filter(({ since = 0 }) => since <= major).flatMap((one) =>
    Array.from({ length: one.weight ?? 1 }, () => one),
  );
}
