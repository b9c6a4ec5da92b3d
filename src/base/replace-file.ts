/** A file that exists complete or not at all: it is written beside its place, under a name that nobody has, and renamed. */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/** Long enough that nobody guesses or has it, short enough for a file with a long name. */
const RANDOM_CHARACTERS = 8;

/** Begins with a dot and ends with .tmp, so that no pattern of files is likely to match it. */
function temporaryName(file: string): string {
  const random = randomUUID().slice(0, RANDOM_CHARACTERS);
  return path.join(path.dirname(file), `.${path.basename(file)}.${random}.tmp`);
}

interface Replacement {
  /** Of the file, less the umask of the process; by default as for every new file. */
  readonly mode?: number;
  /** Gives what is complete its name, where that is not a plain rename. */
  place?(temporary: string): Promise<void>;
}

/**
 * @param write what it throws is thrown; an existing file then stays as it was, and nothing else is left
 * @returns what `write` returned
 */
export async function withReplacedFile<T>(
  file: string,
  write: (handle: FileHandle) => Promise<T>,
  { mode, place = (temporary) => rename(temporary, file) }: Replacement = {},
): Promise<T> {
  const temporary = temporaryName(file);
  // A second Ctrl-C ends the process at once, past every `finally`.
  const removeNow = () => rmSync(temporary, { force: true });
  process.once('exit', removeNow);
  try {
    // An existing link of that name is not followed.
    const handle = await open(temporary, 'wx', mode);
    let result: T;
    try {
      result = await write(handle);
    } finally {
      await handle.close();
    }
    await place(temporary);
    return result;
  } finally {
    process.off('exit', removeNow);
    // The first error matters; an error of the clean-up must not replace it.
    await rm(temporary, { force: true }).catch(() => {});
  }
}

/** The same with a text. */
export async function replaceFile(file: string, text: string): Promise<void> {
  await withReplacedFile(file, (handle) => handle.writeFile(text));
}
