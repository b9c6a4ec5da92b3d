/** A file that grows while it is loaded: its content is another one then, and nothing continues the load. */
import { appendFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { makeProject, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();

const RECORDS = Array.from({ length: 20 }, (_, i) => `${i},a`).join('\n');

it.each([
  { key: '', remains: true },
  { key: ', key: id', remains: false },
])('what is loaded of its former content is reported ($key)', async ({ key, remains }) => {
  const model = `tables:\n  t: { columns: { id: int, v: text }${key} }\n`;
  const cwd = await makeProject(model, { 't.csv': `id,v\n${RECORDS}\n` });
  const own = ['t.csv', '--process-count', '1', '--read-batch-size', '2'] as const;
  const ingest = (env: Record<string, string>) =>
    edp(['ingest', ...own, '--json', '--database-url', database.url], { cwd, env });
  const loading = ingest({ EDP_FAILPOINTS: 'split.begun=pause/3000@3' });
  const loaded = async () =>
    (await database.query("SELECT to_regclass('edp.loads') IS NOT NULL"))[0]![0] === true
      ? Number((await database.query('SELECT coalesce(sum(rows_loaded), 0) FROM edp.loads'))[0]![0])
      : 0;
  while ((await loaded()) === 0) await sleep(20);
  await appendFile(path.join(cwd, 't.csv'), '20,b\n');
  const failed = await loading;
  expect(failed.json.error).toMatchObject({ code: 'file_changed' });
  expect(failed.stderr.includes('Otherwise, edp undo 1 removes')).toBe(remains);
  const left = await loaded();
  expect(left).toBeGreaterThan(0);

  const again = await ingest({});
  expect(again.status, again.stderr).toBe(0);
  const report = `load 1 of t.csv stopped before the file changed: its ${left} rows are in the table`;
  expect(again.stderr.includes(report), again.stderr).toBe(remains);
  const [[rows]] = (await database.query('SELECT count(*) FROM t')) as [[number]];
  expect(Number(rows)).toBe(remains ? 21 + left : 21);
});
