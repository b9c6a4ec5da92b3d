/**
 * How a file's bytes become records and fields. Plain data, so that it can be sent to a thread.
 *
 * Strings here are byte strings: one character for each byte (latin1).
 */
import type { Escape, LineEnd, Ragged } from '../../model/csv-settings.js';
import type { FieldEncoding } from '../text/transcode.js';

export interface Dialect {
  /** Separates fields; one byte or several. */
  readonly delimiter: string;
  /** One byte; empty where nothing is quoted. */
  readonly quote: string;
  readonly escape: Escape;
  readonly lineEnd: LineEnd;
  /** Lines that begin with it are comments; empty for none. */
  readonly comment: string;
  /** Number of fields of a record; 0 while it is not known. */
  readonly fieldCount: number;
  /** Whether a delimiter follows the last field as well. */
  readonly hasTrailingDelimiter: boolean;
  /**
   * Whether a quote inside an unquoted field is a plain character. It is in tab-separated files,
   * which often hold unquoted JSON; in comma-separated files such a quote is damage.
   */
  readonly allowsBareQuotes: boolean;
  /**
   * Whether blanks between a delimiter and a quote do not count. Missing in readings of older
   * ledgers, whose loads rejected such records. It has no effect where {@link allowsBareQuotes}.
   */
  readonly ignoresBlanksBesideQuotes?: boolean;
  readonly encoding: FieldEncoding;
  readonly ragged: Ragged;
}

/**
 * RFC 4180 with any line end that has an LF: the dialect that is assumed without other evidence.
 */
export const PLAIN_DIALECT: Dialect = {
  delimiter: ',',
  quote: '"',
  escape: 'doubling',
  lineEnd: 'lf',
  comment: '',
  fieldCount: 0,
  hasTrailingDelimiter: false,
  allowsBareQuotes: false,
  ignoresBlanksBesideQuotes: true,
  encoding: 'utf-8',
  ragged: 'reject',
};

export const BACKSLASH = 0x5c;

export const BLANK = 0x20;

/** Whether a quoted field may have blanks around its quotes. */
export function mayPadQuotes(dialect: Dialect): boolean {
  const { quote, delimiter, allowsBareQuotes, ignoresBlanksBesideQuotes = false } = dialect;
  return ignoresBlanksBesideQuotes && quote !== '' && !allowsBareQuotes && delimiter[0] !== ' ';
}

/**
 * Whether a record may have the right number of fields.
 *
 * @param count fields of the record, counted by delimiters
 */
export function fitsFieldCount(count: number, dialect: Dialect): boolean {
  const { fieldCount } = dialect;
  if (fieldCount === 0 || count === fieldCount) return true;
  if (count < fieldCount) return dialect.ragged === 'pad';
  return dialect.hasTrailingDelimiter && count === fieldCount + 1;
}
