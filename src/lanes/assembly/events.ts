/**
 * Records that are change events, written as edp writes them: the members in its order, no blanks, the version of today.
 * Any other event is left to the csv lane, as is one with errors, a truncate, and a value that would be written otherwise
 * by whoever reads it and writes it again.
 *
 * How it works: a line is only walked over at first, and the places of its parts are noted. What it says of its row is
 * checked as the schema of its table does (quick-check.ts). Then its parts are copied into a row of the log; objects of
 * attributes as they are written.
 */
import {
  BACKSLASH,
  BRACE,
  BRACKET,
  CLOSING_BRACE,
  CLOSING_BRACKET,
  COLON,
  COMMA,
  CR,
  DIGIT_0,
  FALS,
  isDigit,
  JsonText,
  LEAVE,
  MINUS,
  NULL,
  POINT,
  QUOTE,
  SMALL_E,
  skipDigits,
  storeInt32,
  TRUE,
} from './bytes';
import { skipString } from './json';
import { Key } from './keys';
import {
  BOOLEAN,
  COLUMN_BYTES,
  COLUMN_FOLLOWER,
  COLUMN_IS_KEY,
  COLUMN_IS_REQUIRED,
  COLUMN_NAME,
  COLUMN_SEEN,
  COLUMN_VALUE,
  COLUMN_VALUE_END,
  CREATE,
  DATE,
  DELETE,
  EVENT_AFTER,
  EVENT_BEFORE,
  EVENT_CONTENT_TYPE,
  EVENT_END,
  EVENT_ID,
  EVENT_KEY,
  EVENT_OP,
  EVENT_OP_WORDS,
  EVENT_OPS,
  EVENT_PARTIAL,
  EVENT_SEQUENCE,
  EVENT_SOURCE,
  EVENT_SUBJECT,
  EVENT_TABLE,
  EVENT_TABLES,
  EVENT_TIME,
  EVENT_TRANSACTION,
  EVENT_TYPE,
  EVENT_TYPE_WORDS,
  EVENTS,
  FLOAT4,
  FLOAT8,
  INT16,
  INT32,
  INT64,
  JSON_TEXT,
  JSONB,
  KEY_LENGTH,
  KEY_TEXT,
  NUMERIC,
  READ,
  STATE,
  TABLE_COLUMNS,
  TABLE_COLUMNS_END,
  TABLE_FIRST,
  TABLE_KEY,
  TABLE_KEY_END,
  TABLE_NAME,
  TABLE_NEXT,
  TABLE_REQUIRED,
  TABLE_SCHEMA,
  TABLE_TYPE,
  TABLE_VERSION,
  TEXT,
  TIMESTAMP,
  UPDATE,
  UTC,
  UUID,
} from './layout';
import { findEnd } from './lines';
import { encodeNumeric } from './numerics';
import { Record, writeNull } from './record';
import { encodeDate, encodeTimestamp } from './timestamps';
import { encodeUuid } from './uuids';

/** Digits of the sequence that any event may have. */
const MAX_SEQUENCE_DIGITS: usize = 100;
/** Of a bigint that is surely in range. */
const MAX_BIGINT_DIGITS: usize = 18;
/** Of an exact decimal that is surely in range. */
const MAX_NUMERIC_DIGITS: usize = 1000;
/** With more, or more zeros behind its point, a double may be written otherwise than here. */
const MAX_DOUBLE_DIGITS: usize = 15;
const MAX_DOUBLE_ZEROS: usize = 5;
const MAX_INTEGER_DIGITS: usize = 10;
/** `YYYY-MM-DDTHH:MM:SS` */
const SECONDS_BYTES: usize = 19;
const DATE_BYTES: usize = 10;
const UUID_BYTES: usize = 36;
const DECIMALS: usize = 6;
const T: u32 = 0x54;
const Z: u32 = 0x5a;
const U: u32 = 0x75;
/** As two bytes. */
const TWO_ZEROS: u32 = 0x3030;

/** The places of the parts of the current event; their ends are behind them. */
class Event {
  static table: usize = 0;
  static op: i32 = 0;
  static id: usize = 0;
  static idEnd: usize = 0;
  static source: usize = 0;
  static sourceEnd: usize = 0;
  static subject: usize = 0;
  static subjectEnd: usize = 0;
  static time: usize = 0;
  static sequence: usize = 0;
  /** 0 where it has none. */
  static transaction: usize = 0;
  static transactionEnd: usize = 0;
  static after: usize = 0;
  static afterEnd: usize = 0;
  static before: usize = 0;
  static beforeEnd: usize = 0;
  /** Number of the object of attributes that was walked last. */
  static object: u32 = 0;
  /** Columns in it that a create must have. */
  static required: u32 = 0;
  /** Behind the name of the column that was found last. */
  static behindName: usize = 0;
}

