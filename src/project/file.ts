/** Reads and replaces the text of edp.yaml as a whole. */
import { randomUUID } from 'node:crypto';
import { chmod, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import { retry } from '../base/retry.js';

export const PROJECT_FILE = 'edp.yaml';

/** @returns undefined if there is no such file. @throws EdpError `config` */
export async function readProjectText(file: string): Promise<string | undefined> {
  try {
    // To open a pipe would wait for a writer, and a device has no end.
    if (!(await stat(file)).isFile()) throw new Error('it is not a file');
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new EdpError(
      'config',
      `${path.basename(file)} cannot be read: ${(error as Error).message}`,
      {
        hint: `make ${file} a readable file, or remove it`,
        cause: error,
      },
    );
  }
}

/**
 * Changes the file by its present text. Where another program changes it meanwhile, the edit is done again with the
 * new text.
 *
 * @param edit gets undefined if there is no file; what it throws ends the edit
 * @throws EdpError as {@link replaceProjectFile}
 */
export async function editProjectFile(
  name: string,
  edit: (text: string | undefined) => string,
): Promise<void> {
  await retry(
    async () => {
      const text = await readProjectText(name);
      const edited = edit(text);
      if (edited !== text) await replaceProjectFile(name, edited, text);
    },
    (error) => error instanceof EdpError && error.code === 'file_changed',
  );
}

/**
 * The replacement is atomic: the file is always complete.
 *
 * @param expected its last known text
 * @throws EdpError `io` if it cannot be written, `file_changed` if another program has just changed
 *   it
 */
export async function replaceProjectFile(
  name: string,
  text: string,
  expected: string | undefined,
): Promise<void> {
  // A link is kept; the file that it points to is replaced.
  const file = await realpath(name).catch(() => name);
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID()}.tmp`);
  const shown = path.basename(name);
  try {
    const found = await stat(file).catch(() => undefined);
    await writeFile(temporary, text, { flag: 'wx' });
    if (found !== undefined) await chmod(temporary, found.mode & 0o7777);
    await failpoint('promote.file_written');
    if ((await readProjectText(file)) !== expected) {
      throw new EdpError('file_changed', `${shown} was changed by somebody else just now`, {
        hint: 'run the command again',
      });
    }
    await rename(temporary, file);
  } catch (error) {
    if (error instanceof EdpError) throw error;
    throw new EdpError('io', `${shown} cannot be written: ${(error as Error).message}`, {
      hint: `make ${file} writable, and run the command again`,
      cause: error,
    });
  } finally {
    await rm(temporary, { force: true }).catch(() => {});
  }
}
