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

it.each([
  ['before it creates the table', 'run.migrated'],
  ['after it has created the table', 'run.table'],
  ['after it has locked its model', 'run.model_held'],
])('%s: both end well, and so does the next load', async (_, point) => {
  const cwd = await makeProject(MODEL, {
    'mx-1.csv': `id,m\n${lines(0)}`,
    'mx-2.csv': `id,m\n${lines(100)}`,
  });
  const loading = edp(['ingest', 'mx-1.csv', '--json', '--database-url', database.url], {
    cwd,
    env: { EDP_FAILPOINTS: `${point}=pause/3000` },
  });
  const hasLedger = async () =>
    (await database.query("SELECT to_regclass('edp.runs') IS NOT NULL"))[0]![0] === true;
  while (!(await hasLedger())) await sleep(20);
  await sleep(500);
  const promoting = run(cwd, 'promote', 'x', '--type', 'int');
  const [loaded, promoted] = await Promise.all([loading, promoting]);
  expect(loaded.json, loaded.stderr).toMatchObject({ rows: { loaded: 50 } });
  expect(promoted.status, promoted.stderr).toBe(0);
  const next = await run(cwd, 'ingest', 'mx-2.csv');
  expect(next.json, next.stderr).toMatchObject({ rows: { loaded: 50 } });
  expect((await run(cwd, 'promote', 'x')).status).toBe(0);
  expect(await database.query('SELECT count(x), sum(x) FROM mx')).toEqual([[100, 2450]]);
});

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
