/** Ranges of a text → the lines in them that are no records, byte for byte. */
import { EdpError } from '../../base/errors.js';
import type { LineWatch, PassedOver } from '../../formats/text/passed-over.js';
import { RecordBatch } from '../../formats/text/record-batch.js';
import type { RecordScanner, TextFormat } from '../../formats/text/text-format.js';
import {
  type ByteRange,
  readWindows,
  type Window,
  type WindowConsumer,
} from '../../formats/text/windows.js';

const WINDOW_BYTES = 256 * 1024;
const BATCH_RECORDS = 1024;

export interface FoundLine {
  readonly kind: keyof PassedOver;
  /** Counts from 1. */
  readonly line: number;
  readonly byteOffset: number;
  /** Line end included. */
  readonly raw: Buffer;
}

/** @returns whether to go on */
export type LineTaken = (line: FoundLine) => Promise<boolean>;

export class LineReader implements WindowConsumer {
  isInRecord = false;
  readonly #take: LineTaken;
  readonly #scanner: RecordScanner;
  readonly #batch = new RecordBatch(BATCH_RECORDS);
  readonly #window = Buffer.allocUnsafeSlow(WINDOW_BYTES + 1);
  /** Places in the buffer that is being scanned. */
  #places: { kind: keyof PassedOver; start: number; end: number; line: number }[] = [];
  #line = 0;
  #isGoing = true;

  constructor(format: TextFormat, take: LineTaken) {
    this.#take = take;
    this.#scanner = format.newScanner({
      passed: (kind, start, end, line) => this.#places.push({ kind, start, end, line }),
    });
  }

  /**
   * Takes the lines of bytes that a walk reports.
   *
   * @param byteOffset,firstLine place of the bytes in the text
   * @returns whether to go on
   */
  async walk(
    bytes: Buffer,
    byteOffset: number,
    firstLine: number,
    report: (watch: LineWatch) => void,
  ): Promise<boolean> {
    report({ passed: (kind, start, end, line) => this.#places.push({ kind, start, end, line }) });
    this.#line = firstLine;
    await this.#takePlaces(bytes, byteOffset);
    return this.#isGoing;
  }

  /** Takes the lines between the records of a split. @returns whether to go on */
  async read(range: ByteRange, firstLine: number, signal: AbortSignal): Promise<boolean> {
    this.#line = firstLine;
    await readWindows(range, this.#window, this, {
      before: () => {
        if (signal.aborted) throw new EdpError('interrupted', 'the command was stopped');
      },
    });
    return this.#isGoing;
  }

  async take(window: Window): Promise<number> {
    const { bytes, filled, limit, isLast, base } = window;
    const scanner = this.#scanner;
    if (this.isInRecord) {
      this.isInRecord = !scanner.pass(bytes, filled, isLast);
      if (this.isInRecord) return this.#leaveWindow();
      this.#line += scanner.nextLine;
      return scanner.nextRecord;
    }
    scanner.reset(0);
    do {
      this.#batch.count = 0;
      scanner.scan(bytes, filled, limit, isLast, this.#batch);
    } while (this.#batch.count === this.#batch.capacity);
    await this.#takePlaces(bytes, base);
    this.#line += scanner.nextLine;
    return scanner.nextRecord;
  }

  cutLongRecord({ bytes, filled, limit }: Window): number {
    const scanner = this.#scanner;
    scanner.reset(0);
    this.#batch.count = 0;
    scanner.scan(bytes, filled, limit, false, this.#batch);
    this.isInRecord = !scanner.cutLongRecord(bytes, filled, this.#batch);
    if (this.isInRecord) return this.#leaveWindow();
    this.#line += scanner.nextLine;
    return scanner.nextRecord;
  }

  /** The scanner stays in its record, while the bytes that it has scanned are dropped. */
  #leaveWindow(): number {
    const { position } = this.#scanner;
    this.#scanner.shift(position);
    return position;
  }

  async #takePlaces(bytes: Buffer, base: number): Promise<void> {
    const places = this.#places;
    this.#places = [];
    for (const { kind, start, end, line } of places) {
      if (!this.#isGoing) return;
      const raw = Buffer.from(bytes.subarray(start, end));
      this.#isGoing = await this.#take({
        kind,
        line: this.#line + line,
        byteOffset: base + start,
        raw,
      });
    }
  }
}
