/** What the user named on the command line → files. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { EdpError } from '../base/errors.js';
import { withSpool } from './spool.js';

/** The word that stands for every data/events* file. */
const EVENTS_WORD = 'events';
const STDIN = '-';
const STDIN_DEVICE = '/dev/stdin';

export interface InputFile {
  /** As the user named it, for messages and the ledger. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

const NATURAL_ORDER = new Intl.Collator('en', { numeric: true });

/**
 * @param names files, glob patterns, comma-separated lists of those, `-`, or the word `events`
 * @param directory the project's directory
 * @throws EdpError that names every file that is not there, before anything is loaded
 */
export async function discoverFiles(
  names: readonly string[],
  directory: string,
): Promise<InputFile[]> {
  const found = new Map<string, InputFile>();
  const missing: string[] = [];
  for (const name of await splitLists(names, directory)) {
    const matches = await expand(name, directory);
    if (matches.length === 0) missing.push(name);
    for (const match of matches) {
      const absolute = path.resolve(directory, match);
      if (!found.has(absolute)) found.set(absolute, { name: match, path: absolute });
    }
  }
  if (missing.length > 0) {
    const list = missing.join(', ');
    if (missing.length === 1 && list === EVENTS_WORD) {
      throw new EdpError('no_such_file', 'there is no file data/events*', {
        hint: 'edp generate-data makes some; or name your files',
      });
    }
    throw new EdpError('no_such_file', `no such file: ${list}`, {
      hint: `looked in ${directory}; quote a glob pattern to have edp expand it`,
    });
  }
  for (const { name, path: file } of found.values()) {
    if (name !== STDIN) await assertReadableFile(name, file);
  }
  return [...found.values()];
}

/** Not those in a pattern such as `events-{1,2}.csv`. */
const COMMAS_BETWEEN_NAMES = /,(?![^{]*\})/;

/** `a.csv,b.csv` is a list, unless there is a file of that very name. */
async function splitLists(names: readonly string[], directory: string): Promise<string[]> {
  const split: string[] = [];
  for (const name of names) {
    const isFile = !name.includes(',') || (await exists(path.resolve(directory, name)));
    split.push(
      ...(isFile
        ? [name]
        : name
            .split(COMMAS_BETWEEN_NAMES)
            .map((part) => part.trim())
            .filter(Boolean)),
    );
  }
  return split;
}

async function expand(name: string, directory: string): Promise<string[]> {
  if (name === STDIN || name === STDIN_DEVICE) return [STDIN];
  if (name === EVENTS_WORD) return expandPattern(`data/${EVENTS_WORD}*`, directory);
  if (await exists(path.resolve(directory, name))) return [name];
  return isDynamicPattern(name) ? expandPattern(name, directory) : [];
}

async function expandPattern(pattern: string, directory: string): Promise<string[]> {
  const matches = await glob(pattern, {
    cwd: directory,
    onlyFiles: true,
    expandDirectories: false,
  });
  return matches.sort(NATURAL_ORDER.compare);
}

function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function assertReadableFile(name: string, file: string): Promise<void> {
  const found = await stat(file).catch((error: Error) => {
    throw new EdpError('no_such_file', `${name} cannot be looked at: ${error.message}`, {
      hint: 'a name that is not UTF-8 cannot be used: rename the file, or pipe it in: edp ingest - --table NAME',
      cause: error,
    });
  });
  if (found.isDirectory()) {
    throw new EdpError('not_a_file', `${name} is a directory`, {
      hint: `name the files in it: edp ingest '${name.replace(/\/$/, '')}/*.csv'`,
    });
  }
  if (!found.isFile()) {
    throw new EdpError('not_a_file', `${name} is not a regular file`, {
      hint: `pipe it in: edp ingest - --table NAME < ${name}`,
    });
  }
}

/** Bytes of the files, as far as they can be told before they are read. */
export async function totalBytes(files: readonly InputFile[]): Promise<number> {
  const sizes = await Promise.all(
    files.map((file) =>
      isStdin(file)
        ? 0
        : stat(file.path).then(
            ({ size }) => size,
            () => 0,
          ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/**
 * Runs `work` with standard input, if it is one of the files, as a file of its own: what identifies a load, and lets it resume, is content,
 * and a pipe can be read only once.
 */
export async function withSpooledStdin<T>(
  directory: string,
  files: readonly InputFile[],
  work: (files: readonly InputFile[]) => Promise<T>,
): Promise<T> {
  if (!files.some(isStdin)) return work(files);
  return withSpool(directory, async (spool) => {
    const spooled = { name: STDIN, path: await spool.write(process.stdin).catch(explainSpool) };
    return work(files.map((file) => (isStdin(file) ? spooled : file)));
  });
}

function explainSpool(cause: Error): never {
  throw new EdpError('io', `standard input cannot be kept: ${cause.message}`, {
    hint: 'a pipe is copied into .edp/spool before it is loaded: make room there, or load a file',
    cause,
  });
}

export function isStdin(file: InputFile): boolean {
  return file.name === STDIN;
}
