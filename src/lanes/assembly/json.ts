/**
 * JSON columns: the text is written unchanged, after checking that it is JSON (RFC 8259), and for
 * jsonb also that jsonb can hold it.
 *
 * How it works: the field's text is copied to the row with its quotes undoubled, followed by a zero
 * byte, which no rule of JSON allows. So nothing here checks for the end of the text.
 */
import {
  ALSE,
  BACKSLASH,
  BRACE,
  BRACKET,
  CLOSING_BRACE,
  CLOSING_BRACKET,
  COLON,
  COMMA,
  DIGIT_0,
  isDigit,
  JsonText,
  LEAVE,
  MINUS,
  NULL,
  PLUS,
  POINT,
  QUOTE,
  SMALL_E,
  skipDigits,
  storeInt32,
  TRUE,
} from './bytes';
import { JSONB } from './layout';
import { encodeNull, Record, Window } from './record';
import { copyBare, copyQuoted, Text } from './text';

/** One bit per level: whether it is an object. Deeper JSON is left to the csv lane. */
const MAX_DEPTH: u32 = 64;

/** A number with more digits, or with a longer exponent, may be out of range for jsonb. */
const MAX_NUMBER_BYTES: usize = 1000;
const MAX_EXPONENT_DIGITS: usize = 3;

/** @param field address of its entry in the plan */
export function encodeJson(at: usize, field: usize, operation: i32): usize {
  const isBinary = operation === JSONB;
  const text = Record.out + (isBinary ? 5 : 4);
  const behind = load<u8>(at) === QUOTE ? copyQuoted(at + 1, text) : copyBare(at, text);
  if (behind === LEAVE) return LEAVE;
  const end = Text.end;
  if (end === text) return encodeNull(at, field);
  if (Text.hasHighBytes && !Window.isUtf8) return LEAVE;
  store<u8>(end, 0);
  if (!isJson(text, end, isBinary)) return LEAVE;
  storeInt32(Record.out, <u32>(end - Record.out) - 4);
  // jsonb is sent as text behind a version number.
  if (isBinary) store<u8>(Record.out, 1, 4);
  Record.out = end;
  return behind;
}

function isJson(from: usize, end: usize, isBinary: bool): bool {
  const behind = skipDocument(from, isBinary);
  return behind !== LEAVE && skipWhitespace(behind) === end;
}

/**
 * Skips a JSON value of any kind, and whitespace before it.
 *
 * @param isBinary whether jsonb must be able to hold it
 * @returns the address behind it
 */
export function skipDocument(from: usize, isBinary: bool): usize {
  let at = from;
  let depth: u32 = 0;
  let objects: u64 = 0;
  while (true) {
    // A value begins.
    at = skipWhitespace(at);
    const first: u32 = load<u8>(at);
    if (first === BRACE || first === BRACKET) {
      at = skipWhitespace(at + 1);
      const isObject = first === BRACE;
      if (load<u8>(at) === (isObject ? CLOSING_BRACE : CLOSING_BRACKET)) {
        at++;
      } else {
        if (++depth > MAX_DEPTH) return LEAVE;
        objects = (objects << 1) | (isObject ? 1 : 0);
        if (isObject) at = skipKey(at, isBinary);
        if (at === LEAVE) return LEAVE;
        continue;
      }
    } else {
      at = skipScalar(at, first, isBinary);
      if (at === LEAVE) return LEAVE;
    }
    // A value has ended: the object or list around it may end, too, or continue.
    while (true) {
      if (depth === 0) return at;
      at = skipWhitespace(at);
      const isObject = (objects & 1) !== 0;
      const next: u32 = load<u8>(at++);
      if (next === COMMA) {
        if (isObject) at = skipKey(skipWhitespace(at), isBinary);
        if (at === LEAVE) return LEAVE;
        break;
      }
      if (next !== (isObject ? CLOSING_BRACE : CLOSING_BRACKET)) return LEAVE;
      depth--;
      objects >>= 1;
    }
  }
}

function skipWhitespace(from: usize): usize {
  let at = from;
  while (true) {
    const byte: u32 = load<u8>(at);
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09))
      return at;
    at++;
  }
}

