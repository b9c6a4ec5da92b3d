/** What other commands make of a table that edp divides. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startEdp } from '../support/cli.js';
import { slowLoads } from '../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const DIVIDED = `tables:
  t:
    key: id
    key-guard: true
    partition-by: { column: day, every: month }
    columns: { id: int, day: date, v: int, d: { type: int, references: d } }
  d: { key: id, columns: { id: int } }
silver:
  ts: { from: t, key: id, columns: { id: id, day: day, v: v } }
facts:
  by_day:
    from: silver.ts
    date: day
    measures: { n: count(*), total: sum(v) }
`;

const daysFrom = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    new Date(Date.UTC(2020, 0, 1) + i * 86_400_000).toISOString().slice(0, 10),
  );

const fileOf = (count: number, dOf: (i: number) => number = () => 1) =>
  `id,day,v,d\n${daysFrom(count)
    .map((day, i) => `${i},${day},1,${dOf(i)}\n`)
    .join('')}`;

const countOf = async (relation: string) =>
  (await database.query(`SELECT count(*)::int FROM ${relation}`))[0]![0];

it('edp run is right and incremental after loads, replay and undo', async () => {
  const cwd = await makeProject(DIVIDED, {
    'd.csv': 'id\n1\n',
    'd-2.csv': 'id\n2\n',
    'a.csv': fileOf(90, (i) => (i === 40 ? 2 : 1)),
    'b.csv': 'id,day,v,d\n5,2020-04-30,7,1\n1000,9999-12-31,1,1\n1001,,1,1\n1002,infinity,1,1\n',
  });
  const agree = async () =>
    expect(
      await database.query('SELECT date::text, n::int, total::int FROM gold.by_day ORDER BY 1'),
    ).toEqual(
      await database.query(
        'SELECT day::text, count(*)::int, sum(v)::int FROM t GROUP BY 1 ORDER BY 1',
      ),
    );
  const runTasks = async () => {
    const { json, stderr, status } = await run(cwd, 'run');
    expect(status, stderr).toBe(0);
    await agree();
    return json.tasks.filter(({ task }) => task === 'gold.by_day').map(({ date = '' }) => date);
  };
  await run(cwd, 'ingest', 'd.csv');
  await run(cwd, 'ingest', 'a.csv', '--table', 't');
  expect(await runTasks()).toHaveLength(89);
  const second = await run(cwd, 'ingest', 'b.csv', '--table', 't', '--on-conflict', 'update');
  expect(second.json.rows.loaded, second.stderr).toBe(4);
  expect((await runTasks()).length).toBeLessThanOrEqual(6);
  await run(cwd, 'ingest', 'd-2.csv', '--table', 'd');
  const replayed = await run(cwd, 'replay', '2');
  expect(replayed.json.rows.loaded, replayed.stderr).toBe(1);
  expect(await runTasks()).toEqual(['2020-02-10']);
  await run(cwd, 'undo', String(second.json.files[0].loadId), '--yes');
  expect((await runTasks()).length).toBeLessThanOrEqual(6);
  // Nothing tells it of a partition that is gone.
  await database.query('DROP TABLE t_2020_03');
  const { status, stderr } = await run(cwd, 'run', '--full');
  expect(status, stderr).toBe(0);
  await agree();
});

it('of many partitions, status, verify and undo take the table as one', async () => {
  const count = 400;
  const cwd = await makeProject(
    `tables:
  t:
    partition-by: { column: day, every: day }
    columns: { id: int, day: date }
`,
    {
      'a.csv': `id,day\n${daysFrom(count)
        .map((day, i) => `${i},${day}\n`)
        .join('')}`,
    },
  );
  const { json, stderr } = await run(cwd, 'ingest', 'a.csv', '--table', 't');
  expect(json.rows.loaded, stderr).toBe(count);
  expect((await run(cwd, 'status')).json.ok).toBe(true);
  const verified = await run(cwd, 'verify', '1');
  expect(verified.json, verified.stderr).toMatchObject({ ok: true, compared: { rows: count } });
  const undone = await run(cwd, 'undo', '1', '--yes');
  expect(undone.json, undone.stderr).toMatchObject({ ok: true, removed: { rows: count } });
});

it('undo touches partitions that have rows of the load, several in one transaction', async () => {
  const count = 300;
  const cwd = await makeProject(
    `tables:
  t:
    partition-by: { column: day, every: day }
    columns: { id: int, day: date }
`,
    {
      'a.csv': `id,day\n${daysFrom(count)
        .map((day, i) => `${i},${day}\n`)
        .join('')}`,
      'b.csv': 'id,day\n1000,2020-01-03\n1001,2020-05-03\n1002,\n',
    },
  );
  for (const file of ['a.csv', 'b.csv']) await run(cwd, 'ingest', file, '--table', 't');
  const deletions = async (load: string) => {
    const undone = await run(cwd, 'undo', load, '--yes');
    expect(undone.status, undone.stderr).toBe(0);
    const [[number]] = (await database.query(
      `SELECT count(*)::int FROM edp.changes WHERE relation = 'public.t' AND kind = 'deleted' AND load_id = ${load}`,
    )) as [[number]];
    return [number, await countOf('t')];
  };
  expect(await deletions('2')).toEqual([1, count]);
  expect(await deletions('1')).toEqual([3, 0]);
});

it('of a partition that was detached, verify says what is gone, and undo counts it', async () => {
  const cwd = await makeProject(DIVIDED, { 'd.csv': 'id\n1\n', 'a.csv': fileOf(60) });
  await run(cwd, 'ingest', 'd.csv');
  await run(cwd, 'ingest', 'a.csv', '--table', 't');
  await database.query('ALTER TABLE t DETACH PARTITION t_2020_01');
  const verified = await run(cwd, 'verify', '2');
  expect(verified.status).toBe(1);
  expect(verified.json).toMatchObject({ ok: false, compared: { rows: 29 } });
  // The keys of the table that was taken out are still guarded.
  expect(await countOf('t_keys')).toBe(60);
  const undone = await run(cwd, 'undo', '2', '--yes');
  expect(undone.json, undone.stderr).toMatchObject({ removed: { rows: 29 }, rowsGoneBefore: 31 });
  expect(await countOf('t_keys')).toBe(31);
  await database.query('DELETE FROM t_2020_01 WHERE id < 11');
  expect(await countOf('t_keys')).toBe(20);
});

it('promote moves a metric in all partitions, and new ones have its column', async () => {
  const metrics = daysFrom(90).map((day, i) => `${i},${day},"{""a"": 1, ""b"": ${i}}"\n`);
  const cwd = await makeProject(
    `tables:
  t:
    partition-by: { column: day, every: month }
    columns: { id: int, day: date }
    metrics: { from: m, columns: { a: int } }
`,
    {
      'a.csv': `id,day,m\n${metrics.join('')}5,,"{}"\n`,
      'b.csv': 'id,day,m\n1,2021-01-01,"{""b"": 100}"\n',
    },
  );
  await run(cwd, 'ingest', 'a.csv', '--table', 't');
  const promoted = await run(cwd, 'promote', 'b', '--type', 'int');
  expect(promoted.json, promoted.stderr).toMatchObject({ rows: { moved: 90 } });
  await run(cwd, 'ingest', 'b.csv', '--table', 't');
  expect(await database.query('SELECT count(*)::int, sum(b)::int FROM t')).toEqual([[92, 4105]]);
  expect((await run(cwd, 'verify', '1')).json.ok).toBe(true);
});

it('a load that was killed goes on, with partitions that it had made', async () => {
  const cwd = await makeProject(DIVIDED, { 'd.csv': 'id\n1\n', 'a.csv': fileOf(2000) });
  await run(cwd, 'ingest', 'd.csv');
  const load = ['ingest', 'a.csv', '--table', 't', '--read-batch-size', '400'] as const;
  const hurry = await slowLoads(database);
  const child = startEdp([...load, '--database-url', database.url], { cwd });
  child.stdout?.resume();
  child.stderr?.resume();
  const ended = new Promise((resolve) => child.once('close', resolve));
  while (((await countOf('edp.receipts')) as number) < 5) await sleep(20);
  child.kill('SIGKILL');
  await ended;
  await hurry();
  const { json, stderr } = await run(cwd, ...load);
  expect(json.rows, stderr).toMatchObject({ loaded: 2000, rejected: 0 });
  expect(await countOf('t')).toBe(2000);
  expect(await countOf('t_keys')).toBe(2000);
});
