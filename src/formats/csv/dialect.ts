/**
 * How a file's bytes become records and fields. Plain data, so that it can be handed to a thread.
 *
 * Everything in it is bytes: a string here has one character for each byte (latin1).
 */
import type { Escape, LineEnd, Ragged } from '../../model/csv-settings.js';
import type { FieldEncoding } from '../text/transcode.js';

export interface Dialect {
  /** What stands between fields: one byte or several. */
  readonly delimiter: string;
  /** One byte; empty where nothing is quoted. */
  readonly quote: string;
  readonly escape: Escape;
  readonly lineEnd: LineEnd;
  /** What a line begins with that is no record; empty for none. */
  readonly comment: string;
  /** Fields of a record; 0 while nobody knows. */
  readonly fieldCount: number;
  /** Whether a delimiter stands behind the last field, too. */
  readonly hasTrailingDelimiter: boolean;
  /**
   * Whether a quote inside an unquoted field is a plain character. So in tab-separated files, which
   * hold JSON unquoted as often as not; in comma-separated ones it is damage.
   */
  readonly allowsBareQuotes: boolean;
  readonly encoding: FieldEncoding;
  readonly ragged: Ragged;
}

/** RFC 4180 with any line end that has an LF: what a CSV is unless something tells otherwise. */
export const PLAIN: Dialect = {
  delimiter: ',',
  quote: '"',
  escape: 'doubling',
  lineEnd: 'lf',
  comment: '',
  fieldCount: 0,
  hasTrailingDelimiter: false,
  allowsBareQuotes: false,
  encoding: 'utf-8',
  ragged: 'reject',
};

export const BACKSLASH = 0x5c;

/**
 * Whether a record with so many fields, as they are counted between delimiters, has the right number
 * of them as far as a count can tell.
 */
export function fitsFieldCount(count: number, dialect: Dialect): boolean {
  const { fieldCount } = dialect;
  if (fieldCount === 0 || count === fieldCount) return true;
  if (count < fieldCount) return dialect.ragged === 'pad';
  return dialect.hasTrailingDelimiter && count === fieldCount + 1;
}
