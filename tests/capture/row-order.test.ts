/** Statements whose triggers do not fire in the order of their rows, or that change a row twice: the events say what the table has. */
import { beforeAll, describe, expect, it } from 'vitest';
import { useTestDatabase } from '../support/database.js';
import { foldEvents, type ReadEvent } from './fold.js';
import { brief, installIn, takeEvents } from './source.js';

const source = useTestDatabase('empty');

const TABLES = `
tables:
  kinds: { key: code, columns: { code: text } }
  parts: { key: id, columns: { id: int, kind: text } }
  staff: { key: id, columns: { id: int, boss: int, rank: double } }
  pairs: { key: [a, b], columns: { a: int, b: int, at: text } }
  things: { key: id, columns: { id: int, code: text, text: text } }
  codes: { key: code, columns: { code: text, text: text } }
  shown: { key: upper, columns: { upper: text, id: int } }
  days: { key: id, columns: { id: int, text: text } }
  words: { key: word, columns: { word: text, n: int } }
  numbers: { key: n, columns: { n: numeric } }
  o: { key: id, columns: { id: int, parent: int } }
  edp_parent: { key: id, columns: { id: int, parent: int } }
capture:
  tables:
    staff: {}
    kinds: {}
    parts: { columns: { kind: { from: kind_id, reference: kinds } } }
    pairs: { columns: { at: { sql: "a || '/' || b" } } }
    things: {}
    codes: { from: things }
    shown: { from: things, columns: { upper: { sql: "upper(code)" } }, where: "text <> 'hidden'" }
    days: {}
    words: {}
    numbers: {}
    o: { columns: { parent: { from: parent, reference: o } } }
    edp_parent: { columns: { parent: { from: parent, reference: edp_parent } } }
`;

beforeAll(async () => {
  await source.query(`
    CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TABLE kinds (id int PRIMARY KEY, code text NOT NULL UNIQUE);
    CREATE TABLE parts (id int PRIMARY KEY, kind_id int REFERENCES kinds ON DELETE SET NULL);
    CREATE TABLE staff (id int PRIMARY KEY, boss int REFERENCES staff ON UPDATE CASCADE ON DELETE SET NULL, rank float8);
    CREATE TABLE pairs (a int REFERENCES staff ON UPDATE CASCADE ON DELETE CASCADE, b int REFERENCES staff ON UPDATE CASCADE ON DELETE CASCADE, PRIMARY KEY (a, b));
    CREATE TABLE things (id int PRIMARY KEY, code text NOT NULL UNIQUE, text text);
    CREATE TABLE days (id int PRIMARY KEY, text text) PARTITION BY RANGE (id);
    CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (10);
    CREATE TABLE days_2 PARTITION OF days DEFAULT;
    CREATE TABLE words (word text COLLATE loose PRIMARY KEY, n int);
    CREATE TABLE numbers (n numeric PRIMARY KEY);
    CREATE TABLE o (id int PRIMARY KEY, parent int REFERENCES o);
    CREATE TABLE edp_parent (id int PRIMARY KEY, parent int REFERENCES edp_parent);
    CREATE TABLE logs (id int);
  `);
  await installIn(source.config, TABLES);
});

/** What each model must have, as [key, attributes]. */
const EXPECTED: Readonly<Record<string, string>> = {
  parts:
    "SELECT json_build_object('id', p.id), json_build_object('id', p.id, 'kind', k.code) FROM parts AS p LEFT JOIN kinds AS k ON k.id = kind_id",
  staff: "SELECT json_build_object('id', id), to_json(t) FROM staff AS t",
  pairs:
    "SELECT json_build_object('a', a, 'b', b), json_build_object('a', a, 'b', b, 'at', a || '/' || b) FROM pairs",
  things: "SELECT json_build_object('id', id), to_json(t) FROM things AS t",
  codes:
    "SELECT json_build_object('code', code), json_build_object('code', code, 'text', text) FROM things",
  shown: `SELECT json_build_object('upper', upper(code)), json_build_object('upper', upper(code), 'id', id) FROM things WHERE text <> 'hidden'`,
  days: "SELECT json_build_object('id', id), to_json(t) FROM days AS t",
  words: "SELECT json_build_object('word', word), to_json(t) FROM words AS t",
  numbers: "SELECT json_build_object('n', n::text), json_build_object('n', n::text) FROM numbers",
  o: "SELECT json_build_object('id', id), to_json(t) FROM o AS t",
  edp_parent: "SELECT json_build_object('id', id), to_json(t) FROM edp_parent AS t",
};

