/**
 * Text, sixteen bytes at a time: each block is stored before it is examined, so the bytes behind
 * the text's end are overwritten by what comes next.
 */
import { CR, LEAVE, LF, QUOTE, storeInt32 } from './bytes';
import { FIELD_REFERENCE } from './layout';
import { encodeNull, Record, Window } from './record';
import { refersToText } from './references';

export class Text {
  /** Address behind the text copied last. */
  static end: usize = 0;
  /** Whether it may contain bytes above ASCII. */
  static hasHighBytes: bool = false;
}

/**
 * Copies the text inside quotes, in which a doubled quote stands for one.
 *
 * @param from behind the opening quote
 * @returns the address behind the closing quote
 */
export function copyQuoted(from: usize, to: usize): usize {
  const end = Window.end;
  let at = from;
  let out = to;
  let high: i32 = 0;
  while (at < end) {
    const block = v128.load(at);
    v128.store(out, block);
    const quotes = i8x16.bitmask(i8x16.eq(block, i8x16.splat(<i8>QUOTE)));
    const count = quotes === 0 ? 16 : ctz(quotes);
    high |= i8x16.bitmask(block);
    if (v128.any_true(i8x16.le_u(block, i8x16.splat(<i8>LF)))) {
      const within = (1 << count) - 1;
      if ((i8x16.bitmask(i8x16.eq(block, i8x16.splat(0))) & within) !== 0) return LEAVE;
      Record.lines += popcnt(i8x16.bitmask(i8x16.eq(block, i8x16.splat(<i8>LF))) & within);
    }
    at += count;
    out += count;
    if (quotes === 0) continue;
    if (at >= end) break;
    if (load<u8>(at, 1) !== QUOTE) {
      Text.end = out;
      Text.hasHighBytes = high !== 0;
      return at + 1;
    }
    at += 2;
    out++;
  }
  Record.isCut = true;
  return LEAVE;
}

/** Copies an unquoted field. @returns the address of the byte that ends it */
export function copyBare(from: usize, to: usize): usize {
  const delimiter = Window.delimiter;
  let at = from;
  let out = to;
  let high: i32 = 0;
  while (true) {
    const block = v128.load(at);
    v128.store(out, block);
    const stops = i8x16.bitmask(
      v128.or(
        i8x16.le_u(block, i8x16.splat(<i8>CR)),
        v128.or(
          i8x16.eq(block, i8x16.splat(<i8>delimiter)),
          i8x16.eq(block, i8x16.splat(<i8>QUOTE)),
        ),
      ),
    );
    const count = stops === 0 ? 16 : ctz(stops);
    high |= i8x16.bitmask(block);
    at += count;
    out += count;
    if (stops === 0) continue;
    const byte: u32 = load<u8>(at);
    if (byte === delimiter || byte === LF || byte === CR) break;
    if (byte === 0 || (byte === QUOTE && !Window.allowsBareQuotes)) return LEAVE;
    at++;
    out++;
  }
  Text.end = out;
  Text.hasHighBytes = high !== 0;
  return at;
}

/** @param field address of its entry in the plan */
export function encodeText(at: usize, field: usize): usize {
  const text = Record.out + 4;
  let behind: usize;
  if (load<u8>(at) === QUOTE) {
    behind = copyQuoted(at + 1, text);
  } else {
    behind = copyBare(at, text);
    if (behind === at) return encodeNull(at, field);
  }
  if (behind === LEAVE || (Text.hasHighBytes && !Window.isUtf8)) return LEAVE;
  const length = <u32>(Text.end - text);
  const reference: u32 = load<u8>(field, FIELD_REFERENCE);
  if (reference !== 0 && !refersToText(reference, text, length)) return LEAVE;
  storeInt32(Record.out, length);
  Record.out = Text.end;
  return behind;
}

/** A field that no column uses. */
export function skipField(at: usize): usize {
  return load<u8>(at) === QUOTE ? copyQuoted(at + 1, Record.out) : copyBare(at, Record.out);
}
