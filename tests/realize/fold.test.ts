/** Folding in any order, with repetitions and undone loads, held against the oracle. */
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordChanges } from '../../src/ledger/changes.js';
import { createTableStatements } from '../../src/model/ddl.js';
import { parseModel } from '../../src/model/schema.js';
import { migrate } from '../../src/postgres/migrate.js';
import { eventLogTable } from '../../src/realize/event-log-table.js';
import { foldEvents } from '../../src/realize/fold.js';
import { noteUnfolded } from '../../src/realize/unfolded-keys.js';
import { useTestDatabase } from '../support/database.js';
import { type PlainEvent, type Realized, realize } from './oracle.js';
import { someEvents, steadyEvents } from './random-events.js';

const database = useTestDatabase('empty');
let client: pg.Client;

const columns = {
  number: 'int',
  text: 'text',
  name: 'text',
  amount: 'text',
  extra: 'jsonb',
} as const;
const shape = {
  key: ['number', 'text'],
  columns,
  timestamps: ['made', 'changed'] as [string, string],
};
const MODEL = parseModel({
  soft: { ...shape, history: true },
  hard: { ...shape, 'soft-delete': false },
});
const LOG = 'change_events';

beforeAll(async () => {
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query("SET timezone = 'UTC'");
  await migrate(client);
  for (const sql of createTableStatements(eventLogTable(MODEL))) await client.query(sql);
});

afterAll(async () => client.end());

async function fold(): Promise<void> {
  const options = { note: () => {}, signal: new AbortController().signal };
  const { tables } = await foldEvents(client, MODEL, LOG, options);
  const failure = tables.find((one) => one.failure !== undefined)?.failure;
  if (failure !== undefined) throw failure;
}

/** Puts events into the log as a load does: those that are there stay. */
async function load(loadId: number, events: readonly PlainEvent[]): Promise<void> {
  await client.query('BEGIN');
  await client.query(
    `INSERT INTO edp.loads (load_id, path, table_name, size_bytes, content_hash, header, file_format, model_hash, state,
       rows_read, rows_loaded, rows_rejected, rows_duplicate, schema_name)
     OVERRIDING SYSTEM VALUE VALUES ($1::bigint, 'f', '${LOG}', 1, $1::bigint::text, '', '{}', 'm', 'loaded', 0, 0, 0, 0, 'public')
     ON CONFLICT (load_id) DO UPDATE SET state = 'loaded'`,
    [loadId],
  );
  for (const table of ['soft', 'hard']) {
    for (const event of events) {
      await client.query(
        `INSERT INTO ${LOG} (table_name, key, sequence, source, id, op, version, time, after, before, load_id)
         VALUES ($1, $2, $3, $4, 'i', $5, 1, to_timestamp($6::numeric / 1000), $7, $8, $9) ON CONFLICT DO NOTHING`,
        [
          table,
          event.op === 'truncate' ? '' : JSON.stringify(event.key),
          event.sequence,
          event.source,
          event.op,
          event.time,
          event.after === undefined ? null : JSON.stringify(event.after),
          event.before === undefined ? null : JSON.stringify(event.before),
          loadId,
        ],
      );
    }
  }
  await recordChanges(client, [{ relation: `public.${LOG}`, kind: 'inserted', rows: 1, loadId }]);
  await client.query('COMMIT');
}

async function undo(loadId: number): Promise<void> {
  await client.query('BEGIN');
  await noteUnfolded(client, { loadId, place: { schema: 'public', name: LOG } });
  await client.query(`DELETE FROM ${LOG} WHERE load_id = $1`, [loadId]);
  await recordChanges(client, [{ relation: `public.${LOG}`, kind: 'deleted', rows: 1, loadId }]);
  await client.query('COMMIT');
}

async function clear(): Promise<void> {
  await client.query('ROLLBACK');
  await client.query(
    `TRUNCATE ${LOG}, edp.changes, edp.realized, edp.unfolded_keys;
     DELETE FROM edp.loads; DROP TABLE IF EXISTS soft, hard, soft_history`,
  );
}

const MILLIS = (column: string) => `(extract(epoch FROM ${column}) * 1000)::bigint`;

