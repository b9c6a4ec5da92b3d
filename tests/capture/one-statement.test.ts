/** Statements that do several things to one table: their triggers fire in another order than the work was done in. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { useTestDatabase } from '../support/database.js';
import { foldEvents } from './fold.js';
import { installIn, takeEvents } from './source.js';

const source = useTestDatabase('empty');

const TEXT = `
tables:
  notes: { key: id, columns: { id: int, text: text } }
capture:
  tables:
    notes: { where: "not hidden" }
`;

const STATEMENTS: readonly [string, string][] = [
  [
    'a key is deleted and written anew, and the delete is done last',
    "WITH gone AS (DELETE FROM notes WHERE id <= 3 RETURNING id) INSERT INTO notes SELECT id, 'again' FROM gone LIMIT 1",
  ],
  [
    'a key is taken from a row and written anew, and the row is written last',
    "WITH moved AS (UPDATE notes SET id = id + 200 WHERE id <= 3 RETURNING id) INSERT INTO notes SELECT id - 200, 'again' FROM moved LIMIT 1",
  ],
  [
    'a key is deleted and written anew',
    "WITH gone AS (DELETE FROM notes WHERE id <= 3 RETURNING id) INSERT INTO notes SELECT id, 'again' FROM gone",
  ],
  [
    'MERGE deletes a key and inserts it',
    `MERGE INTO notes AS n USING (VALUES (2, 0), (-1, 2)) AS s (old, new) ON n.id = s.old
       WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, text) VALUES (s.new, 'merged')`,
  ],
  [
    'MERGE deletes a key and gives it to another row',
    `MERGE INTO notes AS n USING (VALUES (2, 0), (3, 2)) AS s (old, new) ON n.id = s.old
       WHEN MATCHED AND s.new = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET id = s.new`,
  ],
  [
    'MERGE takes a key from a row and inserts it',
    `MERGE INTO notes AS n USING (VALUES (2, 220), (-1, 2)) AS s (old, new) ON n.id = s.old
       WHEN MATCHED THEN UPDATE SET id = s.new WHEN NOT MATCHED THEN INSERT (id, text) VALUES (s.new, 'merged')`,
  ],
  [
    'MERGE takes keys from many rows, and some leave the filter',
    `MERGE INTO notes AS n USING (SELECT i AS old, i + 200 AS new FROM generate_series(1, 100) AS i UNION ALL SELECT -1, 2) AS s ON n.id = s.old
       WHEN MATCHED AND s.old % 3 = 0 THEN UPDATE SET hidden = true WHEN MATCHED THEN UPDATE SET id = s.new
       WHEN NOT MATCHED THEN INSERT (id, text) VALUES (s.new, 'merged')`,
  ],
];

let major = 0;
beforeAll(async () => {
  const [[version] = []] = await source.query("SELECT current_setting('server_version_num')::int");
  major = Math.floor((version as number) / 10_000);
  await source.query(
    'CREATE TABLE notes (id int PRIMARY KEY, text text, hidden boolean NOT NULL DEFAULT false)',
  );
  await installIn(source.config, TEXT);
});
beforeEach(() =>
  source.query(
    "TRUNCATE notes; INSERT INTO notes SELECT i, 'first' FROM generate_series(1, 100) AS i",
  ),
);

describe('the last event of a key says what is there', () => {
  it.each(STATEMENTS)('%s', async (_, sql) => {
    if (sql.startsWith('MERGE') && major < 15) return;
    await source.query(sql);
    const events = await takeEvents(source.config);
    const rows = await source.query('SELECT id, text FROM notes WHERE NOT hidden ORDER BY id');
    const found = [...foldEvents(events).values()].map(({ id, text }) => [id, text]);
    expect(found.sort(([a], [b]) => Number(a) - Number(b))).toEqual(rows);
  });
});
