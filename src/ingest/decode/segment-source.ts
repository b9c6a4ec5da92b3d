/** A segment as a worker reads it: at its offsets in the text. */
import type { ByteSource } from '../read.js';
import type { Segment } from './cut-text.js';

export class SegmentSource implements ByteSource {
  readonly #bytes: Buffer;
  readonly #start: number;

  constructor({ bytes, start, end }: Segment) {
    this.#bytes = Buffer.from(bytes, 0, Math.min(bytes.byteLength, end - start));
    this.#start = start;
  }

  async read(into: Buffer, offset: number, length: number, position: number) {
    const from = position - this.#start;
    return { bytesRead: this.#bytes.copy(into, offset, from, from + length) };
  }
}
