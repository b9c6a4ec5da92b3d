/** An output that cannot be written is told, once; one that nobody reads is not. */
import { spawn, spawnSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CLI, cleanEnvironment } from '../support/cli.js';
import { makeTemporary } from '../support/temporary.js';

const full = (args: readonly string[], cwd: string) =>
  spawnSync(process.execPath, [CLI, ...args], {
    cwd,
    env: cleanEnvironment(),
    stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    encoding: 'utf8',
  });

it.each([
  [['--help']],
  [['--version']],
  [['completion', 'bash']],
  [['status', '--help']],
  [['check', '--json']],
  [['nonsense', '--json']],
])('on a full disk: edp %j', async (args) => {
  const { status, stderr } = full(args, await makeTemporary());
  expect([status, stderr.match(/the output cannot be written: .*ENOSPC/g)?.length], stderr).toEqual(
    [1, 1],
  );
});

it('that is closed is no failure', async () => {
  const child = spawn(process.execPath, [CLI, '--help'], {
    cwd: await makeTemporary(),
    env: cleanEnvironment(),
  });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => {
    stderr += String(text);
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  expect([status, stderr]).toEqual([0, '']);
});
