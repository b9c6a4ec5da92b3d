/**
 * The byte lane: bytes of records in, bytes of COPY rows out, in one pass.
 *
 * How it works: byte-lane.ts writes a table plan into memory, as one operation per field of the
 * header, or per key of JSON (lines.ts); change events have their own way (events.ts). Columns are sent in field order, so that a row is written
 * while its record is read. The lane understands the plain forms of every value and nothing else. Anything else (an escape, a
 * number at its limits, damage of any kind) it leaves to the csv lane: it takes back the row and
 * stops in front of the record. So it never rejects anything, and every rule of what is valid is in
 * one place (values/).
 *
 * What breaks if you change it:
 * - A value accepted here must come out exactly as the csv lane writes it, bit for bit; the
 *   property tests in tests/lanes compare both. When in doubt, leave the record.
 * - A record ends here where CsvScanner or LineScanner says it ends; a well-formed record has one end, and only
 *   well-formed ones are taken. A record whose line end is not within the window is not taken.
 * - The byte behind the window's last must be a line feed (`run` writes it): loops over digits and
 *   text stop at it and need no bounds check of their own. Loops over quoted text have one.
 * - Nothing here allocates, and nothing outside is called except for corrected values
 *   (corrected.ts). State is a few globals (record.ts); everything else has an address (layout.ts).
 * - Functions called `encode…` write a value into the row and move Record.out, or return LEAVE;
 *   those called `skip…` only walk.
 */
import { BYTE_ORDER_MARK, CR, LEAVE, LF, QUOTE, storeInt16, storeInt32 } from './bytes';
import { encodeCorrected, encodeTail } from './corrected';
import { encodeEvent } from './events';
import { Integer } from './integers';
import { encodeJson } from './json';
import {
  ALLOWS_BARE_QUOTES,
  COLUMN_COUNT,
  COMMENT,
  COMMENT_LENGTH,
  CORRECTED,
  DELIMITER,
  FIELD_BYTES,
  FIELD_COUNT,
  FIELD_REFERENCE,
  FIELDS,
  HAS_LOAD_ID,
  HAS_ORDINALS,
  HAS_TAIL,
  HEADER,
  HEADER_BYTES,
  HEADER_LENGTH,
  INT16,
  IS_EVENTS,
  IS_JSONL,
  JSON_TEXT,
  JSONB,
  LINE,
  LINES,
  LOAD_ID,
  MAX_ROWS,
  METRICS,
  NEXT,
  NEXT_ORDINAL,
  OUT,
  OUT_END,
  OUT_START,
  PENDING,
  RECORD_ENDS,
  RECORD_STARTS,
  ROW_BYTES,
  ROW_COUNT,
  ROW_ENDS,
  SKIP,
  STATE,
  STOPPED_AT_LIMIT,
  STOPPED_AT_RECORD,
  STOPPED_FULL,
  STOPPED_INCOMPLETE,
  TEXT,
  UUID,
  WINDOW,
} from './layout';
import { encodeLine } from './lines';
import { encodeMetrics } from './metrics';
import { countOthers } from './other-members';
import { encodeNull, Record, Window } from './record';
import { notePending, References, refersToInteger } from './references';
import { Scalar } from './scalars';
import { encodeText, skipField } from './text';

export { clearReferences } from './references';

/** Two bytes, the first in the lower bits. */
const TWO_QUOTES: u32 = 0x2222;
const ESCAPED_QUOTE: u32 = 0x225c;

/** First address behind the static data, which must not reach into the plan. */
export function staticEnd(): usize {
  return __heap_base;
}

function readState(index: i32): u32 {
  return load<u32>(STATE + 4 * index);
}

function writeState(index: i32, value: u32): void {
  store<u32>(STATE + 4 * index, value);
}

/**
 * Takes records from `start` on, until one starts at or after `limit`.
 *
 * @param start address of a record in the window
 * @param end address behind the window's last byte; the byte there is overwritten
 * @returns why it stopped
 */