/** @returns the address of the record's line end; LEAVE where the record is not taken */
export function encodeEvent(start: usize): usize {
  if (!findEnd(start)) return LEAVE;
  const out = Record.out;
  const behind = walkEvent(start);
  // Values were encoded there to see whether they are valid.
  Record.out = out;
  if (behind === LEAVE) return LEAVE;
  const isEnd = behind === Record.end || (load<u8>(behind) === CR && behind + 1 === Record.end);
  if (!isEnd) return LEAVE;
  writeEvent();
  return behind;
}

/** @returns the address behind a text that all events have; LEAVE where another one is there */
function skipText(at: usize, text: i32): usize {
  return Key.skip(at, load<u32>(EVENTS + 4 * text));
}

function walkEvent(start: usize): usize {
  let at = skipText(start, EVENT_ID);
  if (at === LEAVE) return LEAVE;
  Event.id = at;
  at = findQuote(at);
  if (at === LEAVE || at === Event.id) return LEAVE;
  Event.idEnd = at;
  at = skipText(at, EVENT_SOURCE);
  if (at === LEAVE) return LEAVE;
  Event.source = at;
  at = findQuote(at);
  if (at === LEAVE || at === Event.source) return LEAVE;
  Event.sourceEnd = at;
  at = skipText(at, EVENT_TYPE);
  if (at === LEAVE) return LEAVE;
  at = findTable(at);
  if (at === LEAVE) return LEAVE;
  const table = Event.table;
  at = skipText(at, EVENT_SUBJECT);
  if (at === LEAVE) return LEAVE;
  Event.subject = at;
  at = skipString(at, true);
  if (at === LEAVE) return LEAVE;
  Event.subjectEnd = at - 1;
  at = skipText(at, EVENT_TIME);
  if (at === LEAVE) return LEAVE;
  Event.time = at;
  at = skipMoment(at, true);
  if (at === LEAVE) return LEAVE;
  at = skipText(at, EVENT_CONTENT_TYPE);
  if (at === LEAVE) return LEAVE;
  at = Key.skip(at, load<u32>(table, TABLE_SCHEMA));
  if (at === LEAVE) return LEAVE;
  at = skipText(at, EVENT_SEQUENCE);
  if (at === LEAVE) return LEAVE;
  Event.sequence = at;
  at = skipDigits(at);
  if (at === Event.sequence || at - Event.sequence > MAX_SEQUENCE_DIGITS) return LEAVE;
  at = skipText(at, EVENT_OP);
  if (at === LEAVE) return LEAVE;
  at = skipText(at, EVENT_OP_WORDS + Event.op);
  return at === LEAVE ? LEAVE : walkData(at);
}

/** @param from behind the word of the op */
function walkData(from: usize): usize {
  let at = skipText(from, EVENT_KEY);
  if (at === LEAVE) return LEAVE;
  at = walkKey(at);
  if (at === LEAVE || !isSubject()) return LEAVE;
  Event.after = 0;
  Event.before = 0;
  Event.transaction = 0;
  const op = Event.op;
  if (op !== DELETE) {
    at = skipText(at, EVENT_AFTER);
    if (at === LEAVE) return LEAVE;
    Event.after = at;
    at = walkAttributes(at);
    if (at === LEAVE) return LEAVE;
    Event.afterEnd = at;
    const isWhole = op === CREATE || op === READ;
    if (isWhole && Event.required !== load<u32>(Event.table, TABLE_REQUIRED)) return LEAVE;
  }
  if (op === UPDATE || op === DELETE) {
    const before = skipText(at, EVENT_BEFORE);
    if (before !== LEAVE) {
      Event.before = before;
      at = walkAttributes(before);
      if (at === LEAVE) return LEAVE;
      Event.beforeEnd = at;
    }
  }
  const partial = skipText(at, EVENT_PARTIAL);
  if (partial !== LEAVE) at = partial;
  const transaction = skipText(at, EVENT_TRANSACTION);
  if (transaction !== LEAVE) {
    Event.transaction = transaction;
    at = findQuote(transaction);
    if (at === LEAVE) return LEAVE;
    Event.transactionEnd = at++;
  }
  return skipText(at, EVENT_END);
}

