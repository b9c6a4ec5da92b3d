/** Integers: an optional sign, up to 18 digits, and perhaps `.0`. */
import {
  countDigits,
  DIGIT_0,
  LEAVE,
  loadDigits,
  MINUS,
  PLUS,
  POINT,
  powerOfTen,
  storeInt16,
  storeInt64,
  swapInt32,
  valueOf,
} from './bytes';
import { INT16, INT32 } from './layout';
import { Record } from './record';

/** So many digits fit 64 bits, whatever they are. */
export const MAX_DIGITS: u32 = 18;

export class Integer {
  /** The value read last. */
  static value: i64 = 0;
}

/** Reads digits into {@link Integer.value}. @returns the address behind them; LEAVE where there are none */
export function readDigits(at: usize): usize {
  const digits = loadDigits(at);
  const count = countDigits(digits);
  if (count === 0) return LEAVE;
  if (count === 8) return readManyDigits(at);
  Integer.value = valueOf(digits, count);
  return at + count;
}

function readManyDigits(from: usize): usize {
  let at = from;
  let value: u64 = 0;
  while (true) {
    const digits = loadDigits(at);
    const count = countDigits(digits);
    if (count > 0) value = value * powerOfTen(count) + valueOf(digits, count);
    at += count;
    if (at - from > MAX_DIGITS) return LEAVE;
    if (count < 8) break;
  }
  Integer.value = value;
  return at;
}

/** Writes an integer and its length. @returns false where the type cannot hold it */
export function writeInteger(value: i64, operation: i32): bool {
  const out = Record.out;
  if (operation === INT32) {
    if (value !== <i64>(<i32>value)) return false;
    store<u64>(out, (<u64>swapInt32(<u32>value) << 32) | 0x04000000);
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

/** @returns the address behind the value, whose value stays in {@link Integer.value} */
export function encodeInteger(from: usize, operation: i32): usize {
  const sign: u32 = load<u8>(from);
  const isNegative = sign === MINUS;
  let at = readDigits(isNegative || sign === PLUS ? from + 1 : from);
  if (at === LEAVE) return LEAVE;
  if (load<u8>(at) === POINT) {
    const zeros = at + 1;
    at = zeros;
    while (load<u8>(at) === DIGIT_0) at++;
    if (at === zeros) return LEAVE;
  }
  if (isNegative) Integer.value = -Integer.value;
  return writeInteger(Integer.value, operation) ? at : LEAVE;
}
