/**
 * Finds where the frames of a zstd file begin and end, by their headers (RFC 8878 §3.1).
 *
 * Node's decompressor takes the end of the first frame for the end of the file, and a truncated
 * file for a complete one; programs that pack in parallel write many frames. So each frame gets a
 * decompressor of its own, and this class knows whether the last frame was complete.
 */
const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const BLOCK_RLE = 1;
const MAX_HEADER_BYTES = 18;

/** Part of a frame. */
export interface FramePiece {
  readonly bytes: Buffer;
  /** Whether the frame ends with it. */
  readonly isLast: boolean;
}

export class ZstdFrames {
  /** The bytes so far of a header that is not complete yet. */
  readonly #header = Buffer.alloc(MAX_HEADER_BYTES);
  #filled = 0;
  #wanted = 4;
  #state: 'magic' | 'descriptor' | 'block' | 'body' | 'skipped size' | 'skipped' = 'magic';
  /** Bytes of the body, or of a skipped frame, that are still to come. */
  #left = 0;
  #hasChecksum = false;
  #isLastBlock = false;

  /** Whether a file may end here. */
  get isBetweenFrames(): boolean {
    return this.#state === 'magic' && this.#filled === 0;
  }

  /**
   * @returns the parts of frames in the chunk, headers included, without skippable frames
   * @throws Error where the chunk has something that is not a zstd frame
   */
  take(chunk: Buffer): FramePiece[] {
    const pieces: FramePiece[] = [];
    const put = (bytes: Buffer, isLast: boolean) => pieces.push({ bytes, isLast });
    for (let at = 0; at < chunk.length; ) {
      if (this.#state === 'body' || this.#state === 'skipped') {
        const count = Math.min(this.#left, chunk.length - at);
        this.#left -= count;
        const isDone = this.#left === 0;
        const wasBody = this.#state === 'body';
        if (isDone) this.#expect(wasBody && !this.#isLastBlock ? 'block' : 'magic');
        if (wasBody) put(chunk.subarray(at, at + count), isDone && this.#isLastBlock);
        at += count;
        continue;
      }
      this.#header[this.#filled++] = chunk[at++]!;
      if (this.#filled === this.#wanted) this.#readHeader(put);
    }
    return pieces;
  }

  #expect(state: 'block' | 'magic'): void {
    this.#state = state;
    this.#filled = 0;
    this.#wanted = state === 'block' ? 3 : 4;
  }

  #readHeader(put: (bytes: Buffer, isLast: boolean) => void): void {
    const header = this.#header;
    switch (this.#state) {
      case 'magic': {
        const magic = header.readUInt32LE(0);
        if (magic === FRAME_MAGIC) {
          this.#state = 'descriptor';
          this.#wanted = 5;
        } else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
          this.#state = 'skipped size';
          this.#wanted = 8;
        } else {
          throw new Error('it contains something that is not a zstd frame');
        }
        return;
      }
      case 'skipped size':
        this.#left = header.readUInt32LE(4);
        if (this.#left === 0) this.#expect('magic');
        else this.#state = 'skipped';
        return;
      case 'descriptor':
        if (this.#wanted === 5) {
          const descriptor = header[4]!;
          const isSingleSegment = (descriptor & 0x20) !== 0;
          const sizeFlag = descriptor >> 6;
          this.#hasChecksum = (descriptor & 0x04) !== 0;
          this.#wanted +=
            (isSingleSegment ? 0 : 1) +
            [0, 1, 2, 4][descriptor & 0x03]! +
            (sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag);
          if (this.#filled < this.#wanted) return;
        }
        put(Buffer.from(header.subarray(0, this.#filled)), false);
        this.#expect('block');
        return;
      case 'block': {
        const block = header.readUIntLE(0, 3);
        this.#isLastBlock = (block & 1) === 1;
        const size = ((block >> 1) & 3) === BLOCK_RLE ? 1 : block >> 3;
        this.#left = size + (this.#isLastBlock && this.#hasChecksum ? 4 : 0);
        const isEnd = this.#isLastBlock && this.#left === 0;
        put(Buffer.from(header.subarray(0, 3)), isEnd);
        if (this.#left > 0) this.#state = 'body';
        else this.#expect(isEnd ? 'magic' : 'block');
        return;
      }
      default:
        return;
    }
  }
}
