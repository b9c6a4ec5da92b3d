/** The question before something is removed: asked of a person, never of a script. */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { confirm } from '../../src/terminal/confirm.js';
import { edp, makeDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

async function ask(
  answer: string | undefined,
  isTTY: boolean,
  signal = new AbortController().signal,
) {
  const input = Object.assign(new PassThrough(), { isTTY });
  const output = new PassThrough();
  if (answer !== undefined) input.end(answer);
  const isConfirmed = await confirm('Remove it?', signal, { input, output });
  return { isConfirmed, asked: String(output.read() ?? '') };
}

it.each([
  { answer: 'y\n', isConfirmed: true },
  { answer: ' YES \n', isConfirmed: true },
  { answer: 'n\n', isConfirmed: false },
  { answer: '\n', isConfirmed: false },
  { answer: 'yesterday\n', isConfirmed: false },
  { answer: '', isConfirmed: false },
])('$answer on a terminal', async ({ answer, isConfirmed }) => {
  const asked = await ask(answer, true);
  expect(asked.isConfirmed).toBe(isConfirmed);
  expect(asked.asked).toContain('Remove it? [y/N]');
});

it('Ctrl-C is no', async () => {
  const abort = new AbortController();
  const asked = ask(undefined, true, abort.signal);
  abort.abort();
  expect((await asked).isConfirmed).toBe(false);
});

it('a script is not asked', async () => {
  expect(await ask(undefined, false)).toEqual({ isConfirmed: true, asked: '' });
});

it('edp undo asks nothing where standard input is no terminal', async () => {
  const cwd = await makeDirectory();
  await writeFile(path.join(cwd, 'events.csv'), 'id\n1\n');
  const options = ['--json', '--database-url', database.url];
  const { json } = await edp(['ingest', 'events.csv', ...options], { cwd });
  const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
  const args = [cli, 'undo', String(json.files[0].loadId), ...options];
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stdout.resume();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  expect(await new Promise((resolve) => child.once('close', resolve)), stderr).toBe(0);
  expect(stderr).not.toContain('[y/N]');
  expect(await database.query('SELECT count(*) FROM events')).toEqual([[0]]);
});
