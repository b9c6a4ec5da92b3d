/**
 * Flattens `{"metrics": {"metric_one": 12, …}}`: the path with nothing beside it, then declared
 * metrics with single values, each at most once. In a quoted field of CSV every quote of the JSON is
 * doubled, and in a string of JSON it stands behind a backslash; keys are stored bare and in the form
 * that the file needs, so that they are compared without conversion.
 *
 * Metrics mostly come in the declared order, and are written as they come. Where they do not, the
 * object is walked again to find where their values are, and these are written in order.
 */
import { writeBoolean } from './booleans';
import {
  BACKSLASH,
  BRACE,
  CLOSING_BRACE,
  COLON,
  COMMA,
  FALS,
  isDigit,
  JsonText,
  LEAVE,
  MINUS,
  NULL,
  QUOTE,
  SMALL_E,
  skipSpaces,
  storeInt32,
  TRUE,
} from './bytes';
import { Integer } from './integers';
import { skipNumber } from './json';
import { Key } from './keys';
import {
  BOOLEAN,
  FIELD_METRICS,
  INT64,
  KEY_NEXT,
  KEY_OPERATION,
  LEFT,
  MET,
  MET_BYTES,
  METRICS_BARE_KEYS,
  METRICS_COUNT,
  METRICS_EXTRA,
  METRICS_PATH_COUNT,
  METRICS_QUOTED_KEYS,
  TEXT,
} from './layout';
import { Record, skipEmpty, Window, writeNull } from './record';
import { Scalar } from './scalars';

class Metrics {
  /** Whether the JSON stands in quotes, so that its own are written as {@link Window.innerQuote}. */
  static isQuoted: bool = false;
  /** Address of the first metric's key, once the path is open. */
  static keys: usize = 0;
}

/** @param field address of its entry in the plan */
export function encodeMetrics(from: usize, field: usize): usize {
  const isQuoted = load<u8>(from) === QUOTE;
  const brace = isQuoted ? from + 1 : from;
  if (load<u8>(brace) !== BRACE || !(isQuoted || Window.allowsBareQuotes)) {
    const behind = skipEmpty(from);
    if (behind !== LEAVE) writeNoMetrics(field);
    return behind;
  }
  return flatten(brace, field, isQuoted);
}

/**
 * @param brace where the object begins
 * @param isQuoted whether it stands in quotes; they end behind it
 */
export function flatten(brace: usize, field: usize, isQuoted: bool): usize {
  const plan = <usize>load<u32>(field, FIELD_METRICS);
  Metrics.isQuoted = isQuoted;
  const object = openPath(brace + 1, plan);
  if (object === LEAVE) return LEAVE;
  const out = Record.out;
  let at = encodeInOrder(object, plan);
  if (at === LEAVE) {
    Record.out = out;
    at = encodeInAnyOrder(object, plan);
    if (at === LEAVE) return LEAVE;
  }
  for (let depth = load<u32>(plan, 4 * METRICS_PATH_COUNT); depth > 0; depth--) {
    at = skipSpaces(at);
    if (load<u8>(at++) !== CLOSING_BRACE) return LEAVE;
  }
  if (isQuoted && load<u8>(at++) !== QUOTE) return LEAVE;
  if (load<u32>(plan, 4 * METRICS_EXTRA) !== 0) writeNull();
  return at;
}

/** Writes NULL for every metric of a field. */
export function writeNoMetrics(field: usize): void {
  const plan = <usize>load<u32>(field, FIELD_METRICS);
  const columns = load<u32>(plan, 4 * METRICS_COUNT) + load<u32>(plan, 4 * METRICS_EXTRA);
  for (let i: u32 = 0; i < columns; i++) writeNull();
}

/** @returns the address of the metrics' first key, or of the closing brace where there are none */
function openPath(from: usize, plan: usize): usize {
  let at = skipSpaces(from);
  let key: usize = Metrics.isQuoted
    ? load<u32>(plan, 4 * METRICS_QUOTED_KEYS)
    : load<u32>(plan, 4 * METRICS_BARE_KEYS);
  for (let depth = load<u32>(plan, 4 * METRICS_PATH_COUNT); depth > 0; depth--) {
    at = MetricKey.skip(at, key);
    if (at === LEAVE) return LEAVE;
    at = skipSpaces(at);
    if (load<u8>(at) !== BRACE) return LEAVE;
    at = skipSpaces(at + 1);
    key = load<u32>(key, KEY_NEXT);
  }
  Metrics.keys = key;
  return at;
}

class MetricKey {
  /** @returns the address behind the colon; LEAVE where the key at `from` is another one */
  @inline
  static skip(from: usize, key: usize): usize {
    const behind = Key.skip(from, key);
    if (behind === LEAVE) return LEAVE;
    const at = skipSpaces(behind);
    return load<u8>(at) === COLON ? at + 1 : LEAVE;
  }
}

/** @returns the address behind the object; LEAVE also where its metrics come in another order */
function encodeInOrder(from: usize, plan: usize): usize {
  let at = from;
  let key = Metrics.keys;
  let left = load<u32>(plan, 4 * METRICS_COUNT);
  if (load<u8>(at) === CLOSING_BRACE) {
    at++;
  } else {
    while (true) {
      if (left === 0) return LEAVE;
      let value = MetricKey.skip(at, key);
      while (value === LEAVE) {
        writeNull();
        if (--left === 0) return LEAVE;
        key = load<u32>(key, KEY_NEXT);
        value = MetricKey.skip(at, key);
      }
      const operation = load<i32>(key, KEY_OPERATION);
      at = skipSpaces(value);
      const behind = operation <= INT64 ? Integer.encodeJson(at, operation) : LEAVE;
      at = behind === LEAVE ? encodeMetric(at, operation) : behind;
      if (at === LEAVE) return LEAVE;
      key = load<u32>(key, KEY_NEXT);
      left--;
      at = skipSpaces(at);
      const next: u32 = load<u8>(at++);
      if (next === CLOSING_BRACE) break;
      if (next !== COMMA) return LEAVE;
      at = skipSpaces(at);
    }
  }
  for (; left > 0; left--) writeNull();
  return at;
}