export function run(start: usize, end: usize, limit: usize, isUtf8: bool): i32 {
  store<u8>(end, <u8>LF);
  Window.end = end;
  Window.isUtf8 = isUtf8;
  Window.delimiter = readState(DELIMITER);
  Window.allowsBareQuotes = readState(ALLOWS_BARE_QUOTES) !== 0;
  const isJsonl = readState(IS_JSONL) !== 0;
  const isEvents = readState(IS_EVENTS) !== 0;
  Window.innerQuote = isJsonl ? ESCAPED_QUOTE : TWO_QUOTES;
  const rowBytes = readState(ROW_BYTES);
  const outStart = readState(OUT_START);
  const outEnd = readState(OUT_END);
  const maxRows = readState(MAX_ROWS);
  const columnCount = readState(COLUMN_COUNT);
  const hasOrdinals = readState(HAS_ORDINALS) !== 0;
  const hasLoadId = readState(HAS_LOAD_ID) !== 0;
  const hasTail = readState(HAS_TAIL) !== 0;
  const headerLength = readState(HEADER_LENGTH);
  const headerMask = maskOf(headerLength);
  const headerBegin = beginOf(HEADER, headerLength);
  const commentMask = maskOf(readState(COMMENT_LENGTH));
  const commentBegin = beginOf(STATE + 4 * COMMENT, readState(COMMENT_LENGTH));
  let row = <usize>readState(OUT);
  let rowCount = readState(ROW_COUNT);
  let line = readState(LINE);
  let ordinal = readState(NEXT_ORDINAL);
  let at = start;
  let reason = STOPPED_AT_LIMIT;
  while (true) {
    if (at >= limit) break;
    if (at >= end) {
      reason = STOPPED_INCOMPLETE;
      break;
    }
    // The text of a row is never longer than the rest of the window.
    if (rowCount === maxRows || row + rowBytes + (end - at) > outEnd || References.isFull) {
      reason = STOPPED_FULL;
      break;
    }
    const begin = load<u64>(at);
    if (
      (begin & commentMask) === commentBegin ||
      ((begin & headerMask) === headerBegin && isHeader(at, headerLength)) ||
      ((begin & 0xffffff) === BYTE_ORDER_MARK && isHeader(at + 3, headerLength))
    ) {
      reason = STOPPED_AT_RECORD;
      break;
    }
    storeInt16(row, columnCount);
    Record.out = row + 2;
    if (hasOrdinals) {
      store<u32>(Record.out, 0x04000000);
      storeInt32(Record.out + 4, ordinal);
      Record.out += 8;
    }
    Record.start = at;
    Record.lines = 0;
    References.pending = PENDING;
    const recordEnd = isEvents ? encodeEvent(at) : isJsonl ? encodeLine(at) : encodeRecord(at);
    if (recordEnd === LEAVE || (hasTail && !encodeTail())) {
      reason = Record.isCut || isCut(at) ? STOPPED_INCOMPLETE : STOPPED_AT_RECORD;
      Record.isCut = false;
      break;
    }
    if (hasLoadId) {
      store<u32>(Record.out, 0x08000000);
      store<u64>(Record.out, load<u64>(STATE + 4 * LOAD_ID), 4);
      Record.out += 12;
    }
    if (References.pending !== PENDING) notePending();
    if (isJsonl) countOthers();
    const place = (<i32>rowCount) << 2;
    store<u32>(RECORD_STARTS + place, at - WINDOW);
    store<u32>(RECORD_ENDS + place, recordEnd - WINDOW);
    store<u32>(LINES + place, line);
    row = Record.out;
    store<u32>(ROW_ENDS + place, row - outStart);
    rowCount++;
    ordinal++;
    line += Record.lines + 1;
    at = recordEnd + (load<u8>(recordEnd) === CR ? 2 : 1);
  }
  writeState(NEXT, <u32>at);
  writeState(OUT, <u32>row);
  writeState(ROW_COUNT, rowCount);
  writeState(LINE, line);
  writeState(NEXT_ORDINAL, ordinal);
  return reason;
}

/** The bits of the first bytes of a word. @param length in bytes; behind eight, all */
function maskOf(length: u32): u64 {
  return length < 8 ? ((<u64>1) << (8 * length)) - 1 : ~0;
}

/** @returns the first bytes there; for none, a word that no masked word equals */
function beginOf(address: usize, length: u32): u64 {
  return length === 0 ? 1 : load<u64>(address) & maskOf(length);
}

/**
 * Whether the header line stands there again, as far as it is known here. The csv lane decides, and
 * passes it over.
 */
function isHeader(from: usize, length: u32): bool {
  if (length === 0) return false;
  const known: u32 = length < <u32>HEADER_BYTES ? length : <u32>HEADER_BYTES;
  for (let i: u32 = 0; i < known; i++) {
    if (load<u8>(from + i) !== load<u8>(HEADER + i)) return false;
  }
  const behind: u32 = load<u8>(from + known);
  return length > <u32>HEADER_BYTES || behind === LF || behind === CR;
}

/** @returns the address of the record's line end; LEAVE where the record is not taken */
function encodeRecord(start: usize): usize {
  const delimiter = Window.delimiter;
  const last = FIELDS + FIELD_BYTES * (readState(FIELD_COUNT) - 1);
  let at = start;
  for (let field: usize = FIELDS; ; field += FIELD_BYTES) {
    const operation: i32 = load<u8>(field);
    if (operation >= INT16 && operation <= UUID) {
      const isQuoted = load<u8>(at) === QUOTE;
      const behind = Scalar.encode(isQuoted ? at + 1 : at, operation);
      if (behind === LEAVE) {
        at = encodeNull(at, field);
        if (at === LEAVE) return LEAVE;
      } else {
        at = behind;
        if (isQuoted && load<u8>(at++) !== QUOTE) return LEAVE;
        const reference: u32 = load<u8>(field, FIELD_REFERENCE);
        if (reference !== 0) refersToInteger(reference, Integer.value);
      }
    } else {
      at = encodeOther(at, field, operation);
      if (at === LEAVE) return LEAVE;
    }
    if (field === last) break;
    if (load<u8>(at++) !== delimiter) return LEAVE;
  }
  const lineFeed = load<u8>(at) === CR ? at + 1 : at;
  return load<u8>(lineFeed) === LF && lineFeed < Window.end ? at : LEAVE;
}

/** Encodes a field that handles its quotes itself. */
function encodeOther(at: usize, field: usize, operation: i32): usize {
  switch (operation) {
    case METRICS:
      return encodeMetrics(at, field);
    case TEXT:
      return encodeText(at, field);
    case JSON_TEXT:
    case JSONB:
      return encodeJson(at, field, operation);
    case SKIP:
      return skipField(at);
    case CORRECTED:
      return encodeCorrected(at, field);
    default:
      return LEAVE;
  }
}

/** Whether a record that was not understood may only be cut off by the end of the window. */
function isCut(from: usize): bool {
  for (let at = from; at < Window.end; at++) if (load<u8>(at) === LF) return false;
  return true;
}
