/**
 * Dates `YYYY-MM-DD`, and timestamps `YYYY-MM-DD HH:MM[:SS[.ffffff]]` with `T` or a space and
 * perhaps a zone, which is converted to UTC; or a date alone. Values count from 2000-01-01.
 */
import {
  COLON,
  countDigits,
  DIGIT_0,
  isDigit,
  LEAVE,
  loadDigits,
  MINUS,
  numberOf,
  PLUS,
  POINT,
  powerOfTen,
  SPACE,
  storeInt32,
  storeInt64,
} from './bytes';
import { Record } from './record';

/** `YYYY-MM-DD HH:MM`, which is XORed with the text, and the maximum that each byte may leave. */
const DATE_AND_TIME = memory.data<u8>([
  0x30, 0x30, 0x30, 0x30, 0x2d, 0x30, 0x30, 0x2d, 0x30, 0x30, 0x20, 0x30, 0x30, 0x3a, 0x30, 0x30,
]);
const MOST_OF_DATE = memory.data<u8>([9, 9, 9, 9, 0, 1, 9, 0, 3, 9, 255, 255, 255, 255, 255, 255]);
const MOST_OF_TIME = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2, 9, 0, 5, 9,
]);
const T_FOR_SPACE: u32 = 0x54 ^ 0x20;
const SMALL_T_FOR_SPACE: u32 = 0x74 ^ 0x20;

const DAYS_BEFORE_MONTH = memory.data<u16>([
  0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 0, 0, 0, 0, 0, 0, 0,
]);
/** For months of a common year, then of a leap year; 0 for numbers that are no month. */
const DAYS_IN_MONTH = memory.data<u8>([
  0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0, 0, 0, 0, 0, 0, 31, 29, 31, 30, 31, 30,
  31, 31, 30, 31, 30, 31, 0, 0, 0, 0, 0, 0, 0,
]);
const MONTHS: usize = 20;
/** Days from 0001-01-01 to 2000-01-01. */
const DAYS_TO_2000: i32 = 730119;

const DATE_BYTES: usize = 10;
const MINUTES_BYTES: usize = 16;

/** No date has this number. */
const NO_DATE: i32 = i32.MIN_VALUE;

/** Tens and ones of the eight pairs of digits → their values. */
function pairValues(digits: v128): v128 {
  const pairs = i8x16.shuffle(digits, digits, 0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 0, 1, 0, 1);
  const tens = i16x8.mul(v128.and(pairs, i16x8.splat(0xff)), i16x8.splat(10));
  return i16x8.add(tens, i16x8.shr_u(pairs, 8));
}

function isBeyond(digits: v128, most: usize): bool {
  return v128.any_true(i8x16.gt_u(digits, v128.load(most)));
}

function loadDateAndTime(at: usize): v128 {
  return v128.xor(v128.load(at), v128.load(DATE_AND_TIME));
}

/**
 * Days from 2000-01-01, in the proleptic Gregorian calendar; NO_DATE for a date that does not
 * exist.
 */
function daysOf(pairs: v128): i32 {
  const year = <u32>i16x8.extract_lane_u(pairs, 0) * 100 + i16x8.extract_lane_u(pairs, 1);
  const month = <usize>i16x8.extract_lane_u(pairs, 2);
  const day = <u32>i16x8.extract_lane_u(pairs, 3);
  const isLeap: bool = (year & 3) === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (year === 0 || day - 1 >= <u32>load<u8>(DAYS_IN_MONTH + (isLeap ? MONTHS : 0) + month)) {
    return NO_DATE;
  }
  const before = year - 1;
  const leapDays = before / 4 - before / 100 + before / 400 + (isLeap && month > 2 ? 1 : 0);
  const dayOfYear = <u32>load<u16>(DAYS_BEFORE_MONTH + (month << 1)) + day - 1;
  return <i32>(before * 365 + leapDays + dayOfYear) - DAYS_TO_2000;
}

export function encodeDate(at: usize): usize {
  const digits = loadDateAndTime(at);
  if (isBeyond(digits, MOST_OF_DATE)) return LEAVE;
  const days = daysOf(pairValues(digits));
  if (days === NO_DATE) return LEAVE;
  store<u32>(Record.out, 0x04000000);
  storeInt32(Record.out + 4, days);
  Record.out += 8;
  return at + DATE_BYTES;
}

export function encodeTimestamp(from: usize): usize {
  const digits = loadDateAndTime(from);
  if (isBeyond(digits, MOST_OF_DATE)) return LEAVE;
  const pairs = pairValues(digits);
  const days = daysOf(pairs);
  if (days === NO_DATE) return LEAVE;
  const between = <u32>i8x16.extract_lane_u(digits, 10);
  if (between !== 0 && between !== T_FOR_SPACE && between !== SMALL_T_FOR_SPACE) {
    // A date alone; the field must end behind it.
    writeTimestamp(<i64>days * 86400000000);
    return from + DATE_BYTES;
  }
  const hour = <u32>i16x8.extract_lane_u(pairs, 4);
  if (isBeyond(digits, MOST_OF_TIME) || hour > 23) return LEAVE;
  const minutes = hour * 60 + <u32>i16x8.extract_lane_u(pairs, 5);
  let micros = (<i64>days * 86400 + <i64>(minutes * 60)) * 1000000;
  let at = from + MINUTES_BYTES;
  if (load<u8>(at) === COLON) {
    const tens = <u32>load<u8>(at, 1) - DIGIT_0;
    const ones = <u32>load<u8>(at, 2) - DIGIT_0;
    if (tens > 5 || ones > 9) return LEAVE;
    micros += <i64>(tens * 10 + ones) * 1000000;
    at += 3;
    if (load<u8>(at) === POINT) {
      const fraction = loadDigits(at + 1);
      const count = countDigits(fraction);
      // A seventh digit must be rounded, which the csv lane does.
      if (count === 0 || count > 6) return LEAVE;
      micros += numberOf(fraction, count) * powerOfTen(6 - count);
      at += count + 1;
    }
  }
  const next: u32 = load<u8>(at);
  if (next === 0x5a || next === 0x7a) {
    at++;
  } else if (next === PLUS || next === MINUS || next === SPACE) {
    return encodeZone(at, micros);
  }
  writeTimestamp(micros);
  return at;
}

/** A zone `+HH[[:]MM]`, perhaps behind a space. @param local microseconds in that zone */
function encodeZone(from: usize, local: i64): usize {
  let at = load<u8>(from) === SPACE ? from + 1 : from;
  const sign: u32 = load<u8>(at);
  if (sign !== PLUS && sign !== MINUS) return LEAVE;
  const hours = readPair(at + 1);
  if (hours > 15) return LEAVE;
  at += 3;
  let minutes: u32 = 0;
  const hasColon = load<u8>(at) === COLON;
  if (hasColon || isDigit(load<u8>(at))) {
    minutes = readPair(hasColon ? at + 1 : at);
    if (minutes > 59) return LEAVE;
    at += hasColon ? 3 : 2;
  }
  const offset = <i64>(hours * 60 + minutes) * 60000000;
  writeTimestamp(sign === MINUS ? local + offset : local - offset);
  return at;
}

/** @returns a number of two digits, or one above 99 */
function readPair(at: usize): u32 {
  const tens = <u32>load<u8>(at) - DIGIT_0;
  const ones = <u32>load<u8>(at, 1) - DIGIT_0;
  return tens > 9 || ones > 9 ? 100 : tens * 10 + ones;
}

function writeTimestamp(micros: i64): void {
  store<u32>(Record.out, 0x08000000);
  storeInt64(Record.out + 4, micros);
  Record.out += 12;
}
