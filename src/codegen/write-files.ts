/** Writes what was planned; each file is complete at any moment. */

import { rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import { makeDirectory } from '../base/make-directory.js';
import { replaceFile } from '../base/replace-file.js';
import type { FileChange } from './plan-files.js';

/** @throws EdpError `io` */
export async function writeChanges(
  directory: string,
  changes: readonly FileChange[],
  onFile: (done: number) => void = () => {},
): Promise<void> {
  let done = 0;
  for (const { path: name, text } of changes) {
    const file = path.join(directory, name);
    try {
      if (text === undefined) await removeFile(file);
      else await writeFile(file, text);
    } catch (error) {
      throw new EdpError('io', `${name} cannot be written: ${(error as Error).message}`, {
        hint: 'make its folder writable, and run the command again',
        cause: error,
      });
    }
    onFile(++done);
  }
}

async function writeFile(file: string, text: string): Promise<void> {
  await makeDirectory(path.dirname(file));
  await replaceFile(file, text);
}

/** And the folders that are empty then. */
async function removeFile(file: string): Promise<void> {
  await rm(file, { force: true });
  await rmdir(path.dirname(file)).catch(() => {});
  await rmdir(path.dirname(path.dirname(file))).catch(() => {});
}
