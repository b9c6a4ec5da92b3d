/**
 * A database: events become files in a folder of their own, which are loaded and then removed. A load keeps an event once,
 * however often it comes, so whatever ends a run between a step and the next one, the next run repeats both.
 */
import { readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { DirectorySink, type DirectorySinkOptions } from './directory-sink.js';
import type { SentEvent, Sink } from './sink.js';

export class LoadingSink implements Sink {
  readonly #directory: string;
  readonly #files: DirectorySink;
  readonly #load: (files: readonly string[]) => Promise<void>;

  /**
   * @param directory of this writer alone, in a folder of all of them; both are made, and are gone where nothing waits
   * @param load loads all events of complete files, or fails; without a file, it does what an earlier call has left
   */
  constructor(
    directory: string,
    options: DirectorySinkOptions,
    load: (files: readonly string[]) => Promise<void>,
  ) {
    this.#directory = directory;
    this.#files = new DirectorySink(directory, { ...options, isPrivate: true });
    this.#load = load;
  }

  async open(): Promise<void> {
    await this.#files.open();
    await this.#loadAll(await this.#list());
  }

  write(events: readonly SentEvent[]): Promise<void> {
    return this.#files.write(events);
  }

  isDue(): boolean {
    return this.#files.isDue();
  }

  async commit(): Promise<void> {
    await this.#files.commit();
    const files = await this.#list();
    if (files.length > 0) await this.#loadAll(files);
  }

  async discard(): Promise<void> {
    await this.#files.discard();
    await this.#tidy();
  }

  async #loadAll(files: readonly string[]): Promise<void> {
    await this.#load(files);
    for (const file of files) await rm(file);
    await this.#tidy();
  }

  /** Takes away folders that nothing is in. */
  async #tidy(): Promise<void> {
    const tables = await readdir(this.#directory).catch(nothingWhereGone);
    const folders = tables.map((name) => path.join(this.#directory, name));
    for (const folder of [...folders, this.#directory, path.dirname(this.#directory)]) {
      await rmdir(folder).catch(() => {});
    }
  }

  async #list(): Promise<string[]> {
    const found = await readdir(this.#directory, { recursive: true }).catch(nothingWhereGone);
    return found
      .filter((name) => name.endsWith('.jsonl'))
      .sort()
      .map((name) => path.join(this.#directory, name));
  }
}

function nothingWhereGone(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
