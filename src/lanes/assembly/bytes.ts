/**
 * Works on bytes eight or sixteen at a time: finds digits, computes the numbers they stand for, and
 * stores numbers in network byte order.
 *
 * A word of eight bytes holds the first byte in its lowest bits (WebAssembly is little-endian).
 * Words are loaded without checking for the end of the window: the line feed behind its last byte
 * stops every walk over digits or text, and bytes loaded from behind that are not used.
 */

export const TAB: u32 = 0x09;
export const LF: u32 = 0x0a;
export const CR: u32 = 0x0d;
export const SPACE: u32 = 0x20;
export const QUOTE: u32 = 0x22;
export const PLUS: u32 = 0x2b;
export const COMMA: u32 = 0x2c;
export const MINUS: u32 = 0x2d;
export const POINT: u32 = 0x2e;
export const DIGIT_0: u32 = 0x30;
export const COLON: u32 = 0x3a;
export const BACKSLASH: u32 = 0x5c;
export const BRACKET: u32 = 0x5b;
export const CLOSING_BRACKET: u32 = 0x5d;
export const SMALL_E: u32 = 0x65;
export const BRACE: u32 = 0x7b;
export const CLOSING_BRACE: u32 = 0x7d;

/** The words of JSON, as four bytes. */
export const NULL: u32 = 0x6c6c756e;
export const TRUE: u32 = 0x65757274;
/** Of `false`, the first four and the last four. */
export const FALS: u32 = 0x736c6166;
export const ALSE: u32 = 0x65736c61;

export class JsonText {
  /** The bytes of a block at which a string of JSON may end or go on otherwise: control characters, quotes, backslashes. */
  @inline
  static stopsIn(block: v128): i32 {
    return i8x16.bitmask(
      v128.or(
        i8x16.lt_u(block, i8x16.splat(0x20)),
        v128.or(
          i8x16.eq(block, i8x16.splat(<i8>QUOTE)),
          i8x16.eq(block, i8x16.splat(<i8>BACKSLASH)),
        ),
      ),
    );
  }
}

/** As the first three bytes of a word. */
export const BYTE_ORDER_MARK: u64 = 0xbfbbef;

/** Returned for a value that the lane does not take. No value begins at address 0. */
export const LEAVE: usize = 0;

const EACH_ZERO: u64 = 0x3030303030303030;

/** The bytes as digits: 0 to 9 for those that are digits. */
export function loadDigits(at: usize): u64 {
  return load<u64>(at) ^ EACH_ZERO;
}

/** How many of the eight bytes are digits, counted from the first. */
export function countDigits(digits: u64): u32 {
  // Adding 0x76 carries from 10 on into the high bit. A carry out of a byte spoils only later ones.
  const others = ((digits + 0x7676767676767676) | digits) & 0x8080808080808080;
  return <u32>(ctz(others) >> 3);
}

/** The number that the first `count` digits stand for. @param count 1 to 8 */
export function numberOf(digits: u64, count: u32): u64 {
  // Shifted up, so that the missing digits are leading zeros; then combined to pairs, fours, eight.
  const eight = digits << (64 - 8 * count);
  const pairs = eight * 10 + (eight >> 8);
  const high = (pairs & 0x000000ff000000ff) * (100 + ((<u64>1000000) << 32));
  const low = ((pairs >> 16) & 0x000000ff000000ff) * (1 + ((<u64>10000) << 32));
  return (high + low) >> 32;
}

const POWERS_OF_TEN = memory.data<u64>([
  1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
]);

/** @param exponent 0 to 8 */
export function powerOfTen(exponent: u32): u64 {
  return load<u64>(POWERS_OF_TEN + ((<usize>exponent) << 3));
}

export function isDigit(byte: u32): bool {
  return byte - DIGIT_0 < 10;
}

/** @returns the address of the first byte that is not a digit */
export function skipDigits(from: usize): usize {
  let at = from;
  while (true) {
    const count = countDigits(loadDigits(at));
    at += count;
    if (count < 8) return at;
  }
}

export function skipSpaces(from: usize): usize {
  let at = from;
  while (load<u8>(at) === SPACE) at++;
  return at;
}

export function storeInt16(at: usize, value: u32): void {
  store<u16>(at, <u16>((value << 8) | ((value >> 8) & 0xff)));
}

export function swapInt32(value: u32): u32 {
  return rotl<u32>(value & 0xff00ff00, 8) | rotr<u32>(value & 0x00ff00ff, 8);
}

export function storeInt32(at: usize, value: u32): void {
  store<u32>(at, swapInt32(value));
}

export function storeInt64(at: usize, value: u64): void {
  const lanes = i64x2.splat(<i64>value);
  v128.store64_lane(
    at,
    i8x16.shuffle(lanes, lanes, 7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0),
    0,
  );
}
