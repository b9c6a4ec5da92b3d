/**
 * Checks, byte by byte, whether a value is a JSON object or list, and collects what its first two
 * levels hold.
 *
 * It handles plain JSON, and leaves the rest (`\u` escapes, escapes in keys, deep nesting, numbers
 * of hundreds of digits) to coerceJson, which knows what a jsonb can hold, and to repeatsKey.
 */
import { parse as parseLossless } from 'lossless-json';
import { decodeBytes } from '../values/coerce.js';
import type { JsonShape } from './json-shape.js';

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Levels of objects whose keys are reported to the shape. */
const SHAPED_LEVELS = 2;
const MAX_DEPTH = 64;
const MAX_NUMBER_BYTES = 300;
/** Digits of a whole number that is exact as a double. */
const MAX_SAFE_DIGITS = 15;

export const JSON_NO = 0;
export const JSON_YES = 1;
/** Must be decided by coerceJson and {@link repeatsKey}. */
export const JSON_UNCLEAR = 2;

const WORDS: Readonly<Record<number, Uint8Array>> = {
  [LETTER_T]: Uint8Array.from(Buffer.from('true')),
  [LETTER_F]: Uint8Array.from(Buffer.from('false')),
  [LETTER_N]: Uint8Array.from(Buffer.from('null')),
};

/** State of the scan. One state suffices for all scans, since a scan never waits. */
let position = 0;
let isClear = true;
/** Whether the last string has a backslash. */
let hasEscape = false;
/** Whether the last number is a whole number that is exact as a double, and its value. */
let isSafeWhole = false;
let whole = 0;
/** Hashes of the keys of all open objects, one object behind the other. */
let keyHashes = new Int32Array(1024);
let keyCount = 0;
let hasRepeatedKey = false;
/** In a larger object the hashes are sorted at its end, instead of compared pair by pair. */
const MAX_COMPARED_KEYS = 256;

/**
 * @param shape receives what an object holds; undefined where that is not needed
 * @returns one of the constants above; for anything but an object or a list, {@link JSON_NO}
 */
export function scanJson(
  bytes: Uint8Array,
  from: number,
  to: number,
  shape: JsonShape | undefined,
): number {
  if (shape?.isLikeLast(bytes, from, to) === true) return JSON_YES;
  position = from;
  isClear = true;
  hasRepeatedKey = false;
  keyCount = 0;
  skipSpace(bytes, to);
  const first = bytes[position];
  if (position >= to || (first !== OPEN_OBJECT && first !== OPEN_LIST)) return JSON_NO;
  if (first === OPEN_OBJECT) shape?.begin();
  else shape?.ruleOut();
  const isValue = walkNested(bytes, to, 0, shape);
  skipSpace(bytes, to);
  if (!isClear) return JSON_UNCLEAR;
  if (!isValue || position !== to) return JSON_NO;
  if (hasRepeatedKey) shape?.noteRepeatedKey();
  shape?.finish(bytes, from, to);
  return JSON_YES;
}

/** Scans an object or a list. @param shape undefined where the keys of this level are not needed */
function walkNested(
  bytes: Uint8Array,
  to: number,
  depth: number,
  shape: JsonShape | undefined,
): boolean {
  if (depth >= MAX_DEPTH) {
    isClear = false;
    return false;
  }
  const isObject = bytes[position] === OPEN_OBJECT;
  const closing = isObject ? CLOSE_OBJECT : CLOSE_LIST;
  const firstKey = keyCount;
  position++;
  skipSpace(bytes, to);
  if (position < to && bytes[position] === closing) {
    position++;
    return true;
  }
  for (;;) {
    if (isObject) {
      const start = position + 1;
      if (position >= to || bytes[position] !== QUOTE || !walkString(bytes, to)) return false;
      if (hasEscape) {
        // The same key may also occur without the escape.
        isClear = false;
        return false;
      }
      noteKey(bytes, start, position - 1, firstKey);
      shape?.key(depth, bytes, start, position - 1);
      skipSpace(bytes, to);
      if (position >= to || bytes[position] !== COLON) return false;
      position++;
      skipSpace(bytes, to);
    }
    if (position >= to || !walkValue(bytes, to, depth, isObject ? shape : undefined)) return false;
    skipSpace(bytes, to);
    if (position >= to) return false;
    const byte = bytes[position++];
    if (byte === closing) {
      if (keyCount - firstKey > MAX_COMPARED_KEYS) compareKeys(firstKey);
      keyCount = firstKey;
      return true;
    }
    if (byte !== COMMA) return false;
    skipSpace(bytes, to);
  }
}

