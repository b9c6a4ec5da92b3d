/** Where the socket of an embedded server is: in a directory that only its owner can enter. */
import { createHash } from 'node:crypto';
import { lstat, mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { EdpError } from '../../base/errors.js';

/** sun_path is 108 bytes on Linux and 104 on macOS, and `/.s.PGSQL.65535` must fit. */
const MAX_BYTES = 87;

/**
 * The server's own directory where its path is short enough, else one in /tmp, where others could
 * have made something of that name before.
 *
 * @throws EdpError `embedded_failed` where they have
 */
export async function chooseSocketDirectory(home: string): Promise<string> {
  if (Buffer.byteLength(home) <= MAX_BYTES) return home;
  const project = createHash('sha256').update(home).digest('hex').slice(0, 16);
  const uid = process.getuid?.() ?? 0;
  const directory = path.join(os.tmpdir(), `edp-${uid}-${project}`);
  await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const found = await lstat(directory);
  const fault = found.isSymbolicLink()
    ? 'is a symbolic link, which edp does not follow'
    : !found.isDirectory()
      ? 'is no directory'
      : found.uid !== uid
        ? `belongs to another user (${found.uid})`
        : (found.mode & 0o077) !== 0
          ? `can be used by others (mode ${(found.mode & 0o777).toString(8)})`
          : undefined;
  if (fault === undefined) return directory;
  throw new EdpError(
    'embedded_failed',
    `${directory}, the place of the server's socket, ${fault}`,
    {
      hint: 'remove it; or use a project directory with a shorter path, or another TMPDIR',
    },
  );
}
