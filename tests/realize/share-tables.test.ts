/** Many keys are folded by several sessions, and the tables are the same. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordChanges } from '../../src/ledger/changes.js';
import { createTableStatements } from '../../src/model/ddl.js';
import { parseModel } from '../../src/model/schema.js';
import { migrate } from '../../src/postgres/migrate.js';
import { eventLogTable } from '../../src/realize/event-log-table.js';
import { foldEvents } from '../../src/realize/fold.js';
import { useTestDatabase } from '../support/database.js';

const database = useTestDatabase('empty');
let client: pg.Client;

const NAMES = ['first', 'second', 'third'];
const KEYS = 9000;
const MODEL = parseModel(
  Object.fromEntries(
    NAMES.map((name) => [name, { key: 'id', history: true, columns: { id: 'int', n: 'int' } }]),
  ),
);

beforeAll(async () => {
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await migrate(client);
  for (const sql of createTableStatements(eventLogTable(MODEL))) await client.query(sql);
});

afterAll(async () => client.end());

async function load(loadId: number, op: 'create' | 'update'): Promise<void> {
  await client.query('BEGIN');
  await client.query(
    `INSERT INTO change_events (table_name, key, sequence, source, id, op, version, time, after, load_id)
     SELECT name, '["' || id || '"]', id + $1 * 1000000, 'edp:shop', '', $2, 1, to_timestamp(1000000 * $1 + id),
       jsonb_build_object('id', id, 'n', id * $1), $1
     FROM unnest($3::text[]) AS name, generate_series(1, ${KEYS}) AS id`,
    [loadId, op, NAMES],
  );
  await recordChanges(client, [
    { relation: 'public.change_events', kind: 'inserted', rows: 1, loadId },
  ]);
  await client.query('COMMIT');
}

/** @returns by table: the sessions that wrote its rows, which are taken for right only if all are there */
async function fold(config: pg.ClientConfig, count: number): Promise<number> {
  const { tables, isInterrupted } = await foldEvents(client, MODEL, 'change_events', {
    note: () => {},
    signal: new AbortController().signal,
    parallel: { config, count },
  });
  expect(isInterrupted).toBe(false);
  expect(tables.map(({ table, failure }) => [table, failure])).toEqual(
    NAMES.map((name) => [name, undefined]),
  );
  const { rows } = await client.query<{ sessions: number }>(
    `SELECT count(DISTINCT session)::int AS sessions FROM (${NAMES.map((name) => `SELECT session FROM ${name}`).join(' UNION ALL ')}) AS all_rows`,
  );
  return rows[0]!.sessions;
}

async function makeTables(): Promise<void> {
  await client.query(
    'DROP TABLE IF EXISTS first, second, third, first_history, second_history, third_history',
  );
  await client.query('TRUNCATE edp.realized');
  for (const name of NAMES) {
    // A column of the user's own tells who wrote a row.
    await client.query(
      `CREATE TABLE ${name} (id int PRIMARY KEY, session int DEFAULT pg_backend_pid())`,
    );
  }
}

async function readTables(): Promise<unknown[]> {
  const { rows } = await client.query(
    NAMES.map(
      (
        name,
      ) => `SELECT '${name}' AS name, count(*)::int, sum(n)::int, min(change_sequence), max(change_sequence),
        (SELECT count(*) FILTER (WHERE is_current) || ' of ' || count(*) FROM ${name}_history) AS states FROM ${name}`,
    )
      .join(' UNION ALL ')
      .concat(' ORDER BY name'),
  );
  return rows;
}

describe('many keys', () => {
  it('are folded by as many sessions as there are tables for, or by one', async () => {
    await load(1, 'create');
    const tables: unknown[] = [];
    for (const [count, sessions] of [
      [8, 2],
      [1, 1],
    ] as const) {
      await makeTables();
      expect(await fold(database.config, count)).toBe(sessions);
      tables.push(await readTables());
    }
    expect(tables[0]).toEqual(tables[1]);
    expect(tables[0]).toMatchObject(NAMES.map((name) => ({ name, count: KEYS })));
  });

  it('are folded where the server gives no other session', async () => {
    await makeTables();
    expect(await fold({ ...database.config, database: 'no_such_database' }, 8)).toBe(1);
  });

  it('are patched by several sessions, too', async () => {
    await makeTables();
    await fold(database.config, 8);
    await load(2, 'update');
    await fold(database.config, 8);
    const read = await readTables();
    expect(read).toMatchObject(
      NAMES.map((name) => ({
        name,
        count: KEYS,
        sum: KEYS * (KEYS + 1),
        states: `${KEYS} of ${2 * KEYS}`,
      })),
    );
  });
});