/** Checks whether an object repeats a key, by a 32-bit hash; a collision does no harm. */
function noteKey(bytes: Uint8Array, from: number, to: number, firstKey: number): void {
  if (hasRepeatedKey) return;
  let hash = to - from;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  hash ^= hash >>> 15;
  if (keyCount - firstKey < MAX_COMPARED_KEYS) {
    for (let i = firstKey; i < keyCount; i++) {
      if (keyHashes[i] === hash) hasRepeatedKey = true;
    }
  }
  if (keyCount === keyHashes.length) {
    const grown = new Int32Array(2 * keyCount);
    grown.set(keyHashes);
    keyHashes = grown;
  }
  keyHashes[keyCount++] = hash;
}

function compareKeys(firstKey: number): void {
  const sorted = keyHashes.subarray(firstKey, keyCount).sort();
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) hasRepeatedKey = true;
}

/** Whether an object in a JSON text has a key twice, with different values. */
export function repeatsKey(text: string): boolean {
  let isTwice = false;
  try {
    parseLossless(decodeBytes(text), undefined, {
      onDuplicateKey: () => {
        isTwice = true;
      },
    });
  } catch (error) {
    // The parser recurses for every level; a text that is nested too deeply is kept as it is.
    if (error instanceof RangeError) return true;
    throw error;
  }
  return isTwice;
}

/** Scans a value. @param shape receives what is under the key that was reported last */
function walkValue(
  bytes: Uint8Array,
  to: number,
  depth: number,
  shape: JsonShape | undefined,
): boolean {
  const byte = bytes[position]!;
  if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
    const isShaped = byte === OPEN_OBJECT && depth + 1 < SHAPED_LEVELS;
    if (isShaped) shape?.object();
    else shape?.other(depth);
    return walkNested(bytes, to, depth + 1, isShaped ? shape : undefined);
  }
  if (byte === QUOTE) {
    shape?.other(depth);
    return walkString(bytes, to);
  }
  const word = WORDS[byte];
  if (word !== undefined) {
    if (byte !== LETTER_N) shape?.other(depth);
    for (let i = 0; i < word.length; i++) {
      if (position + i >= to || bytes[position + i] !== word[i]) return false;
    }
    position += word.length;
    return true;
  }
  const start = position;
  if (!walkNumber(bytes, to)) return false;
  if (isSafeWhole) shape?.whole(depth, whole, start, position);
  else shape?.other(depth);
  return true;
}

/** Moves from an opening quote to behind the closing quote. */
function walkString(bytes: Uint8Array, to: number): boolean {
  hasEscape = false;
  for (let at = position + 1; at < to; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      position = at + 1;
      return true;
    }
    if (byte < 0x20) return false;
    if (byte !== BACKSLASH) continue;
    hasEscape = true;
    at++;
    if (at >= to) return false;
    switch (bytes[at]) {
      case QUOTE:
      case BACKSLASH:
      case 0x2f: // /
      case 0x62: // b
      case LETTER_F:
      case LETTER_N:
      case 0x72: // r
      case LETTER_T:
        break;
      default:
        isClear = bytes[at] !== 0x75;
        return false;
    }
  }
  return false;
}

function walkNumber(bytes: Uint8Array, to: number): boolean {
  const start = position;
  let at = position;
  const isNegative = bytes[at] === MINUS;
  if (isNegative) at++;
  const firstDigit = at;
  let value = 0;
  for (; at < to && isDigit(bytes[at]!); at++) value = value * 10 + bytes[at]! - ZERO;
  const digits = at - firstDigit;
  if (digits === 0 || (digits > 1 && bytes[firstDigit] === ZERO)) return false;
  isSafeWhole = digits <= MAX_SAFE_DIGITS;
  whole = isNegative ? -value : value;
  if (at < to && bytes[at] === POINT) {
    isSafeWhole = false;
    const from = ++at;
    while (at < to && isDigit(bytes[at]!)) at++;
    if (at === from) return false;
  }
  if (at < to && (bytes[at]! | 0x20) === 0x65) {
    isSafeWhole = false;
    at++;
    if (at < to && (bytes[at] === PLUS || bytes[at] === MINUS)) at++;
    const from = at;
    while (at < to && isDigit(bytes[at]!)) at++;
    if (at === from) return false;
    // Such an exponent may be too large for a numeric.
    if (at - from > 3) isClear = false;
  }
  position = at;
  if (at - start > MAX_NUMBER_BYTES) isClear = false;
  return isClear;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= 0x39;
}

function skipSpace(bytes: Uint8Array, to: number): void {
  while (position < to) {
    const byte = bytes[position];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
    position++;
  }
}
