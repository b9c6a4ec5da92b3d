/**
 * Floats, correctly rounded: the nearest to the decimal, ties to even, as in strtod.
 *
 * How it works: up to 19 significant digits are an integer w, times a power of ten. Where both are
 * exact as doubles, one multiplication or division rounds correctly (Clinger). Elsewhere w is
 * multiplied by 128 bits of the power (Eisel and Lemire, https://arxiv.org/abs/2101.11408). Where
 * these bits do not decide, and where the result is not a normal double, the value is left to the
 * csv lane.
 */
import {
  countDigits,
  DIGIT_0,
  LEAVE,
  loadDigits,
  MINUS,
  numberOf,
  PLUS,
  POINT,
  powerOfTen,
  SMALL_E,
  storeInt32,
  storeInt64,
} from './bytes';
import { MAX_POWER, MIN_POWER, POWERS } from './layout';
import { Record } from './record';

/** An integer with this many digits fits 64 bits; one with 15 fits a double. */
const MAX_SIGNIFICANT_DIGITS: u32 = 19;
const MAX_EXACT: u64 = 1 << 53;
/** Values with longer exponents are left to the csv lane. */
const MAX_EXPONENT_DIGITS: u32 = 3;

const EXACT_POWERS = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
  1e18, 1e19, 1e20, 1e21, 1e22,
]);
const MAX_EXACT_POWER: i32 = 22;

/** No result is negative, since signs are read separately. */
const NO_NUMBER: f64 = -1;

class Decimal {
  static mantissa: u64 = 0;
  /** Significant digits read so far. */
  static digits: u32 = 0;
}

/** Reads digits into the mantissa. @returns the address behind them */
function readMantissa(from: usize): usize {
  let at = from;
  let mantissa = Decimal.mantissa;
  while (true) {
    const digits = loadDigits(at);
    const count = countDigits(digits);
    if (count > 0) mantissa = mantissa * powerOfTen(count) + numberOf(digits, count);
    at += count;
    if (count < 8) break;
  }
  Decimal.mantissa = mantissa;
  Decimal.digits += <u32>(at - from);
  return at;
}

function skipZeros(from: usize): usize {
  let at = from;
  while (load<u8>(at) === DIGIT_0) at++;
  return at;
}

export function encodeFloat(from: usize, isSingle: bool): usize {
  const sign: u32 = load<u8>(from);
  const isNegative = sign === MINUS;
  const start = isNegative || sign === PLUS ? from + 1 : from;
  Decimal.mantissa = 0;
  Decimal.digits = 0;
  // Leading zeros are not significant.
  let at = readMantissa(load<u8>(start) === DIGIT_0 ? skipZeros(start) : start);
  let hasDigits = at > start;
  let exponent = 0;
  if (load<u8>(at) === POINT) {
    const point = at;
    at = readMantissa(Decimal.digits === 0 ? skipZeros(point + 1) : point + 1);
    exponent = -(<i32>(at - point - 1));
    hasDigits = hasDigits || exponent < 0;
  }
  if (!hasDigits || Decimal.digits > MAX_SIGNIFICANT_DIGITS) return LEAVE;
  if ((load<u8>(at) | 0x20) === SMALL_E) {
    const mark: u32 = load<u8>(at, 1);
    const first = mark === MINUS || mark === PLUS ? at + 2 : at + 1;
    const digits = loadDigits(first);
    const count = countDigits(digits);
    if (count === 0 || count > MAX_EXPONENT_DIGITS) return LEAVE;
    const written = <i32>numberOf(digits, count);
    exponent += mark === MINUS ? -written : written;
    at = first + count;
  }
  const value = nearestDouble(Decimal.mantissa, exponent);
  if (value === NO_NUMBER) return LEAVE;
  if (isSingle) {
    if (!isSafeSingle(value)) return LEAVE;
    const single = <f32>value;
    store<u32>(Record.out, 0x04000000);
    storeInt32(Record.out + 4, reinterpret<u32>(isNegative ? -single : single));
    Record.out += 8;
  } else {
    store<u32>(Record.out, 0x08000000);
    storeInt64(Record.out + 4, reinterpret<u64>(isNegative ? -value : value));
    Record.out += 12;
  }
  return at;
}

/**
 * Rounding twice is wrong only where the double lies exactly between two singles. At the ends of
 * their range, singles are denser or do not exist.
 */
function isSafeSingle(value: f64): bool {
  if (value === 0) return true;
  return (reinterpret<u64>(value) & 0x1fffffff) !== 0x10000000 && value > 1e-30 && value < 1e30;
}

/** mantissa × 10 to the exponent, or NO_NUMBER. */
function nearestDouble(mantissa: u64, exponent: i32): f64 {
  if (mantissa === 0) return 0;
  if (mantissa <= MAX_EXACT && exponent >= -MAX_EXACT_POWER && exponent <= MAX_EXACT_POWER) {
    return exponent < 0
      ? <f64>mantissa / load<f64>(EXACT_POWERS + ((<usize>-exponent) << 3))
      : <f64>mantissa * load<f64>(EXACT_POWERS + ((<usize>exponent) << 3));
  }
  if (exponent < MIN_POWER || exponent > MAX_POWER) return NO_NUMBER;
  return multiplyByPower(mantissa, exponent);
}

class Product {
  static high: u64 = 0;
  static low: u64 = 0;
}

function multiply(a: u64, b: u64): void {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const lows = aLow * bLow;
  const middle = aHigh * bLow + (lows >> 32);
  const middles = aLow * bHigh + (middle & 0xffffffff);
  Product.high = aHigh * bHigh + (middle >> 32) + (middles >> 32);
  Product.low = (middles << 32) | (lows & 0xffffffff);
}

const MANTISSA_BITS: u64 = 52;
/**
 * Bits of the product's upper half beyond a mantissa, the bit that decides rounding, and one spare
 * bit.
 */
const REST_MASK: u64 = 0xffffffffffffffff >> (MANTISSA_BITS + 3);

/** The algorithm of Eisel and Lemire, with the names of fast_float's compute_float. */
function multiplyByPower(w: u64, q: i32): f64 {
  const zeros = clz(w);
  const normal = w << zeros;
  const power: usize = POWERS + ((q - MIN_POWER) << 4);
  multiply(normal, load<u64>(power));
  let low = Product.low;
  let high = Product.high;
  if ((high & REST_MASK) === REST_MASK) {
    // The upper half of the power does not decide the rounding; the lower half may.
    multiply(normal, load<u64>(power, 8));
    low += Product.high;
    if (low < Product.high) high++;
    if (low === 0xffffffffffffffff) return NO_NUMBER;
  }
  const upperBit = high >> 63;
  const shift = upperBit + 64 - MANTISSA_BITS - 3;
  let mantissa = high >> shift;
  // 217706 / 2^16 approximates the logarithm of 10 to base 2.
  let exponent = ((217706 * q) >> 16) + 63 + <i32>upperBit - <i32>zeros + 1023;
  if (exponent <= 0 || exponent >= 0x7fe) return NO_NUMBER;
  // An exact tie, which only small powers allow, rounds to even, that is, down.
  if (low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) === 1 && mantissa << shift === high) {
    mantissa &= ~(<u64>1);
  }
  mantissa = (mantissa + (mantissa & 1)) >> 1;
  if (mantissa >> (MANTISSA_BITS + 1) !== 0) {
    mantissa = 1 << MANTISSA_BITS;
    exponent++;
  }
  const bits = (mantissa & ~((<u64>1) << MANTISSA_BITS)) | ((<u64>exponent) << MANTISSA_BITS);
  return reinterpret<f64>(bits);
}
