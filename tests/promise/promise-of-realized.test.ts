/** Tables that are made of realized ones: after any events, late ones, undone loads and folds, a run gives what a rebuild would. */
import fc from 'fast-check';
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { recordChanges } from '../../src/ledger/changes.js';
import { createTableStatements } from '../../src/model/ddl.js';
import { parseModel } from '../../src/model/schema.js';
import type { Warehouse } from '../../src/model/warehouse/task.js';
import { withClient } from '../../src/postgres/connection.js';
import { eventLogTable } from '../../src/realize/event-log-table.js';
import { foldEvents } from '../../src/realize/fold.js';
import { noteUnfolded } from '../../src/realize/unfolded-keys.js';
import { rawReadersOf } from '../../src/warehouse/compile/raw-readers.js';
import type { PlainEvent } from '../realize/oracle.js';
import { placeOf } from '../realize/random-events.js';
import { useWarehouse } from '../support/warehouse-place.js';

const { database, declare, run } = useWarehouse();
const LOG = 'change_events';

const columns = {
  number: 'int',
  text: 'text',
  name: 'text',
  amount: 'int',
  at: 'timestamptz',
  day: 'date',
} as const;
const shape = {
  key: ['number', 'text'],
  columns,
  timestamps: ['made', 'changed'] as [string, string],
};
const TABLES = {
  soft: { ...shape, history: true },
  hard: { ...shape, 'soft-delete': false as const },
};
const member = { number: 'number', text: 'text' };
const WAREHOUSE = {
  tables: TABLES,
  silver: {
    live: {
      from: 'soft',
      key: ['number', 'label'],
      columns: {
        number: 'number',
        label: 'text',
        name: { from: 'name', values: { x: ['y'] } },
        amount: 'amount',
        day: 'day',
      },
      where: 'deleted_at IS NULL',
    },
    names: {
      from: 'hard',
      key: 'name',
      'latest-by': 'at',
      columns: { name: 'name', amount: 'amount', day: 'day', number: 'number' },
    },
    states: {
      from: 'soft_history',
      key: ['number', 'text'],
      history: { by: 'valid_from' },
      columns: { number: 'number', text: 'text', name: 'name', amount: 'amount' },
    },
    named: {
      from: 'soft_history',
      key: ['number', 'text'],
      history: { by: 'valid_from' },
      columns: { number: 'number', text: 'text', amount: 'amount' },
      where: 'name IS NOT NULL',
    },
    now: {
      from: 'soft_history',
      key: ['number', 'text'],
      columns: { number: 'number', text: 'text', name: 'name', since: 'valid_from' },
    },
    all: {
      from: 'soft',
      key: ['number', 'text'],
      columns: { number: 'number', text: 'text', name: 'name', gone: 'deleted_at' },
    },
    // Its key is made by SQL, so all of it is compared.
    shouted: {
      from: 'soft',
      key: 'loud',
      'latest-by': 'changed',
      columns: { loud: { sql: 'upper(name)', type: 'text' }, amount: 'amount' },
    },
  },
  dimensions: {
    hard_dim: { from: 'hard', 'natural-key': ['number', 'text'], attributes: ['name'] },
    name_dim: { from: 'hard', 'natural-key': 'name', attributes: ['amount', 'day'] },
    key_dim: { from: 'soft', 'natural-key': 'name', attributes: [] },
    then_dim: {
      from: 'soft_history',
      'natural-key': ['number', 'text'],
      'type-2': ['name'],
      'changed-at': 'valid_from',
    },
    silver_dim: { from: 'silver.named', 'natural-key': ['number', 'text'], 'type-2': ['amount'] },
    now_dim: { from: 'soft_history', 'natural-key': ['number', 'text'] },
    soft_dim: { from: 'soft', 'natural-key': ['number', 'text'], attributes: ['amount'] },
  },
  facts: {
    hour_fact: {
      from: 'hard',
      date: 'at',
      slice: 'hour',
      timezone: 'Europe/Amsterdam',
      dimensions: {
        who: { dimension: 'hard_dim', by: member },
        version: { dimension: 'then_dim', by: member, 'as-of': 'at' },
        name_id: { dimension: 'name_dim', by: ['name'] },
        named: { dimension: 'silver_dim', by: member, 'as-of': 'at' },
        soft: { dimension: 'soft_dim', by: member },
      },
      measures: { n: 'count(*)', sum: 'sum(amount)' },
    },
    made_fact: { from: 'soft', key: ['number', 'text'], date: 'made', columns: ['name', 'amount'] },
    day_fact: { from: 'hard', date: 'day', slice: 'month', measures: { n: 'count(*)' } },
    live_fact: {
      from: 'silver.live',
      date: 'day',
      measures: { n: 'count(*)', most: 'max(amount)' },
    },
    soft_fact: { from: 'soft', date: 'day', measures: { n: 'count(*)', sum: 'sum(amount)' } },
    gone_fact: { from: 'soft', date: 'deleted_at', measures: { n: 'count(*)' } },
    state_fact: {
      from: 'soft_history',
      key: ['number', 'text', 'valid_from'],
      date: 'valid_from',
      columns: ['name', 'is_current'],
    },
  },
};
const MODEL = parseModel(TABLES);

