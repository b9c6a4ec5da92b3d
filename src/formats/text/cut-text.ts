/**
 * A stream of text → segments. Each segment goes from the start of a record to the start of
 * another, and workers load it as they load a split of a file.
 *
 * The text can be read only once, so nothing is guessed: a scanner walks all of it. A worker finds
 * the same records in the segment, since the segment ends behind all bytes that the scanner looked
 * at to find them. Memory holds the segments that are not loaded yet, and one record; of a record
 * that is too long, it holds only the beginning.
 *
 * Where the text breaks off, the records that are complete make a last segment, and then the error
 * is thrown. A record without an end may have been cut in two, and is not emitted.
 */

import { createXXHash128 } from 'hash-wasm';
import { copyBytes } from '../../base/shared-memory.js';
import { KEPT_OF_LONG_RECORD, MAX_RECORD_BYTES } from './limits.js';
import type { Gap } from './ranges.js';
import { RecordBatch } from './record-batch.js';
import type { RecordScanner, RecordSkipper, TextFormat } from './text-format.js';

const BATCH_RECORDS = 4096;
/** Memory per segment size: a segment ends at the first record end behind its size. */
const SPARE = 1.25;

/** A part of the text. Plain data, so that it can be sent to a thread. */
export interface Segment {
  /** Offsets in the text. */
  readonly start: number;
  readonly end: number;
  /** Line, from 1, at `start`. */
  readonly firstLine: number;
  /** Its bytes; of a record that is too long, only the first ones. */
  readonly bytes: SharedArrayBuffer;
  /** Set where the segment is one record that is too long to be loaded. */
  readonly longRecord?: {
    readonly keptBytes: number;
    readonly lineCount: number;
    readonly contentHash: string;
  };
}

export interface CutOptions {
  readonly format: TextFormat;
  /** The parts of the text to cut, in order; what lies between them is skipped. */
  readonly gaps: readonly Gap[];
  readonly segmentBytes: number;
  /** Waits until there may be another segment, and returns the memory for it. */
  takeBuffer(size: number): Promise<SharedArrayBuffer>;
}

export async function* cutText(
  text: AsyncIterable<Buffer>,
  options: CutOptions,
): AsyncGenerator<Segment> {
  const source = new TextSource(text);
  const skipper = await options.format.newRecordSkipper();
  try {
    for (const gap of options.gaps) {
      await source.skipTo(gap.start);
      source.assertWhole();
      yield* new GapCutter(source, gap, skipper, options).cut();
      source.assertWhole();
      if (source.isAtEnd) return;
    }
  } finally {
    await source.close();
  }
}

