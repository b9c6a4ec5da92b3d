/**
 * Members of a line that no column is declared for, under keys that the facade knows: they are counted,
 * each once for each record that is taken, and perhaps written as an object.
 */
import { BRACE, BRACKET, CLOSING_BRACE, COLON, COMMA, LEAVE, storeInt32 } from './bytes';
import { skipValue } from './json';
import {
  FIELD_COUNTER,
  FIELD_IS_MET,
  FIELD_KEY,
  KEPT,
  KEY_LENGTH,
  KEY_TEXT,
  MAX_OTHER_MEMBERS,
  OTHER_MEMBER_BYTES,
  OTHER_MEMBERS,
  SKIP,
} from './layout';
import { Record, writeNull } from './record';

const MEMBERS_END: usize = OTHER_MEMBERS + MAX_OTHER_MEMBERS * OTHER_MEMBER_BYTES;
const VALUE: usize = 4;
const VALUE_END: usize = 8;

class Others {
  /** Address behind the members of the current line. */
  static end: usize = OTHER_MEMBERS;
}

/** Forgets the members of the line before, or of another attempt at this one. */
export function forgetOthers(): void {
  for (let member: usize = OTHER_MEMBERS; member < Others.end; member += OTHER_MEMBER_BYTES) {
    store<u32>(load<u32>(member), 0, FIELD_IS_MET);
  }
  Others.end = OTHER_MEMBERS;
}

/** Called when the record is taken. */
export function countOthers(): void {
  for (let member: usize = OTHER_MEMBERS; member < Others.end; member += OTHER_MEMBER_BYTES) {
    const entry = <usize>load<u32>(member);
    store<u32>(entry, load<u32>(entry, FIELD_COUNTER) + 1, FIELD_COUNTER);
  }
}

/**
 * Skips the value of a key that no column is declared for, and notes it.
 *
 * @returns LEAVE also where the key occurs twice
 */
export function skipOther(at: usize, entry: usize): usize {
  const operation: i32 = load<u8>(entry);
  if (operation === SKIP) return skipValue(at, false);
  if (Others.end === MEMBERS_END || load<u32>(entry, FIELD_IS_MET) !== 0) return LEAVE;
  const isKept = operation === KEPT;
  const first: u32 = load<u8>(at);
  // A key that occurs twice in it would be kept once.
  if (isKept && (first === BRACE || first === BRACKET)) return LEAVE;
  const behind = skipValue(at, isKept);
  if (behind === LEAVE) return LEAVE;
  store<u32>(entry, 1, FIELD_IS_MET);
  const member = Others.end;
  store<u32>(member, entry);
  store<u32>(member, at, VALUE);
  store<u32>(member, behind, VALUE_END);
  Others.end = member + OTHER_MEMBER_BYTES;
  return behind;
}

/** Writes the members as an object of jsonb, in the order of the line; NULL where there are none. */
export function writeOthers(): void {
  if (Others.end === OTHER_MEMBERS) {
    writeNull();
    return;
  }
  // jsonb is sent as text behind a version number.
  store<u8>(Record.out, 1, 4);
  let out = Record.out + 5;
  for (let member: usize = OTHER_MEMBERS; member < Others.end; member += OTHER_MEMBER_BYTES) {
    store<u8>(out++, <u8>(member === OTHER_MEMBERS ? BRACE : COMMA));
    const key = <usize>load<u32>(load<u32>(member), FIELD_KEY);
    out = append(out, key + KEY_TEXT, load<u32>(key, KEY_LENGTH));
    store<u8>(out++, <u8>COLON);
    const value = <usize>load<u32>(member, VALUE);
    out = append(out, value, <usize>load<u32>(member, VALUE_END) - value);
  }
  store<u8>(out++, <u8>CLOSING_BRACE);
  storeInt32(Record.out, <u32>(out - Record.out) - 4);
  Record.out = out;
}

function append(to: usize, from: usize, length: usize): usize {
  memory.copy(to, from, length);
  return to + length;
}
