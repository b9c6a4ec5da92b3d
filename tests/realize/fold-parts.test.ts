/** A table with many events is folded by several sessions, each of which has a part of its keys. */
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { recordChanges } from '../../src/ledger/changes.js';
import { createTableStatements } from '../../src/model/ddl.js';
import { parseModel } from '../../src/model/schema.js';
import { migrate } from '../../src/postgres/migrate.js';
import { eventLogTable } from '../../src/realize/event-log-table.js';
import { foldEvents } from '../../src/realize/fold.js';
import { useTestDatabase } from '../support/database.js';

const database = useTestDatabase('empty');
let client: pg.Client;

const MODEL = parseModel({ t: { key: 'id', history: true, columns: { id: 'int', n: 'int' } } });
const KEYS = 500;

beforeAll(async () => {
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await migrate(client);
  for (const sql of createTableStatements(eventLogTable(MODEL))) await client.query(sql);
  await client.query('SELECT setseed(0.5)');
  // Creates, updates and deletes of two sources, in any order; and a truncate of one of them in between.
  await client.query(
    `INSERT INTO change_events (table_name, key, sequence, source, id, op, version, time, after, load_id)
     SELECT 't', '["' || id || '"]', n, CASE WHEN id % 7 = 0 AND n % 2 = 0 THEN 'edp:b' ELSE 'edp:a' END, '', op, 1,
       to_timestamp(1000000 + n), CASE WHEN op <> 'delete' THEN jsonb_build_object('id', id, 'n', n) - CASE WHEN op = 'update' THEN 'id' ELSE '' END END, 1
     FROM generate_series(1, ${KEYS}) AS id, generate_series(1, 6) AS n,
       LATERAL (SELECT CASE WHEN n = 1 THEN 'create' ELSE (ARRAY['update', 'update', 'delete', 'create'])[1 + floor(random() * 4 + 0 * id)] END AS op) AS o
     WHERE random() < 0.8`,
  );
  await client.query(
    `INSERT INTO change_events (table_name, key, sequence, source, id, op, version, time, load_id)
     VALUES ('t', '', 3, 'edp:b', '', 'truncate', 1, now(), 1)`,
  );
  await recordChanges(client, [
    { relation: 'public.change_events', kind: 'inserted', rows: 1, loadId: 1 },
  ]);
});

afterAll(async () => client.end());

beforeEach(async () => {
  await client.query('DROP TABLE IF EXISTS t, t_history; TRUNCATE edp.realized');
  // A column of the user's own tells who wrote a row.
  await client.query('CREATE TABLE t (id int PRIMARY KEY, session int DEFAULT pg_backend_pid())');
});

async function fold(count: number, signal = new AbortController().signal) {
  const folding = await foldEvents(client, MODEL, 'change_events', {
    note: () => {},
    signal,
    parallel: { config: database.config, count },
    eventsPerPart: 100,
  });
  return folding.tables[0];
}

async function read(sql: string): Promise<unknown> {
  return (await client.query({ text: sql, rowMode: 'array' })).rows;
}

const ROWS = 'SELECT id, n, deleted_at, change_sequence FROM t ORDER BY id';
const HISTORY = 'SELECT t_history FROM t_history ORDER BY id, valid_from';
const SESSIONS = 'SELECT count(DISTINCT session)::int FROM t';

it('with the same rows and counts as by one session', async () => {
  const alone = await fold(1);
  const expected = [await read(ROWS), await read(HISTORY)];
  expect(await read(SESSIONS)).toEqual([[1]]);
  await client.query('DROP TABLE t, t_history; TRUNCATE edp.realized');
  await client.query('CREATE TABLE t (id int PRIMARY KEY, session int DEFAULT pg_backend_pid())');
  expect(await fold(3)).toEqual(alone);
  expect([await read(ROWS), await read(HISTORY)]).toEqual(expected);
  expect(await read(SESSIONS)).toEqual([[3]]);
  // Nothing is left to fold.
  expect(await fold(3)).toBeUndefined();
});

it('where a key is refused, no part is folded, and the key is named', async () => {
  await client.query('ALTER TABLE t ADD CHECK (id <> 77)');
  const folded = await fold(3);
  expect(String(folded?.failure)).toMatch(/key \["77"\]/);
  expect(await read('SELECT count(*)::int FROM t')).toEqual([[0]]);
  await client.query('ALTER TABLE t DROP CONSTRAINT t_id_check');
  expect((await fold(3))?.failure).toBeUndefined();
  expect(await read(SESSIONS)).toEqual([[3]]);
});

it('where the server gives no other session, by one', async () => {
  const parallel = { config: { ...database.config, database: 'no_such_database' }, count: 3 };
  const { tables } = await foldEvents(client, MODEL, 'change_events', {
    note: () => {},
    signal: new AbortController().signal,
    parallel,
    eventsPerPart: 100,
  });
  expect(tables[0]?.failure).toBeUndefined();
  expect(await read(SESSIONS)).toEqual([[1]]);
});

it('where a part must wait and Ctrl-C comes, nothing counts as folded', async () => {
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  try {
    await other.query(`SELECT pg_advisory_lock(hashtextextended('edp folds part 1 of t', 0))`);
    const controller = new AbortController();
    const folding = fold(3, controller.signal);
    setTimeout(() => controller.abort(), 300);
    expect(await folding).toBeUndefined();
    expect(await read("SELECT count(*)::int FROM edp.realized WHERE definition <> ''")).toEqual([
      [0],
    ]);
  } finally {
    await other.end();
  }
  await fold(3);
  expect(await read(SESSIONS)).toEqual([[3]]);
});
