/**
 * An open file on an HTTP server. Sequential reads use one continuing request; other reads use
 * separate requests.
 */
import { Readable } from 'node:stream';
import { EdpError } from '../../base/errors.js';
import type { HttpIdentity } from '../file-identity.js';
import type { OpenFile } from '../source.js';
import { identifyUrl } from './probe-url.js';
import { RangeReader } from './range-reader.js';

/** The last record of a stretch may extend beyond it. */
const BEYOND_BYTES = 16 * 1024;
/** Other bytes near a stretch are likely to be read next. */
const BLOCK_BYTES = 256 * 1024;

/** Bytes of the file in memory. */
interface Block {
  readonly start: number;
  readonly bytes: Buffer;
}

export class HttpFile implements OpenFile {
  readonly #file: HttpIdentity;
  /** The sequential request. */
  #stretch: RangeReader | undefined;
  /** Bytes that were received but not requested by the caller yet. */
  #rest: Buffer = Buffer.alloc(0);
  /** In memory: the beginning of the file, and the last read. */
  readonly #head: Block | undefined;
  #recent: Block | undefined;
  /** The search for the first record reads bytes that are then read once more. */
  #isKept = false;
  readonly #streams: Readable[] = [];

  /** @param head the first bytes of the file, if known */
  constructor(file: HttpIdentity, head: Buffer | undefined) {
    this.#file = file;
    this.#head = head && { start: 0, bytes: head };
  }

  willRead(from: number, until: number): void {
    const start = this.#hereUntil(from);
    const end = Math.min(until, this.#file.size);
    const goesOn =
      this.#stretch !== undefined && this.#position === start && this.#stretch.until >= end;
    if (goesOn || start >= end) return;
    this.#stretch?.close();
    this.#stretch = new RangeReader(this.#file, start, end + BEYOND_BYTES);
    this.#rest = Buffer.alloc(0);
    this.#isKept = true;
  }

  /** End of the bytes in memory from an offset on. */
  #hereUntil(from: number): number {
    const block = this.#blockAt(from);
    return block === undefined ? from : block.start + block.bytes.length;
  }

  #blockAt(position: number): Block | undefined {
    return [this.#recent, this.#head].find(
      (block) => block && position >= block.start && position < block.start + block.bytes.length,
    );
  }

  async read(into: Buffer, offset: number, length: number, position: number) {
    const wanted = Math.min(length, this.#file.size - position);
    if (wanted <= 0) return { bytesRead: 0 };
    const there = this.#blockAt(position);
    if (there !== undefined) {
      const from = position - there.start;
      return { bytesRead: there.bytes.copy(into, offset, from, from + wanted) };
    }
    const part = into.subarray(offset, offset + wanted);
    if (this.#stretch !== undefined && position === this.#position) {
      const bytesRead = await this.#readOn(this.#stretch, part);
      if (this.#isKept) {
        this.#recent = { start: position, bytes: Buffer.from(part.subarray(0, bytesRead)) };
        this.#isKept = false;
      }
      if (bytesRead > 0) return { bytesRead };
    }
    return { bytesRead: await this.#readApart(part, position) };
  }

  /** Offset of the next byte of the stretch. */
  get #position(): number {
    return (this.#stretch?.position ?? 0) - this.#rest.length;
  }

  async #readOn(stretch: RangeReader, into: Buffer): Promise<number> {
    let filled = 0;
    while (filled < into.length) {
      if (this.#rest.length === 0) {
        const chunk = await stretch.next();
        if (chunk === undefined) break;
        this.#rest = chunk;
      }
      const count = this.#rest.copy(into, filled);
      this.#rest = this.#rest.subarray(count);
      filled += count;
    }
    return filled;
  }

  async #readApart(into: Buffer, position: number): Promise<number> {
    const isNearby = this.#stretch !== undefined && into.length < BLOCK_BYTES;
    const block = isNearby ? Buffer.allocUnsafeSlow(BLOCK_BYTES) : into;
    const reader = new RangeReader(this.#file, position, position + block.length);
    let filled = 0;
    for await (const chunk of read(reader)) filled += chunk.copy(block, filled);
    if (!isNearby) return filled;
    this.#recent = { start: position, bytes: block.subarray(0, filled) };
    return block.copy(into, 0, 0, filled);
  }

  stream(from: number, until: number): Readable {
    const reader = new RangeReader(this.#file, from, until);
    const stream = Readable.from(read(reader), { objectMode: false });
    this.#streams.push(stream);
    return stream;
  }

  async version(): Promise<HttpIdentity> {
    const { url, path } = this.#file;
    try {
      return (await identifyUrl(url, path, 1)).version;
    } catch (error) {
      if (!(error instanceof EdpError) || error.code !== 'no_such_file') throw error;
      throw new EdpError('file_changed', `${path} cannot be read any more: it is gone`, {
        hint: 'put the file back, and run the command again',
        cause: error,
      });
    }
  }

  async close(): Promise<void> {
    this.#stretch?.close();
    for (const stream of this.#streams) stream.destroy();
  }
}

async function* read(reader: RangeReader): AsyncGenerator<Buffer> {
  try {
    for (let chunk = await reader.next(); chunk !== undefined; chunk = await reader.next()) {
      yield chunk;
    }
  } finally {
    reader.close();
  }
}
