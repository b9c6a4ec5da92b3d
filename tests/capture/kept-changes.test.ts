/** What triggers keep, whatever the number of rows, and when it is read. */
import { expect, it } from 'vitest';
import { connect } from '../../src/postgres/connection.js';
import { useTestDatabase } from '../support/database.js';
import { brief, installIn, takeEvents } from './source.js';

const source = useTestDatabase('empty');

const text = (columns: string, notes = '{}') => `
tables:
  notes: { key: id, columns: { id: numeric, ${columns} } }
capture:
  tables:
    notes: ${notes}
`;

/** One row, few, and many: each number takes a way of its own. */
it.each([1, 5, 200])('has the same events: %d rows', async (count) => {
  await source.query(`DROP TABLE IF EXISTS notes;
    CREATE TABLE notes (id numeric PRIMARY KEY, text text, j jsonb, n numeric, day date, is_open boolean NOT NULL)`);
  await installIn(
    source.config,
    text(
      'text: text, j: json, n: numeric, day: date, loud: text',
      '{ columns: { loud: { sql: "upper(text)" } }, where: is_open }',
    ),
  );
  const all = async (sql: string) => {
    await source.query(sql);
    const events = brief(await takeEvents(source.config));
    const [first] = events as [string, { key: object; before?: object; after?: object }][];
    // The rows differ by their keys alone.
    expect(events).toHaveLength(first === undefined ? 0 : count);
    const others = JSON.stringify(events).replaceAll(/"id":"\d+(\.\d+)?"/g, '"id":"1$1"');
    expect(new Set((JSON.parse(others) as object[]).map((one) => JSON.stringify(one))).size).toBe(
      first === undefined ? 0 : 1,
    );
    return first === undefined ? undefined : (JSON.parse(others) as unknown[])[0];
  };
  const row = { id: '1', text: 'a', j: { x: 1 }, n: '1.0', day: '2026-01-02', loud: 'A' };
  expect(
    await all(
      `INSERT INTO notes SELECT i, 'a', '{"x": 1}', 1.0, '2026-01-02', true FROM generate_series(1, ${count}) AS i`,
    ),
  ).toEqual(['notes.created', { key: { id: '1' }, after: row }]);
  expect(await all('UPDATE notes SET text = text, n = n + 0')).toBeUndefined();
  expect(await all("UPDATE notes SET text = 'b', day = NULL")).toEqual([
    'notes.updated',
    {
      key: { id: '1' },
      after: { text: 'b', day: null, loud: 'B' },
      before: { text: 'a', day: '2026-01-02', loud: 'A' },
      partial: true,
    },
  ]);
  expect(await all(`UPDATE notes SET n = 1.00, j = '{"x": 1.0}'`)).toEqual([
    'notes.updated',
    {
      key: { id: '1' },
      after: { j: { x: 1 }, n: '1.00' },
      before: { j: { x: 1 }, n: '1.0' },
      partial: true,
    },
  ]);
  // A key that is written otherwise is the same key.
  expect(await all('UPDATE notes SET id = id + 0.0')).toMatchObject([
    'notes.updated',
    { after: { id: '1.0' }, before: { id: '1' } },
  ]);
  expect(await all('UPDATE notes SET is_open = false')).toMatchObject(['notes.deleted', {}]);
  expect(await all("UPDATE notes SET text = 'c'")).toBeUndefined();
  expect(await all('UPDATE notes SET is_open = true')).toMatchObject([
    'notes.created',
    { after: { text: 'c', loud: 'C' } },
  ]);
  expect(await all('DELETE FROM notes')).toMatchObject([
    'notes.deleted',
    { before: { text: 'c', n: '1.00' } },
  ]);
});

it('is read as it was kept, when the model is another one', async () => {
  await source.query(`DROP TABLE IF EXISTS notes;
    CREATE TABLE notes (id numeric PRIMARY KEY, text text, size bigint)`);
  await installIn(source.config, text('text: text, size: bigint'));
  await source.query("INSERT INTO notes VALUES (1, 'a', 1)");
  await installIn(source.config, text('size: int'));
  await source.query("INSERT INTO notes VALUES (2, 'b', 2)");
  expect(brief(await takeEvents(source.config))).toEqual([
    ['notes.created', { key: { id: '1' }, after: { id: '1', text: 'a', size: '1' } }],
    ['notes.created', { key: { id: '2' }, after: { id: '2', size: 2 } }],
  ]);
});

it('leaves the settings of the transaction as they were', async () => {
  await source.query(`DROP TABLE IF EXISTS notes;
    CREATE TABLE notes (id numeric PRIMARY KEY, at timestamptz);
    INSERT INTO notes SELECT i, '2026-01-02Z' FROM generate_series(1, 200) AS i`);
  await installIn(source.config, text('at: text'));
  const client = await connect(source.config, 'test');
  await client.query(
    "SET work_mem = '1234kB'; SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'",
  );
  await client.query("BEGIN; UPDATE notes SET at = at + interval '1 day'");
  const { rows } = await client.query(
    "SELECT current_setting('work_mem') AS work_mem, current_setting('enable_mergejoin') AS merges, current_setting('timezone') AS zone",
  );
  await client.query('COMMIT');
  await client.end();
  expect(rows).toEqual([{ work_mem: '1234kB', merges: 'on', zone: 'Asia/Tokyo' }]);
  const [event] = brief(await takeEvents(source.config));
  // A time that the model takes for text has the form of the server, whatever the session has set.
  expect(event).toMatchObject([
    'notes.updated',
    { after: { at: '2026-01-03 00:00:00+00' }, before: { at: '2026-01-02 00:00:00+00' } },
  ]);
});

it('has a delete of a row that an update loses between two partitions', async () => {
  await source.query(`DROP TABLE IF EXISTS notes;
    CREATE TABLE notes (id int, text text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
    CREATE TABLE notes_1 PARTITION OF notes FOR VALUES FROM (0) TO (10);
    CREATE TABLE notes_2 PARTITION OF notes FOR VALUES FROM (10) TO (20);
    CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER lose BEFORE INSERT ON notes_2 FOR EACH ROW EXECUTE FUNCTION lose();
    INSERT INTO notes VALUES (1, 'a')`);
  await installIn(source.config, text('text: text'));
  await source.query('UPDATE notes SET id = 11 WHERE id = 1');
  expect(brief(await takeEvents(source.config))).toEqual([
    ['notes.deleted', { key: { id: '1' }, before: { id: '1', text: 'a' } }],
  ]);
});
