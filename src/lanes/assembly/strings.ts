/** Strings of JSON → their text, sixteen bytes at a time. */
import { BACKSLASH, JsonText, LEAVE, QUOTE } from './bytes';
import { NO_CODE, readHex } from './json';
import { Text } from './text';

const U: u32 = 0x75;
const IS_SURROGATE: u32 = 0xd800;

/**
 * Copies the text of a string. It is never longer than what is written.
 *
 * @param from behind the opening quote
 * @returns the address behind the closing quote; LEAVE also where text cannot hold what is written
 */
export function copyString(from: usize, to: usize): usize {
  let at = from;
  let out = to;
  while (true) {
    const block = v128.load(at);
    v128.store(out, block);
    const stops = JsonText.stopsIn(block);
    if (stops === 0) {
      at += 16;
      out += 16;
      continue;
    }
    const count = ctz(stops);
    at += count;
    out += count;
    const byte: u32 = load<u8>(at);
    if (byte === QUOTE) {
      Text.end = out;
      return at + 1;
    }
    if (byte !== BACKSLASH) return LEAVE;
    const escaped: u32 = load<u8>(at, 1);
    if (escaped === U) {
      at = copyCharacter(at + 2, out);
      if (at === LEAVE) return LEAVE;
      out = Text.end;
    } else {
      const plain = escapedAs(escaped);
      if (plain === 0) return LEAVE;
      store<u8>(out++, <u8>plain);
      at += 2;
    }
  }
}

/** @returns the character that is written so behind a backslash; 0 for none */
function escapedAs(byte: u32): u32 {
  switch (byte) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
      return byte;
    case 0x62: // b
      return 0x08;
    case 0x66: // f
      return 0x0c;
    case 0x6e: // n
      return 0x0a;
    case 0x72: // r
      return 0x0d;
    case 0x74: // t
      return 0x09;
    default:
      return 0;
  }
}

/**
 * Copies the character of an escape, or of two that are a surrogate pair. Sets Text.end.
 *
 * @param from behind the `u`
 * @returns the address behind it; LEAVE for NUL, and for half of a pair
 */
function copyCharacter(from: usize, to: usize): usize {
  const code = readHex(from);
  if (code === NO_CODE || code === 0) return LEAVE;
  if ((code & 0xf800) !== IS_SURROGATE) {
    Text.end = storeCharacter(to, code);
    return from + 4;
  }
  const hasSecond = load<u8>(from, 4) === BACKSLASH && load<u8>(from, 5) === U;
  const second = hasSecond ? readHex(from + 6) : NO_CODE;
  if (second === NO_CODE || (code & 0x400) !== 0 || (second & 0xfc00) !== 0xdc00) return LEAVE;
  Text.end = storeCharacter(to, 0x10000 + ((code & 0x3ff) << 10) + (second & 0x3ff));
  return from + 10;
}

/** Stores a character as UTF-8. @returns the address behind it */
function storeCharacter(to: usize, code: u32): usize {
  if (code < 0x80) {
    store<u8>(to, <u8>code);
    return to + 1;
  }
  const last = 0x80 | (code & 0x3f);
  if (code < 0x800) {
    store<u8>(to, <u8>(0xc0 | (code >> 6)));
    store<u8>(to, <u8>last, 1);
    return to + 2;
  }
  const third = 0x80 | ((code >> 6) & 0x3f);
  if (code < 0x10000) {
    store<u8>(to, <u8>(0xe0 | (code >> 12)));
    store<u8>(to, <u8>third, 1);
    store<u8>(to, <u8>last, 2);
    return to + 3;
  }
  store<u8>(to, <u8>(0xf0 | (code >> 18)));
  store<u8>(to, <u8>(0x80 | ((code >> 12) & 0x3f)), 1);
  store<u8>(to, <u8>third, 2);
  store<u8>(to, <u8>last, 3);
  return to + 4;
}
