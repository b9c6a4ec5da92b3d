/** Names on the command line → files. */
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { shownUrl } from './http/url-names.js';
import { assertReadableFile, EVENTS_WORD, isThere, localVersion } from './local-files.js';
import type { InputFile } from './source.js';
import { isUrl, sourceOfName } from './sources.js';
import { isStdin } from './standard-input.js';

export type { InputFile } from './source.js';
export { isStdin } from './standard-input.js';

/** Each may be a round trip to a server. */
const LISTED_AT_ONCE = 16;

/**
 * @param names files, glob patterns, URLs, comma-separated lists of those, `-`, or the word
 *   `events`
 * @param directory the project's directory
 * @throws EdpError `usage` for a name without characters; an error that lists every missing file,
 *   before anything is loaded
 */
export async function discoverFiles(
  names: readonly string[],
  directory: string,
): Promise<InputFile[]> {
  assertNamed(names);
  const found = new Map<string, InputFile>();
  const missing: string[] = [];
  const single = await splitLists(names, directory);
  for (let at = 0; at < single.length; at += LISTED_AT_ONCE) {
    const part = single.slice(at, at + LISTED_AT_ONCE);
    const lists = await Promise.all(
      part.map(async (name) => (await sourceOfName(name)).list(name, directory)),
    );
    for (const [i, matches] of lists.entries()) {
      if (matches.length === 0) missing.push(part[i]!);
      for (const match of matches) {
        const place = match.remote?.url ?? match.path;
        if (!found.has(place)) found.set(place, match);
      }
    }
  }
  if (missing.length > 0) throw noSuchFile(missing, directory);
  const files = [...found.values()];
  for (const file of files) {
    if (file.remote === undefined && !isStdin(file)) await assertReadableFile(file);
  }
  return files;
}

/** A variable of the shell that is not set leaves an empty name. @throws EdpError `usage` */
function assertNamed(names: readonly string[]): void {
  const nameless = names.filter((name) => /^[\s,]*$/.test(name));
  if (nameless.length === 0) return;
  const shown = nameless.map((name) => JSON.stringify(name)).join(' and ');
  throw new EdpError('usage', `${shown} names no file`, {
    hint: 'name files, glob patterns or URLs; an empty name often comes from a variable that is not set',
  });
}

/** A mistyped URL may have a password, too. */
function withoutPassword(name: string): string {
  return name.replace(/\/[^/@\s]+:[^/@\s]+@/g, '/');
}

function noSuchFile(missing: readonly string[], directory: string): EdpError {
  if (missing.length === 1 && missing[0] === EVENTS_WORD) {
    return new EdpError('no_such_file', 'no such file', {
      place: 'data/events*',
      hint: 'edp generate-data makes some; or name your files',
    });
  }
  const list = missing
    .map((name) => (isUrl(name) ? shownUrl(name) : withoutPassword(name)))
    .join(', ');
  return new EdpError('no_such_file', 'no such file', {
    place: list,
    hint: missing.every(isUrl)
      ? 'check the URL: the server has no such file'
      : missing.every((name) => /[*?[{]/.test(name))
        ? `looked in ${directory}: no name of a file there fits the pattern`
        : `looked in ${directory}; quote a glob pattern to have edp expand it`,
  });
}

/** Ignores commas in a pattern such as `events-{1,2}.csv`. */
const COMMAS_BETWEEN_NAMES = /,(?![^{]*\})/;

/** `a.csv,b.csv` is a list, unless there is a file of that very name. */
export async function splitLists(names: readonly string[], directory: string): Promise<string[]> {
  const split: string[] = [];
  for (const name of names) {
    const isOne =
      !name.includes(',') || (!isUrl(name) && (await isThere(path.resolve(directory, name))));
    split.push(...(isOne ? [name] : splitList(name)));
  }
  return split;
}

/** A URL may have commas: after a URL, only another URL is a separate name. */
function splitList(list: string): string[] {
  const names: string[] = [];
  for (const part of list.split(COMMAS_BETWEEN_NAMES)) {
    const last = names.at(-1);
    if (last !== undefined && isUrl(last) && !isUrl(part.trim())) {
      names[names.length - 1] = `${last},${part}`;
    } else {
      names.push(part.trim());
    }
  }
  return names.filter(Boolean);
}

/** Bytes of a file; 0 if that is unknown before it is read. @throws EdpError `io` */
export async function sizeOf(file: InputFile): Promise<number> {
  if (file.copy !== undefined) return (await localVersion(file.copy, file.name)).size;
  if (file.remote !== undefined) return file.remote.size ?? 0;
  return isStdin(file) ? 0 : (await localVersion(file.path, file.name)).size;
}

/** Bytes of the files, as far as they are known before reading. */
export async function totalBytes(files: readonly InputFile[]): Promise<number> {
  const sizes = await Promise.all(files.map((file) => sizeOf(file).catch(() => 0)));
  return sizes.reduce((sum, size) => sum + size, 0);
}