/**
 * @param from behind the opening quote
 * @returns the address of the closing quote; LEAVE where an escape comes first
 */
function findQuote(from: usize): usize {
  let at = from;
  while (true) {
    const stops = JsonText.stopsIn(v128.load(at));
    if (stops === 0) {
      at += 16;
      continue;
    }
    at += ctz(stops);
    return load<u8>(at) === QUOTE ? at : LEAVE;
  }
}

/**
 * Skips a string whose escapes are those that JSON.stringify writes.
 *
 * @param from behind the opening quote
 * @returns the address behind the closing quote
 */
function skipOwnString(from: usize): usize {
  let at = from;
  while (true) {
    const stops = JsonText.stopsIn(v128.load(at));
    if (stops === 0) {
      at += 16;
      continue;
    }
    at += ctz(stops);
    const byte: u32 = load<u8>(at);
    if (byte === QUOTE) return at + 1;
    if (byte !== BACKSLASH) return LEAVE;
    const escaped: u32 = load<u8>(at, 1);
    if (isShortEscape(escaped)) at += 2;
    else if (escaped === U && isControl(at + 2)) at += 6;
    else return LEAVE;
  }
}

/** One of " \\ b f n r t. */
function isShortEscape(byte: u32): bool {
  return (
    byte === QUOTE ||
    byte === BACKSLASH ||
    byte === 0x62 ||
    byte === 0x66 ||
    byte === 0x6e ||
    byte === 0x72 ||
    byte === 0x74
  );
}

/** Whether these are the digits of a control character that has no shorter escape, in small letters; jsonb takes no NUL. */
function isControl(at: usize): bool {
  if (load<u16>(at) !== TWO_ZEROS) return false;
  const high = <u32>load<u8>(at, 2) - DIGIT_0;
  const low = load<u8>(at, 3);
  const digit: u32 = isDigit(low) ? low - DIGIT_0 : low >= 0x61 && low <= 0x66 ? low - 0x57 : 16;
  const code = high * 16 + digit;
  if (high > 1 || digit > 15 || code === 0) return false;
  return code !== 0x08 && code !== 0x09 && code !== 0x0a && code !== 0x0c && code !== 0x0d;
}

/** Finds the table and the op of a type. @returns the address behind its closing quote */
function findTable(at: usize): usize {
  const last = <usize>load<u32>(STATE + 4 * EVENT_TABLE);
  const behind = skipType(at, last);
  if (behind !== LEAVE) return behind;
  let table = <usize>load<u32>(EVENTS + 4 * EVENT_TABLES);
  while (table !== 0) {
    const found = skipType(at, table);
    if (found !== LEAVE) {
      store<u32>(STATE + 4 * EVENT_TABLE, table);
      return found;
    }
    table = <usize>load<u32>(table, TABLE_NEXT);
  }
  return LEAVE;
}

function skipType(at: usize, table: usize): usize {
  if (table === 0) return LEAVE;
  const word = Key.skip(at, load<u32>(table, TABLE_TYPE));
  if (word === LEAVE) return LEAVE;
  for (let op = 0; op < EVENT_OPS; op++) {
    const behind = skipText(word, EVENT_TYPE_WORDS + op);
    if (behind === LEAVE) continue;
    Event.table = table;
    Event.op = op;
    return behind;
  }
  return LEAVE;
}

/** @param from behind the opening brace @returns the address behind the closing one */
function walkKey(from: usize): usize {
  let at = from;
  const end = <usize>load<u32>(Event.table, TABLE_KEY_END);
  let part = <usize>load<u32>(Event.table, TABLE_KEY);
  while (true) {
    const column = <usize>load<u32>(part);
    at = Key.skip(at, load<u32>(column, COLUMN_NAME));
    if (at === LEAVE) return LEAVE;
    store<u32>(column, <u32>at, COLUMN_VALUE);
    at = skipKeyValue(at, load<u8>(column));
    if (at === LEAVE) return LEAVE;
    store<u32>(column, <u32>at, COLUMN_VALUE_END);
    const byte: u32 = load<u8>(at++);
    part += 4;
    if (part === end) return byte === CLOSING_BRACE ? at : LEAVE;
    if (byte !== COMMA) return LEAVE;
  }
}

