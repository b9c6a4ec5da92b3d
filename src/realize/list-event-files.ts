/** Directories of change events → their files. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { toShellWord } from '../base/shell-word.js';
import { splitLists } from '../source/discover.js';

/** Files that are being written have other names: a point before them, or another suffix behind. */
const EVENT_FILES = '**/*.{jsonl,ndjson}{,.gz,.zst,.bz2,.zip}';

/**
 * @param names as on the command line
 * @param directory of the project
 * @returns the same names, and in the place of a directory the files below it, in the order of their names
 * @throws EdpError `no_such_file` for a directory without any, `not_a_file` for a pipe
 */
export async function listEventFiles(
  names: readonly string[],
  directory: string,
): Promise<string[]> {
  // An empty name is the directory of the project for path.resolve, and a fault for all commands.
  const blank = names.filter((name) => name.trim() === '');
  const lists = await Promise.all(
    (await splitLists(names, directory)).map(async (name) => {
      const place = path.resolve(directory, name);
      const found = await stat(place).catch(() => undefined);
      if (found?.isDirectory() === true) return listBelow(name, place);
      if (found?.isFile() === false && place !== STDIN) throw notAFile(name);
      return [name];
    }),
  );
  return [...blank, ...lists.flat()];
}

/** Another name of `-`. */
const STDIN = '/dev/stdin';

function notAFile(name: string): EdpError {
  return new EdpError('not_a_file', `${name} is not a regular file`, {
    hint: `pipe it in: edp realize - < ${toShellWord(name)}`,
  });
}

async function listBelow(name: string, place: string): Promise<string[]> {
  const { glob } = await import('tinyglobby');
  const found = await glob(EVENT_FILES, { cwd: place, onlyFiles: true, expandDirectories: false });
  if (found.length === 0) {
    throw new EdpError('no_such_file', `there is no file of change events below ${name}`, {
      hint: 'it looks for *.jsonl, packed or not; edp capture run --to DIRECTORY writes such files',
    });
  }
  return found.sort().map((file) => path.join(name, file));
}
