/** A thread that unpacks a file, a few chunks ahead of its reader; then it waits for the reader. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { ZSTDDecoder } from 'zstddec/stream';
import { bunzip } from './bunzip.js';
import type { DecompressMessage, DecompressTask } from './decompress.js';
import { ZstdFrames } from './zstd-frames.js';

/** The decoder signals damage only by empty chunks, without end. */
const MAX_EMPTY_CHUNKS = 1000;

/** Chunks of the file that are requested in advance, so that decoding need not wait for one. */
const CHUNKS_ASKED_FOR = 4;

const { size, compression, credit, packed, sent } = workerData as DecompressTask;
let sourceBytes = 0;

function post(message: DecompressMessage, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, transfer);
}

function send(chunk: Uint8Array): void {
  while (Atomics.load(credit, 0) <= 0) Atomics.wait(credit, 0, 0);
  Atomics.sub(credit, 0, 1);
  // A chunk that shares its memory is copied, since a transfer takes all of the memory away.
  const owned = chunk.byteLength === chunk.buffer.byteLength ? chunk : Uint8Array.from(chunk);
  post({ chunk: owned, sourceBytes }, [owned.buffer as ArrayBuffer]);
}

/** Waits for the next bytes of the file. */
function next(): Uint8Array | undefined {
  for (;;) {
    const before = Atomics.load(sent, 0);
    const received = receiveMessageOnPort(packed) as
      | { message: Uint8Array | undefined }
      | undefined;
    if (received === undefined) {
      Atomics.wait(sent, 0, before);
      continue;
    }
    if (received.message === undefined) return undefined;
    post({ wantsMore: true });
    sourceBytes += received.message.length;
    return received.message;
  }
}

function* readChunks(): Generator<Uint8Array> {
  for (let bytes = next(); bytes !== undefined; bytes = next()) yield bytes;
}

async function decode(): Promise<Generator<Uint8Array>> {
  if (compression === 'bzip2') return bunzip(next, size);
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return unzstd(decoder);
}

/** The decoder does not report a frame that breaks off. */
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
  for (let i = 0; i < CHUNKS_ASKED_FOR; i++) post({ wantsMore: true });
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
}
packed.close();