/** Whether the subject is the key: its only value, or the text of a list of its values. */
function isSubject(): bool {
  const from = <usize>load<u32>(Event.table, TABLE_KEY);
  const end = <usize>load<u32>(Event.table, TABLE_KEY_END);
  const isList = end - from > 4;
  let at = Event.subject;
  for (let part = from; part < end; part += 4) {
    const column = <usize>load<u32>(part);
    let value = <usize>load<u32>(column, COLUMN_VALUE);
    let valueEnd = <usize>load<u32>(column, COLUMN_VALUE_END);
    if (load<u8>(value) === QUOTE) {
      value++;
      valueEnd--;
    }
    if (isList) {
      if (load<u8>(at) !== (part === from ? BRACKET : COMMA)) return false;
      if (load<u8>(at, 1) !== BACKSLASH || load<u8>(at, 2) !== QUOTE) return false;
      at += 3;
    }
    const length = valueEnd - value;
    if (at + length > Event.subjectEnd || memory.compare(at, value, length) !== 0) return false;
    at += length;
    if (isList) {
      if (load<u8>(at) !== BACKSLASH || load<u8>(at, 1) !== QUOTE) return false;
      at += 2;
    }
  }
  if (isList && load<u8>(at++) !== CLOSING_BRACKET) return false;
  return at === Event.subjectEnd;
}

/** @returns the address behind an object of attributes; sets how many of the required ones it has */
function walkAttributes(from: usize): usize {
  if (load<u8>(from) !== BRACE) return LEAVE;
  const table = Event.table;
  const object = ++Event.object;
  let required: u32 = 0;
  let at = from + 1;
  let guess = table + TABLE_FIRST;
  let column = <usize>load<u32>(table, TABLE_COLUMNS) - COLUMN_BYTES;
  Event.required = 0;
  if (load<u8>(at) === CLOSING_BRACE) return at + 1;
  while (true) {
    column = findColumn(at, guess, column + COLUMN_BYTES);
    if (column === LEAVE || load<u32>(column, COLUMN_SEEN) === object) return LEAVE;
    store<u32>(column, object, COLUMN_SEEN);
    required += load<u8>(column, COLUMN_IS_REQUIRED);
    at = Event.behindName;
    if (load<u8>(column, COLUMN_IS_KEY) !== 0) at = skipSameValue(at, column);
    else if (load<u32>(at) === NULL) at += 4;
    else at = skipTyped(at, load<u8>(column));
    if (at === LEAVE) return LEAVE;
    guess = column + COLUMN_FOLLOWER;
    const byte: u32 = load<u8>(at++);
    if (byte === CLOSING_BRACE) {
      Event.required = required;
      return at;
    }
    if (byte !== COMMA) return LEAVE;
  }
}

/**
 * Finds the column whose name is at `at`, and sets Event.behindName.
 *
 * @param guess address of the place that has the one found here last time
 * @param likely where to begin otherwise: attributes come in the order of the columns, as a rule
 */
function findColumn(at: usize, guess: usize, likely: usize): usize {
  const guessed = <usize>load<u32>(guess);
  if (guessed !== 0) {
    Event.behindName = Key.skip(at, load<u32>(guessed, COLUMN_NAME));
    if (Event.behindName !== LEAVE) return guessed;
  }
  const first = <usize>load<u32>(Event.table, TABLE_COLUMNS);
  const end = <usize>load<u32>(Event.table, TABLE_COLUMNS_END);
  let column = findAmong(at, likely, end);
  if (column === LEAVE) column = findAmong(at, first, likely);
  if (column !== LEAVE) store<u32>(guess, <u32>column);
  return column;
}

function findAmong(at: usize, from: usize, end: usize): usize {
  for (let column = from; column < end; column += COLUMN_BYTES) {
    Event.behindName = Key.skip(at, load<u32>(column, COLUMN_NAME));
    if (Event.behindName !== LEAVE) return column;
  }
  return LEAVE;
}

/** @returns the address behind the value that a column of the key has in the key */
function skipSameValue(at: usize, column: usize): usize {
  const value = <usize>load<u32>(column, COLUMN_VALUE);
  const length = <usize>load<u32>(column, COLUMN_VALUE_END) - value;
  return at + length <= Record.end && memory.compare(at, value, length) === 0 ? at + length : LEAVE;
}