/** Skips a key and its colon. */
function skipKey(from: usize, isBinary: bool): usize {
  if (load<u8>(from) !== QUOTE) return LEAVE;
  const behind = skipString(from + 1, isBinary);
  if (behind === LEAVE) return LEAVE;
  const at = skipWhitespace(behind);
  return load<u8>(at) === COLON ? at + 1 : LEAVE;
}

function skipScalar(at: usize, first: u32, isBinary: bool): usize {
  if (first === QUOTE) return skipString(at + 1, isBinary);
  if (first === 0x74) return load<u32>(at) === TRUE ? at + 4 : LEAVE;
  if (first === 0x66) return load<u32>(at, 1) === ALSE ? at + 5 : LEAVE;
  if (first === 0x6e) return load<u32>(at) === NULL ? at + 4 : LEAVE;
  let behind = skipNumber(at);
  if (behind === LEAVE) return LEAVE;
  if ((load<u8>(behind) | 0x20) === SMALL_E) {
    const sign: u32 = load<u8>(behind, 1);
    const exponent = sign === PLUS || sign === MINUS ? behind + 2 : behind + 1;
    behind = skipDigits(exponent);
    const digits = behind - exponent;
    if (digits === 0 || (isBinary && digits > MAX_EXPONENT_DIGITS)) return LEAVE;
  }
  return isBinary && behind - at > MAX_NUMBER_BYTES ? LEAVE : behind;
}

/**
 * Skips a JSON number up to its exponent, if it has one. @returns LEAVE where there is no number
 */
export function skipNumber(from: usize): usize {
  const whole = load<u8>(from) === MINUS ? from + 1 : from;
  let at = skipDigits(whole);
  // No digits, or leading zeros.
  if (at === whole || (at > whole + 1 && load<u8>(whole) === DIGIT_0)) return LEAVE;
  if (load<u8>(at) === POINT) {
    const fraction = at + 1;
    at = skipDigits(fraction);
    if (at === fraction) return LEAVE;
  }
  return at;
}

/** Skips a value in a line of JSON. @returns LEAVE also where it does not end in the record */
export function skipValue(from: usize, isBinary: bool): usize {
  const behind = skipDocument(from, isBinary);
  return behind <= Record.end ? behind : LEAVE;
}

/** @param from behind the opening quote @returns the address behind the closing quote */
export function skipString(from: usize, isBinary: bool): usize {
  let at = from;
  while (true) {
    const block = v128.load(at);
    const stops = JsonText.stopsIn(block);
    if (stops === 0) {
      at += 16;
      continue;
    }
    at += ctz(stops);
    const byte: u32 = load<u8>(at);
    if (byte === QUOTE) return at + 1;
    if (byte !== BACKSLASH) return LEAVE;
    const escaped: u32 = load<u8>(at, 1);
    if (escaped === 0x75) {
      if (!isUnicodeEscape(at + 2, isBinary)) return LEAVE;
      at += 6;
    } else {
      if (!isEscape(escaped)) return LEAVE;
      at += 2;
    }
  }
}

/** One of " \ / b f n r t, behind a backslash. */
function isEscape(byte: u32): bool {
  return (
    byte === QUOTE ||
    byte === BACKSLASH ||
    byte === 0x2f ||
    byte === 0x62 ||
    byte === 0x66 ||
    byte === 0x6e ||
    byte === 0x72 ||
    byte === 0x74
  );
}

/**
 * Whether these are four hexadecimal digits; for jsonb, not of a zero, nor of half a surrogate
 * pair.
 */
function isUnicodeEscape(at: usize, isBinary: bool): bool {
  const code = readHex(at);
  if (code === NO_CODE) return false;
  return !isBinary || (code !== 0 && (code & 0xf800) !== 0xd800);
}

export const NO_CODE: u32 = 0xffffffff;

/** @returns the number that four hexadecimal digits stand for; NO_CODE where there are fewer */
export function readHex(at: usize): u32 {
  let code: u32 = 0;
  for (let i: usize = 0; i < 4; i++) {
    const byte: u32 = load<u8>(at + i);
    const letter = (byte | 0x20) - 0x61;
    if (isDigit(byte)) code = (code << 4) | (byte - DIGIT_0);
    else if (letter < 6) code = (code << 4) | (letter + 10);
    else return NO_CODE;
  }
  return code;
}
