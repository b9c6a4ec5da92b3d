/** Opens a file as it was when it was identified. */
import { changed } from './changed-file.js';
import { type FileIdentity, isSameVersion } from './file-identity.js';
import type { OpenFile } from './source.js';
import { sourceOfVersion } from './sources.js';

export type { ByteSource, OpenFile } from './source.js';

/** To be closed by the caller. @throws EdpError `file_changed`, `io` */
export async function openFile(identity: FileIdentity): Promise<OpenFile> {
  return (await sourceOfVersion(identity)).open(identity);
}

/** Runs `work` with the file opened, as it was when identified. */
export function withFile<T>(
  identity: FileIdentity,
  work: (file: OpenFile) => Promise<T>,
): Promise<T> {
  return withFiles([identity], ([file]) => work(file!));
}

/** Runs `work` with the files opened, each as it was when identified. */
export async function withFiles<T>(
  identities: readonly FileIdentity[],
  work: (files: readonly OpenFile[]) => Promise<T>,
): Promise<T> {
  const files: OpenFile[] = [];
  try {
    for (const identity of identities) files.push(await openFile(identity));
    return await work(files);
  } finally {
    for (const file of files) await file.close();
  }
}

/** Reads a part that memory can hold; nothing where `end` is not behind `start`. @throws EdpError `file_changed`, `io` */
export async function readBytes(
  identity: FileIdentity,
  start: number,
  end: number,
): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.max(0, end - start));
  if (bytes.length === 0) return bytes;
  return withFile(identity, async (file) => {
    for (let filled = 0; filled < bytes.length; ) {
      const left = bytes.length - filled;
      const { bytesRead } = await file.read(bytes, filled, left, start + filled);
      if (bytesRead === 0) throw changed(identity);
      filled += bytesRead;
    }
    await assertUnchanged(file, identity);
    return bytes;
  });
}

/** @throws EdpError `file_changed` */
export async function assertUnchanged(file: OpenFile, identity: FileIdentity): Promise<void> {
  if (!isSameVersion(await file.version(), identity)) throw changed(identity);
}
