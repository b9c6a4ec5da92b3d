/** Directories of tests, which name the process that they belong to. */
import { rmSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isAlive } from '../../src/base/alive.js';

const PREFIX = 'edp-test-';

export function makeTemporary(): Promise<string> {
  return mkdtemp(path.join(os.tmpdir(), `${PREFIX}${process.pid}-`));
}

/** Removes the directory also where Ctrl-C ends the process before it comes to its end. */
export function removeAtExit(directory: string): void {
  process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
}

/** Removes what processes have left that were killed. */
export async function removeAbandoned(parent = os.tmpdir()): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = /^edp-test-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(path.join(parent, name), { recursive: true, force: true, maxRetries: 3 }).catch(
      () => {},
    );
  }
}
