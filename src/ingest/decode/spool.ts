/**
 * The text of a file that is not plain text, as a file: for what reads a text more than once, or at
 * several places at the same time.
 */
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

export class TextSpool {
  readonly #directory: string;
  readonly #files: string[] = [];

  /** @param directory the project's */
  constructor(directory: string) {
    this.#directory = path.join(directory, '.edp', 'spool');
  }

  /** @returns the path of a file with that text, which is there until the spool is removed */
  async write(text: AsyncIterable<Buffer>, signal: AbortSignal): Promise<string> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const file = path.join(this.#directory, randomUUID());
    this.#files.push(file);
    await pipeline(text, createWriteStream(file, { mode: 0o600 }), { signal });
    return file;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#files.map((file) => rm(file, { force: true })));
  }
}

/** @param directory the project's */
export async function withTextSpool<T>(
  directory: string,
  work: (spool: TextSpool) => Promise<T>,
): Promise<T> {
  const spool = new TextSpool(directory);
  try {
    return await work(spool);
  } finally {
    await spool.remove();
  }
}
