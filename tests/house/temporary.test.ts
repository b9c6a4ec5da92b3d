/** What tests leave behind when they are killed is removed by the next run. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { makeDirectory } from '../support/cli.js';
import { removeAbandoned } from '../support/temporary.js';

it('only directories of processes that are gone are removed', async () => {
  const parent = await makeDirectory();
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const names = [`edp-test-${dead}-abc`, `edp-test-${process.pid}-abc`, 'edp-test-abc', 'other'];
  for (const name of names) {
    await mkdir(path.join(parent, name));
    await writeFile(path.join(parent, name, 'file'), '');
  }
  await removeAbandoned(parent);
  expect(names.filter((name) => existsSync(path.join(parent, name)))).toEqual(names.slice(1));
});

it('a directory names its process', async () => {
  expect(path.basename(await makeDirectory())).toMatch(new RegExp(`^edp-test-${process.pid}-`));
});
