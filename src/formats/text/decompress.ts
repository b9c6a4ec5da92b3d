/**
 * A compressed file → its content, chunk by chunk, as the reader asks for it: memory depends
 * neither on the size of the content nor on how well it was compressed.
 *
 * zlib's own threads inflate gzip and zip, and zstd where node:zlib knows it (Node 22.15 and
 * later). Elsewhere zstd runs as WebAssembly in a thread of its own; bzip2 always runs as
 * JavaScript in one.
 */
import { once } from 'node:events';
import { pipeline, Readable, type Transform } from 'node:stream';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import zlib from 'node:zlib';
import type yauzl from 'yauzl';
import { EdpError } from '../../base/errors.js';
import { programFile } from '../../base/package-files.js';
import type { Compression } from '../../model/csv-settings.js';
import type { FileIdentity } from '../../source/file-identity.js';
import { type OpenFile, openFile } from '../../source/open-file.js';
import { assertPlainArchive } from './foreign-file.js';
import { type FramePiece, ZstdFrames } from './zstd-frames.js';

/** Size of the chunks that a frame is unpacked to. */
const CHUNK_BYTES = 256 * 1024;
/** Each chunk costs a round trip to another thread. */
const TEXT_CHUNK_BYTES = 1024 * 1024;
/** Chunks that a thread may be ahead of its reader. */
const CHUNKS_AHEAD = 4;

/** How much of a file was read, for a display of progress. */
export interface SourceProgress {
  sourceBytes: number;
}

/** Detects the compression by the first bytes of a file. */
export function guessCompression(head: Buffer): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528) return 'zstd';
  // A skippable frame may come first (pzstd writes such frames).
  if (head.length >= 4 && head.readUInt32LE(0) >>> 4 === 0x184d2a5) return 'zstd';
  const start = head.toString('latin1', 0, 10);
  // The magic number of a block, or of the end of a stream without blocks.
  const isBlock = start.startsWith('1AY', 4) || start.startsWith('\x17rE', 4);
  if (/^BZh[1-9]/.test(start) && isBlock) return 'bzip2';
  if (start.startsWith('PK\x03\x04') || start.startsWith('PK\x05\x06')) return 'zip';
  return 'none';
}

/**
 * @param name for messages
 * @throws EdpError `corrupt_file`, `not_csv`, and those of the file's source
 */
export async function* decompress(
  identity: FileIdentity,
  name: string,
  compression: Compression,
  progress: SourceProgress = { sourceBytes: 0 },
): AsyncGenerator<Buffer> {
  let file: OpenFile | undefined;
  try {
    file = await openFile(identity);
    const { size } = identity;
    switch (compression) {
      case 'none':
        yield* readStream(watch(file.stream(0, size), progress));
        break;
      case 'gzip':
        yield* inflate(
          watch(file.stream(0, size), progress),
          zlib.createGunzip({ chunkSize: TEXT_CHUNK_BYTES }),
        );
        break;
      case 'zstd':
        if (makeNativeZstd === undefined) {
          yield* decompressInThread(file.stream(0, size), size, 'zstd', progress);
        } else {
          yield* decompressFrames(watch(file.stream(0, size), progress), makeNativeZstd);
        }
        break;
      case 'bzip2':
        yield* decompressInThread(file.stream(0, size), size, 'bzip2', progress);
        break;
      case 'zip':
        yield* unzip(file, size, name, progress);
        break;
    }
  } catch (error) {
    throw toCorruptFile(error, name, compression);
  } finally {
    await file?.close();
  }
}

function toCorruptFile(error: unknown, name: string, compression: Compression): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof EdpError) return error;
  // Faults of the disk, and other faults that do not lie in the content.
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) {
    return new EdpError('io', `${name} cannot be read: ${message}`, {
      hint: 'check whether it is still there, and its permissions',
      cause: error,
    });
  }
  return new EdpError('corrupt_file', `${name} cannot be unpacked: ${message}`, {
    hint: `the ${compression} file is cut off or damaged; get it again, and run the command again`,
    cause: error,
  });
}

