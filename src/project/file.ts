/** Reads and replaces the text of edp.yaml as a whole. */
import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import { withReplacedFile } from '../base/replace-file.js';

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
  const shown = path.basename(name);
  try {
    const found = await stat(file).catch(() => undefined);
    await withReplacedFile(file, async (handle) => {
      await handle.writeFile(text);
      if (found !== undefined) await handle.chmod(found.mode & 0o7777);
      await failpoint('promote.file_written');
      if ((await readProjectText(file)) !== expected) {
        throw new EdpError('file_changed', `${shown} was changed by somebody else just now`, {
          hint: 'run the command again',
        });
      }
    });
  } catch (error) {
    if (error instanceof EdpError) throw error;
    throw new EdpError('io', `${shown} cannot be written: ${(error as Error).message}`, {
      hint: `make ${file} writable, and run the command again`,
      cause: error,
    });
  }
}
