/**
 * Recognizes the forms of values from which a type is inferred. Each form is a subset of what
 * values/ accepts for the type, restricted to values that are read back as the same text: `0123`,
 * `+5` and `1.` are not numbers here, since a number would not preserve how they are written.
 *
 * The functions take a range of bytes and allocate nothing; further results are in `found` until
 * the next call.
 */
import { isCalendarDate } from '../values/datetime.js';

const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;

/** What the last call found besides its result. */
export const found = {
  /** The value that {@link readWhole} read. */
  whole: 0,
  /** Digits that {@link isDecimal} counted, from the first that is not zero to the last. */
  digits: 0,
  hasPower: false,
  /** Whether the exponent is certainly one; in `12e3`, which may be a code, it is not certain. */
  isPowerSure: false,
};

function isDigit(byte: number): boolean {
  return byte >>> 0 >= ZERO && byte <= 0x39;
}

/** A whole number of at most this many digits is exact as a double. */
export const MAX_SAFE_DIGITS = 15;

/** Whether it is a whole number of at most 15 digits, which is then in `found.whole`. */
export function readWhole(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from;
  const isNegative = bytes[at] === MINUS;
  if (isNegative) at++;
  const digits = to - at;
  if (digits < 1 || digits > MAX_SAFE_DIGITS) return false;
  if (bytes[at] === ZERO && (digits > 1 || isNegative)) return false;
  let value = 0;
  for (; at < to; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit >>> 0 > 9) return false;
    value = value * 10 + digit;
  }
  found.whole = isNegative ? -value : value;
  return true;
}

/** Whether it is a whole number, of any length. */
export function isWhole(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from;
  const isNegative = bytes[at] === MINUS;
  if (isNegative) at++;
  if (at >= to || (bytes[at] === ZERO && (to - at > 1 || isNegative))) return false;
  for (; at < to; at++) if (!isDigit(bytes[at]!)) return false;
  return true;
}

/** Whether it is a number, with or without decimals and exponent. */
export function isDecimal(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from;
  if (bytes[at] === MINUS) at++;
  const start = at;
  let first = -1;
  let wholeDigits = 0;
  for (; at < to && isDigit(bytes[at]!); at++, wholeDigits++) {
    if (first < 0 && bytes[at] !== ZERO) first = wholeDigits;
  }
  if (wholeDigits > 1 && bytes[start] === ZERO) return false;
  let digits = wholeDigits;
  const hasPoint = at < to && bytes[at] === POINT;
  if (hasPoint) {
    at++;
    for (; at < to && isDigit(bytes[at]!); at++, digits++) {
      if (first < 0 && bytes[at] !== ZERO) first = digits;
    }
    if (digits === wholeDigits) return false;
  }
  if (digits === 0) return false;
  found.digits = first < 0 ? 1 : digits - first;
  found.hasPower = false;
  found.isPowerSure = false;
  if (at === to) return true;
  if ((bytes[at]! | 0x20) !== 0x65) return false;
  at++;
  found.hasPower = true;
  found.isPowerSure = hasPoint;
  if (bytes[at] === PLUS || bytes[at] === MINUS) {
    found.isPowerSure = true;
    at++;
  }
  if (at >= to) return false;
  for (; at < to; at++) if (!isDigit(bytes[at]!)) return false;
  return true;
}

/** @returns 1 for `true`, 2 for `false`, in upper or lower case; 0 for anything else */
export function readBooleanWord(bytes: Uint8Array, from: number, to: number): number {
  const word = to - from === 4 ? TRUE : to - from === 5 ? FALSE : undefined;
  if (word === undefined) return 0;
  for (let i = 0; i < word.length; i++) if ((bytes[from + i]! | 0x20) !== word[i]) return 0;
  return word === TRUE ? 1 : 2;
}

const TRUE = Uint8Array.from(Buffer.from('true'));
const FALSE = Uint8Array.from(Buffer.from('false'));

/** @returns 1 for `t`, 2 for `f`, as PostgreSQL writes booleans; 0 for anything else */
export function readBooleanLetter(bytes: Uint8Array, from: number, to: number): number {
  if (to - from !== 1) return 0;
  return bytes[from] === 0x74 ? 1 : bytes[from] === 0x66 ? 2 : 0;
}

export const NO_TIME = 0;
export const DATE_ONLY = 1;
const WITHOUT_ZONE = 2;
export const WITH_ZONE = 3;

const MAX_FRACTION_DIGITS = 6;

function two(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - ZERO;
  const ones = bytes[at + 1]! - ZERO;
  return tens >>> 0 > 9 || ones >>> 0 > 9 ? -1 : tens * 10 + ones;
}

/**
 * Recognizes `2024-01-31` and `2024-01-31 12:34`, also with seconds, with a fraction of up to six
 * digits, and with a zone: valid calendar dates, in the only order that is never ambiguous.
 *
 * @returns one of the constants above
 */
export function readTime(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < 10 || bytes[from + 4] !== MINUS || bytes[from + 7] !== MINUS) return NO_TIME;
  const century = two(bytes, from);
  const rest = two(bytes, from + 2);
  const month = two(bytes, from + 5);
  const day = two(bytes, from + 8);
  if (century < 0 || rest < 0 || !isCalendarDate(century * 100 + rest, month, day)) return NO_TIME;
  let at = from + 10;
  if (at === to) return DATE_ONLY;
  if ((bytes[at] !== 0x54 && bytes[at] !== 0x20) || to - at < 6) return NO_TIME;
  const hour = two(bytes, at + 1);
  const minute = two(bytes, at + 4);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || bytes[at + 3] !== COLON) return NO_TIME;
  at += 6;
  if (at < to && bytes[at] === COLON) {
    const second = to - at < 3 ? -1 : two(bytes, at + 1);
    if (second < 0 || second > 59) return NO_TIME;
    at += 3;
    if (at < to && bytes[at] === POINT) {
      const start = ++at;
      while (at < to && isDigit(bytes[at]!)) at++;
      if (at === start || at - start > MAX_FRACTION_DIGITS) return NO_TIME;
    }
  }
  if (at === to) return WITHOUT_ZONE;
  if (bytes[at] === 0x5a) return at + 1 === to ? WITH_ZONE : NO_TIME;
  if (bytes[at] !== PLUS && bytes[at] !== MINUS) return NO_TIME;
  const zoneHours = to - at < 3 ? -1 : two(bytes, at + 1);
  if (zoneHours < 0 || zoneHours > 15) return NO_TIME;
  at += 3;
  if (at === to) return WITH_ZONE;
  if (bytes[at] === COLON) at++;
  const zoneMinutes = to - at === 2 ? two(bytes, at) : -1;
  return zoneMinutes < 0 || zoneMinutes > 59 ? NO_TIME : WITH_ZONE;
}

export const UUID_BYTES = 36;

/** Whether it is hexadecimal digits in groups of 8-4-4-4-12. */
export function isUuid(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== UUID_BYTES) return false;
  for (let i = 0; i < UUID_BYTES; i++) {
    const byte = bytes[from + i]!;
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (byte !== MINUS) return false;
    } else if (!isDigit(byte)) {
      const letter = byte | 0x20;
      if (letter < 0x61 || letter > 0x66) return false;
    }
  }
  return true;
}
