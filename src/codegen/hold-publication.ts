/**
 * One publication of schemas at a time: two that have read the same lock file would each write it without what the other
 * has published. Held is a file beside it, which names its process, so that one that was killed keeps nobody out.
 */

import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../base/alive.js';
import { EdpError } from '../base/errors.js';
import { makeDirectory } from '../base/make-directory.js';

const HELD = 'schemas/.publishing';
const POLL_MS = 20;
/** A publication takes seconds. */
const PATIENCE_MS = 30_000;

/** @throws EdpError `io` where another publication does not end, or the folder is not writable */
export async function holdPublication<T>(
  directory: string,
  work: () => Promise<T>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const file = path.join(directory, HELD);
  await take(file, Date.now() + patienceMs).catch((error: unknown) => {
    if (error instanceof EdpError) throw error;
    throw new EdpError('io', `${HELD} cannot be written: ${(error as Error).message}`, {
      hint: 'make its folder writable, and run the command again',
      cause: error,
    });
  });
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function take(file: string, deadline: number): Promise<void> {
  await makeDirectory(path.dirname(file));
  const own = `${file}.${process.pid}`;
  // A link has its text as soon as it is there.
  await writeFile(own, ownerText(process.pid));
  try {
    while (!(await tryLink(own, file))) {
      const owner = await readFile(file, 'utf8').catch(() => undefined);
      if (owner !== undefined && isGone(owner)) await takeAway(file, owner);
      else if (Date.now() > deadline) throw stillHeld(owner);
      else await sleep(POLL_MS);
    }
  } finally {
    await rm(own, { force: true });
  }
}

async function tryLink(own: string, file: string): Promise<boolean> {
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Of a process that is gone. Another one may have done so meanwhile, and hold it: that one gets it back. */
async function takeAway(file: string, owner: string): Promise<void> {
  const away = `${file}.${process.pid}.gone`;
  try {
    await rename(file, away);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(away, 'utf8')) !== owner) await link(away, file).catch(() => {});
  await rm(away, { force: true });
}

function ownerText(pid: number): string {
  return `${os.hostname()} ${pid}\n`;
}

/** What runs on another machine, or in another container, cannot be known from here. */
function isGone(owner: string): boolean {
  const pid = Number(owner.trim().split(' ').at(-1));
  return Number.isSafeInteger(pid) && owner === ownerText(pid) && !isAlive(pid);
}

function stillHeld(owner: string | undefined): EdpError {
  return new EdpError('io', `another edp schema publish holds ${HELD} (${owner?.trim() ?? '?'})`, {
    hint: `wait until it has ended; if none runs any more, remove ${HELD}`,
  });
}
