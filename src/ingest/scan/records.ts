/**
 * Bytes → records: where each record begins and ends, at the speed of a byte loop.
 *
 * How it works: a machine of four states walks the bytes once. It takes the caller's buffer, fills the
 * caller's batch, allocates nothing, does no I/O, and can stop at any byte and go on when there are
 * more. It finds records, not fields: what is inside a record is the parser's business (csv-parse, or
 * the byte lane). It is also what tells split boundaries, so a change here changes what a split is.
 *
 * What it guarantees, and what breaks if it does not:
 * - Every byte belongs to exactly one record or line end; else records would be lost or read twice.
 * - The result does not depend on where the buffers were cut; else splits would disagree.
 * - A damaged record costs as little as can be told locally: a quoted field that spans lines and is
 *   not closed properly ends at its first line end, and scanning goes on from there.
 */
import { CR, type Dialect, LF, QUOTE } from '../dialect.js';

const FIELD_START = 0;
const UNQUOTED = 1;
const QUOTED = 2;
/** After a quote inside a quoted field: it closed the field, or escapes the quote that follows. */
const QUOTE_IN_QUOTED = 3;

export const DAMAGE_NONE = 0;
/** A closing quote followed by something else than a delimiter or line end. */
export const DAMAGE_BAD_QUOTE = 1;
export const DAMAGE_UNTERMINATED_QUOTE = 2;

/** Records found, in order. Offsets are into the scanned buffer; all arrays are `capacity` long. */
export class RecordBatch {
  readonly capacity: number;
  readonly start: Uint32Array;
  /** Exclusive, without the line end. */
  readonly end: Uint32Array;
  /** Line ends between the start of scanning and the start of the record. */
  readonly line: Uint32Array;
  readonly fieldCount: Uint32Array;
  readonly damage: Uint8Array;
  count = 0;
  /** Scanning stops at so many records; at most the capacity. */
  limit: number;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.limit = capacity;
    this.start = new Uint32Array(capacity);
    this.end = new Uint32Array(capacity);
    this.line = new Uint32Array(capacity);
    this.fieldCount = new Uint32Array(capacity);
    this.damage = new Uint8Array(capacity);
  }
}

export class RecordScanner {
  readonly #delimiter: number;
  readonly #recordEnd: number;
  readonly #skipsBlankLines: boolean;
  #state = FIELD_START;
  /** Where the machine goes on: everything before was seen. */
  #position = 0;
  #recordStart = 0;
  #lineOfRecord = 0;
  /** Line ends seen so far. */
  #line = 0;
  #fields = 1;
  #damage = DAMAGE_NONE;
  /** First line end inside the current quoted field, or -1. */
  #lineEndInQuotes = -1;

  constructor(dialect: Dialect) {
    this.#delimiter = dialect.delimiter;
    this.#recordEnd = dialect.recordEnd;
    // In a file of one column an empty line is a record whose only field is empty.
    this.#skipsBlankLines = dialect.fieldCount > 1;
  }

  /** Start of the first record that is not in a batch yet; all bytes before it are done with. */
  get nextRecord(): number {
    return this.#recordStart;
  }

  /** Line ends before {@link nextRecord}. */
  get nextLine(): number {
    return this.#lineOfRecord;
  }