type MakeDecompressor = (options: { readonly chunkSize: number }) => Transform;

/** Node's own decompressor, where it has one. */
const makeNativeZstd = (zlib as { createZstdDecompress?: MakeDecompressor }).createZstdDecompress;

/** zstd-frames.ts explains why each frame is unpacked by itself. */
async function* decompressFrames(source: Readable, make: MakeDecompressor): AsyncGenerator<Buffer> {
  const frames = new ZstdFrames();
  async function* readPieces(): AsyncGenerator<FramePiece> {
    for await (const chunk of source) yield* frames.take(chunk as Buffer);
  }
  const pieces = readPieces();
  try {
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) {
      const first = next.value;
      async function* readFrame(): AsyncGenerator<Buffer> {
        for (let piece = first; ; ) {
          yield piece.bytes;
          if (piece.isLast) return;
          const { value, done } = await pieces.next();
          if (done === true) return;
          piece = value;
        }
      }
      const decompressor = make({ chunkSize: CHUNK_BYTES });
      // Errors of the source end the decompressor, whose reader sees them.
      pipeline(Readable.from(readFrame(), { objectMode: false }), decompressor, () => {});
      yield* readStream(decompressor);
    }
    if (!frames.isBetweenFrames) throw new Error('unexpected end of file');
  } finally {
    source.destroy();
  }
}

async function* inflate(source: Readable, inflater: zlib.Gunzip): AsyncGenerator<Buffer> {
  // Errors of the source end the inflater, whose reader sees them.
  pipeline(source, inflater, () => {});
  yield* readStream(inflater);
}

function watch(source: Readable, progress: SourceProgress): Readable {
  source.on('data', (chunk: Buffer) => {
    progress.sourceBytes += chunk.length;
  });
  return source.pause();
}

async function* readStream(stream: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of stream) yield chunk as Buffer;
}

/** What a thread of decompress-thread.ts receives. */
export interface DecompressTask {
  /** Bytes of the file. */
  readonly size: number;
  readonly compression: 'zstd' | 'bzip2';
  /** Number of chunks that the thread may still send; at zero it waits. */
  readonly credit: Int32Array;
  /** Delivers the bytes of the file, chunk by chunk, and undefined at its end. */
  readonly packed: MessagePort;
  /** Number of chunks sent on {@link packed}; the thread waits until it changes. */
  readonly sent: Int32Array;
}

export type DecompressMessage =
  | { readonly chunk: Uint8Array; readonly sourceBytes: number }
  /** The thread took a chunk of the file, and can take another. */
  | { readonly wantsMore: true }
  | { readonly error: { readonly message: string; readonly code?: string } }
  | { readonly isEnd: true };

/**
 * The decoders are synchronous and cannot await a read, so the thread receives the file's bytes.
 */
