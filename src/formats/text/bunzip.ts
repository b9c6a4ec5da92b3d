/**
 * Unpacks bzip2 block by block, with the parts of unbzip2-stream. The stream of that library
 * unpacks all of its input before it can be paused, and a hostile file can grow a million times.
 */
import { createRequire } from 'node:module';

/** Reads bits; a count of `null` moves on to the next whole byte. */
interface BitReader {
  (count: number | null): number;
  /** Bytes of which at least one bit was read. */
  readonly bytesRead: number;
}

interface Bzip2 {
  /** @returns the block size, in units of 100,000 */
  header(bits: BitReader): number;
  /** @returns the checksum so far; null at the end of a stream */
  decompress(
    bits: BitReader,
    put: (byte: number) => void,
    block: Int32Array,
    blockSize: number,
    checksum: number,
  ): number | null;
}

const require = createRequire(import.meta.url);
const bzip2 = require('unbzip2-stream/lib/bzip2.js') as Bzip2;
const readBits = require('unbzip2-stream/lib/bit_iterator.js') as (
  next: () => Uint8Array,
) => BitReader;

const CHUNK_BYTES = 256 * 1024;

/** @param size bytes of the whole input; several streams may follow one another in it */
export function* bunzip(next: () => Uint8Array | undefined, size: number): Generator<Buffer> {
  const bits = readBits(() => {
    const bytes = next();
    if (bytes === undefined) throw new Error('unexpected end of file');
    return bytes;
  });
  let chunks: Buffer[] = [];
  let chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let filled = 0;
  const put = (byte: number) => {
    chunk[filled++] = byte;
    if (filled < CHUNK_BYTES) return;
    chunks.push(chunk);
    chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    filled = 0;
  };
  while (bits.bytesRead < size) {
    const blockSize = bzip2.header(bits) * 100_000;
    const block = new Int32Array(blockSize);
    let checksum: number | null = 0;
    while (checksum !== null) {
      checksum = bzip2.decompress(bits, put, block, blockSize, checksum);
      yield* chunks;
      chunks = [];
    }
  }
  yield chunk.subarray(0, filled);
}
