/** The words for true and false, in any case: t true y yes on 1, f false n no off 0. */
import { ALSE, LEAVE } from './bytes';
import { Record } from './record';

/** Makes letters small; other bytes do not become one of the letters compared with. */
const SMALL: u32 = 0x20202020;

const RUE: u32 = 0x657572;
const ES: u32 = 0x7365;
const FF: u32 = 0x6666;

export function encodeBoolean(at: usize): usize {
  const first: u32 = load<u8>(at);
  // Digits are compared without it: bit 0x20 would make a 1 of 0x11.
  if (first === 0x31) return writeBoolean(true, at + 1);
  if (first === 0x30) return writeBoolean(false, at + 1);
  const rest = load<u32>(at, 1) | SMALL;
  // A word that continues otherwise is taken as its first letter; the check of what follows the
  // value then fails.
  switch (first | 0x20) {
    case 0x74: // t
      return writeBoolean(true, (rest & 0xffffff) === RUE ? at + 4 : at + 1);
    case 0x66: // f
      return writeBoolean(false, rest === ALSE ? at + 5 : at + 1);
    case 0x79: // y
      return writeBoolean(true, (rest & 0xffff) === ES ? at + 3 : at + 1);
    case 0x6e: // n
      return writeBoolean(false, (rest & 0xff) === 0x6f ? at + 2 : at + 1);
    case 0x6f: // o
      if ((rest & 0xff) === 0x6e) return writeBoolean(true, at + 2);
      return (rest & 0xffff) === FF ? writeBoolean(false, at + 3) : LEAVE;
    default:
      return LEAVE;
  }
}

/** @returns `behind` */
export function writeBoolean(value: bool, behind: usize): usize {
  store<u32>(Record.out, 0x01000000);
  store<u8>(Record.out, value ? 1 : 0, 4);
  Record.out += 5;
  return behind;
}
