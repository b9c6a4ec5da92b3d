/** `edp promote` while the first load of a table is about to create it, with the model of before. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { edp } from '../../support/cli.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const MODEL = 'tables:\n  mx:\n    columns: { id: int }\n    metrics: { from: m, columns: {} }\n';
const lines = (from: number) =>
  Array.from({ length: 50 }, (_, i) => `${from + i},"{""x"":${i}}"\n`).join('');

/** The command waits for three seconds at the place. @returns when the other one may begin */
async function startPaused<const A extends readonly string[]>(
  cwd: string,
  place: string,
  ...args: A
) {
  const running = edp([...args, '--json', '--database-url', database.url], {
    cwd,
    env: { EDP_FAILPOINTS: `${place}=pause/3000` },
  });
  const hasRun = async () =>
    (await database.query("SELECT to_regclass('edp.runs') IS NOT NULL"))[0]![0] === true &&
    (await database.query('SELECT FROM edp.runs')).length > 0;
  while (!(await hasRun())) await sleep(20);
  await sleep(1000);
  return { running };
}

async function makeFiles(): Promise<string> {
  const files = { 'mx-1.csv': `id,m\n${lines(0)}`, 'mx-2.csv': `id,m\n${lines(100)}` };
  return makeProject(MODEL, files);
}

async function expectWhole(cwd: string): Promise<void> {
  const next = await run(cwd, 'ingest', 'mx-2.csv');
  expect(next.json, next.stderr).toMatchObject({ rows: { loaded: 50 } });
  expect((await run(cwd, 'promote', 'x')).status).toBe(0);
  expect(await database.query('SELECT count(x), sum(x) FROM mx')).toEqual([[100, 2450]]);
  expect((await run(cwd, 'verify', '1')).json).toMatchObject({ ok: true });
}

it('the load has read edp.yaml, and creates the table after the promotion', async () => {
  const cwd = await makeFiles();
  const { running } = await startPaused(cwd, 'run.migrated', 'ingest', 'mx-1.csv');
  const promoted = await run(cwd, 'promote', 'x', '--type', 'int');
  expect(promoted.json, promoted.stderr).toMatchObject({ tableExists: false, declared: true });
  const loaded = await running;
  expect(loaded.json, loaded.stderr).toMatchObject({ rows: { loaded: 50 } });
  expect(loaded.stderr).toContain('was promoted to column');
  await expectWhole(cwd);
});

it.each(['promote.locked', 'promote.declared'])(
  'the load creates the table while the promotion is at %s',
  async (place) => {
    const cwd = await makeFiles();
    const { running } = await startPaused(cwd, place, 'promote', 'x', '--type', 'int');
    const loaded = await run(cwd, 'ingest', 'mx-1.csv');
    expect(loaded.json, loaded.stderr).toMatchObject({ rows: { loaded: 50 } });
    const promoted = await running;
    expect(promoted.json, promoted.stderr).toMatchObject({ tableExists: true });
    await expectWhole(cwd);
  },
);

it('a promotion in a table that was dropped does not bind the next one', async () => {
  const cwd = await makeProject(MODEL, { 'mx.csv': `id,m\n${lines(0)}` });
  await run(cwd, 'ingest', 'mx.csv');
  await run(cwd, 'promote', 'x');
  await database.query('DROP TABLE mx');
  const anew = await makeProject(MODEL, { 'mx.csv': `id,m\n${lines(0)}` });
  const loaded = await run(anew, 'ingest', 'mx.csv');
  expect(loaded.json, loaded.stderr).toMatchObject({ rows: { loaded: 50 } });
  expect(loaded.stderr).not.toContain('was promoted');
  expect(await database.query('SELECT count(extra_metrics) FROM mx')).toEqual([[50]]);
});
