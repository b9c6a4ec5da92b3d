/** Several commands at once over the same events, one of them killed: in the end, the tables are what one fold makes of the log. */
import { beforeEach, expect, it } from 'vitest';
import { followEdp, startEdp } from '../support/cli.js';
import { useWarehouseFolder } from '../support/warehouse-run.js';
import { cloudEvent, toLines } from './event-lines.js';

const folder = useWarehouseFolder({
  'edp.yaml': `
tables:
  a: { key: id, history: true, timestamps: [made, changed], columns: { id: int, v: int, w: int } }
  b: { key: id, soft-delete: false, columns: { id: int, v: int, w: int } }
silver:
  clean: { from: a, key: id, columns: { id: id, v: v } }
`,
});
const KEYS = 60;
const FILES = ['1.jsonl', '2.jsonl', '3.jsonl'];

/** Rounds of events of each key; neighbours share a round. */
function round(n: number): object[] {
  return ['a', 'b'].flatMap((table) =>
    Array.from({ length: KEYS }, (_, id) => {
      const sequence = n * 100 + id;
      const key = { id };
      if (n === 1)
        return cloudEvent({ table, op: 'create', sequence, key, after: { id, v: 0, w: 0 } });
      if (n === 3 && id % 7 === 0) return cloudEvent({ table, op: 'delete', sequence, key });
      return cloudEvent({
        table,
        op: 'update',
        sequence,
        key,
        after: n % 2 === 0 ? { v: n } : { w: n },
      });
    }),
  );
}

const read = (sql: string) => folder.database.query(sql);
const readAll = async () => ({
  a: await read('SELECT to_jsonb(t) FROM a t ORDER BY id'),
  history: await read('SELECT to_jsonb(t) FROM a_history t ORDER BY id, valid_from'),
  b: await read('SELECT to_jsonb(t) FROM b t ORDER BY id'),
});

function start(args: readonly string[], failpoints?: string) {
  const env = {
    DATABASE_URL: folder.database.url,
    ...(failpoints === undefined ? {} : { EDP_FAILPOINTS: failpoints }),
  };
  return followEdp(startEdp(args, { cwd: folder.directory, env }), args);
}

/** The tables are those of one plain fold; each event is in the log once, and the ledger counts it. */
async function expectConsistent(): Promise<void> {
  const found = await readAll();
  await read('DROP TABLE a, a_history, b; DELETE FROM edp.realized');
  expect((await folder.edp('realize')).status).toBe(0);
  expect(found).toEqual(await readAll());
  const [[rows, counted]] = (await read(
    `SELECT (SELECT count(*) FROM change_events)::int,
       (SELECT sum(rows_loaded) FROM edp.loads WHERE table_name = 'change_events')::int`,
  )) as [[number, number]];
  expect(rows).toBe(counted);
  const { json } = await folder.edp('status');
  for (const { loadId, state, rows: own } of json.loads) {
    // What repeats an event of a load that was undone has no row: docs/realize.md.
    if (state === 'loaded' && own.duplicate === 0)
      expect((await folder.edp('verify', String(loadId))).json.ok).toBe(true);
  }
}

beforeEach(async () => {
  await read(
    'DROP SCHEMA IF EXISTS edp, silver, gold CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public',
  );
  for (const [i, file] of FILES.entries()) {
    await folder.write(file, toLines([...round(i + 1), ...round(i + 2)]));
  }
});

it.each(['realize.merged', 'split.copied'])(
  'edp realize of files that overlap, one killed at %s',
  async (failpoint) => {
    const results = await Promise.all([
      start(['realize', '1.jsonl', '2.jsonl']),
      start(['realize', '2.jsonl', '3.jsonl'], `${failpoint}=kill`),
      start(['realize', '3.jsonl', '1.jsonl']),
    ]);
    expect(results[0].status, results[0].stderr).toBe(0);
    expect(results[2].status, results[2].stderr).toBe(0);
    const { status, stderr } = await folder.edp('realize', ...FILES);
    expect(status, stderr).toBe(0);
    expect(await read('SELECT count(*)::int FROM change_events')).toEqual([[KEYS * 8]]);
    await expectConsistent();
  },
);

it.each([undefined, 'realize.merged=kill'])(
  'edp realize beside edp undo, with %s',
  async (failpoint) => {
    await folder.edp('realize', '1.jsonl', '2.jsonl');
    await Promise.all([
      start(['undo', '1', '--yes'], failpoint),
      start(['realize', '3.jsonl']),
      start(['realize']),
    ]);
    expect((await folder.edp('realize')).status).toBe(0);
    await expectConsistent();
  },
);

it('edp realize beside edp run', async () => {
  await folder.edp('realize', '1.jsonl');
  const results = await Promise.all([
    start(['run']),
    start(['realize', '2.jsonl']),
    start(['run']),
    start(['realize', '3.jsonl']),
  ]);
  for (const { status, stderr } of results) expect(status, stderr).toBe(0);
  const last = await folder.edp('run');
  expect(last.status, last.stderr).toBe(0);
  expect(await read('SELECT id, v FROM silver.clean ORDER BY id')).toEqual(
    await read('SELECT id, v FROM a WHERE deleted_at IS NULL ORDER BY id'),
  );
  await expectConsistent();
});
