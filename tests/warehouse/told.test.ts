/** What rooms tell that no number shows: stale tables, and sums that need a project of their own. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type Happening, listen } from '../../src/base/happenings.js';
import { withClient } from '../../src/postgres/connection.js';
import { checkTables } from '../../src/warehouse/checks/check-tables.js';
import { edp } from '../support/cli.js';
import { parseSamples, sumOf } from '../support/metrics.js';
import { makeProject, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();

async function hear(work: () => Promise<unknown>): Promise<Happening[]> {
  const heard: Happening[] = [];
  const stop = listen((happening) => heard.push(happening));
  onTestFinished(stop);
  await work();
  stop();
  return heard;
}

it.each<[string, rows: string, within: string, stale: object | undefined]>([
  ['in time', "(now() - interval '1 hour')", '2 hours', undefined],
  ['late', "(now() - interval '3 hours')", '2 hours', { limitSeconds: 7200 }],
  ['without a time', '(NULL)', '1 day', { ageSeconds: null, limitSeconds: 86_400 }],
])('a table that is %s', async (_, rows, within, stale) => {
  await database.query(`CREATE TABLE t (at timestamptz); INSERT INTO t VALUES ${rows}`);
  const relation = { schema: 'public', name: 't' };
  const check = {
    kind: 'fresh',
    name: 'fresh_at',
    severity: 'warn',
    column: 'at',
    within,
  } as const;
  const cwd = await makeProject('tables: { u: { columns: { id: int } } }', { 'u.csv': 'id\n1\n' });
  await edp(['ingest', 'u.csv'], { cwd, env: { EDP_DATABASE_URL: database.url } });
  const heard = await hear(() =>
    withClient(database.config, 'test', (client) =>
      checkTables(client, [{ name: 'public.t', relation, checks: [check] }]),
    ),
  );
  expect(heard[0]).toMatchObject({
    kind: 'check_ended',
    check: 'fresh_at',
    severity: 'warning',
    isOk: stale === undefined,
  });
  const [late] = heard.filter(({ kind }) => kind === 'stale');
  if (stale === undefined) expect(late).toBeUndefined();
  else expect(late).toMatchObject({ kind: 'stale', table: 'public.t', ...stale });
  if (late?.kind === 'stale' && late.ageSeconds !== null) {
    expect(Math.round(late.ageSeconds / 60)).toBe(180);
  }
});

async function measure(cwd: string, ...args: readonly string[]) {
  const file = path.join(cwd, 'edp.prom');
  const env = { EDP_DATABASE_URL: database.url };
  const result = await edp([...args, '--metrics', `textfile:${file}`], { cwd, env });
  const samples = parseSamples(await readFile(file, 'utf8'));
  const [run] = await database.query(
    'SELECT inserted::int, updated::int, deleted::int FROM edp.runs ORDER BY run_id DESC LIMIT 1',
  );
  const counted = ['inserted', 'updated', 'deleted'].map((of) =>
    sumOf(samples, 'edp_rows_total', { result: of }),
  );
  expect(counted, result.stderr).toEqual(run);
  return counted;
}

it('copies that are mended: the rows of the ledger', async () => {
  const model = `tables:
  city: { key: id, columns: { id: int, name: text } }
  visit: { key: id, columns: { id: int, city: { type: int, references: city }, city_name: { copy-of: city.name, by: city } } }
`;
  const visits = Array.from({ length: 40 }, (_, i) => `${i},${1 + (i % 2)}`).join('\n');
  const cwd = await makeProject(model, {
    'city.csv': 'id,name\n1,a\n2,b\n',
    'visit.csv': `id,city\n${visits}\n`,
  });
  expect(await measure(cwd, 'ingest', 'city.csv', 'visit.csv')).toEqual([42, 0, 0]);
  await database.query("UPDATE city SET name = 'c' WHERE id = 2");
  expect(await measure(cwd, 'run')).toEqual([0, 20, 0]);
});

it('a table in partitions, and one that refers to itself: the rows of the ledger', async () => {
  const model = `tables:
  t: { key: [id, day], partition-by: { column: day, every: month }, columns: { id: int, day: date } }
  person: { key: id, columns: { id: int, boss: { type: int, references: person } } }
`;
  const days = Array.from({ length: 90 }, (_, i) => `${i},2020-0${1 + (i % 9)}-01`).join('\n');
  const cwd = await makeProject(model, {
    't.csv': `id,day\n${days}\nx,2020-01-01\n`,
    'person.csv': 'id,boss\n2,1\n1,\n3,9\n',
  });
  expect(await measure(cwd, 'ingest', 't.csv')).toEqual([90, 0, 0]);
  // The inferred boss is one of them, and gets its values when it comes.
  expect(await measure(cwd, 'ingest', 'person.csv', '--missing-dimensions', 'infer')).toEqual([
    4, 1, 0,
  ]);
});

it('a table of versions whose file holds all members: the ends, too', async () => {
  const model = `tables:
  member: { key: id, versions: true, snapshot: full, columns: { id: int, name: text } }
`;
  const cwd = await makeProject(model, { 'member-1.csv': 'id,name\n1,a\n2,b\n3,c\n' });
  await writeFile(path.join(cwd, 'member-2.csv'), 'id,name\n1,a\n2,x\n');
  expect(await measure(cwd, 'ingest', 'member-1.csv')).toEqual([3, 0, 0]);
  // A new version of one, and the end of another.
  expect(await measure(cwd, 'ingest', 'member-2.csv')).toEqual([2, 0, 0]);
});
