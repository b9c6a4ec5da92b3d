/** A file that is changed while it is loaded, by a program that keeps its size and sets its time back. */
import { open, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { makeProject, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();

async function changeInPlace(file: string): Promise<void> {
  const before = await stat(file);
  const handle = await open(file, 'r+');
  await handle.write('id,v\n9,b\n', 0);
  await handle.close();
  await utimes(file, before.atime, before.mtime);
  const after = await stat(file);
  expect({ size: after.size, inode: after.ino }).toEqual({ size: before.size, inode: before.ino });
}

it.each(['split.begun', 'split.read'])('is noticed: at %s', async (point) => {
  const model = 'tables:\n  t: { columns: { id: int, v: text } }\n';
  const cwd = await makeProject(model, { 't.csv': 'id,v\n1,a\n' });
  const file = path.join(cwd, 't.csv');
  // utimes sets whole milliseconds exactly.
  await utimes(file, 1_700_000_000, 1_700_000_000);
  const loading = edp(['ingest', 't.csv', '--json', '--database-url', database.url], {
    cwd,
    env: { EDP_FAILPOINTS: `${point}=pause/3000` },
  });
  const isWorking = async () =>
    (await database.query("SELECT to_regclass('edp.loads') IS NOT NULL"))[0]![0] === true &&
    (await database.query('SELECT FROM edp.loads')).length > 0;
  while (!(await isWorking())) await sleep(20);
  await sleep(700);
  await changeInPlace(file);
  const { json, status } = await loading;
  expect(status).toBe(1);
  expect(json.error).toMatchObject({ code: 'file_changed' });
  expect(await database.query('SELECT count(*) FROM t')).toEqual([[0]]);
});
