/**
 * Integers: an optional sign, up to 18 digits, and perhaps `.0`.
 *
 * Most have fewer than eight digits and nothing else: these are read in place, without a call and
 * without a branch on the number of digits. The choice of what is inlined is worth a fifth of the
 * lane's speed on events; workload A of the benchmark shows it.
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
  storeInt16,
  storeInt64,
  swapInt32,
} from './bytes';
import { INT16, INT32 } from './layout';
import { Record } from './record';

/** This many digits fit 64 bits, whatever they are. */
const MAX_DIGITS: usize = 18;

/**
 * Digits in a word of eight bytes that has at least one other byte, so that the number ends within
 * it.
 */
const MAX_SHORT_DIGITS: u32 = 7;

export class Integer {
  /** The value encoded last. */
  static value: i64 = 0;

  /** @returns the address behind the value */
  @inline
  static encode(from: usize, operation: i32): usize {
    const isNegative = load<u8>(from) === MINUS;
    const start = isNegative ? from + 1 : from;
    const digits = loadDigits(start);
    const count = countDigits(digits);
    const end = start + count;
    if (count - 1 >= MAX_SHORT_DIGITS || load<u8>(end) === POINT) {
      return encodeRareInteger(from, operation);
    }
    const value = <i64>numberOf(digits, count);
    Integer.value = isNegative ? -value : value;
    return Integer.write(Integer.value, operation) ? end : LEAVE;
  }

  /** Reads a JSON number: without a plus, and without leading zeros. */
  @inline
  static encodeJson(from: usize, operation: i32): usize {
    const isNegative = load<u8>(from) === MINUS;
    const start = isNegative ? from + 1 : from;
    const digits = loadDigits(start);
    const count = countDigits(digits);
    const end = start + count;
    const hasZeroInFront = count > 1 && load<u8>(start) === DIGIT_0;
    if (count - 1 >= MAX_SHORT_DIGITS || load<u8>(end) === POINT || hasZeroInFront) return LEAVE;
    const value = <i64>numberOf(digits, count);
    return Integer.write(isNegative ? -value : value, operation) ? end : LEAVE;
  }

  /** Writes a value and its length. @returns false where the type cannot hold the value */
  @inline
  static write(value: i64, operation: i32): bool {
    const out = Record.out;
    if (operation === INT32) {
      if (value !== <i64>(<i32>value)) return false;
      store<u64>(out, ((<u64>swapInt32(<u32>value)) << 32) | 0x04000000);
      Record.out = out + 8;
      return true;
    }
    if (operation === INT16) {
      if (value !== <i64>(<i16>value)) return false;
      store<u32>(out, 0x02000000);
      storeInt16(out + 4, <u32>value);
      Record.out = out + 6;
      return true;
    }
    store<u32>(out, 0x08000000);
    storeInt64(out + 4, value);
    Record.out = out + 12;
    return true;
  }
}

function encodeRareInteger(from: usize, operation: i32): usize {
  const sign: u32 = load<u8>(from);
  const isNegative = sign === MINUS;
  const start = isNegative || sign === PLUS ? from + 1 : from;
  let at = start;
  let value: u64 = 0;
  let count: u32;
  do {
    const digits = loadDigits(at);
    count = countDigits(digits);
    if (count > 0) value = value * powerOfTen(count) + numberOf(digits, count);
    at += count;
  } while (count === 8 && at - start <= MAX_DIGITS);
  if (at === start || at - start > MAX_DIGITS) return LEAVE;
  if (load<u8>(at) === POINT) {
    const zeros = at + 1;
    at = zeros;
    while (load<u8>(at) === DIGIT_0) at++;
    if (at === zeros) return LEAVE;
  }
  Integer.value = isNegative ? -(<i64>value) : <i64>value;
  return Integer.write(Integer.value, operation) ? at : LEAVE;
}