/** Skips a value of the key that has only one text. */
function skipKeyValue(at: usize, operation: i32): usize {
  switch (operation) {
    case TEXT: {
      if (load<u8>(at) !== QUOTE) return LEAVE;
      const quote = findQuote(at + 1);
      return quote === LEAVE ? LEAVE : quote + 1;
    }
    case UUID: {
      const behind = skipTyped(at, UUID);
      if (behind === LEAVE) return LEAVE;
      for (let i: usize = 1; i <= UUID_BYTES; i++) {
        const byte: u32 = load<u8>(at + i);
        if (byte >= 0x41 && byte <= 0x5a) return LEAVE;
      }
      return behind;
    }
    case TIMESTAMP:
    case UTC: {
      const behind = skipTyped(at, operation);
      const bytes = SECONDS_BYTES + 1 + DECIMALS + (operation === UTC ? 1 : 0);
      return behind !== LEAVE && behind - at === bytes + 2 ? behind : LEAVE;
    }
    case NUMERIC: {
      if (load<u8>(at) !== QUOTE) return LEAVE;
      const behind = skipWhole(at + 1, MAX_NUMERIC_DIGITS);
      return behind !== LEAVE && load<u8>(behind) === QUOTE ? behind + 1 : LEAVE;
    }
    case INT16:
    case INT32:
    case INT64:
    case BOOLEAN:
    case DATE:
      return skipTyped(at, operation);
    default:
      return LEAVE;
  }
}

/** Skips a value that its schema takes, that the server can hold, and that is written in one way only. */
function skipTyped(at: usize, operation: i32): usize {
  switch (operation) {
    case INT16:
      return skipInteger(at, 32767);
    case INT32:
      return skipInteger(at, 2147483647);
    case FLOAT4:
    case FLOAT8:
      return skipDouble(at);
    case BOOLEAN:
      return skipBoolean(at);
    default:
      break;
  }
  if (load<u8>(at) !== QUOTE) {
    const isJson = operation === JSON_TEXT || operation === JSONB;
    return isJson ? skipBoolean(at) : LEAVE;
  }
  const text = at + 1;
  let quote: usize = LEAVE;
  switch (operation) {
    case TEXT:
    case JSON_TEXT:
    case JSONB:
      return skipOwnString(text);
    case INT64:
      quote = skipWhole(text, MAX_BIGINT_DIGITS);
      break;
    case NUMERIC:
      quote = skipDecimal(text);
      break;
    case DATE:
      quote = encodeDate(text) === LEAVE ? LEAVE : text + DATE_BYTES;
      break;
    case TIMESTAMP:
    case UTC:
      quote = skipMoment(text, operation === UTC);
      break;
    case UUID:
      quote = encodeUuid(text);
      break;
    default:
      return LEAVE;
  }
  return quote !== LEAVE && load<u8>(quote) === QUOTE ? quote + 1 : LEAVE;
}

function skipBoolean(at: usize): usize {
  const word = load<u32>(at);
  if (word === TRUE) return at + 4;
  return word === FALS && load<u8>(at, 4) === SMALL_E ? at + 5 : LEAVE;
}

/** Skips digits without leading zeros, and a sign, but not that of zero. @param most digits */
function skipWhole(from: usize, most: usize): usize {
  const isNegative = load<u8>(from) === MINUS;
  const digits = isNegative ? from + 1 : from;
  const at = skipDigits(digits);
  if (at === digits || at - digits > most) return LEAVE;
  const isZero = load<u8>(digits) === DIGIT_0;
  return isZero && (isNegative || at > digits + 1) ? LEAVE : at;
}

/** @param most the greatest that is in range; of negative numbers, as many */
function skipInteger(from: usize, most: u64): usize {
  const at = skipWhole(from, MAX_INTEGER_DIGITS);
  if (at === LEAVE) return LEAVE;
  let value: u64 = 0;
  for (let digit = load<u8>(from) === MINUS ? from + 1 : from; digit < at; digit++) {
    value = value * 10 + (load<u8>(digit) - DIGIT_0);
  }
  return value <= most ? at : LEAVE;
}

function skipDecimal(from: usize): usize {
  const digits = load<u8>(from) === MINUS ? from + 1 : from;
  let at = skipDigits(digits);
  if (at === digits || (load<u8>(digits) === DIGIT_0 && at > digits + 1)) return LEAVE;
  if (load<u8>(at) === POINT) {
    const fraction = at + 1;
    at = skipDigits(fraction);
    if (at === fraction) return LEAVE;
  }
  return at - from > MAX_NUMERIC_DIGITS ? LEAVE : at;
}

