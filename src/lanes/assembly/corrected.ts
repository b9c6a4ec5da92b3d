/**
 * Values that are not simply those of a field: the host (corrected-fields.ts) writes them, by the
 * same code as the csv lane. This file only finds the bounds of a field and undoubles its quotes;
 * member-values.ts does so for JSON.
 *
 * What breaks if you change it: the host reads the text at the place where the value is to go, and
 * overwrites it. It distinguishes records by their addresses, which grow within a run.
 */
import { LEAVE, QUOTE } from './bytes';
import { FIELD_NUMBER } from './layout';
import { Record, Window } from './record';
import { copyBare, copyQuoted, Text } from './text';

/** Returned by the host where the record is for the csv lane. */
const LEFT_BY_HOST: i32 = -1;
export const NULL_LENGTH: i32 = -1;

/**
 * @param number of the field among those that are corrected
 * @param text its address, which is also where the value goes
 * @param length of the text in bytes; -1 for an unquoted empty field
 * @returns bytes written; -1 where the record is for the csv lane
 */
declare function writeField(number: u32, text: usize, length: i32, record: usize): i32;

/** Writes all values that are in no field. Returns as {@link writeField} does. */
declare function writeTail(out: usize, record: usize): i32;

/** @param field address of its entry in the plan */
export function encodeCorrected(at: usize, field: usize): usize {
  const text = Record.out;
  const behind = load<u8>(at) === QUOTE ? copyQuoted(at + 1, text) : copyBare(at, text);
  if (behind === LEAVE || (Text.hasHighBytes && !Window.isUtf8)) return LEAVE;
  const length = behind === at ? NULL_LENGTH : <i32>(Text.end - text);
  return writeCorrected(length, field) ? behind : LEAVE;
}

/**
 * Has the host write the value of a text that stands where the value is to go.
 *
 * @param length NULL_LENGTH where there is no text
 * @returns false where the record is for the csv lane
 */
export function writeCorrected(length: i32, field: usize): bool {
  const text = Record.out;
  const written = writeField(load<u32>(field, FIELD_NUMBER), text, length, Record.start);
  if (written === LEFT_BY_HOST) return false;
  Record.out = text + written;
  return true;
}

/** @returns false where the record is for the csv lane */
export function encodeTail(): bool {
  const written = writeTail(Record.out, Record.start);
  if (written === LEFT_BY_HOST) return false;
  Record.out += written;
  return true;
}