  /** Tells that the buffer's first `count` bytes were dropped and the rest moved to its front. */
  shift(count: number): void {
    this.#position -= count;
    this.#recordStart -= count;
    if (this.#lineEndInQuotes >= 0) this.#lineEndInQuotes -= count;
  }

  /** Begins anew at `position` of a buffer, as at the start of a record. */
  reset(position: number): void {
    this.#line = 0;
    this.#beginRecord(position);
  }

  /**
   * Walks on through `bytes` up to `end`, until the batch is full, or until a record starts at or
   * after `limit` (which then is {@link nextRecord} and not in the batch).
   *
   * @param isLast whether the file ends at `end`
   */
  scan(bytes: Uint8Array, end: number, limit: number, isLast: boolean, batch: RecordBatch): void {
    const delimiter = this.#delimiter;
    const recordEnd = this.#recordEnd;
    let position = this.#position;
    let state = this.#state;
    while (batch.count < batch.limit && this.#recordStart < limit) {
      if (position >= end) {
        if (!isLast || this.#recordStart >= end) break;
        if (state === QUOTED) {
          position = this.#cutUnterminated(bytes, end, batch);
        } else {
          this.#emit(end, batch, bytes);
          this.#beginRecord(end);
          position = end;
        }
        state = this.#state;
        continue;
      }
      const byte = bytes[position]!;
      switch (state) {
        case FIELD_START:
          if (byte === QUOTE) {
            state = QUOTED;
            this.#lineEndInQuotes = -1;
            position++;
          } else {
            state = UNQUOTED;
          }
          break;
        case UNQUOTED: {
          let current = byte;
          while (current !== delimiter && current !== recordEnd && ++position < end) {
            current = bytes[position]!;
          }
          if (position >= end) break;
          if (current === delimiter) {
            this.#fields++;
            state = FIELD_START;
            position++;
          } else {
            this.#line++;
            this.#emit(position, batch, bytes);
            this.#beginRecord(++position);
            state = FIELD_START;
          }
          break;
        }
        case QUOTED: {
          let current = byte;
          while (current !== QUOTE) {
            if (current === recordEnd) {
              this.#line++;
              if (this.#lineEndInQuotes < 0) this.#lineEndInQuotes = position;
            }
            if (++position >= end) break;
            current = bytes[position]!;
          }
          if (position < end) {
            state = QUOTE_IN_QUOTED;
            position++;
          }
          break;
        }
        default:
          // QUOTE_IN_QUOTED
          if (byte === QUOTE) {
            state = QUOTED;
            position++;
          } else if (byte === delimiter) {
            this.#fields++;
            state = FIELD_START;
            position++;
          } else if (byte === recordEnd) {
            state = UNQUOTED;
          } else if (byte === CR && recordEnd === LF && position + 1 >= end && !isLast) {
            // Whether this CR belongs to a line end shows in the next buffer.
            this.#position = position;
            this.#state = state;
            return;
          } else if (
            byte === CR &&
            recordEnd === LF &&
            (position + 1 >= end || bytes[position + 1] === LF)
          ) {
            state = UNQUOTED;
          } else if (this.#lineEndInQuotes >= 0) {
            position = this.#cutUnterminated(bytes, end, batch);
            state = this.#state;
          } else {
            this.#damage = DAMAGE_BAD_QUOTE;
            state = UNQUOTED;
          }
      }
    }
    this.#position = position;
    this.#state = state;
  }

  /**
   * Gives up on a record that grew too long inside quotes.
   *
   * @returns false where it has no line end to be cut at
   */
  cutLongRecord(bytes: Uint8Array, end: number, batch: RecordBatch): boolean {
    if (this.#state !== QUOTED || this.#lineEndInQuotes < 0) return false;
    this.#position = this.#cutUnterminated(bytes, end, batch);
    return true;
  }

  /** Ends the record at the first line end inside its quotes, or at `end`; scanning resumes there. */
  #cutUnterminated(bytes: Uint8Array, end: number, batch: RecordBatch): number {
    this.#damage = DAMAGE_UNTERMINATED_QUOTE;
    const cut = this.#lineEndInQuotes;
    if (cut < 0) {
      this.#emit(end, batch, bytes);
      this.#beginRecord(end);
      return end;
    }
    // Line ends after the cut are counted again by the second walk over them.
    let lines = 1;
    for (let i = this.#recordStart; i < cut; i++) if (bytes[i] === this.#recordEnd) lines++;
    this.#line = this.#lineOfRecord + lines;
    this.#emit(cut, batch, bytes);
    this.#beginRecord(cut + 1);
    return cut + 1;
  }

  #emit(end: number, batch: RecordBatch, bytes: Uint8Array): void {
    const start = this.#recordStart;
    const last = this.#recordEnd === LF && end > start && bytes[end - 1] === CR ? end - 1 : end;
    if (last === start && this.#skipsBlankLines) return;
    const index = batch.count++;
    batch.start[index] = start;
    batch.end[index] = last;
    batch.line[index] = this.#lineOfRecord;
    batch.fieldCount[index] = this.#fields;
    batch.damage[index] = this.#damage;
  }

  #beginRecord(position: number): void {
    this.#recordStart = position;
    this.#position = position;
    this.#lineOfRecord = this.#line;
    this.#state = FIELD_START;
    this.#fields = 1;
    this.#damage = DAMAGE_NONE;
    this.#lineEndInQuotes = -1;
  }
}
