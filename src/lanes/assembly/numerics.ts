/**
 * Exact decimals without an exponent. They are sent in base 10000: number of digits, weight of the
 * first, sign, digits shown behind the point, then the digits, in groups of four counted from the
 * point.
 * Source: numeric_send in src/backend/utils/adt/numeric.c.
 */
import {
  DIGIT_0,
  LEAVE,
  loadDigits,
  MINUS,
  numberOf,
  PLUS,
  POINT,
  skipDigits,
  storeInt16,
  storeInt32,
} from './bytes';
import { Record } from './record';

/** Longer numbers are rare, and this is far from the limits of the type. */
const MAX_DIGITS: usize = 1000;
const NEGATIVE: u32 = 0x4000;
const GROUP: usize = 4;
/** The length, then four numbers of two bytes. */
const HEADER_BYTES: usize = 12;

export function encodeNumeric(from: usize): usize {
  const sign: u32 = load<u8>(from);
  let whole = sign === MINUS || sign === PLUS ? from + 1 : from;
  const start = whole;
  while (load<u8>(whole) === DIGIT_0) whole++;
  const wholeEnd = skipDigits(whole);
  let at = wholeEnd;
  let fraction = wholeEnd;
  let hasDigits = wholeEnd > start;
  if (load<u8>(at) === POINT) {
    fraction = at + 1;
    at = skipDigits(fraction);
    hasDigits = hasDigits || at > fraction;
  }
  if (!hasDigits || at - whole > MAX_DIGITS) return LEAVE;

  const groups = Record.out + HEADER_BYTES;
  let out = groups;
  let weight = <i32>((wholeEnd - whole + GROUP - 1) / GROUP) - 1;
  let digit = whole;
  const lead = <u32>((wholeEnd - whole) % GROUP);
  if (lead > 0) {
    storeInt16(out, <u32>numberOf(loadDigits(digit), lead));
    out += 2;
    digit += lead;
  }
  for (; digit < wholeEnd; digit += GROUP) {
    storeInt16(out, <u32>numberOf(loadDigits(digit), <u32>GROUP));
    out += 2;
  }
  for (digit = fraction; digit < at; digit += GROUP) {
    const missing = digit + GROUP > at ? <u32>(digit + GROUP - at) : 0;
    const value = <u32>numberOf(loadDigits(digit), <u32>GROUP - missing);
    // Zeros fill up the last group.
    const scaled = value * (missing === 0 ? 1 : missing === 1 ? 10 : missing === 2 ? 100 : 1000);
    if (scaled === 0 && out === groups) {
      // Only zeros so far: they move the weight of the first digit down.
      weight--;
      continue;
    }
    storeInt16(out, scaled);
    out += 2;
  }
  while (out > groups && load<u16>(out - 2) === 0) out -= 2;
  const isZero = out === groups;
  storeInt32(Record.out, <u32>(out - Record.out) - 4);
  storeInt16(Record.out + 4, <u32>(out - groups) >> 1);
  storeInt16(Record.out + 6, isZero ? 0 : weight);
  storeInt16(Record.out + 8, sign === MINUS && !isZero ? NEGATIVE : 0);
  storeInt16(Record.out + 10, <u32>(at - fraction));
  Record.out = out;
  return at;
}