const all: ReadEvent[] = [];

const CASES: Readonly<Record<string, readonly string[]>> = {
  'a cascade into the table itself': [
    "INSERT INTO staff VALUES (1, NULL, 0.1), (2, 1, 'NaN'), (3, 1, 0.30000000000000004), (4, 4, 1)",
    'UPDATE staff SET id = id + 10',
    'UPDATE staff SET id = 40 WHERE id = 14',
    'UPDATE staff SET id = 54 - id WHERE id IN (14, 40)',
    'SET extra_float_digits = -12; UPDATE staff SET id = id + 100, rank = rank + 0.00000000000000004; RESET ALL',
    'DELETE FROM staff WHERE id IN (111, 112)',
  ],
  'two cascades into one row': [
    'INSERT INTO staff VALUES (1, NULL, 1), (2, 1, 2), (3, 2, 3)',
    'INSERT INTO pairs VALUES (1, 1), (1, 2), (2, 1), (3, 3)',
    'UPDATE staff SET id = id + 10 WHERE id < 10',
    'UPDATE staff SET id = 500 WHERE id = 11',
    'DELETE FROM staff WHERE id = 12',
  ],
  'a reference to a row that is gone': [
    "INSERT INTO kinds VALUES (1, 'a'), (2, 'b'); INSERT INTO parts VALUES (1, 1), (2, 2), (3, 2), (4, NULL)",
    'DELETE FROM kinds WHERE id = 1',
    'DELETE FROM kinds WHERE id = 2',
  ],
  'many rows': [
    'INSERT INTO staff SELECT i, i - i % 10, i FROM generate_series(1000, 1999) AS i',
    'UPDATE staff SET id = id + 5000 WHERE id BETWEEN 1000 AND 1999',
  ],
  'a delete and an insert in one statement': [
    "INSERT INTO things VALUES (1, 'a', 'x'), (2, 'b', 'x'), (3, 'c', 'x'), (4, 'd', 'x')",
    "WITH d AS (DELETE FROM things WHERE id = 1 RETURNING *) INSERT INTO things SELECT id, code, 'again' FROM d LIMIT 1",
    "WITH d AS (DELETE FROM things WHERE id = 2 RETURNING *) INSERT INTO things SELECT 20, code, 'other id' FROM d LIMIT 1",
    "WITH d AS (DELETE FROM things WHERE id = 3 RETURNING *) INSERT INTO things SELECT id, code, 'hidden' FROM d LIMIT 1",
    "WITH d AS (DELETE FROM things RETURNING *) INSERT INTO things SELECT id + 1, code, 'all' FROM d LIMIT 3",
  ],
  'an update and an insert in one statement': [
    "TRUNCATE things; INSERT INTO things VALUES (1, 'a', 'x'), (2, 'b', 'x')",
    "WITH u AS (UPDATE things SET id = 10, code = 'aa' WHERE id = 1 RETURNING id) INSERT INTO things SELECT 1, 'a', 'new' FROM u LIMIT 1",
    "INSERT INTO things VALUES (2, 'q', 'x'), (3, 'b', 'x') ON CONFLICT (id) DO UPDATE SET id = 30, code = 'moved'",
    "UPDATE things SET text = 'hidden' WHERE id = 30",
    "WITH u AS (UPDATE things SET code = 'zz' WHERE id = 1 RETURNING id) INSERT INTO things SELECT 9, 'a', 'x' FROM u LIMIT 1",
  ],
  'a delete and an update in one statement': [
    "TRUNCATE things; INSERT INTO things VALUES (1, 'a', 'x'), (2, 'b', 'x'), (3, 'c', 'x')",
    "WITH u AS (UPDATE things SET code = 'cc' WHERE id = 3 RETURNING id) DELETE FROM things USING u WHERE things.id = 1",
    "WITH d AS (DELETE FROM things WHERE id = 2 RETURNING *) INSERT INTO things SELECT id, code, 'back' FROM d LIMIT 1",
    "BEGIN; SAVEPOINT s; INSERT INTO things VALUES (7, 'g', 'x'); ROLLBACK TO s; DELETE FROM things WHERE id = 2; COMMIT",
    "BEGIN; INSERT INTO things VALUES (8, 'h', 'x'); DELETE FROM things; COMMIT",
  ],
  'a delete and an insert in partitions': [
    "INSERT INTO days SELECT i, 'x' FROM generate_series(1, 20) AS i",
    "WITH d AS (DELETE FROM days RETURNING id) INSERT INTO days SELECT id, 'again' FROM d LIMIT 15",
    "WITH d AS (DELETE FROM days_1 RETURNING id) INSERT INTO days_1 SELECT id, 'once more' FROM d LIMIT 1",
  ],
  'keys that are equal and written otherwise': [
    "INSERT INTO words VALUES ('a', 1), ('b', 2); INSERT INTO numbers VALUES (1.0), (2)",
    "UPDATE words SET word = 'A' WHERE n = 1",
    'UPDATE words SET word = upper(word), n = n + 1',
    'WITH d AS (DELETE FROM words RETURNING *) INSERT INTO words SELECT lower(word), n FROM d LIMIT 1',
  ],
  'tables with names of ours': [
    'INSERT INTO o VALUES (1, NULL), (2, 1); INSERT INTO edp_parent VALUES (1, NULL), (2, 1)',
    'WITH d AS (DELETE FROM o WHERE id = 2 RETURNING *) INSERT INTO o SELECT * FROM d LIMIT 1',
    'UPDATE o SET id = 3 WHERE id = 2; UPDATE edp_parent SET parent = 2',
  ],
  'a trigger of another table': [
    `CREATE FUNCTION write_things() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
       UPDATE things SET text = 'by trigger'; DELETE FROM things WHERE id = 61; RETURN NULL; END$$`,
    'CREATE TRIGGER write_things AFTER INSERT ON logs FOR EACH ROW EXECUTE FUNCTION write_things()',
    'install',
    "WITH i AS (INSERT INTO things VALUES (60, 'm', 'x'), (61, 'n', 'x') RETURNING id) INSERT INTO logs SELECT 1",
    "WITH u AS (UPDATE things SET id = id + 1, text = 'statement' RETURNING id) INSERT INTO logs SELECT 1",
  ],
};