const KEYS = [
  ['1', 'a'],
  ['1', 'b"c\\d'],
  ['2', "o'x [é] {日本}"],
  ['-3', ''],
  ['4', 'a'],
];
const change = fc.record(
  {
    name: fc.constantFrom('x', 'y', 'Z', '', null),
    amount: fc.constantFrom(1, 2, null),
    at: fc.constantFrom(
      '2026-03-28T23:30:00.000000Z',
      '2026-03-29T00:30:00.000000Z',
      '2026-03-29T02:30:00.000000Z',
      'infinity',
      null,
    ),
    day: fc.constantFrom('2026-01-31', '2026-02-01', '2026-02-02', '-infinity', null),
  },
  { requiredKeys: [] },
);
const anyEvent: fc.Arbitrary<PlainEvent> = fc
  .record({
    place: fc.nat(KEYS.length - 1),
    sequence: fc.integer({ min: 1, max: 30 }),
    source: fc.constantFrom('edp:a', 'edp:a', 'edp:a', 'edp:b'),
    op: fc.oneof(
      {
        weight: 5,
        arbitrary: fc.constantFrom('create' as const, 'create' as const, 'delete' as const),
      },
      { weight: 6, arbitrary: fc.constant('update' as const) },
      { weight: 1, arbitrary: fc.constantFrom('read' as const, 'truncate' as const) },
    ),
    hours: fc.integer({ min: 0, max: 60 }),
    change,
  })
  .map(({ place, op, sequence, source, hours, change: values }) => ({
    key: op === 'truncate' ? [] : KEYS[place]!,
    sequence,
    source,
    op,
    time: Date.UTC(2026, 10, 29, hours),
    ...(op === 'delete' || op === 'truncate' ? {} : { after: values }),
  }));
const someEvents = fc.uniqueArray(anyEvent, {
  selector: placeOf,
  minLength: 8,
  maxLength: 40,
  size: 'max',
});
const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('load', 'load', 'load', 'fold', 'undo', 'run', 'run'),
    loadId: fc.integer({ min: 1, max: 5 }),
    from: fc.integer({ min: 0, max: 35 }),
    count: fc.integer({ min: 1, max: 12 }),
  }),
  { minLength: 3, maxLength: 12 },
);

const within = <T>(work: (client: pg.Client) => Promise<T>) =>
  withClient(database.config, 'test', work);

async function clear(): Promise<void> {
  await within(async (client) => {
    await client.query(`DROP SCHEMA IF EXISTS silver, gold CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public;
      TRUNCATE edp.changes, edp.realized, edp.unfolded_keys, edp.loads, edp.tasks, edp.stale_slices, edp.unknown_keys CASCADE`);
    for (const sql of createTableStatements(eventLogTable(MODEL))) await client.query(sql);
  });
}

