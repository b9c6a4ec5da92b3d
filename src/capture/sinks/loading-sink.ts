/**
 * A database: events become files in a folder of their own, which are loaded and then removed. A load keeps an event once,
 * however often it comes, so whatever ends a run between a step and the next one, the next run repeats both.
 */
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { DirectorySink, type DirectorySinkOptions } from './directory-sink.js';
import type { SentEvent, Sink } from './sink.js';

export interface LoadingTarget {
  /** Loads all events of complete files, or fails. */
  load(files: readonly string[]): Promise<void>;
  /** Makes the tables that are missing, before any event comes. */
  make(): Promise<void>;
}

export class LoadingSink implements Sink {
  readonly #directory: string;
  readonly #files: DirectorySink;
  readonly #target: LoadingTarget;

  /**
   * @param directory of this writer alone
   */
  constructor(directory: string, options: DirectorySinkOptions, target: LoadingTarget) {
    this.#directory = directory;
    this.#files = new DirectorySink(directory, options);
    this.#target = target;
  }

  async open(): Promise<void> {
    await this.#files.open();
    await this.#loadAll();
    await this.#target.make();
  }

  write(events: readonly SentEvent[]): Promise<void> {
    return this.#files.write(events);
  }

  isDue(): boolean {
    return this.#files.isDue();
  }

  async commit(): Promise<void> {
    await this.#files.commit();
    await this.#loadAll();
  }

  discard(): Promise<void> {
    return this.#files.discard();
  }

  async #loadAll(): Promise<void> {
    const files = await this.#list();
    if (files.length === 0) return;
    await this.#target.load(files);
    for (const file of files) await rm(file);
  }

  async #list(): Promise<string[]> {
    const found = await readdir(this.#directory, { recursive: true });
    return found
      .filter((name) => name.endsWith('.jsonl'))
      .sort()
      .map((name) => path.join(this.#directory, name));
  }
}
