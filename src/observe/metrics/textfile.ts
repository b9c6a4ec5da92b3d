/**
 * A file for the textfile collector of node_exporter. It is written beside its place and renamed, so that
 * a reader finds the old one or the new one, never a part.
 */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { withReplacedFile } from '../../base/replace-file.js';
import type { Target, TargetContext } from './target.js';

/** For the collector, which runs as another user. */
const READABLE = 0o644;

export function openTextfile(file: string, { registry, warn }: TargetContext): Target {
  return {
    async close() {
      try {
        const place = await placeOf(path.resolve(file));
        const text = await registry.toText();
        await withReplacedFile(
          place,
          async (handle) => {
            await handle.writeFile(text);
            await handle.sync();
          },
          { mode: READABLE },
        );
        const twin = await findTwin(place, text);
        if (twin !== undefined) {
          warn(
            `node_exporter shows only one of ${file} and ${path.basename(twin)}, which have numbers of the same names: tell their jobs apart with --metrics-labels pipeline=…`,
          );
        }
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

/** More files than that are not of edp. */
const MAX_NEIGHBOURS = 100;

/** Another file of its directory with the same series: of two, the collector drops one without a word. */
async function findTwin(file: string, text: string): Promise<string | undefined> {
  const own = new Set(seriesOf(text));
  const directory = path.dirname(file);
  const names = await readdir(directory).catch(() => []);
  const others = names.filter((name) => name.endsWith('.prom') && name !== path.basename(file));
  for (const name of others.slice(0, MAX_NEIGHBOURS)) {
    const other = await readFile(path.join(directory, name), 'utf8').catch(() => '');
    if (seriesOf(other).some((series) => own.has(series))) return name;
  }
  return undefined;
}

/** Names and labels of the samples of edp. */
function seriesOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('edp_'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));
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
