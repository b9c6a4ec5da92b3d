/** Opens a file as it was when it was identified. */
import { type FileHandle, open } from 'node:fs/promises';
import { EdpError } from '../base/errors.js';
import type { FileIdentity } from './file-identity.js';

/** What windows are read from: a file, or what was made of one. */
export interface ByteSource {
  read(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>;
}

/** Runs `work` with the file opened, as it was when identified. */
export function withFile<T>(
  identity: FileIdentity,
  work: (file: FileHandle) => Promise<T>,
): Promise<T> {
  return withFiles([identity], ([file]) => work(file!));
}

/** Runs `work` with the files opened, each as it was when identified. */
export async function withFiles<T>(
  identities: readonly FileIdentity[],
  work: (files: readonly FileHandle[]) => Promise<T>,
): Promise<T> {
  const files: FileHandle[] = [];
  try {
    for (const identity of identities) {
      const file = await openAgain(identity);
      files.push(file);
      await assertUnchanged(file, identity);
    }
    return await work(files);
  } finally {
    for (const file of files) await file.close();
  }
}

/** @throws EdpError `file_changed` */
function openAgain({ path }: FileIdentity): Promise<FileHandle> {
  return open(path, 'r').catch((error: Error) => {
    throw new EdpError('file_changed', `${path} cannot be read any more: ${error.message}`, {
      hint: 'put the file back, and run the command again',
    });
  });
}

/** @throws EdpError `file_changed` */
export async function assertUnchanged(file: FileHandle, identity: FileIdentity): Promise<void> {
  const { size, mtimeMs, ino } = await file.stat();
  if (size !== identity.size || mtimeMs !== identity.modifiedMs || ino !== identity.inode) {
    throw new EdpError('file_changed', `${identity.path} changed while it was read`, {
      hint: 'run the command again when nobody writes to the file any more',
    });
  }
}
