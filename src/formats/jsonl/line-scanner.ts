/**
 * Bytes → records that are lines. A line ends at an LF; a CR before the LF, or at the end of the
 * file, does not belong to the record. Lines that hold only blanks, tabs and CRs are passed over.
 *
 * It guarantees that every byte belongs to exactly one record, line end or blank line, and that the
 * result does not depend on where the buffers were cut. Otherwise splits would disagree. Records and
 * blank lines are counted with their line ends.
 */
import { CR, LF } from '../text/line-end.js';
import type { LineWatch } from '../text/passed-over.js';
import { DAMAGE_NONE, type RecordBatch } from '../text/record-batch.js';
import type { RecordScanner } from '../text/text-format.js';

const BLANK = 0x20;
const TAB = 0x09;

export class LineScanner implements RecordScanner {
  /** All bytes before it were read; those of the current record have no LF. */
  #position = 0;
  #recordStart = 0;
  #line = 0;
  #recordBytes = 0;
  readonly #watch: LineWatch | undefined;

  /** @param watch receives the blank lines */
  constructor(watch?: LineWatch) {
    this.#watch = watch;
  }

  get nextRecord(): number {
    return this.#recordStart;
  }

  get nextLine(): number {
    return this.#line;
  }

  get recordBytes(): number {
    return this.#recordBytes;
  }

  get lookedAt(): number {
    return this.#recordStart;
  }

  get isBetweenRecords(): boolean {
    return this.#position === this.#recordStart;
  }

  get position(): number {
    return this.#position;
  }

  jump(position: number, lines: number): void {
    this.#line += lines;
    this.#beginRecord(position);
  }

  shift(count: number): void {
    this.#position -= count;
    this.#recordStart -= count;
  }

  reset(position: number): void {
    this.#line = 0;
    this.#beginRecord(position);
  }

  scan(bytes: Buffer, end: number, limit: number, isLast: boolean, batch: RecordBatch): void {
    const filled = bytes.subarray(0, end);
    while (batch.count < batch.limit && this.#recordStart < limit && this.#recordStart < end) {
      const start = this.#recordStart;
      const line = this.#line;
      const contentEnd = this.#findEnd(filled, isLast);
      if (contentEnd < 0) return;
      const last = contentEnd > start && bytes[contentEnd - 1] === CR ? contentEnd - 1 : contentEnd;
      if (isBlank(bytes, start, last)) {
        this.#watch?.passed('blank', start, this.#recordStart, line);
        continue;
      }
      this.#recordBytes += this.#recordStart - start;
      const index = batch.count++;
      batch.start[index] = start;
      batch.end[index] = last;
      batch.line[index] = line;
      batch.fieldCount[index] = 0;
      batch.damage[index] = DAMAGE_NONE;
      batch.isBehindComment[index] = 0;
    }
  }

  /** Does nothing: a line ends at its LF, and never before. */
  cutLongRecord(): boolean {
    return false;
  }

  pass(bytes: Buffer, end: number, isLast: boolean): boolean {
    return this.#findEnd(bytes.subarray(0, end), isLast) >= 0;
  }

  #beginRecord(position: number): void {
    this.#position = position;
    this.#recordStart = position;
  }

  /**
   * Moves behind the current line, if it ends in `bytes`.
   *
   * @param bytes no more than those that are there: a search goes to their end
   * @returns offset of its LF, or of the end of the file; -1 where the line continues behind `bytes`
   */
  #findEnd(bytes: Buffer, isLast: boolean): number {
    const end = bytes.length;
    const found = bytes.indexOf(LF, this.#position);
    if (found >= 0) {
      this.#line++;
      this.#beginRecord(found + 1);
      return found;
    }
    this.#position = end;
    if (!isLast) return -1;
    this.#recordStart = end;
    return end;
  }
}

function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at];
    if (byte !== BLANK && byte !== TAB && byte !== CR) return false;
  }
  return true;
}
