/** A folder, with those above it. */
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** As `mkdir -p`. What Node has itself never ends where a file system takes no folders, as below /proc. */
export async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
      if (await isDirectory(directory)) return;
      throw error;
    }
    const parent = path.dirname(directory);
    if (code !== 'ENOENT' || parent === directory || (await isDirectory(parent))) throw error;
    await makeDirectory(parent);
    await makeDirectory(directory);
  }
}

async function isDirectory(place: string): Promise<boolean> {
  const found = await stat(place).catch(() => undefined);
  return found?.isDirectory() === true;
}
