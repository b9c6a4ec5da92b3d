/**
 * Stores streams as files in `.edp/spool`, for code that reads a text more than once or at several
 * places at the same time. They are removed when the command ends, or by a later command if it was
 * killed.
 */
import { randomUUID } from 'node:crypto';
import { open, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isAlive } from '../base/alive.js';
import { makePrivateDirectory } from '../base/make-directory.js';

/** A younger file may be in use by a process that is not visible here, in another container. */
const MAX_AGE_MS = 24 * 60 * 60 * 1000;

export class Spool {
  readonly #directory: string;
  readonly #files: string[] = [];
  #tidied: Promise<void> | undefined;

  /** @param directory the project's */
  constructor(directory: string) {
    this.#directory = path.join(directory, '.edp', 'spool');
  }

  /**
   * @returns the path of a file with those bytes, which exists until the spool is removed; if the
   *   source fails, the incomplete file is removed at once
   */
  async write(
    source: AsyncIterable<Buffer> | NodeJS.ReadableStream,
    signal?: AbortSignal,
  ): Promise<string> {
    await makePrivateDirectory(this.#directory);
    this.#tidied ??= this.#removeAbandoned();
    await this.#tidied;
    const file = path.join(this.#directory, `${process.pid}-${randomUUID()}`);
    this.#files.push(file);
    // Opened first: a stream that opens it by itself may create it after it was removed.
    const handle = await open(file, 'wx', 0o600);
    try {
      await pipeline(source, handle.createWriteStream(), { signal });
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
    return file;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#files.map((file) => rm(file, { force: true })));
  }

  async #removeAbandoned(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const file = path.join(this.#directory, name);
      const age = await stat(file).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      );
      if (age > MAX_AGE_MS && !isAlive(Number.parseInt(name, 10))) await rm(file, { force: true });
    }
  }
}

/** @param directory the project's */
export async function withSpool<T>(
  directory: string,
  work: (spool: Spool) => Promise<T>,
): Promise<T> {
  const spool = new Spool(directory);
  try {
    return await work(spool);
  } finally {
    await spool.remove();
  }
}
