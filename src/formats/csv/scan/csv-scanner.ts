/**
 * Bytes → records: finds where each record begins and ends, in one loop over the bytes.
 *
 * How it works: a machine of a few states walks the bytes once, from one significant byte to the
 * next. It reads the caller's buffer, fills the caller's batch, does no I/O, and can stop at any
 * byte and continue when there are more. It finds records, not fields: the content of a record is
 * left to the parser (csv-parse, or the byte lane). It also determines the boundaries of splits, so
 * a change here changes what a split is.
 *
 * What it guarantees, and what breaks if it does not:
 * - Every byte belongs to exactly one record or one line that is passed over (a comment, a blank
 *   line, a header that is repeated), line ends included; else records would be lost or read twice.
 *   Both are counted, so that the ledger can account for each byte.
 * - The result does not depend on where the buffers were cut; else splits would disagree.
 * - A record without fault is taken as it stands, so that the byte lane, which reads no others,
 *   agrees.
 * - A damaged record costs no other: if it spans lines and its quotes cannot be right, it is
 *   compared with other interpretations of the same lines, and ends where the best of them ends
 *   (resynchronise.ts).
 */

import type { LineEnd } from '../../../model/csv-settings.js';
import { CR, LF, measureLineEnd } from '../../text/line-end.js';
import type { LineWatch, PassedOverKind } from '../../text/passed-over.js';
import {
  DAMAGE_BAD_QUOTE,
  DAMAGE_NONE,
  DAMAGE_UNTERMINATED_QUOTE,
  type RecordBatch,
} from '../../text/record-batch.js';
import type { RecordScanner } from '../../text/text-format.js';
import { BYTE_ORDER_MARK as MARK } from '../../text/walk-lines.js';
import { BACKSLASH, BLANK, type Dialect, fitsFieldCount, mayPadQuotes } from '../dialect.js';
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
/** After blanks behind a closing quote. */
const BEHIND_QUOTED = 6;

export class CsvScanner implements RecordScanner, Examiner {
  readonly #dialect: Dialect;
  readonly #delimiter: Buffer;
  readonly #quote: number;
  readonly #hasBackslash: boolean;
  /** Whether blanks beside quotes do not count. */
  readonly #mayPad: boolean;
  readonly #lineEnd: LineEnd;
  readonly #comment: Buffer;
  readonly #skipsBlankLines: boolean;
  /** The bytes of the header line; empty where the file has none. */
  readonly #header: Buffer;
  readonly #watch: LineWatch | undefined;
  #recordBytes = 0;
  /** 1 for the bytes that are significant outside quotes, and inside quotes. */
  readonly #stopsUnquoted = new Uint8Array(256);
  readonly #stopsQuoted = new Uint8Array(256);
  #state = RECORD_START;
  /** Where the machine continues; all bytes before it were read. */
  #position = 0;
  #recordStart = 0;
  #lineOfRecord = 0;
  /** Line ends seen so far. */
  #line = 0;
  #fields = 1;
  #damage = DAMAGE_NONE;
  #hasBareQuote = false;
  /** Whether blanks stand beside a quote of the current record. */
  #isPadded = false;
  /** Whether blanks stand at the start of the current field. */
  #hasBlank = false;
  /** First line end inside quotes in the current record, or -1. */
  #lineEndInQuotes = -1;
  /** First quote in the current record that cannot close a field, or -1. */
  #badQuote = -1;
  /** Start of the quoted field that is being read, or was read last. */
  #quotedFrom = -1;
  /** Number of fields before that field. */
  #fieldsBeforeQuoted = 0;
  /** Offset of an escaped byte; a CR there belongs to a value. */
  #escapedAt = -1;
  /** Length of the line end at which the walk stopped; 0 at the end of the file. */
  #lineEndBytes = 0;
  #isBehindComment = false;
  #lookedAt = 0;
  /** Reads the lines behind a record whose end is in doubt. */
  #examiner: CsvScanner | undefined;

