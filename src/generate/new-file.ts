/** A file that appears complete or not at all. */
import type { FileHandle } from 'node:fs/promises';
import { EdpError } from '../base/errors.js';
import { withReplacedFile } from '../base/replace-file.js';

/** @throws EdpError `io`; other errors that `write` throws are passed on */
export async function withNewFile<T>(
  file: string,
  write: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  try {
    return await withReplacedFile(file, write);
  } catch (error) {
    throw toIoError(error, file, 'cannot be written');
  }
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC:
    'the disk is full: free some space, or write elsewhere with --out; nothing half-written is left',
  EDQUOT: 'the disk quota is used up: write elsewhere with --out; nothing half-written is left',
  EFBIG: 'files may not become that large here: write more and smaller ones with --files',
  EACCES: 'allow it, or choose another directory with --out',
  EPERM: 'allow it, or choose another directory with --out',
  EROFS: 'nothing can be written there: choose another directory with --out',
  EEXIST: 'choose another directory with --out',
  ENOTDIR: 'choose another directory with --out',
  EISDIR: 'a directory has that name: move it away, or choose another one with --out',
};

/** An error of the file system as an {@link EdpError} with a remedy; any other error unchanged. */
export function toIoError(error: unknown, file: string, what: string): unknown {
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof EdpError || code === undefined || syscall === undefined) return error;
  return new EdpError('io', `${what}: ${message}`, {
    place: file,
    hint: HINTS[code] ?? 'choose another directory with --out',
    cause: error,
  });
}
