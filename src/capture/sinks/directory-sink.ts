/**
 * A folder: `<table>/<first sequence>-<last>[-<n>].jsonl`. A file has another name until it is complete and on the disk, so that
 * whoever lists the folder sees complete files only.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { EdpError } from '../../base/errors.js';
import { failpoint } from '../../base/failpoints.js';
import { makeDirectory, makePrivateDirectory } from '../../base/make-directory.js';
import { formatSequence, pathSegment } from '../../events/change-event.js';
import type { SentEvent, Sink } from './sink.js';

const MOST_BYTES = 64 * 1024 * 1024;
const SUFFIX = '.part';

interface OpenFile {
  readonly path: string;
  readonly folder: string;
  readonly handle: FileHandle;
  first: bigint;
  last: bigint;
  bytes: number;
}

export interface DirectorySinkOptions {
  /** Names the writer: no two that run at the same time have the same one. */
  readonly writer: string;
  /** Age at which files are committed. */
  readonly rotateSeconds: number;
  readonly mostBytes?: number;
  /** Whether folders are for this user alone. */
  readonly isPrivate?: boolean;
}

export class DirectorySink implements Sink {
  readonly #directory: string;
  readonly #prefix: string;
  readonly #options: DirectorySinkOptions;
  readonly #files = new Map<string, OpenFile>();
  #openedAt: number | undefined;

  constructor(directory: string, options: DirectorySinkOptions) {
    this.#directory = directory;
    this.#options = options;
    this.#prefix = `.${pathSegment(options.writer)}.`;
  }

  open(): Promise<void> {
    return withExplanation(this.#directory, async () => {
      await this.#make(this.#directory);
      const folders = await readdir(this.#directory, { withFileTypes: true });
      for (const folder of folders.filter((entry) => entry.isDirectory())) {
        const inside = path.join(this.#directory, folder.name);
        for (const name of await readdir(inside)) {
          if (this.#isOwn(name)) {
            await rm(path.join(inside, name), { force: true });
          }
        }
      }
    });
  }

  /** The name of another writer may begin with this one's. */
  #isOwn(name: string): boolean {
    if (!name.startsWith(this.#prefix) || !name.endsWith(SUFFIX)) return false;
    return !name.slice(this.#prefix.length, -SUFFIX.length).includes('.');
  }

  write(events: readonly SentEvent[]): Promise<void> {
    return withExplanation(this.#directory, async () => {
      for (const [table, own] of groupByTable(events)) {
        const file = this.#files.get(table) ?? (await this.#start(table, own[0]!.sequence));
        for (const { sequence } of own) {
          if (sequence < file.first) file.first = sequence;
          if (sequence > file.last) file.last = sequence;
        }
        const bytes = Buffer.from(`${own.map(({ line }) => line).join('\n')}\n`);
        await file.handle.appendFile(bytes);
        file.bytes += bytes.length;
      }
    });
  }

  isDue(): boolean {
    if (this.#openedAt === undefined) return false;
    const { rotateSeconds, mostBytes = MOST_BYTES } = this.#options;
    if (Date.now() - this.#openedAt >= rotateSeconds * 1000) return true;
    return [...this.#files.values()].some(({ bytes }) => bytes >= mostBytes);
  }

  commit(): Promise<void> {
    return withExplanation(this.#directory, async () => {
      for (const [table, file] of this.#files) {
        await file.handle.datasync();
        await file.handle.close();
        await publish(file);
        await failpoint('capture.linked');
        this.#files.delete(table);
      }
      this.#openedAt = undefined;
    });
  }

  async discard(): Promise<void> {
    for (const { handle, path: name } of this.#files.values()) {
      await handle.close().catch(() => {});
      await rm(name, { force: true }).catch(() => {});
    }
    this.#files.clear();
    this.#openedAt = undefined;
  }

  #make(folder: string): Promise<void> {
    return this.#options.isPrivate === true ? makePrivateDirectory(folder) : makeDirectory(folder);
  }

  async #start(table: string, sequence: bigint): Promise<OpenFile> {
    const folder = path.join(this.#directory, pathSegment(table));
    await this.#make(folder);
    const name = path.join(folder, `${this.#prefix}${randomBytes(6).toString('hex')}${SUFFIX}`);
    const file = {
      path: name,
      folder,
      handle: await open(name, 'wx'),
      first: sequence,
      last: sequence,
      bytes: 0,
    };
    this.#files.set(table, file);
    this.#openedAt ??= Date.now();
    return file;
  }
}

function groupByTable(events: readonly SentEvent[]): ReadonlyMap<string, SentEvent[]> {
  const groups = new Map<string, SentEvent[]>();
  for (const event of events) {
    const group = groups.get(event.table);
    if (group === undefined) groups.set(event.table, [event]);
    else group.push(event);
  }
  return groups;
}

/** Gives a complete file its name; where a file of this name has the same content, it is the same events. */
async function publish({ path: from, folder, first, last }: OpenFile): Promise<void> {
  const base = `${formatSequence(first)}-${formatSequence(last)}`;
  for (let n = 1; ; n++) {
    const to = path.join(folder, `${base}${n === 1 ? '' : `-${n}`}.jsonl`);
    try {
      await link(from, to);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (await isSame(from, to)) break;
    }
  }
  await rm(from);
  await syncFolder(folder);
}

async function isSame(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([readFile(a), readFile(b)]);
  return one.equals(other);
}

/** So that the name outlasts a power cut, too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function withExplanation(directory: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof EdpError) throw error;
    throw new EdpError('io', `${directory} cannot be written: ${message}`, {
      hint: 'free the disk or correct the permissions; then run it again: the events are still in the outbox',
      cause: error,
    });
  }
}
