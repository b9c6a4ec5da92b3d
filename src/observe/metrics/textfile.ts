/**
 * A file for the textfile collector of node_exporter. It is written beside its place and renamed, so that
 * a reader finds the old one or the new one, never a part.
 */
import { randomUUID } from 'node:crypto';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Target, TargetContext } from './target.js';

export function openTextfile(file: string, { registry, warn }: TargetContext): Target {
  return {
    async close() {
      try {
        await replaceFile(await placeOf(path.resolve(file)), await registry.toText());
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        warn(`the metrics were not written to ${file}: ${describe(code) ?? message}`);
      }
    },
  };
}

/**
 * The file itself where the name is a link to it.
 *
 * @throws for anything that is no file: the new one would take the place of a device, for everybody
 */
async function placeOf(file: string): Promise<string> {
  const place = await realpath(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return file;
    throw error;
  });
  const stats = await stat(place).catch(() => undefined);
  if (stats === undefined || stats.isFile()) return place;
  throw Object.assign(new Error('it is no file'), {
    code: stats.isDirectory() ? 'EISDIR' : 'ENOFILE',
  });
}

async function replaceFile(file: string, text: string): Promise<void> {
  // The collector reads *.prom alone. A name that nobody guesses and nobody has: others may write to the
  // directory, and processes of two containers have the same number.
  const temporary = `${file}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    const handle = await open(temporary, 'wx', 0o644);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

function describe(code: string | undefined): string | undefined {
  switch (code) {
    case 'ENOENT':
      return 'its directory does not exist';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'its directory may not be written to';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full';
    case 'EISDIR':
      return 'it is a directory';
    case 'ENOFILE':
      return 'it is no file';
    default:
      return undefined;
  }
}