describe('events say what the table has after', () => {
  it.each(Object.entries(CASES))('%s', async (_, statements) => {
    for (const sql of statements) {
      if (sql === 'install') await installIn(source.config, TABLES);
      else await source.query(sql);
      expect(await source.query('SELECT source, error FROM edp_capture.unmapped')).toEqual([]);
      all.push(...(await takeEvents(source.config)));
      for (const [model, query] of Object.entries(EXPECTED)) {
        const rows = (await source.query(query)) as [object, object][];
        const found = foldEvents(all.filter(({ type }) => type.startsWith(`${model}.`)));
        expect([sql, model, sorted([...found])]).toEqual([
          sql,
          model,
          sorted(rows.map(([key, row]) => [JSON.stringify(key), row])),
        ]);
      }
    }
  });

  it('and are no more than what has changed', async () => {
    await source.query(
      'DELETE FROM pairs; DELETE FROM staff; INSERT INTO staff VALUES (1, 1, 1), (2, 1, 2)',
    );
    await takeEvents(source.config);
    await source.query('UPDATE staff SET id = 11 WHERE id = 1');
    const events = brief(await takeEvents(source.config));
    expect(events).toHaveLength(3);
    expect(events).toContainEqual([
      'staff.updated',
      { key: { id: 2 }, after: { boss: 11 }, before: { boss: 1 }, partial: true },
    ]);
  });
});

function sorted(rows: readonly [string, object][]): [string, string][] {
  return rows
    .map(([key, row]): [string, string] => [
      key,
      JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))),
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
