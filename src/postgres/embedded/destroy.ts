/** Removes the data of an embedded server that does not run. */
import { existsSync } from 'node:fs';
import { lstat, readdir, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { isAlive } from '../../base/alive.js';
import { EdpError } from '../../base/errors.js';
import { readPidFile } from './server-files.js';

export interface Destruction {
  readonly wasRunning: boolean;
  readonly removed: readonly { readonly path: string; readonly bytes: number }[];
  /** Data of the project at another place. */
  readonly left: readonly string[];
}

export function serverInUse(users: readonly string[]): EdpError {
  const list = [...new Set(users)].join(', ');
  return new EdpError('server_in_use', `the embedded server is in use: ${list}`, {
    hint: 'wait until they have ended, or end them (a forgotten program: edp db stop); then run the command again',
  });
}

/** Behind the name of a folder whose content goes. */
const MARK = '.destroyed-';

/**
 * Gives the folder of a server another name, under which no command looks for it: from then on a kill leaves
 * nothing that could be used by half.
 *
 * @throws EdpError `server_in_use` where a server was started in it meanwhile; it has its name again then
 */
export async function moveAway(home: string): Promise<void> {
  const away = `${home}${MARK}${process.pid}`;
  try {
    await rename(home, away);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const [pid] = (await readPidFile(path.join(away, 'data'))) ?? [];
  if (pid === undefined || !isAlive(Number(pid))) return;
  await rename(away, home);
  throw serverInUse(['a command that has just started it']);
}

/**
 * Removes what was moved away, also by a call that was killed.
 *
 * @param socketDirectory where it is not in `home`
 */
export async function removeAway(
  home: string,
  socketDirectory: string,
): Promise<{ path: string; bytes: number }[]> {
  const parent = path.dirname(home);
  const names = await readdir(parent).catch(() => []);
  const away = names.filter((name) => name.startsWith(`${path.basename(home)}${MARK}`));
  const removed: { path: string; bytes: number }[] = [];
  let bytes = 0;
  for (const name of away) bytes += await remove(path.join(parent, name));
  if (away.length > 0) removed.push({ path: home, bytes });
  if (socketDirectory !== home && existsSync(socketDirectory)) {
    removed.push({ path: socketDirectory, bytes: await remove(socketDirectory) });
  }
  // It stays where something else is in it.
  if (path.basename(parent) === '.edp') await rmdir(parent).catch(() => {});
  return removed;
}

/** @returns the bytes of all files in it */
async function remove(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder, { recursive: true })) {
    const found = await lstat(path.join(folder, name)).catch(() => undefined);
    if (found?.isFile() === true) bytes += found.size;
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  return bytes;
}
