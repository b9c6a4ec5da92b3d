/** Files of this machine. */
import type { Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { EdpError } from '../base/errors.js';
import { toShellWord } from '../base/shell-word.js';
import { changed } from './changed-file.js';
import { isSameVersion, type LocalIdentity } from './file-identity.js';
import type { InputFile, OpenFile, Source } from './source.js';

/** The word for all data/events* files. */
export const EVENTS_WORD = 'events';

const CHUNK_BYTES = 256 * 1024;

const NATURAL_ORDER = new Intl.Collator('en', { numeric: true });

export const localFiles: Source = {
  async list(name, directory) {
    const matches = await expand(name, directory);
    return matches.map((match) => ({ name: match, path: path.resolve(directory, match) }));
  },

  version({ name, path: file, copy }) {
    return localVersion(copy ?? file, name);
  },

  async open(identity: LocalIdentity) {
    const handle = await open(identity.path, 'r').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EACCES' || cause.code === 'EPERM') throw unreadable(identity.path, cause);
      throw new EdpError(
        'file_changed',
        `${identity.path} cannot be read any more: ${cause.message}`,
        { hint: 'put the file back, and run the command again', cause },
      );
    });
    const file = new LocalFile(handle, identity.path);
    try {
      if (!isSameVersion(await file.version(), identity)) throw changed(identity);
    } catch (error) {
      await file.close();
      throw error;
    }
    return file;
  },

  readOnce() {
    throw new Error('parts of local files can be read');
  },
};

async function expand(name: string, directory: string): Promise<string[]> {
  if (name === EVENTS_WORD) return expandPattern(`data/${EVENTS_WORD}*`, directory);
  if (await isThere(path.resolve(directory, name))) return [name];
  const { isDynamicPattern } = await import('tinyglobby');
  return isDynamicPattern(name) ? expandPattern(name, directory) : [];
}

async function expandPattern(pattern: string, directory: string): Promise<string[]> {
  const { glob } = await import('tinyglobby');
  const matches = await glob(pattern, {
    cwd: directory,
    onlyFiles: true,
    expandDirectories: false,
  });
  return matches.sort(NATURAL_ORDER.compare);
}

export function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

export function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** @throws EdpError `no_such_file`, `not_a_file` */
export async function assertReadableFile({ name, path: file }: InputFile): Promise<void> {
  const found = await stat(file).catch((error: Error) => {
    throw new EdpError('no_such_file', `${name} cannot be looked at: ${error.message}`, {
      hint: 'a name that is not UTF-8 cannot be used: rename the file, or pipe it in: edp ingest - --table NAME',
      cause: error,
    });
  });
  if (found.isDirectory()) {
    throw new EdpError('not_a_file', `${name} is a directory`, {
      hint: `name the files in it: edp ingest ${toShellWord(`${name.replace(/\/$/, '')}/*.csv`)}`,
    });
  }
  if (!found.isFile()) {
    throw new EdpError('not_a_file', `${name} is not a regular file`, {
      hint: `pipe it in: edp ingest - --table NAME < ${toShellWord(name)}`,
    });
  }
}

/**
 * @param file absolute path
 * @param name for messages
 * @throws EdpError `io`
 */
export async function localVersion(file: string, name = file): Promise<LocalIdentity> {
  const found = await stat(file).catch((cause: Error) => {
    throw unreadable(name, cause);
  });
  return toIdentity(file, found);
}

function unreadable(name: string, cause: Error): EdpError {
  return new EdpError('io', `${name} cannot be read: ${cause.message}`, {
    hint: 'check whether it is still there, and its permissions',
    cause,
  });
}

function toIdentity(file: string, { size, mtimeMs, ctimeMs, ino }: Stats): LocalIdentity {
  return { kind: 'local', path: file, size, modifiedMs: mtimeMs, changedMs: ctimeMs, inode: ino };
}

class LocalFile implements OpenFile {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #streams: Readable[] = [];

  constructor(handle: FileHandle, file: string) {
    this.#handle = handle;
    this.#path = file;
  }

  read(into: Buffer, offset: number, length: number, position: number) {
    return this.#handle.read(into, offset, length, position);
  }

  stream(from: number, until: number): Readable {
    // Node's own stream closes the handle when it is destroyed, but others may still need it.
    const stream = Readable.from(this.#readChunks(from, until), { objectMode: false });
    this.#streams.push(stream);
    return stream;
  }

  async *#readChunks(from: number, until: number): AsyncGenerator<Buffer> {
    for (let position = from; position < until; ) {
      const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, until - position));
      const { bytesRead } = await this.read(chunk, 0, chunk.length, position);
      if (bytesRead === 0) throw changed({ path: this.#path });
      position += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  }

  async version(): Promise<LocalIdentity> {
    return toIdentity(this.#path, await this.#handle.stat());
  }

  async close(): Promise<void> {
    for (const stream of this.#streams) stream.destroy();
    await this.#handle.close();
  }
}
