/**
 * Records that are lines of JSON: an object whose members are the fields of the plan, in any order.
 *
 * How it works: producers write keys in the same order line after line, so the key that followed last
 * time is tried first. As long as keys come in the order of the plan, their values are written as they
 * come. Where they do not, the row is put into that order at the end of the line. The next line begins
 * with the way that served this one.
 */
import { BRACE, CLOSING_BRACE, COLON, COMMA, CR, LEAVE, LF, QUOTE, SPACE, TAB } from './bytes';
import { Key } from './keys';
import {
  ENTRY_COUNT,
  FIELD_BYTES,
  FIELD_COUNT,
  FIELD_FOLLOWER,
  FIELD_KEY,
  FIELD_VALUE,
  FIELD_VALUE_END,
  FIELDS,
  FIRST_ENTRY,
  IS_CORRECTED,
  ROW,
  STATE,
} from './layout';
import { encodeMissing, encodeValue } from './member-values';
import { forgetOthers, skipOther } from './other-members';
import { Record, Window } from './record';
import { References } from './references';

class Line {
  /** Address behind the entries of the plan's fields. */
  static fieldsEnd: usize = 0;
  /** Address behind all entries. */
  static entriesEnd: usize = 0;
  /** Address behind the key found last. */
  static behindKey: usize = 0;
  /** Whether the keys of the line before came in the order of the plan. */
  static isInOrder: bool = true;
  /** The first entry that no key of the line has reached. */
  static next: usize = 0;
}

/** @returns the address of the record's line end; LEAVE where the record is not taken */
export function encodeLine(start: usize): usize {
  if (!findEnd(start)) return LEAVE;
  Line.fieldsEnd = FIELDS + FIELD_BYTES * load<u32>(STATE + 4 * FIELD_COUNT);
  Line.entriesEnd = FIELDS + FIELD_BYTES * load<u32>(STATE + 4 * ENTRY_COUNT);
  const brace = skipBlanks(start);
  if (load<u8>(brace) !== BRACE) return LEAVE;
  const members = skipBlanks(brace + 1);
  let behind = LEAVE;
  forgetOthers();
  if (Line.isInOrder && load<u32>(STATE + 4 * IS_CORRECTED) === 0) {
    const out = Record.out;
    const pending = References.pending;
    behind = encodeInOrder(members);
    if (behind === LEAVE) {
      Record.out = out;
      References.pending = pending;
      forgetOthers();
    }
  }
  if (behind === LEAVE) behind = encodeInAnyOrder(members);
  return behind !== LEAVE && skipBlanks(behind) === Record.end ? lineEnd(Record.end) : LEAVE;
}

/** A CR before the line feed does not belong to the record. */
function lineEnd(lineFeed: usize): usize {
  return load<u8>(lineFeed - 1) === CR ? lineFeed - 1 : lineFeed;
}

/**
 * Finds the line feed of the record that begins at `start`.
 *
 * @returns false where the record is not taken: it is cut, has control characters, or may not be
 *   UTF-8
 */
export function findEnd(start: usize): bool {
  let at = start;
  let high: i32 = 0;
  while (true) {
    const block = v128.load(at);
    const stops = i8x16.bitmask(i8x16.lt_u(block, i8x16.splat(0x20)));
    high |= i8x16.bitmask(block);
    if (stops === 0) {
      at += 16;
      continue;
    }
    at += ctz(stops);
    const byte: u32 = load<u8>(at);
    if (byte === LF) break;
    if (byte !== TAB && byte !== CR) return false;
    at++;
  }
  Record.end = at;
  Record.isCut = at >= Window.end;
  return !Record.isCut && (high === 0 || Window.isUtf8);
}

/** Skips the whitespace of JSON, but not the line feed that ends the record. */
function skipBlanks(from: usize): usize {
  let at = from;
  while (isBlank(load<u8>(at))) at++;
  return at;
}

function isBlank(byte: u32): bool {
  return byte <= SPACE && (byte === SPACE || byte === TAB || byte === CR);
}

/**
 * Finds the entry of the key at `at`, and sets Line.behindKey.
 *
 * @param guess address of the place that has the entry found here last time
 */
