/** Files of a new project, which are written over nothing. */

import { constants } from 'node:fs';
import { copyFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EdpError } from '../../base/errors.js';
import { makeDirectory } from '../../base/make-directory.js';

/** Where its content comes from: a text, or another file. */
export type NewFile = { readonly text: string } | { readonly copyOf: string };

/**
 * @param files path in the directory, with `/` → what is written there
 * @param hint how the same is called with another directory
 * @throws EdpError `usage` where one of them is there, and nothing is written then; `io`
 */
export async function writeNewFiles(
  directory: string,
  files: ReadonlyMap<string, NewFile>,
  hint: string,
): Promise<void> {
  await assertFree(directory, [...files.keys()], hint);
  for (const [name, file] of files) {
    const to = path.join(directory, name);
    try {
      await makeDirectory(path.dirname(to));
      // Never over a file that came to be meanwhile.
      if ('text' in file) await writeFile(to, file.text, { flag: 'wx' });
      else await copyFile(file.copyOf, to, constants.COPYFILE_EXCL);
    } catch (error) {
      throw new EdpError('io', `${to} cannot be written: ${(error as Error).message}`, {
        hint: 'name a directory that can be written',
        cause: error,
      });
    }
  }
}

async function assertFree(
  directory: string,
  files: readonly string[],
  hint: string,
): Promise<void> {
  for (const file of files) {
    const isThere = await stat(path.join(directory, file)).then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    throw new EdpError('usage', `there is a file ${path.join(directory, file)} already`, { hint });
  }
}
