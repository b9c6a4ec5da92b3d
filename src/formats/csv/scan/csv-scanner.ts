/**
 * Bytes → records: where each record begins and ends, at the speed of a byte loop.
 *
 * How it works: a machine of a few states walks the bytes once, from one byte that may mean something
 * to the next. It takes the caller's buffer, fills the caller's batch, does no I/O, and can stop at any
 * byte and go on when there are more. It finds records, not fields: what is inside a record is the
 * parser's business (csv-parse, or the byte lane). It is also what tells split boundaries, so a change
 * here changes what a split is.
 *
 * What it guarantees, and what breaks if it does not:
 * - Every byte belongs to exactly one record, line end or comment; else records would be lost or read twice.
 * - The result does not depend on where the buffers were cut; else splits would disagree.
 * - A record without fault is taken as it stands, so that the byte lane, which looks at no other, agrees.
 * - A damaged record costs no other: one whose quotes cannot be right and that spans lines is held
 *   against other readings of the same lines, and ends where that explains most (resynchronise.ts).
 */

import type { LineEnd } from '../../../model/csv-settings.js';
import { CR, LF, measureLineEnd } from '../../text/line-end.js';
import {
  DAMAGE_BAD_QUOTE,
  DAMAGE_NONE,
  DAMAGE_UNTERMINATED_QUOTE,
  type RecordBatch,
} from '../../text/record-batch.js';
import type { RecordScanner } from '../../text/text-format.js';
import { BACKSLASH, type Dialect, fitsFieldCount } from '../dialect.js';
import {
  chooseInterpretation,
  EXAMINED_BYTES,
  type Examiner,
  type Interpretation,
} from './resynchronise.js';

const RECORD_START = 0;
const FIELD_START = 1;
const UNQUOTED = 2;
const QUOTED = 3;
/** After a quote inside a quoted field: it closed the field, or escapes the quote that follows. */
const QUOTE_IN_QUOTED = 4;
const COMMENT = 5;

export class CsvScanner implements RecordScanner, Examiner {
  readonly #dialect: Dialect;
  readonly #delimiter: Buffer;
  readonly #quote: number;
  readonly #hasBackslash: boolean;
  readonly #lineEnd: LineEnd;
  readonly #comment: Buffer;
  readonly #skipsBlankLines: boolean;
  /** 1 for the bytes that may mean something outside of quotes, and inside. */
  readonly #stopsUnquoted = new Uint8Array(256);
  readonly #stopsQuoted = new Uint8Array(256);
  #state = RECORD_START;
  /** Where the machine goes on: everything before was seen. */
  #position = 0;
  #recordStart = 0;
  #lineOfRecord = 0;
  /** Line ends seen so far. */
  #line = 0;
  #fields = 1;
  #damage = DAMAGE_NONE;
  #hasBareQuote = false;
  /** First line end inside quotes of the current record, or -1. */
  #lineEndInQuotes = -1;
  /** First quote of the current record that cannot be one, or -1. */
  #badQuote = -1;
  /** Where the quoted field that is being read, or was read last, begins. */
  #quotedFrom = -1;
  /** Fields before that one. */
  #fieldsBeforeQuoted = 0;
  /** A CR there is a value's, because a backslash says so. */
  #escapedAt = -1;
  /** Length of the line end that the walk stopped at; 0 at the end of the file. */
  #lineEndBytes = 0;
  #isBehindComment = false;
  #lookedAt = 0;
  /** Reads what may follow a record whose end is in doubt. */
  #examiner: CsvScanner | undefined;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
    this.#delimiter = Buffer.from(dialect.delimiter, 'latin1');
    this.#quote = dialect.quote === '' ? -1 : dialect.quote.charCodeAt(0);
    this.#hasBackslash = dialect.escape === 'backslash';
    this.#lineEnd = dialect.lineEnd;
    this.#comment = Buffer.from(dialect.comment, 'latin1');
    // In a file of one column an empty line is a record whose only field is empty.
    this.#skipsBlankLines = dialect.fieldCount !== 1;
    for (const byte of dialect.lineEnd === 'lf' ? [LF] : [LF, CR]) {
      this.#stopsUnquoted[byte] = 1;
      this.#stopsQuoted[byte] = 1;
    }
    this.#stopsUnquoted[this.#delimiter[0]!] = 1;
    if (this.#quote >= 0) {
      this.#stopsUnquoted[this.#quote] = 1;
      this.#stopsQuoted[this.#quote] = 1;
      if (this.#hasBackslash) this.#stopsQuoted[BACKSLASH] = 1;
    } else if (this.#hasBackslash) {
      this.#stopsUnquoted[BACKSLASH] = 1;
    }
  }