async function load(loadId: number, events: readonly PlainEvent[]): Promise<void> {
  await within(async (client) => {
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO edp.loads (load_id, path, table_name, size_bytes, content_hash, header, file_format, model_hash, state,
         rows_read, rows_loaded, rows_rejected, rows_duplicate, schema_name)
       OVERRIDING SYSTEM VALUE VALUES ($1::bigint, 'f', '${LOG}', 1, $1::bigint::text, '', '{}', 'm', 'loaded', 0, 0, 0, 0, 'public')
       ON CONFLICT (load_id) DO NOTHING`,
      [loadId],
    );
    await client.query(
      `INSERT INTO ${LOG} (table_name, key, sequence, source, id, op, version, time, after, load_id)
       SELECT t, e ->> 'key', (e ->> 'sequence')::numeric, e ->> 'source', 'i', e ->> 'op', 1,
         to_timestamp((e ->> 'time')::numeric / 1000), e -> 'after', $2
       FROM jsonb_array_elements($1::jsonb) AS e, unnest('{soft,hard}'::text[]) AS t ON CONFLICT DO NOTHING`,
      [
        JSON.stringify(
          events.map(({ key, ...event }) => ({
            ...event,
            key: event.op === 'truncate' ? '' : JSON.stringify(key),
          })),
        ),
        loadId,
      ],
    );
    await recordChanges(client, [{ relation: `public.${LOG}`, kind: 'inserted', rows: 1, loadId }]);
    await client.query('COMMIT');
  });
}

async function undo(loadId: number): Promise<void> {
  await within(async (client) => {
    await client.query('BEGIN');
    await noteUnfolded(client, { loadId, place: { schema: 'public', name: LOG } });
    await client.query(`DELETE FROM ${LOG} WHERE load_id = $1`, [loadId]);
    await recordChanges(client, [{ relation: `public.${LOG}`, kind: 'deleted', rows: 1, loadId }]);
    await client.query('COMMIT');
  });
}

async function fold({ tasks }: Warehouse): Promise<void> {
  const options = {
    note: () => {},
    signal: new AbortController().signal,
    readersOf: rawReadersOf(tasks),
  };
  const folded = await within((client) => foldEvents(client, MODEL, LOG, options));
  for (const { failure } of folded.tables) if (failure !== undefined) throw failure;
}

/** Tables of tasks, each row without the times of its making. */
async function readAll({ tasks }: Warehouse): Promise<Record<string, unknown[]>> {
  const all: Record<string, unknown[]> = {};
  for (const { name } of tasks) {
    all[name] = (
      await database.query(
        `SELECT (to_jsonb(t) - 'dw_created_at' - 'dw_updated_at')::text FROM ${name} t ORDER BY 1`,
      )
    ).flat();
  }
  return all;
}

async function runWell(warehouse: Warehouse, options = {}) {
  const results = await run(warehouse, options);
  for (const { state, error } of results) if (state === 'failed') throw error;
  return results;
}

describe('whatever the order of loads, folds, undos and runs', () => {
  it('tables made of realized ones are what a rebuild gives', { timeout: 900_000 }, async () => {
    const warehouse = await declare(WAREHOUSE);
    let slices = 0;
    await fc.assert(
      fc.asyncProperty(someEvents, steps, async (events, taken) => {
        await clear();
        await load(9, events.slice(0, 3));
        await fold(warehouse);
        await runWell(warehouse);
        for (const { kind, loadId, from, count } of taken) {
          if (kind === 'load') await load(loadId, events.slice(from, from + count));
          if (kind === 'undo') await undo(loadId);
          if (kind === 'fold') await fold(warehouse);
          if (kind === 'run') await runWell(warehouse);
        }
        await fold(warehouse);
        const results = await runWell(warehouse);
        slices += results.filter(({ state, slice }) => state === 'done' && slice !== '').length;
        const made = await readAll(warehouse);
        await runWell(warehouse, { full: true });
        expect(made).toEqual(await readAll(warehouse));
      }),
      { numRuns: Number(process.env.EDP_REALIZED_RUNS ?? 12) },
    );
    expect(slices).toBeGreaterThan(0);
  });
});