function findEntry(at: usize, guess: usize): usize {
  if (load<u8>(at) !== QUOTE) return LEAVE;
  const guessed = <usize>load<u32>(guess);
  if (guessed !== 0) {
    Line.behindKey = Key.skip(at, load<u32>(guessed, FIELD_KEY));
    if (Line.behindKey !== LEAVE) return guessed;
  }
  for (let entry: usize = FIELDS; entry < Line.entriesEnd; entry += FIELD_BYTES) {
    const key = <usize>load<u32>(entry, FIELD_KEY);
    if (key === 0) continue;
    Line.behindKey = Key.skip(at, key);
    if (Line.behindKey === LEAVE) continue;
    store<u32>(guess, entry);
    return entry;
  }
  return LEAVE;
}

/** @returns the address of the value behind a key */
function skipColon(from: usize): usize {
  const at = skipBlanks(from);
  return load<u8>(at) === COLON ? skipBlanks(at + 1) : LEAVE;
}

/**
 * Writes the values of the members that begin at `from`, as they come.
 *
 * @param isInOrder whether they must come in the order of the plan
 * @returns the address behind the object
 */
function encodeMembers(from: usize, isInOrder: bool): usize {
  Line.next = FIELDS;
  let at = from;
  if (load<u8>(at) === CLOSING_BRACE) return at + 1;
  let guess: usize = STATE + 4 * FIRST_ENTRY;
  while (true) {
    const entry = findEntry(at, guess);
    if (entry === LEAVE) return LEAVE;
    at = skipColon(Line.behindKey);
    if (at === LEAVE) return LEAVE;
    if (entry >= Line.fieldsEnd) at = skipOther(at, entry);
    else if (isInOrder) at = encodeNext(at, entry);
    else at = encodeAnywhere(at, entry);
    if (at === LEAVE) return LEAVE;
    guess = entry + FIELD_FOLLOWER;
    at = skipBlanks(at);
    const byte: u32 = load<u8>(at++);
    if (byte === CLOSING_BRACE) return at;
    if (byte !== COMMA) return LEAVE;
    at = skipBlanks(at);
  }
}

/** @returns the address behind the object; LEAVE also where its keys come in another order */
function encodeInOrder(from: usize): usize {
  const behind = encodeMembers(from, true);
  return behind !== LEAVE && encodeMissingUpTo(Line.fieldsEnd) ? behind : LEAVE;
}

function encodeNext(at: usize, field: usize): usize {
  if (field < Line.next || !encodeMissingUpTo(field)) return LEAVE;
  Line.next = field + FIELD_BYTES;
  return encodeValue(at, field);
}

function encodeMissingUpTo(end: usize): bool {
  for (let field = Line.next; field < end; field += FIELD_BYTES) {
    if (!encodeMissing(field)) return false;
  }
  return true;
}

/**
 * Writes values as they come, and then puts them into the order of the plan.
 *
 * @returns the address behind the object; LEAVE also where a key of the plan occurs twice
 */
function encodeInAnyOrder(from: usize): usize {
  const fieldsEnd = Line.fieldsEnd;
  for (let field: usize = FIELDS; field < fieldsEnd; field += FIELD_BYTES) {
    store<u32>(field, 0, FIELD_VALUE);
  }
  Line.isInOrder = true;
  const row = Record.out;
  const behind = encodeMembers(from, false);
  if (behind === LEAVE) return LEAVE;
  const moved = <usize>ROW - row;
  copyBytes(row, ROW, Record.out - row);
  References.moveTexts(moved);
  Record.out = row;
  for (let field: usize = FIELDS; field < fieldsEnd; field += FIELD_BYTES) {
    const value = <usize>load<u32>(field, FIELD_VALUE);
    if (value === 0) {
      if (!encodeMissing(field)) return LEAVE;
      continue;
    }
    const length = <usize>load<u32>(field, FIELD_VALUE_END) - value;
    copyBytes(value + moved, Record.out, length);
    Record.out += length;
  }
  return behind;
}

/** Writes a value, and notes where it is in the row. */
function encodeAnywhere(at: usize, field: usize): usize {
  if (load<u32>(field, FIELD_VALUE) !== 0) return LEAVE;
  if (field < Line.next) Line.isInOrder = false;
  Line.next = field + FIELD_BYTES;
  store<u32>(field, Record.out, FIELD_VALUE);
  const behind = encodeValue(at, field);
  store<u32>(field, Record.out, FIELD_VALUE_END);
  return behind;
}

/** Bytes behind those that are copied may be overwritten, too. */
function copyBytes(from: usize, to: usize, length: usize): void {
  for (let i: usize = 0; i < length; i += 16) v128.store(to + i, v128.load(from + i));
}
