/** Identifiers of the usual form: 8-4-4-4-12 hexadecimal digits, of either case. */
import { LEAVE } from './bytes';
import { Record } from './record';

const HYPHENS: u64 = 0x2d;

/** The values of sixteen hexadecimal digits; above 15 for other bytes. */
function hexValues(text: v128): v128 {
  const digits = i8x16.sub(text, i8x16.splat(0x30));
  // Letters of either case become 10 to 15; other bytes do not.
  const small = v128.or(text, i8x16.splat(0x20));
  const letters = i8x16.add_sat_u(i8x16.sub(small, i8x16.splat(0x61)), i8x16.splat(10));
  return v128.bitselect(digits, letters, i8x16.lt_u(digits, i8x16.splat(10)));
}

/** Pairs of values → bytes, in the low byte of each lane. */
function joinPairs(values: v128): v128 {
  return v128.or(v128.and(i16x8.shl(values, 4), i16x8.splat(0xf0)), i16x8.shr_u(values, 8));
}

export function encodeUuid(at: usize): usize {
  // xxxxxxxx-xxxx-xx, xx-xxxx-xxxxxxxx and xxxx-xxxxxxxxxxxx
  const head = v128.load(at);
  const middle = v128.load(at, 16);
  const tail = v128.load(at, 20);
  const hyphens =
    (<u64>load<u8>(at, 8) ^ HYPHENS) |
    (<u64>load<u8>(at, 13) ^ HYPHENS) |
    (<u64>load<u8>(at, 18) ^ HYPHENS) |
    (<u64>load<u8>(at, 23) ^ HYPHENS);
  if (hyphens !== 0) return LEAVE;
  const first = hexValues(
    i8x16.shuffle(head, middle, 0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17),
  );
  const second = hexValues(
    i8x16.shuffle(middle, tail, 3, 4, 5, 6, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31),
  );
  if (v128.any_true(i8x16.gt_u(v128.or(first, second), i8x16.splat(15)))) return LEAVE;
  store<u32>(Record.out, 0x10000000);
  v128.store(Record.out, i8x16.narrow_i16x8_u(joinPairs(first), joinPairs(second)), 4);
  Record.out += 20;
  return at + 36;
}