  /**
   * @param header the header line as a byte string: a record that equals it is passed over
   * @param watch receives the lines that are passed over
   */
  constructor(dialect: Dialect, header = '', watch?: LineWatch) {
    this.#dialect = dialect;
    this.#header = Buffer.from(header, 'latin1');
    this.#watch = watch;
    this.#delimiter = Buffer.from(dialect.delimiter, 'latin1');
    this.#quote = dialect.quote === '' ? -1 : dialect.quote.charCodeAt(0);
    this.#hasBackslash = dialect.escape === 'backslash';
    this.#mayPad = mayPadQuotes(dialect);
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

  /** Start of the first record that is not in a batch yet; all bytes before it are finished. */
  get nextRecord(): number {
    return this.#recordStart;
  }

  /** Line ends before {@link nextRecord}. */
  get nextLine(): number {
    return this.#lineOfRecord;
  }

  /** Bytes of all records that were put into batches, line ends included. */
  get recordBytes(): number {
    return this.#recordBytes;
  }

  /** The result so far depends on no byte from here on. */
  get lookedAt(): number {
    return Math.max(this.#lookedAt, this.#recordStart);
  }

  /** Whether the scanner stands at {@link nextRecord}, and not in the middle of that record. */
  get isBetweenRecords(): boolean {
    return this.#state === RECORD_START && this.#position === this.#recordStart;
  }

  /**
   * Continues at the start of a later record; the records before it are plain and without fault.
   */
  jump(position: number, lines: number): void {
    this.#line += lines;
    this.#isBehindComment = false;
    this.#beginRecord(position);
  }

  /** The caller dropped the first `count` bytes of the buffer, and moved the rest to its front. */
  shift(count: number): void {
    this.#position -= count;
    this.#recordStart -= count;
    this.#quotedFrom -= count;
    this.#escapedAt -= count;
    this.#lookedAt -= count;
    if (this.#lineEndInQuotes >= 0) this.#lineEndInQuotes -= count;
    if (this.#badQuote >= 0) this.#badQuote -= count;
  }

  /** Starts again at `position` of a buffer, which is the start of a record. */
  reset(position: number): void {
    this.#line = 0;
    this.#isBehindComment = false;
    this.#lookedAt = position;
    this.#beginRecord(position);
  }

  /**
   * Scans `bytes` up to `end`, until the batch is full, or until a record starts at or behind
   * `limit` (that one is then {@link nextRecord}, and not in the batch).
   *
   * @param isLast whether the file ends at `end`
   */
  scan(bytes: Buffer, end: number, limit: number, isLast: boolean, batch: RecordBatch): void {
    while (batch.count < batch.limit && this.#recordStart < limit && this.#recordStart < end) {
      const contentEnd = this.#walk(bytes, end, isLast);
      if (contentEnd < 0) return;
      if (this.#state === COMMENT) {
        this.#passOver('comment', contentEnd + this.#lineEndBytes);
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
   * Looks for the end of a record that fills the largest buffer, in the state that {@link scan}
   * left: if other records seem to follow one of its lines, it ends there.
   *
   * @returns whether it ended; if not, {@link pass} follows it to its end
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
   * Scans a record that is too long to be kept, without keeping it.
   *
   * @returns whether the record ended; then {@link nextRecord} is behind it
   */
  pass(bytes: Buffer, end: number, isLast: boolean): boolean {
    const contentEnd = this.#walk(bytes, end, isLast);
    if (contentEnd < 0) return false;
    this.#endLine(contentEnd);
    return true;
  }

  /** Bytes that {@link pass} has scanned; it continues behind them. */
  get position(): number {
    return this.#position;
  }

  /**
   * Reads a single record, as part of another interpretation of lines.
   *
   * @returns offset of its end; -1 where it does not end before `end`
   */
  examine(bytes: Buffer, from: number, end: number, isLast: boolean): number {
    this.reset(from);
    return this.#walk(bytes, end, isLast);
  }

  /** What {@link examine} found besides the end of the record. */
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

  /** Whether the quotes of the record may have taken in lines that do not belong to it. */
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

  /** Ends the record at a line end inside its quotes; scanning continues behind that line end. */
  #cut(bytes: Buffer, { end, lineEndBytes }: Interpretation, batch: RecordBatch): void {
    this.#damage = DAMAGE_UNTERMINATED_QUOTE;
    // The second walk over the line ends behind the cut counts them again.
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
    const behind = end + this.#lineEndBytes;
    if (last === start && this.#skipsBlankLines) {
      this.#passOver('blank', behind);
      return;
    }
    if (this.#isHeader(bytes, start, last)) {
      this.#passOver('header', behind);
      this.#isBehindComment = true;
      return;
    }
    this.#recordBytes += behind - start;
    const index = batch.count++;
    batch.start[index] = start;
    batch.end[index] = last;
    batch.line[index] = this.#lineOfRecord;
    batch.fieldCount[index] = this.#fields;
    batch.damage[index] = this.#damage;
    batch.isPadded[index] = this.#isPadded ? 1 : 0;
    batch.isBehindComment[index] = this.#isBehindComment ? 1 : 0;
    this.#isBehindComment = false;
  }

  #passOver(kind: PassedOverKind, end: number): void {
    this.#watch?.passed(kind, this.#recordStart, end, this.#lineOfRecord);
  }

  /** Whether a record is the header line again, perhaps behind a byte order mark. */
  #isHeader(bytes: Buffer, start: number, end: number): boolean {
    const { length } = this.#header;
    if (length === 0 || end - start < length || end - start > length + MARK.length) return false;
    const from = end - length;
    const mark = from === start ? 0 : MARK.length;
    return (
      from - start === mark &&
      bytes.compare(this.#header, 0, length, from, end) === 0 &&
      bytes.compare(MARK, 0, mark, start, from) === 0
    );
  }

  #beginRecord(position: number): void {
    this.#recordStart = position;
    this.#position = position;
    this.#lineOfRecord = this.#line;
    this.#state = RECORD_START;
    this.#fields = 1;
    this.#damage = DAMAGE_NONE;
    this.#hasBareQuote = false;
    this.#isPadded = false;
    this.#hasBlank = false;
    this.#lineEndInQuotes = -1;
    this.#badQuote = -1;
    this.#escapedAt = -1;
  }

  /**
   * Walks to the end of the record.
   *
   * @returns where its content ends, which at the end of a file may be inside quotes; -1 where it
   *   continues behind `end`
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
            // A backslash escapes one byte: the LF of CR LF has its own backslash, or ends the
            // record.
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
          if (this.#hasBlank) this.#isPadded = true;
          this.#hasBlank = false;
          state = QUOTED;
          position++;
        } else if (byte === BLANK && this.#mayPad) {
          this.#hasBlank = true;
          position++;
        } else {
          this.#hasBlank = false;
          state = UNQUOTED;
        }
      } else if (state === QUOTE_IN_QUOTED || state === BEHIND_QUOTED) {
        if (byte === quote && state === QUOTE_IN_QUOTED) {
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
        if (lineEnd === 0 && byte === BLANK && this.#mayPad) {
          this.#isPadded = true;
          state = BEHIND_QUOTED;
          position++;
          continue;
        }
        if (lineEnd === 0) {
          this.#damage = DAMAGE_BAD_QUOTE;
          if (this.#badQuote < 0) this.#badQuote = findLastQuote(bytes, position, quote);
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

/** @returns offset of the last quote before `position`; only blanks stand between them */
function findLastQuote(bytes: Buffer, position: number, quote: number): number {
  let at = position - 1;
  while (bytes[at] !== quote) at--;
  return at;
}

/** @returns length of `wanted` if it is at `position`; 0 if not; -1 if `end` cuts it off */
function startsWith(bytes: Buffer, position: number, end: number, wanted: Buffer): number {
  for (let i = 0; i < wanted.length; i++) {
    if (position + i >= end) return -1;
    if (bytes[position + i] !== wanted[i]) return 0;
  }
  return wanted.length;
}
