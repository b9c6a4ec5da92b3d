/** Tools of `.ci/tools`, or of the machine, that tests start; a test that lacks its tool is skipped. */
import { existsSync } from 'node:fs';
import path from 'node:path';

const OWN = path.join(import.meta.dirname, '../../.ci/tools/node_modules/.bin');

/** @returns its path; undefined where the machine does not have it */
export function findTool(name: string): string | undefined {
  const folders = [OWN, ...(process.env.PATH ?? '').split(path.delimiter)];
  return folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}
