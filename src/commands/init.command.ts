/** `edp init`: writes a project to begin with. */
import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { EdpError, EXIT } from '../base/errors.js';
import { packageFile } from '../base/package-files.js';
import { safeText } from '../terminal/output.js';
import type { Command } from './command.js';

const TEMPLATE = 'examples/warehouse/';
/** Shows the project to people, and is no part of it. */
const NOT_COPIED: ReadonlySet<string> = new Set(['demo.mjs']);

export const command: Command = {
  async run({ given, output }) {
    const directory = String(given.directory);
    const files = await listFiles(packageFile(TEMPLATE));
    await assertFree(directory, files);
    for (const file of files) {
      const to = path.join(directory, file);
      try {
        await mkdir(path.dirname(to), { recursive: true });
        // Never over a file that came to be meanwhile.
        await copyFile(packageFile(`${TEMPLATE}${file}`), to, constants.COPYFILE_EXCL);
      } catch (error) {
        throw new EdpError('io', `${to} cannot be written: ${(error as Error).message}`, {
          hint: 'name a directory that can be written',
          cause: error,
        });
      }
    }
    for (const file of files) output.line(safeText(path.join(directory, file)));
    const inside = directory === '.' ? '' : `cd ${directory} && `;
    output.line('');
    output.line(`next: ${inside}edp ingest 'data/*.csv' --on-conflict update && edp run`);
    output.result({ command: 'init', ok: true, directory, files });
    return EXIT.done;
  },
};

/** Paths of all files below, with `/`. */
async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !NOT_COPIED.has(entry.name))
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .map((file) => file.split(path.sep).join('/'))
    .sort();
}

async function assertFree(directory: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const isThere = await stat(path.join(directory, file)).then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    throw new EdpError('usage', `there is a file ${path.join(directory, file)} already`, {
      hint: 'name another directory: edp init warehouse NAME',
    });
  }
}