/** Reads the text piece by piece, as much at a time as the caller has room for. */
class TextSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #position = 0;
  isAtEnd = false;
  /** The error that occurred in reading the bytes that follow. */
  #failure: { readonly error: unknown } | undefined;

  constructor(text: AsyncIterable<Buffer>) {
    this.#chunks = text[Symbol.asyncIterator]();
  }

  /** Whether there are no more bytes because of an error. */
  get isBroken(): boolean {
    return this.#failure !== undefined && this.#chunk.length === 0;
  }

  /** @throws the error of the text, if all bytes before it were read */
  assertWhole(): void {
    if (this.isBroken) throw this.#failure!.error;
  }

  async skipTo(position: number): Promise<void> {
    while (this.#position < position && (await this.#hasMore())) {
      const skipped = Math.min(this.#chunk.length, position - this.#position);
      this.#chunk = this.#chunk.subarray(skipped);
      this.#position += skipped;
    }
  }

  /** Reads up to `length` bytes. Sets {@link isAtEnd} when there are no more. */
  async read(into: Buffer, offset: number, length: number): Promise<number> {
    if (!(await this.#hasMore())) return 0;
    const count = Math.min(length, this.#chunk.length);
    copyBytes(this.#chunk, 0, into, offset, count);
    this.#chunk = this.#chunk.subarray(count);
    this.#position += count;
    await this.#hasMore();
    return count;
  }

  async #hasMore(): Promise<boolean> {
    while (this.#chunk.length === 0 && !this.isAtEnd && this.#failure === undefined) {
      try {
        const { value, done } = await this.#chunks.next();
        if (done === true) this.isAtEnd = true;
        else this.#chunk = value;
      } catch (error) {
        this.#failure = { error };
      }
    }
    return this.#chunk.length > 0;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

class GapCutter {
  readonly #source: TextSource;
  readonly #options: CutOptions;
  readonly #gap: Gap;
  readonly #scanner: RecordScanner;
  readonly #skipper: RecordSkipper | undefined;
  readonly #batch = new RecordBatch(BATCH_RECORDS);
  /** Memory of the segment that is being filled; {@link #bytes} is a view of it. */
  #memory!: SharedArrayBuffer;
  #bytes!: Buffer;
  #filled = 0;
  /** End of the last record that no later byte can change. */
  #safeEnd = 0;
  /** Offset of the segment in the text; line ends in the gap before it. */
  #start: number;
  #linesBefore = 0;

  constructor(
    source: TextSource,
    gap: Gap,
    skipper: RecordSkipper | undefined,
    options: CutOptions,
  ) {
    this.#source = source;
    this.#gap = gap;
    this.#skipper = skipper;
    this.#options = options;
    this.#scanner = options.format.newScanner();
    this.#scanner.reset(0);
    this.#start = gap.start;
  }

  async *cut(): AsyncGenerator<Segment> {
    const { segmentBytes } = this.#options;
    await this.#begin(segmentBytes * SPARE);
    for (;;) {
      const isLast = this.#isLast;
      const end = this.#scan(segmentBytes, isLast);
      if (end >= segmentBytes || (isLast && end >= this.#filled)) {
        if (end > 0) yield* this.#emit(end);
        if (isLast && this.#filled === 0) return;
        continue;
      }
      const record = this.#scanner.nextRecord;
      if (this.#filled - record >= MAX_RECORD_BYTES) {
        // The bytes before the long record are emitted first, so that it has all of the memory.
        if (record > 0) yield* this.#emit(record);
        else yield* this.#takeLongRecord();
        continue;
      }
      if (this.#source.isBroken) {
        if (this.#safeEnd > 0) yield* this.#emit(this.#safeEnd);
        return;
      }
      await this.#fill(record + MAX_RECORD_BYTES);
    }
  }

  get #isLast(): boolean {
    return this.#source.isAtEnd || this.#start + this.#filled >= this.#gap.end;
  }

  /**
   * Scans until a segment may end.
   *
   * @returns where the segment may end, at or behind `target`; or where scanning stopped before
   *   that
   */
  #scan(target: number, isLast: boolean): number {
    const scanner = this.#scanner;
    for (;;) {
      this.#batch.count = 0;
      const goal = Math.max(target, scanner.lookedAt);
      const limit = this.#skipper?.moveOn(scanner, this.#bytes, this.#filled, goal) ?? goal;
      scanner.scan(this.#bytes, this.#filled, limit, isLast, this.#batch);
      const next = scanner.nextRecord;
      if (next >= scanner.lookedAt && next <= this.#filled) this.#safeEnd = next;
      if (isLast && next >= this.#filled) return next;
      if (next >= target && next >= scanner.lookedAt) return next;
      if (this.#batch.count < this.#batch.limit && next < limit) return Math.min(next, target - 1);
    }
  }

  async #begin(size: number): Promise<void> {
    this.#memory = await this.#options.takeBuffer(Math.ceil(size));
    this.#bytes = Buffer.from(this.#memory);
  }

  /** Reads more, up to `until` at most; enlarges the memory if necessary. */
  async #fill(until: number): Promise<void> {
    if (this.#filled === this.#bytes.length) {
      const size = Math.min(this.#bytes.length * 4, until + this.#options.segmentBytes);
      const grown = new SharedArrayBuffer(Math.max(size, this.#filled + 1));
      const bytes = Buffer.from(grown);
      this.#bytes.copy(bytes, 0, 0, this.#filled);
      this.#memory = grown;
      this.#bytes = bytes;
    }
    const room = Math.min(until, this.#bytes.length, this.#gap.end - this.#start) - this.#filled;
    this.#filled += await this.#source.read(this.#bytes, this.#filled, room);
  }

  /** Yields the first `end` bytes; the bytes behind them begin the next segment. */
  async *#emit(end: number): AsyncGenerator<Segment> {
    const segment: Segment = {
      start: this.#start,
      end: this.#start + end,
      firstLine: this.#gap.firstLine + this.#linesBefore,
      bytes: this.#memory,
    };
    const rest = Buffer.allocUnsafeSlow(this.#filled - end);
    copyBytes(this.#bytes, end, rest, 0, rest.length);
    this.#filled = rest.length;
    this.#moveOn(end);
    yield segment;
    if (rest.length === 0 && this.#isLast) return;
    await this.#begin(Math.max(this.#options.segmentBytes * SPARE, rest.length));
    copyBytes(rest, 0, this.#bytes, 0, rest.length);
  }

  #moveOn(count: number): void {
    this.#scanner.shift(count);
    this.#safeEnd = Math.max(0, this.#safeEnd - count);
    this.#linesBefore = this.#scanner.nextLine;
    this.#start += count;
  }

  /** Yields a record that fills the largest memory and still does not end. */
  async *#takeLongRecord(): AsyncGenerator<Segment> {
    const scanner = this.#scanner;
    this.#batch.count = 0;
    if (scanner.cutLongRecord(this.#bytes, this.#filled, this.#batch)) return;
    const hasher = await createXXHash128();
    hasher.init();
    const head = Buffer.from(this.#bytes.subarray(0, KEPT_OF_LONG_RECORD));
    const start = this.#start;
    const firstLine = this.#gap.firstLine + this.#linesBefore;
    const linesBefore = this.#linesBefore;
    let taken = scanner.position;
    for (;;) {
      hasher.update(this.#bytes.subarray(0, taken));
      this.#bytes.copyWithin(0, taken, this.#filled);
      this.#filled -= taken;
      scanner.shift(taken);
      this.#start += taken;
      await this.#fill(this.#bytes.length);
      this.#source.assertWhole();
      const hasEnded = scanner.pass(this.#bytes, this.#filled, this.#isLast);
      taken = hasEnded ? scanner.nextRecord : scanner.position;
      if (hasEnded) break;
    }
    hasher.update(this.#bytes.subarray(0, taken));
    const rest = Buffer.from(this.#bytes.subarray(taken, this.#filled));
    this.#moveOn(taken);
    const bytes = new SharedArrayBuffer(head.length);
    head.copy(Buffer.from(bytes));
    yield {
      start,
      end: this.#start,
      firstLine,
      bytes,
      longRecord: {
        keptBytes: head.length,
        lineCount: this.#linesBefore - linesBefore,
        contentHash: hasher.digest('hex'),
      },
    };
    // The large memory is released.
    await this.#begin(Math.max(this.#options.segmentBytes * SPARE, rest.length));
    rest.copy(this.#bytes);
    this.#filled = rest.length;
  }
}
