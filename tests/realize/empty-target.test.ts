/** A table that counts as empty, as after VACUUM, is not read anew for each row that a fold inserts. */
import pg from 'pg';
import { expect, it } from 'vitest';
import { createTableStatements } from '../../src/model/ddl.js';
import { parseModel } from '../../src/model/schema.js';
import { migrate } from '../../src/postgres/migrate.js';
import { eventLogTable } from '../../src/realize/event-log-table.js';
import { foldEvents } from '../../src/realize/fold.js';
import { useTestDatabase } from '../support/database.js';

const database = useTestDatabase('empty');
const KEYS = 5000;
const MODEL = parseModel({
  t: { key: 'id', version: 1, history: true, columns: { id: 'int', v: 'text' } },
});

it('is read about once', async () => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await migrate(client);
    for (const sql of createTableStatements(eventLogTable(MODEL))) await client.query(sql);
    const fold = () =>
      foldEvents(client, MODEL, 'change_events', {
        note: () => {},
        signal: new AbortController().signal,
        declared: ['t'],
      });
    // Makes the tables.
    await fold();
    await client.query('VACUUM ANALYZE t, t_history');
    await client.query(
      `INSERT INTO change_events (table_name, key, sequence, source, id, op, version, time, after, load_id)
       SELECT 't', '["' || id || '"]', id, 'edp:shop', '', 'create', 1, to_timestamp(id),
         jsonb_build_object('id', id, 'v', repeat('x', 200)), 1 FROM generate_series(1, ${KEYS}) AS id`,
    );
    await client.query('DELETE FROM edp.realized; ANALYZE change_events');
    const { tables } = await fold();
    expect(tables).toMatchObject([{ rows: { inserted: KEYS }, history: { inserted: KEYS } }]);
    await client.query('SELECT pg_stat_force_next_flush()');
    const { rows } = await client.query<{ name: string; blocks: string }>(
      `SELECT relname AS name, heap_blks_hit + heap_blks_read AS blocks FROM pg_statio_user_tables
       WHERE relname IN ('t', 't_history') ORDER BY 1`,
    );
    expect(rows.map(({ name }) => name)).toEqual(['t', 't_history']);
    // Each row that is inserted takes its block; read for each, the table would be some hundred thousand.
    for (const { name, blocks } of rows) expect(Number(blocks), name).toBeLessThan(4 * KEYS);
  } finally {
    await client.end();
  }
});