/** Skips a number that is written as a double of this value is. */
function skipDouble(from: usize): usize {
  const isNegative = load<u8>(from) === MINUS;
  const digits = isNegative ? from + 1 : from;
  let at = skipDigits(digits);
  const isZero = load<u8>(digits) === DIGIT_0;
  if (at === digits || at - digits > MAX_DOUBLE_DIGITS || (isZero && at > digits + 1)) return LEAVE;
  if (load<u8>(at) !== POINT) return isZero && isNegative ? LEAVE : at;
  const fraction = at + 1;
  at = skipDigits(fraction);
  if (at === fraction || load<u8>(at - 1) === DIGIT_0) return LEAVE;
  if (at - digits > MAX_DOUBLE_DIGITS) return LEAVE;
  let zeros = fraction;
  while (load<u8>(zeros) === DIGIT_0) zeros++;
  return isZero && zeros - fraction > MAX_DOUBLE_ZEROS ? LEAVE : at;
}

/** Skips `YYYY-MM-DDTHH:MM:SS[.f]`, of one to six decimals, and Z where it is in UTC. */
function skipMoment(from: usize, isUtc: bool): usize {
  if (load<u8>(from, DATE_BYTES) !== T || load<u8>(from, 16) !== COLON) return LEAVE;
  let at = from + SECONDS_BYTES;
  if (load<u8>(at) === POINT) {
    const fraction = at + 1;
    at = skipDigits(fraction);
    if (at === fraction || at - fraction > DECIMALS) return LEAVE;
  }
  if (isUtc) {
    if (load<u8>(at) !== Z) return LEAVE;
    at++;
  }
  // Where it is read otherwise, it ends elsewhere.
  return load<u8>(at) === QUOTE && encodeTimestamp(from) === at ? at : LEAVE;
}

/** Writes the row of the log, in the order of its columns. */
function writeEvent(): void {
  const table = Event.table;
  writeKey(load<u32>(table, TABLE_NAME));
  writeKeyTexts();
  encodeNumeric(Event.sequence);
  writeText(Event.source, Event.sourceEnd);
  writeText(Event.id, Event.idEnd);
  writeKey(load<u32>(EVENTS + 4 * (EVENT_OP_WORDS + Event.op)));
  storeInt32(Record.out, 4);
  storeInt32(Record.out + 4, load<u32>(table, TABLE_VERSION));
  Record.out += 8;
  encodeTimestamp(Event.time);
  if (Event.transaction === 0) writeNull();
  else writeText(Event.transaction, Event.transactionEnd);
  writeObject(Event.after, Event.afterEnd);
  writeObject(Event.before, Event.beforeEnd);
  // Its errors.
  writeNull();
}

function writeText(from: usize, end: usize): void {
  storeInt32(Record.out, <u32>(end - from));
  memory.copy(Record.out + 4, from, end - from);
  Record.out += 4 + end - from;
}

function writeKey(key: usize): void {
  const text = key + KEY_TEXT;
  writeText(text, text + load<u32>(key, KEY_LENGTH));
}

/** @param from 0 for none */
function writeObject(from: usize, end: usize): void {
  if (from === 0) {
    writeNull();
    return;
  }
  storeInt32(Record.out, <u32>(end - from) + 1);
  // jsonb is sent as text behind a version number.
  store<u8>(Record.out, 1, 4);
  memory.copy(Record.out + 5, from, end - from);
  Record.out += 5 + end - from;
}

/** The values of the key as a list of texts. */
function writeKeyTexts(): void {
  const from = <usize>load<u32>(Event.table, TABLE_KEY);
  const end = <usize>load<u32>(Event.table, TABLE_KEY_END);
  let out = Record.out + 4;
  for (let part = from; part < end; part += 4) {
    const column = <usize>load<u32>(part);
    const value = <usize>load<u32>(column, COLUMN_VALUE);
    const length = <usize>load<u32>(column, COLUMN_VALUE_END) - value;
    const isQuoted = load<u8>(value) === QUOTE;
    store<u8>(out++, <u8>(part === from ? BRACKET : COMMA));
    if (!isQuoted) store<u8>(out++, <u8>QUOTE);
    memory.copy(out, value, length);
    out += length;
    if (!isQuoted) store<u8>(out++, <u8>QUOTE);
  }
  store<u8>(out++, <u8>CLOSING_BRACKET);
  storeInt32(Record.out, <u32>(out - Record.out) - 4);
  Record.out = out;
}