async function readTables(): Promise<{ soft: Realized; hard: Realized['rows'] }> {
  const { rows: made } = await client.query<{ made: boolean }>(
    `SELECT to_regclass('soft') IS NOT NULL AS made`,
  );
  if (!made[0]!.made) return { soft: { rows: [], history: [] }, hard: [] };
  const key = 'jsonb_build_array(number::text, text) AS key';
  const attributes = `jsonb_build_object('name', name, 'amount', amount, 'extra', extra) AS attributes`;
  const read = async <T extends object>(sql: string) => (await client.query<T>(sql)).rows;
  const times = `${MILLIS('made')} AS created, ${MILLIS('changed')} AS updated, change_sequence::int AS sequence`;
  return {
    soft: {
      rows: await read(
        `SELECT ${key}, ${attributes}, ${times}, ${MILLIS('deleted_at')} AS deleted FROM soft`,
      ),
      history: await read(
        `SELECT ${key}, ${attributes}, change_sequence::int AS sequence, ${MILLIS('valid_from')} AS from, ${MILLIS('valid_to')} AS to
         FROM soft_history WHERE is_current = (valid_to IS NULL)`,
      ),
    },
    hard: await read(`SELECT ${key}, ${attributes}, ${times}, NULL AS deleted FROM hard`),
  };
}

/** In one order, with all attributes, and numbers for what the driver reads as text. */
function normal(rows: readonly object[]): string[] {
  return rows
    .map((row) => {
      const { attributes, ...rest } = row as { attributes: object };
      const all = { name: null, amount: null, extra: null, ...attributes };
      const plain = Object.entries(rest).map(([name, value]) => [
        name,
        typeof value === 'string' ? Number(value) : value,
      ]);
      return JSON.stringify([Object.entries(all).sort(), plain.sort()]);
    })
    .sort();
}

async function expectRealized(events: readonly PlainEvent[]): Promise<void> {
  const wanted = realize(events);
  const found = await readTables();
  expect(normal(found.soft.rows)).toEqual(normal(wanted.rows));
  expect(normal(found.soft.history)).toEqual(normal(wanted.history));
  expect(normal(found.hard)).toEqual(normal(wanted.rows.filter(({ deleted }) => deleted === null)));
}

/** Random steps: which events come with which load, when is folded, what is undone and loaded again. */
const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('load', 'load', 'load', 'fold', 'undo'),
    loadId: fc.integer({ min: 1, max: 5 }),
    share: fc
      .infiniteStream(fc.boolean())
      .map((stream) => Array.from({ length: 40 }, () => stream.next().value)),
  }),
  { maxLength: 10 },
);

describe('whatever the order of loads, folds and undos', () => {
  it('realized tables and histories are what the events in the log say', {
    timeout: 300_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(someEvents, steps, async (events, taken) => {
        await clear();
        const there = new Map<PlainEvent, number>();
        for (const { kind, loadId, share } of taken) {
          if (kind === 'fold') await fold();
          if (kind === 'undo') {
            await undo(loadId);
            for (const [event, by] of there) if (by === loadId) there.delete(event);
          }
          if (kind === 'load') {
            const own = events.filter((_, i) => share[i]);
            await load(loadId, own);
            for (const event of own) if (!there.has(event)) there.set(event, loadId);
          }
        }
        await fold();
        await expectRealized([...there.keys()]);
        // The rest in its order, one load each, so that rows are patched.
        const rest = events
          .filter((event) => !there.has(event))
          .sort((a, b) => a.sequence - b.sequence);
        for (const [i, event] of rest.slice(0, 6).entries()) {
          await load(10 + i, [event]);
          await fold();
        }
        await load(20, rest.slice(6));
        await fold();
        await expectRealized(events);
      }),
      { numRuns: Number(process.env.EDP_FOLD_RUNS ?? 60) },
    );
  });
});

describe('events in their order', () => {
  it('are put into rows and histories that are there', { timeout: 300_000 }, async () => {
    let patched = 0;
    await fc.assert(
      fc.asyncProperty(
        steadyEvents,
        fc.array(fc.integer({ min: 1, max: 6 })),
        async (events, cuts) => {
          await clear();
          let rest = events;
          for (let loadId = 1; rest.length > 0; loadId++) {
            const count = cuts[loadId - 1] ?? 3;
            await load(loadId, rest.slice(0, count));
            rest = rest.slice(count);
            await fold();
            const { rows } = await client.query<{ count: number }>(
              'SELECT count(*)::int AS count FROM "edp realize: marked" WHERE is_quick',
            );
            patched += rows[0]!.count;
          }
          await expectRealized(events);
        },
      ),
      { numRuns: Number(process.env.EDP_FOLD_RUNS ?? 60) / 3 },
    );
    // Otherwise nothing was proven.
    expect(patched).toBeGreaterThan(10);
  });
});
