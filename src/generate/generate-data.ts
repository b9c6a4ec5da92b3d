/**
 * The run of `edp generate-data`: plan the files, let the pool make their chunks, write these in
 * order.
 *
 * Worker threads make chunks in any order, and this thread writes them in file order, with a few in
 * flight at a time: memory does not grow with the number of records.
 */

import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Piscina } from 'piscina';
import { EdpError } from '../base/errors.js';
import { makeDirectory } from '../base/make-directory.js';
import { withThreads } from '../base/threads.js';
import { type Chunk, type ChunkBytes, type ChunkSettings, HEADER } from './chunk.js';
import { type Dimensions, prepareDimensions } from './dimensions.js';
import { toIoError, withNewFile } from './new-file.js';
import { addTally, createTally, type Tally } from './tally.js';

/**
 * 3 MB a chunk: large enough that handing it over costs nothing, small enough that a few of them
 * fit anywhere. The size is part of the promise "same seed, same bytes".
 */
const CHUNK_RECORDS = 20_000;

/** Chunks made ahead of the one being written, in addition to one per worker. */
const CHUNKS_AHEAD = 2;

export interface GenerateOptions {
  readonly files: number;
  /** Records in all files together. */
  readonly count: number;
  readonly seed: number;
  readonly firstId: number;
  /** Directory; created if missing. */
  readonly out: string;
  /** Share of the records to damage, 0 to 1. */
  readonly dirtyShare: number;
  /** Share of the undamaged records that get an undeclared metric, 0 to 1. */
  readonly unknownShare: number;
  readonly processCount: number;
  readonly signal: AbortSignal;
  /** Called with the number of records after each write. */
  onProgress?(records: number): void;
}

export interface GeneratedFile {
  readonly path: string;
  readonly bytes: number;
  readonly tally: Tally;
}

export interface Generated {
  readonly files: readonly GeneratedFile[];
  readonly bytes: number;
  readonly total: Tally;
  readonly dimensions: Dimensions;
  /** Whether dimension files were written rather than found. */
  readonly areDimensionsWritten: boolean;
  readonly warnings: readonly string[];
}

interface FilePlan {
  readonly path: string;
  readonly firstId: number;
  readonly records: number;
}

/**
 * Writes `<out>/events-<seed>-<n>.csv`, n from 1, and the dimension files where they are missing.
 * Each file appears when it is complete; after a failure the complete ones stay.
 *
 * @throws EdpError `io`, `usage`, `interrupted`; those of {@link prepareDimensions}
 */
export async function generateEvents(options: GenerateOptions): Promise<Generated> {
  const { seed, out, signal } = options;
  if (options.firstId + options.count > Number.MAX_SAFE_INTEGER) {
    throw new EdpError('usage', `ids would go beyond ${Number.MAX_SAFE_INTEGER}`, {
      hint: 'choose a smaller --first-id',
    });
  }
  await createDirectory(out);
  const { dimensions, isWritten, warnings } = await prepareDimensions(out, seed);
  const plans = planFiles(options);
  const settings: ChunkSettings = {
    seed,
    dimensions,
    dirtyShare: options.dirtyShare,
    unknownShare: options.unknownShare,
  };

  const files: GeneratedFile[] = [];
  const total = createTally();
  let bytes = 0;
  await withPool(settings, options.processCount, async (make) => {
    const made = makeInOrder(cutChunks(plans), make, options.processCount + CHUNKS_AHEAD);
    for (const plan of plans) {
      stopIfInterrupted(signal, files.length, plans.length);
      const file = await withNewFile(plan.path, async (handle) => {
        const tally = createTally();
        let fileBytes = HEADER.length;
        await handle.writeFile(HEADER);
        while (tally.records < plan.records) {
          const chunk = (await made.next()).value as ChunkBytes;
          stopIfInterrupted(signal, files.length, plans.length);
          await handle.writeFile(chunk.bytes);
          fileBytes += chunk.bytes.length;
          addTally(tally, chunk.tally);
          options.onProgress?.(total.records + tally.records);
        }
        return { path: plan.path, bytes: fileBytes, tally };
      });
      files.push(file);
      addTally(total, file.tally);
      bytes += file.bytes;
    }
  });
  return {
    files,
    bytes,
    total,
    dimensions,
    areDimensionsWritten: isWritten,
    warnings: [...warnings, ...(await findLeftovers(options))],
  };
}