async function* decompressInThread(
  source: Readable,
  size: number,
  compression: 'zstd' | 'bzip2',
  progress: SourceProgress,
): AsyncGenerator<Buffer> {
  const credit = new Int32Array(new SharedArrayBuffer(4)).fill(CHUNKS_AHEAD);
  const sent = new Int32Array(new SharedArrayBuffer(4));
  const { port1: feed, port2: packed } = new MessageChannel();
  const task: DecompressTask = { size, compression, credit, packed, sent };
  const thread = new Worker(programFile('formats/text/decompress-thread'), {
    workerData: task,
    transferList: [packed],
  });
  const messages: (DecompressMessage | { readonly fault: unknown })[] = [];
  let wake = () => {};
  const chunks = source[Symbol.asyncIterator]();
  const send = () =>
    chunks
      .next()
      .then(({ value, done }: IteratorResult<Buffer>) => {
        feed.postMessage(done === true ? undefined : value);
        Atomics.add(sent, 0, 1);
        Atomics.notify(sent, 0);
      })
      .catch((fault: unknown) => {
        messages.push({ fault });
        wake();
      });
  thread.on('message', (message: DecompressMessage) => {
    if ('wantsMore' in message) {
      void send();
      return;
    }
    messages.push(message);
    wake();
  });
  thread.on('error', (error: Error) => {
    messages.push({ error: { message: error.message } });
    wake();
  });
  // The messages that it has sent come first.
  thread.on('exit', (status: number) => {
    messages.push({ error: { message: `the thread that unpacks it ended early (${status})` } });
    wake();
  });
  try {
    for (;;) {
      const message = messages.shift();
      if (message === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      if ('fault' in message) throw message.fault;
      if ('wantsMore' in message) continue;
      if ('isEnd' in message) return;
      if ('error' in message) {
        throw Object.assign(new Error(message.error.message), { code: message.error.code });
      }
      progress.sourceBytes = message.sourceBytes;
      const { buffer, byteOffset, byteLength } = message.chunk;
      yield Buffer.from(buffer, byteOffset, byteLength);
      Atomics.add(credit, 0, 1);
      Atomics.notify(credit, 0);
    }
  } finally {
    feed.close();
    source.destroy();
    await thread.terminate();
  }
}

/**
 * Unpacks the one file of an archive, in any folder; what programs add (`__MACOSX`) does not count.
 */
async function* unzip(
  file: OpenFile,
  size: number,
  name: string,
  progress: SourceProgress,
): AsyncGenerator<Buffer> {
  // Few commands need this library, and it would slow the start of all.
  const { default: yauzl } = await import('yauzl');
  class Reader extends yauzl.RandomAccessReader {
    override _readStreamForRange(start: number, end: number): Readable {
      return file.stream(start, end);
    }
  }
  const options = { autoClose: false, lazyEntries: true };
  const archive = await new Promise<yauzl.ZipFile>((resolve, reject) => {
    yauzl.fromRandomAccessReader(new Reader(), size, options, (error, opened) => {
      if (error) reject(error);
      else resolve(opened);
    });
  });
  try {
    const entries: yauzl.Entry[] = [];
    archive.on('entry', (entry: yauzl.Entry) => {
      const isAside = /(?:^|\/)(?:__MACOSX\/|\.)/.test(entry.fileName);
      if (!entry.fileName.endsWith('/') && !isAside) entries.push(entry);
      archive.readEntry();
    });
    const ended = once(archive, 'end');
    archive.readEntry();
    await ended;
    const entry = chooseEntry(entries, name);
    const stream = await new Promise<Readable>((resolve, reject) => {
      archive.openReadStream(entry, (error, opened) => {
        if (error) reject(error);
        else resolve(opened);
      });
    });
    let crc = 0;
    let done = 0;
    for await (const chunk of stream) {
      const bytes = chunk as Buffer;
      crc = zlib.crc32(bytes, crc);
      done += bytes.length;
      progress.sourceBytes = Math.round(
        entry.compressedSize * Math.min(1, done / Math.max(1, entry.uncompressedSize)),
      );
      yield bytes;
    }
    if (crc >>> 0 !== entry.crc32 >>> 0) throw new Error('its checksum does not match');
  } finally {
    archive.close();
  }
}

function chooseEntry(entries: readonly yauzl.Entry[], name: string): yauzl.Entry {
  const [entry] = entries;
  if (entry === undefined) {
    throw new EdpError('not_csv', `there is no file in ${name}`, {
      hint: 'name an archive with one CSV file in it',
    });
  }
  assertPlainArchive(
    entries.map(({ fileName }) => fileName),
    name,
  );
  if (entries.length > 1) {
    const list = entries.slice(0, 5).map(({ fileName }) => fileName);
    const more = entries.length > list.length ? ', …' : '';
    throw new EdpError(
      'not_csv',
      `there are ${entries.length} files in ${name}: ${list.join(', ')}${more}`,
      {
        hint: `unpack it, and name the files; or pipe one in: unzip -p ${name} '${entry.fileName}' | edp ingest - --table NAME`,
      },
    );
  }
  if (entry.isEncrypted()) {
    throw new EdpError('not_csv', `${name} is encrypted`, { hint: 'unpack it first' });
  }
  return entry;
}