  /** Start of the first record that is not in a batch yet; all bytes before it are done with. */
  get nextRecord(): number {
    return this.#recordStart;
  }

  /** Line ends before {@link nextRecord}. */
  get nextLine(): number {
    return this.#lineOfRecord;
  }

  /** What was found so far depends on no byte from here on. */
  get lookedAt(): number {
    return Math.max(this.#lookedAt, this.#recordStart);
  }

  /** Whether it stands at {@link nextRecord}, and not in the middle of that record. */
  get isBetweenRecords(): boolean {
    return this.#state === RECORD_START && this.#position === this.#recordStart;
  }

  /** Goes on at the start of a later record; those before it have no fault, nor anything to be looked at. */
  jump(position: number, lines: number): void {
    this.#line += lines;
    this.#isBehindComment = false;
    this.#beginRecord(position);
  }

  /** Tells that the buffer's first `count` bytes were dropped and the rest moved to its front. */
  shift(count: number): void {
    this.#position -= count;
    this.#recordStart -= count;
    this.#quotedFrom -= count;
    this.#escapedAt -= count;
    this.#lookedAt -= count;
    if (this.#lineEndInQuotes >= 0) this.#lineEndInQuotes -= count;
    if (this.#badQuote >= 0) this.#badQuote -= count;
  }

  /** Begins anew at `position` of a buffer, as at the start of a record. */
  reset(position: number): void {
    this.#line = 0;
    this.#isBehindComment = false;
    this.#lookedAt = position;
    this.#beginRecord(position);
  }

  /**
   * Walks on through `bytes` up to `end`, until the batch is full, or until a record starts at or
   * after `limit` (which then is {@link nextRecord} and not in the batch).
   *
   * @param isLast whether the file ends at `end`
   */
  scan(bytes: Buffer, end: number, limit: number, isLast: boolean, batch: RecordBatch): void {
    while (batch.count < batch.limit && this.#recordStart < limit && this.#recordStart < end) {
      const contentEnd = this.#walk(bytes, end, isLast);
      if (contentEnd < 0) return;
      if (this.#state === COMMENT) {
        this.#isBehindComment = true;
        this.#endLine(contentEnd);
        continue;
      }
      const isOpen = this.#state === QUOTED;
      if (isOpen || this.#isSuspect()) {
        const interpretation = this.#interpret(bytes, contentEnd, end, isLast, isOpen);
        if (interpretation === undefined) return;
        if (interpretation.end < contentEnd) {
          this.#cut(bytes, interpretation, batch);
          continue;
        }
        if (isOpen) this.#damage = DAMAGE_UNTERMINATED_QUOTE;
      }
      this.#emit(bytes, contentEnd, batch);
      this.#endLine(contentEnd);
    }
  }

  /**
   * Looks for the end of a record that fills the largest buffer, from the state that {@link scan} left:
   * if other records seem to follow behind one of its lines, it ends there.
   *
   * @returns whether it did; if not, {@link pass} follows it to its end
   */
  cutLongRecord(bytes: Buffer, end: number, batch: RecordBatch): boolean {
    if (this.#lineEndInQuotes < 0) return false;
    const interpretation = this.#interpret(bytes, end, end, true, true);
    if (interpretation === undefined || interpretation.end >= end || !interpretation.isFollowed)
      return false;
    this.#cut(bytes, interpretation, batch);
    return true;
  }

  /**
   * Walks on in a record that is too long to be kept, without keeping it.
   *
   * @returns whether it ended; {@link nextRecord} is behind it then
   */
  pass(bytes: Buffer, end: number, isLast: boolean): boolean {
    const contentEnd = this.#walk(bytes, end, isLast);
    if (contentEnd < 0) return false;
    this.#endLine(contentEnd);
    return true;
  }

  /** Bytes that {@link pass} has walked over; it goes on behind them. */
  get position(): number {
    return this.#position;
  }

  /**
   * Reads one record on its own, as another interpretation of lines would have it.
   *
   * @returns where it ends; -1 where it does not, up to `end`
   */
  examine(bytes: Buffer, from: number, end: number, isLast: boolean): number {
    this.reset(from);
    return this.#walk(bytes, end, isLast);
  }

  /** What {@link examine} found, beside its end. */
  get examined(): Examiner['examined'] {
    const isOpen = this.#state === QUOTED;
    return {
      isComment: this.#state === COMMENT,
      isOpen,
      isWhole:
        !isOpen &&
        this.#damage === DAMAGE_NONE &&
        (!this.#hasBareQuote || this.#dialect.allowsBareQuotes) &&
        fitsFieldCount(this.#fields, this.#dialect),
      lineEndBytes: this.#lineEndBytes,
    };
  }

  /** Whether the record's quotes may have taken in lines that are not its own. */
  #isSuspect(): boolean {
    return (
      this.#lineEndInQuotes >= 0 &&
      (this.#damage !== DAMAGE_NONE || !fitsFieldCount(this.#fields, this.#dialect))
    );
  }

  #interpret(
    bytes: Buffer,
    contentEnd: number,
    end: number,
    isLast: boolean,
    isOpen: boolean,
  ): Interpretation | undefined {
    if (this.#lineEndInQuotes < 0) return { end: contentEnd, lineEndBytes: 0, isFollowed: false };
    const record = {
      bytes,
      start: this.#recordStart,
      contentEnd,
      end,
      isLast,
      isOpen,
      firstLineEnd: this.#lineEndInQuotes,
      badQuote: this.#badQuote,
      openedAt: this.#quotedFrom,
      fieldsBeforeOpened: this.#fieldsBeforeQuoted,
    };
    this.#lookedAt = Math.max(this.#lookedAt, contentEnd + EXAMINED_BYTES);
    this.#examiner ??= new CsvScanner(this.#dialect);
    return chooseInterpretation(this.#dialect, record, this.#examiner);
  }

  /** Ends the record at a line end inside its quotes; scanning resumes behind it. */
  #cut(bytes: Buffer, { end, lineEndBytes }: Interpretation, batch: RecordBatch): void {
    this.#damage = DAMAGE_UNTERMINATED_QUOTE;
    // Line ends behind the cut are counted again by the second walk over them.
    this.#line = this.#lineOfRecord;
    for (let at = this.#recordStart; at < end; ) {
      const length = measureLineEnd(bytes, at, end, true, this.#lineEnd);
      if (length > 0) this.#line++;
      at += Math.max(1, length);
    }
    this.#lineEndBytes = lineEndBytes;
    this.#emit(bytes, end, batch);
    this.#endLine(end);
  }

  #endLine(contentEnd: number): void {
    if (this.#lineEndBytes > 0) this.#line++;
    this.#beginRecord(contentEnd + this.#lineEndBytes);
  }

  #emit(bytes: Buffer, end: number, batch: RecordBatch): void {
    const start = this.#recordStart;
    const isLineEndCr =
      end > start &&
      bytes[end - 1] === CR &&
      this.#escapedAt !== end - 1 &&
      (this.#lineEnd === 'lf' || (this.#lineEnd === 'crlf' && this.#lineEndBytes === 0));
    const last = isLineEndCr ? end - 1 : end;
    if (last === start && this.#skipsBlankLines) return;
    const index = batch.count++;
    batch.start[index] = start;
    batch.end[index] = last;
    batch.line[index] = this.#lineOfRecord;
    batch.fieldCount[index] = this.#fields;
    batch.damage[index] = this.#damage;
    batch.isBehindComment[index] = this.#isBehindComment ? 1 : 0;
    this.#isBehindComment = false;
  }

  #beginRecord(position: number): void {
    this.#recordStart = position;
    this.#position = position;
    this.#lineOfRecord = this.#line;
    this.#state = RECORD_START;
    this.#fields = 1;
    this.#damage = DAMAGE_NONE;
    this.#hasBareQuote = false;
    this.#lineEndInQuotes = -1;
    this.#badQuote = -1;
    this.#escapedAt = -1;
  }

  /**
   * Walks to the end of the record.
   *
   * @returns where its content ends; -1 where it goes on behind `end`. At the end of a file that may be
   *   inside quotes.
   */
  #walk(bytes: Buffer, end: number, isLast: boolean): number {
    const quote = this.#quote;
    const delimiter = this.#delimiter;
    const firstOfDelimiter = delimiter[0]!;
    const stopsUnquoted = this.#stopsUnquoted;
    const stopsQuoted = this.#stopsQuoted;
    let position = this.#position;
    let state = this.#state;
    for (;;) {
      if (position >= end) break;
      const byte = bytes[position]!;
      if (state === UNQUOTED) {
        if (stopsUnquoted[byte] === 0) {
          while (++position < end && stopsUnquoted[bytes[position]!] === 0);
          continue;
        }
        if (byte === firstOfDelimiter) {
          const length = delimiter.length === 1 ? 1 : startsWith(bytes, position, end, delimiter);
          if (length < 0 && !isLast) break;
          if (length > 0) {
            this.#fields++;
            position += length;
            state = FIELD_START;
            continue;
          }
        }
        if (byte === quote) {
          this.#hasBareQuote = true;
          position++;
          continue;
        }
        if (byte === BACKSLASH && this.#hasBackslash) {
          if (position + 1 >= end && !isLast) break;
          const next = bytes[position + 1]!;
          const length =
            next === BACKSLASH || next === LF || next === CR
              ? 1
              : startsWith(bytes, position + 1, end, delimiter);
          if (length < 0 && !isLast) break;
          if (length > 0 && position + 1 < end) {
            const lineEnd = measureLineEnd(bytes, position + 1, end, isLast, this.#lineEnd);
            if (lineEnd < 0) break;
            // One byte loses its meaning: of CR LF the LF has its own backslash, or ends the record.
            if (lineEnd === 1) this.#line++;
            this.#escapedAt = position + 1;
            position += 1 + length;
          } else {
            position++;
          }
          continue;
        }
        const lineEnd = measureLineEnd(bytes, position, end, isLast, this.#lineEnd);
        if (lineEnd < 0) break;
        if (lineEnd > 0) {
          this.#position = position;
          this.#state = state;
          this.#lineEndBytes = lineEnd;
          return position;
        }
        position++;
      } else if (state === QUOTED) {
        if (stopsQuoted[byte] === 0) {
          while (++position < end && stopsQuoted[bytes[position]!] === 0);
          continue;
        }
        if (byte === quote) {
          state = QUOTE_IN_QUOTED;
          position++;
        } else if (byte === BACKSLASH) {
          if (position + 1 >= end && !isLast) break;
          const next = bytes[position + 1];
          position += position + 1 < end && (next === quote || next === BACKSLASH) ? 2 : 1;
        } else {
          const lineEnd = measureLineEnd(bytes, position, end, isLast, this.#lineEnd);
          if (lineEnd < 0) break;
          if (lineEnd > 0) {
            this.#line++;
            if (this.#lineEndInQuotes < 0) this.#lineEndInQuotes = position;
          }
          position += Math.max(1, lineEnd);
        }
      } else if (state === FIELD_START) {
        if (byte === quote) {
          this.#quotedFrom = position;
          this.#fieldsBeforeQuoted = this.#fields - 1;
          state = QUOTED;
          position++;
        } else {
          state = UNQUOTED;
        }
      } else if (state === QUOTE_IN_QUOTED) {
        if (byte === quote) {
          state = QUOTED;
          position++;
          continue;
        }
        const length = startsWith(bytes, position, end, delimiter);
        if (length < 0 && !isLast) break;
        if (length > 0) {
          this.#fields++;
          state = FIELD_START;
          position += length;
          continue;
        }
        let lineEnd = measureLineEnd(bytes, position, end, isLast, this.#lineEnd);
        if (lineEnd === 0 && byte === CR && this.#lineEnd === 'lf') {
          // A CR belongs to the line end, if an LF or the end of the file follows.
          if (position + 1 >= end) {
            if (!isLast) break;
            lineEnd = 1;
          } else if (bytes[position + 1] === LF) {
            lineEnd = 1;
          }
        }
        if (lineEnd < 0) break;
        if (lineEnd === 0) {
          this.#damage = DAMAGE_BAD_QUOTE;
          if (this.#badQuote < 0) this.#badQuote = position - 1;
        }
        state = UNQUOTED;
      } else if (state === COMMENT) {
        const lineEnd = measureLineEnd(bytes, position, end, isLast, this.#lineEnd);
        if (lineEnd < 0) break;
        if (lineEnd > 0) {
          this.#position = position;
          this.#state = state;
          this.#lineEndBytes = lineEnd;
          return position;
        }
        position++;
      } else {
        const length =
          this.#comment.length === 0 ? 0 : startsWith(bytes, position, end, this.#comment);
        if (length < 0 && !isLast) break;
        state = length > 0 ? COMMENT : FIELD_START;
      }
    }
    this.#position = position;
    this.#state = state;
    if (!isLast) return -1;
    this.#lineEndBytes = 0;
    this.#position = end;
    return end;
  }
}

/** @returns the length of `wanted` where it stands at `position`, 0 where not, -1 where `end` cuts it off */
function startsWith(bytes: Buffer, position: number, end: number, wanted: Buffer): number {
  for (let i = 0; i < wanted.length; i++) {
    if (position + i >= end) return -1;
    if (bytes[position + i] !== wanted[i]) return 0;
  }
  return wanted.length;
}