/**
 * @returns the address behind the object; LEAVE also where a key is not declared, or occurs twice
 */
function encodeInAnyOrder(from: usize, plan: usize): usize {
  const count = load<u32>(plan, 4 * METRICS_COUNT);
  memory.fill(MET, 0, count * MET_BYTES);
  let at = from;
  while (true) {
    let met: usize = MET;
    let key = Metrics.keys;
    let value = LEAVE;
    for (let i: u32 = 0; i < count; i++) {
      value = MetricKey.skip(at, key);
      if (value !== LEAVE) break;
      met += MET_BYTES;
      key = load<u32>(key, KEY_NEXT);
    }
    if (value === LEAVE || load<u32>(met) !== 0) return LEAVE;
    value = skipSpaces(value);
    at = skipMetric(value);
    if (at === LEAVE) return LEAVE;
    store<u32>(met, value);
    store<u32>(met, at, 4);
    at = skipSpaces(at);
    const next: u32 = load<u8>(at++);
    if (next === CLOSING_BRACE) break;
    if (next !== COMMA) return LEAVE;
    at = skipSpaces(at);
  }
  let key = Metrics.keys;
  let met: usize = MET;
  for (let i: u32 = 0; i < count; i++) {
    const value = <usize>load<u32>(met);
    if (value === 0) writeNull();
    else if (encodeMetric(value, load<i32>(key, KEY_OPERATION)) !== load<u32>(met, 4)) return LEAVE;
    met += MET_BYTES;
    key = load<u32>(key, KEY_NEXT);
  }
  return at;
}

/** Skips a single value: a number without an exponent, a string without escapes, or a word. */
function skipMetric(from: usize): usize {
  const first: u32 = load<u8>(from);
  if (first === MINUS || isDigit(first)) return skipNumber(from);
  if (first === QUOTE || first === BACKSLASH) {
    let at = from + (Metrics.isQuoted ? 2 : 1);
    while (true) {
      const byte: u32 = load<u8>(at);
      if (byte === QUOTE || byte === BACKSLASH) return skipQuote(at);
      if (byte < 0x20) return LEAVE;
      at++;
    }
  }
  const word = load<u32>(from);
  if (word === NULL || word === TRUE) return from + 4;
  return word === FALS && load<u8>(from, 4) === SMALL_E ? from + 5 : LEAVE;
}

/** Skips a quote of the JSON. */
function skipQuote(at: usize): usize {
  if (!Metrics.isQuoted) return load<u8>(at) === QUOTE ? at + 1 : LEAVE;
  return load<u16>(at) === Window.innerQuote ? at + 2 : LEAVE;
}

function encodeMetric(from: usize, operation: i32): usize {
  const first: u32 = load<u8>(from);
  if (first === MINUS || isDigit(first)) return encodeNumber(from, operation);
  if (operation === LEFT) return LEAVE;
  if (first === QUOTE || first === BACKSLASH) {
    const text = skipQuote(from);
    if (text === LEAVE) return LEAVE;
    if (operation === TEXT) return encodeString(text);
    const behind = encodeScalar(text, operation);
    return behind === LEAVE ? LEAVE : skipQuote(behind);
  }
  const behind = skipMetric(from);
  if (behind === LEAVE) return LEAVE;
  if (load<u32>(from) === NULL) writeNull();
  else if (operation === BOOLEAN) writeBoolean(load<u32>(from) === TRUE, behind);
  else if (operation === TEXT) writeText(from, behind);
  else return LEAVE;
  return behind;
}

function encodeScalar(at: usize, operation: i32): usize {
  return Scalar.encode(at, operation);
}

/** Reads a number by the rules of its type, as its text would be read, if it is a JSON number. */
function encodeNumber(from: usize, operation: i32): usize {
  const end = skipNumber(from);
  if (end === LEAVE || operation === LEFT) return LEAVE;
  // With an exponent, it may be an integer in another form.
  if ((load<u8>(end) | 0x20) === SMALL_E) return LEAVE;
  if (operation === TEXT) writeText(from, end);
  else if (encodeScalar(from, operation) !== end) return LEAVE;
  return end;
}

function writeText(from: usize, end: usize): void {
  const length = end - from;
  storeInt32(Record.out, <u32>length);
  memory.copy(Record.out + 4, from, length);
  Record.out += 4 + length;
}

/** A string without escapes. @param from behind its opening quote */
function encodeString(from: usize): usize {
  let at = from;
  let out = Record.out + 4;
  let high: i32 = 0;
  while (true) {
    const block = v128.load(at);
    v128.store(out, block);
    const stops = JsonText.stopsIn(block);
    high |= i8x16.bitmask(block);
    if (stops === 0) {
      at += 16;
      out += 16;
      continue;
    }
    at += ctz(stops);
    out += ctz(stops);
    break;
  }
  const behind = skipQuote(at);
  if (behind === LEAVE || (high !== 0 && !Window.isUtf8)) return LEAVE;
  storeInt32(Record.out, <u32>(out - Record.out) - 4);
  Record.out = out;
  return behind;
}
