/** A thread that unpacks a file while others use what it unpacked; waits while nobody does. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { ZSTDDecoder } from 'zstddec/stream';
import { bunzip } from './bunzip.js';
import type { DecompressMessage, DecompressTask } from './decompress.js';
import { ZstdFrames } from './zstd-frames.js';

const READ_BYTES = 128 * 1024;
/** The decoder tells of damage by giving nothing, over and over. */
const MAX_EMPTY_CHUNKS = 1000;

const { file, compression, credit } = workerData as DecompressTask;
let sourceBytes = 0;

function post(message: DecompressMessage, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, transfer);
}

function send(chunk: Uint8Array): void {
  while (Atomics.load(credit, 0) <= 0) Atomics.wait(credit, 0, 0);
  Atomics.sub(credit, 0, 1);
  // A copy of its own, unless it owns its memory: what is transferred is gone here.
  const owned = chunk.byteLength === chunk.buffer.byteLength ? chunk : Uint8Array.from(chunk);
  post({ chunk: owned, sourceBytes }, [owned.buffer as ArrayBuffer]);
}

const fd = openSync(file, 'r');
function next(): Uint8Array | undefined {
  const bytes = Buffer.allocUnsafeSlow(READ_BYTES);
  const length = readSync(fd, bytes, 0, READ_BYTES, null);
  sourceBytes += length;
  return length === 0 ? undefined : bytes.subarray(0, length);
}

function* readChunks(): Generator<Uint8Array> {
  for (let bytes = next(); bytes !== undefined; bytes = next()) yield bytes;
}

async function decode(): Promise<Generator<Uint8Array>> {
  if (compression === 'bzip2') return bunzip(next, fstatSync(fd).size);
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return unzstd(decoder);
}

/** The decoder does not tell where a frame breaks off. */
function* unzstd(decoder: ZSTDDecoder): Generator<Uint8Array> {
  const frames = new ZstdFrames();
  yield* decoder.decodeStreaming(watchFrames(frames));
  if (!frames.isBetweenFrames) throw new Error('unexpected end of file');
}

function* watchFrames(frames: ZstdFrames): Generator<Uint8Array> {
  for (const chunk of readChunks()) {
    frames.take(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    yield chunk;
  }
}

try {
  let empty = 0;
  for (const chunk of await decode()) {
    empty = chunk.length === 0 ? empty + 1 : 0;
    if (empty > MAX_EMPTY_CHUNKS) throw new Error('its data is invalid');
    if (chunk.length > 0) send(chunk);
  }
  post({ isEnd: true });
} catch (error) {
  const { message, code } = error as NodeJS.ErrnoException;
  post({ error: { message, ...(code === undefined ? {} : { code }) } });
} finally {
  closeSync(fd);
}
