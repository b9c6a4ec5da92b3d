/** `npm run golden`: what the commands gave becomes what they must give. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { expectedPath } from './cases.js';

export async function writeExpected(
  directory: string,
  files: ReadonlyMap<string, string>,
): Promise<void> {
  await rm(expectedPath(directory), { recursive: true, force: true });
  await mkdir(expectedPath(directory));
  for (const [name, text] of files) await writeFile(expectedPath(directory, name), text);
}
