/** The key of a row in an event. */
import type { ColumnType } from '../model/types.js';

/** A value of a key, as an event has it, as text. */
export function keyTextOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** `subject` of an event: the text of a single column, else a JSON array of the texts. */
export function subjectOf(keyTexts: readonly string[]): string {
  const [only, ...others] = keyTexts;
  return only !== undefined && others.length === 0 ? only : JSON.stringify(keyTexts);
}

/**
 * One text for each value, however an event writes it: values that are equal for the server have the same text. The log
 * knows a row by it, so two texts of one value would be two rows with one key.
 *
 * @param value one that the schema of the event takes
 */
export function canonicalKeyText(type: ColumnType, value: unknown): string {
  switch (type) {
    case 'uuid':
      return keyTextOf(value).toLowerCase();
    case 'numeric':
      return canonicalNumeric(keyTextOf(value));
    case 'real':
      return String(typeof value === 'number' ? Math.fround(value) : value);
    case 'date':
      return canonicalYear(keyTextOf(value));
    case 'timestamp':
    case 'timestamptz':
      return canonicalMoment(keyTextOf(value));
    default:
      // Of a number, -0 becomes "0".
      return keyTextOf(value);
  }
}

function canonicalNumeric(text: string): string {
  const short = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  return short === '-0' ? '0' : short;
}

function canonicalYear(text: string): string {
  return text.replace(/^0+(?=\d{4})/, '');
}

/** Digits of microseconds. */
const DECIMALS = 6;
const MOMENT = /^([^.Z ]*T\d\d:\d\d:\d\d)(?:\.(\d*))?/;

function canonicalMoment(text: string): string {
  return canonicalYear(text).replace(
    MOMENT,
    (_, whole: string, decimals = '') => `${whole}.${String(decimals).padEnd(DECIMALS, '0')}`,
  );
}