async function createDirectory(directory: string): Promise<void> {
  try {
    await makeDirectory(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOTDIR') {
      throw new EdpError('io', 'is not a directory', {
        place: directory,
        hint: 'name a directory with --out; it is made if it is not there',
        cause: error,
      });
    }
    throw toIoError(error, directory, 'cannot be made');
  }
}

/** Spreads records over the files as evenly as possible, with consecutive ids. */
function planFiles({ files, count, seed, firstId, out }: GenerateOptions): FilePlan[] {
  const plans: FilePlan[] = [];
  let nextId = firstId;
  for (let file = 0; file < files; file++) {
    const records = Math.floor(count / files) + (file < count % files ? 1 : 0);
    plans.push({
      path: path.join(out, `events-${seed}-${file + 1}.csv`),
      firstId: nextId,
      records,
    });
    nextId += records;
  }
  return plans;
}

/** The chunks of all files, numbered consecutively; no chunk belongs to two files. */
function* cutChunks(plans: readonly FilePlan[]): Generator<Chunk> {
  let number = 0;
  for (const { firstId, records } of plans) {
    for (let done = 0; done < records; done += CHUNK_RECORDS) {
      const left = records - done;
      yield { number: number++, firstId: firstId + done, records: Math.min(left, CHUNK_RECORDS) };
    }
  }
}

async function withPool<T>(
  settings: ChunkSettings,
  workers: number,
  use: (make: (chunk: Chunk) => Promise<ChunkBytes>) => Promise<T>,
): Promise<T> {
  // Threads start with the first chunks, so that few records do not pay for all threads.
  const threads = { minThreads: 0, maxThreads: workers, data: settings };
  return withThreads('generate/generate-worker', threads, (pool: Piscina<Chunk, ChunkBytes>) =>
    use((chunk) => pool.run(chunk)),
  );
}

/** The chunks in order, with at most `ahead` of them in the making or waiting. */
async function* makeInOrder(
  chunks: Iterable<Chunk>,
  make: (chunk: Chunk) => Promise<ChunkBytes>,
  ahead: number,
): AsyncGenerator<ChunkBytes, void> {
  const pending: Promise<ChunkBytes>[] = [];
  for (const chunk of chunks) {
    const made = make(chunk);
    // After an earlier chunk failed, nothing awaits this one, and its failure must not end the
    // process.
    made.catch(() => {});
    pending.push(made);
    if (pending.length >= ahead) yield await (pending.shift() as Promise<ChunkBytes>);
  }
  for (const made of pending) yield await made;
}

function stopIfInterrupted(signal: AbortSignal, done: number, files: number): void {
  if (!signal.aborted) return;
  throw new EdpError('interrupted', `stopped: ${done} of ${files} files are written`, {
    hint: 'run the same command again to write all of them',
  });
}

/** Files of an earlier run with more files would be loaded together with the new ones. */
async function findLeftovers({ out, seed, files }: GenerateOptions): Promise<string[]> {
  const leftovers = (await readdir(out)).filter((name) => {
    const match = /^events-(\d+)-(\d+)\.csv$/.exec(name);
    return match !== null && Number(match[1]) === seed && Number(match[2]) > files;
  });
  return leftovers.length === 0
    ? []
    : [
        `${out} still holds ${leftovers.length} files of an earlier run with this seed and more files: ${leftovers.slice(0, 5).join(', ')}${leftovers.length > 5 ? ', …' : ''}`,
      ];
}
