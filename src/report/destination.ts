/**
 * The destination of a report: standard output, or a file that exists completely or not at all.
 */

import { type FileHandle, link, open, realpath, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { makeDirectory } from '../base/make-directory.js';
import { withReplacedFile } from '../base/replace-file.js';
import { isStdout } from '../base/stdout-name.js';

export interface Destination {
  /** Absolute path, or undefined for standard output. */
  readonly file: string | undefined;
  /** Whether to replace an existing file; otherwise a number is added to the name. */
  readonly mayReplace: boolean;
}

const DEFAULT_DIRECTORY = 'reports';

/**
 * @param out value of --out: a file, a directory (there already, or written with a slash at its
 *   end), or `-`
 * @param fileName for a file that --out does not name
 */
export async function chooseDestination(
  out: string | undefined,
  projectDirectory: string,
  fileName: string,
): Promise<Destination> {
  if (isStdout(out)) return { file: undefined, mayReplace: false };
  const target = path.resolve(projectDirectory, out ?? DEFAULT_DIRECTORY);
  const isDirectory =
    out === undefined ||
    /[\\/]$/.test(out) ||
    (await stat(target).then(
      (found) => found.isDirectory(),
      () => false,
    ));
  return isDirectory
    ? { file: path.join(target, fileName), mayReplace: false }
    : { file: target, mayReplace: true };
}

/** `2024-01-31 06:00+02` → `2024-01-31-0600+02`: safe in a file name on every system. */
function toFileWord(text: string): string {
  return text
    .replaceAll(':', '')
    .replace(/[^\w.+-]+/g, '-')
    .slice(0, 40);
}

/** `name[-from-…][-to-…]-20260131T061500Z.csv` */
export function reportFileName(
  name: string,
  range: { readonly from: string | undefined; readonly to: string | undefined },
  now: Date,
  extension: string,
): string {
  const words = [name];
  if (range.from !== undefined) words.push('from', toFileWord(range.from));
  if (range.to !== undefined) words.push('to', toFileWord(range.to));
  words.push(`${now.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`);
  return `${words.join('-')}.${extension}`;
}

/** A pipe, /dev/null or /dev/stdout can be written to, but must not be replaced. */
export async function isSpecialFile(file: string): Promise<boolean> {
  if (file.startsWith('/dev/')) return true;
  return stat(file).then(
    (found) => !found.isFile(),
    () => false,
  );
}

export type Write = (bytes: Uint8Array) => Promise<void>;

/**
 * Runs `work` with a file to write to. It gets its name only after `work` is done. If `work` fails,
 * the file is removed.
 *
 * @returns the path of the file, and what `work` returned
 * @throws EdpError `io`
 */
export async function withOutputFile<T>(
  destination: { readonly file: string; readonly mayReplace: boolean },
  work: (write: Write) => Promise<T>,
): Promise<{ file: string; result: T }> {
  // A link is kept; the file that it points to is replaced.
  const file = await realpath(destination.file).catch(() => destination.file);
  if (await isSpecialFile(destination.file))
    return { file: destination.file, result: await appendTo(file, work) };
  const directory = path.dirname(file);
  await withIo(directory, () => makeDirectory(directory));
  let taken = destination.file;
  let failed: { readonly error: unknown } | undefined;
  const write = async (handle: FileHandle) => {
    try {
      return await work(writerOf(file, handle));
    } catch (error) {
      failed = { error };
      throw error;
    }
  };
  const place = async (temporary: string) => {
    if (destination.mayReplace) await rename(temporary, file);
    else taken = await takeFreeName(temporary, file);
  };
  try {
    const result = await withReplacedFile(file, write, { place });
    return { file: taken, result };
  } catch (error) {
    throw failed === undefined ? ioError(file, error) : failed.error;
  }
}

async function appendTo<T>(file: string, work: (write: Write) => Promise<T>): Promise<T> {
  const handle: FileHandle = await withIo(file, () => open(file, 'a'));
  try {
    return await work(writerOf(file, handle));
  } finally {
    await handle.close();
  }
}

function writerOf(file: string, handle: FileHandle): Write {
  return (bytes) => withIo(file, () => handle.appendFile(bytes));
}

/** A link, unlike a rename, fails where the name is taken: no two runs ever take the same one. */
async function takeFreeName(temporary: string, file: string): Promise<string> {
  const { dir, name, ext } = path.parse(file);
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? file : path.join(dir, `${name}-${number}${ext}`);
    try {
      await link(temporary, candidate);
      return candidate;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') continue;
      // A file system without hard links; there the look and the rename are two steps.
      const isTaken = await stat(candidate).then(
        () => true,
        () => false,
      );
      if (isTaken) continue;
      await rename(temporary, candidate);
      return candidate;
    }
  }
}

async function withIo<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw ioError(file, error);
  }
}

function ioError(file: string, error: unknown): EdpError {
  return new EdpError('io', `${file} cannot be written: ${(error as Error).message}`, {
    hint: 'free the disk or name another place with --out',
    cause: error,
  });
}
