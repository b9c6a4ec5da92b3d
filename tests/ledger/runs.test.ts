/** Each command that changes something is a run, and the log of changes says what it changed. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { edp, startEdp } from '../support/cli.js';
import { slowLoads, waitForIdle } from '../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const MODEL = `tables:
  items:
    columns: { id: int, value: int }
    key: id
    metrics: { from: more, columns: {} }
`;

const ITEMS = 'id,value,more\n1,10,"{""x"":1}"\n2,20,\nx,30,\n';

describe('a run', () => {
  it('has the counts of each command, and its changes', async () => {
    const cwd = await makeProject(MODEL, { 'items-1.csv': ITEMS });
    await run(cwd, 'ingest', 'items-1.csv');
    await writeFile(path.join(cwd, 'items-2.csv'), 'id,value,more\n1,11,"{""x"":5}"\n3,30,\n');
    await run(cwd, 'ingest', 'items-2.csv', '--on-conflict', 'update');
    await run(cwd, 'promote', 'x', '--type', 'int');
    await run(cwd, 'replay', '1');
    await run(cwd, 'undo', '2', '--yes');
    const { json } = await run(cwd, 'status', '--runs');
    const rows = json.runs.map((each) => [each.command, each.state, each.rows]);
    expect(rows).toEqual([
      ['undo', 'done', { inserted: 0, updated: 0, deleted: 2, rejected: 0 }],
      ['replay', 'done', { inserted: 0, updated: 0, deleted: 0, rejected: 1 }],
      ['promote', 'done', { inserted: 0, updated: 1, deleted: 0, rejected: 0 }],
      ['ingest', 'done', { inserted: 1, updated: 1, deleted: 0, rejected: 0 }],
      ['ingest', 'done', { inserted: 2, updated: 0, deleted: 0, rejected: 1 }],
    ]);
    expect(json.runs[4]).toMatchObject({
      options: { files: ['items-1.csv'] },
      version: expect.stringMatching(/^\d/),
    });
    expect(json.runs[4]!.finishedAt! >= json.runs[4]!.startedAt).toBe(true);
    const shown = await run(cwd, 'status', '--runs', String(json.runs[3]!.runId));
    expect(shown.json.run).toMatchObject({
      options: { files: ['items-2.csv'], 'on-conflict': 'update' },
      changes: [
        { relation: 'public.items', kind: 'inserted', loadId: 2, rows: 1 },
        { relation: 'public.items', kind: 'updated', loadId: 2, rows: 1 },
      ],
    });
    expect(await database.query('SELECT count(*) FROM edp.changes WHERE run_id IS NULL')).toEqual([
      [0],
    ]);
    const text = await edp(['status', '--runs', '--database-url', database.url], { cwd });
    expect(text.stdout).toMatch(/undo +done +0 +0 +2/);
  });

  it('that failed says so; what only looks is none', async () => {
    const cwd = await makeProject(MODEL, { 'items.csv': ITEMS, 'other.csv': 'a\n1\n' });
    expect((await run(cwd, 'ingest', 'other.csv', '--table', 'items')).status).toBe(1);
    await run(cwd, 'ingest', 'items.csv', '--dry-run');
    await run(cwd, 'status');
    const { json } = await run(cwd, 'status', '--runs');
    expect(json.runs.map(({ state, errorCode }) => [state, errorCode])).toEqual([
      ['failed', 'header_mismatch'],
    ]);
    const text = await edp(['status', '--runs', '--database-url', database.url], { cwd });
    expect(text.stdout).toMatch(/failed +header_mismatch +0/);
    const unknown = await run(cwd, 'status', '--runs', '99');
    expect(unknown).toMatchObject({ status: 2, json: { error: { code: 'unknown_run' } } });
    expect((await run(cwd, 'status', '--runs', 'x')).status).toBe(2);
  });

  it('without a ledger there is none, and none is made', async () => {
    const cwd = await makeProject(MODEL);
    expect((await run(cwd, 'status', '--runs')).json).toEqual({
      command: 'status',
      ok: true,
      runs: [],
    });
    expect((await run(cwd, 'replay', '1')).json.error.code).toBe('unknown_load');
    expect((await run(cwd, 'undo', '1', '--yes')).json.error.code).toBe('unknown_load');
    expect(await database.query("SELECT to_regnamespace('edp')")).toEqual([[null]]);
  });

  it('runs while its command does, and was interrupted once that is killed', async () => {
    const records = Array.from({ length: 20_000 }, (_, i) => `${i},${i},`).join('\n');
    const cwd = await makeProject(MODEL, { 'items.csv': `id,value,more\n${records}\n` });
    const hurry = await slowLoads(database);
    const args = ['ingest', 'items.csv', '--read-batch-size', '500', '--process-count', '2'];
    const child = startEdp([...args, '--database-url', database.url], { cwd });
    child.stdout?.resume();
    child.stderr?.resume();
    const ended = new Promise((resolve) => child.once('close', resolve));
    const changed = async () =>
      (await database.query('SELECT count(*) FROM edp.changes'))[0]![0] as number;
    while ((await changed()) < 5) await sleep(20);
    const during = (await run(cwd, 'status', '--runs')).json.runs[0]!;
    expect(during).toMatchObject({ state: 'running', finishedAt: null, rows: { rejected: null } });
    expect(during.rows.inserted).toBeGreaterThan(0);
    child.kill('SIGKILL');
    await ended;
    await waitForIdle(database);
    await hurry();
    const [[inTable]] = (await database.query('SELECT count(*) FROM items')) as [[number]];
    // A run that has just begun may have no session yet.
    await database.query("UPDATE edp.runs SET started = started - interval '1 minute'");
    const after = (await run(cwd, 'status', '--runs')).json.runs[0]!;
    expect(after).toMatchObject({ state: 'interrupted', finishedAt: null });
    expect(after.rows.inserted).toBe(inTable);
    await run(cwd, 'ingest', 'items.csv');
    const states = (await run(cwd, 'status', '--runs')).json.runs.map(({ state }) => state);
    expect(states).toEqual(['done', 'interrupted']);
  });

  it('stores no secret of a URL, and none of the database', async () => {
    const cwd = await makeProject(MODEL, { 'items.csv': ITEMS });
    const url = 'http://user:hidden@127.0.0.1:1/items.csv?token=hidden&day=1';
    await run(cwd, 'ingest', url, 'items.csv');
    await run(cwd, 'ingest', 'items.csv');
    const stored = await database.query('SELECT options::text FROM edp.runs');
    expect(stored.length).toBeGreaterThan(0);
    for (const [text] of stored) expect(text).not.toMatch(/hidden|postgres/);
  });
});
