/** A folder, with those above it. */
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** What edp keeps for itself in a project, `.edp` and all below it: copies of the user's data are in there, so nobody else reads it. */
export function makePrivateDirectory(directory: string): Promise<void> {
  return makeDirectory(directory, 0o700);
}

/**
 * As `mkdir -p`. What Node has itself never ends where a file system takes no folders, as below /proc.
 *
 * @param mode of each folder that is made
 */
export async function makeDirectory(directory: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(directory, mode);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
      if (await isDirectory(directory)) return;
      throw error;
    }
    const parent = path.dirname(directory);
    if (code !== 'ENOENT' || parent === directory || (await isDirectory(parent))) throw error;
    await makeDirectory(parent, mode);
    await makeDirectory(directory, mode);
  }
}

async function isDirectory(place: string): Promise<boolean> {
  const found = await stat(place).catch(() => undefined);
  return found?.isDirectory() === true;
}
