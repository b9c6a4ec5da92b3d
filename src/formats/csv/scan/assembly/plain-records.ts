/**
 * Skips plain records, 64 bytes at a time, to find where records begin. All other records are left
 * to the scanner (scan/csv-scanner.ts). It must never see the end of a record where the scanner
 * sees none.
 *
 * How it works: each byte is one bit, and the bytes of one kind are a mask. Quotes open and close
 * in turn, so a byte is inside quotes if the number of quotes up to it is odd; a doubled quote
 * closes and opens again. That holds if every opening quote follows a delimiter, a line end or
 * another quote, and one of those follows every closing quote. Otherwise the record is odd.
 */

/** The bytes to scan; behind them is room for 64 more. */
export const BLOCK: usize = memory.data(64 * 1024 + 64, 16);

/** Line feeds that the last call skipped. */
let lines: u32 = 0;
export function lineCount(): u32 {
  return lines;
}

let quote: v128 = i8x16.splat(0);
let delimiter: v128 = i8x16.splat(0);
let odd: v128 = i8x16.splat(0);
let comment: v128 = i8x16.splat(0);
let hasQuote: bool = false;
let hasOdd: bool = false;
let hasComment: bool = false;

/**
 * @param quoteByte -1 for none; so for the other bytes
 * @param oddByte a byte that no plain record contains
 * @param commentByte a byte that no plain record begins with
 */
export function prepare(quoteByte: i32, delimiterByte: i32, oddByte: i32, commentByte: i32): void {
  quote = i8x16.splat(<i8>quoteByte);
  delimiter = i8x16.splat(<i8>delimiterByte);
  odd = i8x16.splat(<i8>oddByte);
  comment = i8x16.splat(<i8>commentByte);
  hasQuote = quoteByte >= 0;
  hasOdd = oddByte >= 0;
  hasComment = commentByte >= 0;
}

class Mask {
  /** @returns one bit for each of the 64 bytes at an address: whether it equals `byte` */
  @inline
  static of(byte: v128, at: usize): u64 {
    return (
      <u64>(<u32>i8x16.bitmask(i8x16.eq(v128.load(at), byte))) |
      ((<u64>(<u32>i8x16.bitmask(i8x16.eq(v128.load(at, 16), byte)))) << 16) |
      ((<u64>(<u32>i8x16.bitmask(i8x16.eq(v128.load(at, 32), byte)))) << 32) |
      ((<u64>(<u32>i8x16.bitmask(i8x16.eq(v128.load(at, 48), byte)))) << 48)
    );
  }

  /** @returns for each bit, whether the number of bits up to and including it is odd */
  @inline
  static parity(bits: u64): u64 {
    let result = bits;
    result ^= result << 1;
    result ^= result << 2;
    result ^= result << 4;
    result ^= result << 8;
    result ^= result << 16;
    result ^= result << 32;
    return result;
  }
}

/**
 * @param from offset in the block where a record starts
 * @param end of the available bytes
 * @param target stops at the first record start at or behind this offset
 * @returns offset of that start; or start of a record that is odd or has no end, if it comes first
 */
export function pass(from: u32, end: u32, target: u32): u32 {
  const LINE_FEED = i8x16.splat(0x0a);
  const CARRIAGE_RETURN = i8x16.splat(0x0d);
  let next = from;
  lines = 0;
  // State carried over from the bytes before these 64: in bit 0, or in all bits.
  let inside: u64 = 0;
  let mayOpen: u64 = 1;
  let begins: u64 = 1;
  let closed: u64 = 0;
  let returned: u64 = 0;
  for (let at = from; at < end; at += 64) {
    const address = BLOCK + at;
    // Bytes behind the end belong to no kind.
    const valid: u64 = end - at >= 64 ? ~0 : ((<u64>1) << (end - at)) - 1;
    const feeds = Mask.of(LINE_FEED, address) & valid;
    let strange: u64 = hasOdd ? Mask.of(odd, address) & valid : 0;
    let ends = feeds;
    if (hasQuote) {
      const quotes = Mask.of(quote, address) & valid;
      if ((quotes | inside | closed | returned) !== 0) {
        const delimiters = Mask.of(delimiter, address) & valid;
        const returns = Mask.of(CARRIAGE_RETURN, address) & valid;
        const isInside = Mask.parity(quotes) ^ inside;
        const opening = quotes & isInside;
        const closing = quotes & ~isInside;
        const bounds = delimiters | feeds | quotes;
        const behindClosing = (closing << 1) | closed;
        const returning = behindClosing & returns;
        const behindReturning = (returning << 1) | returned;
        strange |= opening & ~((bounds << 1) | mayOpen);
        strange |= behindClosing & ~(bounds | returns) & valid;
        strange |= behindReturning & ~feeds & valid;
        strange |= feeds & isInside;
        ends = feeds & ~isInside;
        inside = 0 - (isInside >> 63);
        mayOpen = bounds >> 63;
        closed = closing >> 63;
        returned = returning >> 63;
      } else {
        mayOpen = (Mask.of(delimiter, address) | feeds) >> 63;
      }
    }
    if (hasComment) strange |= ((ends << 1) | begins) & Mask.of(comment, address) & valid;
    begins = ends >> 63;
    if (strange !== 0) {
      // Only the ends before the first strange byte are ends of plain records.
      ends &= (strange & (0 - strange)) - 1;
    }
    if (target <= at + 64) {
      // The first end at or behind the byte before the target.
      const low = target > at + 1 ? target - at - 1 : 0;
      const reached = (ends >> low) << low;
      if (reached !== 0) {
        const first = <u32>ctz(reached);
        lines += <u32>popcnt(ends & (((<u64>2) << first) - 1));
        return at + first + 1;
      }
    }
    if (ends !== 0) {
      next = at + 64 - <u32>clz(ends);
      lines += <u32>popcnt(ends);
    }
    if (strange !== 0) break;
  }
  return next;
}
