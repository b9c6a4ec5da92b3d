/**
 * How a file's bytes become records and fields. Plain data, so that it can be handed to a thread.
 *
 * Everything in it is bytes: a string here has one character for each byte (latin1).
 */

/**
 * `lf`: LF, with or without a CR before it. `crlf`: CR LF only, so that either alone is part of a
 * value. `cr`: CR. `any`: each of the three.
 */
export const RECORD_ENDS = ['lf', 'crlf', 'cr', 'any'] as const;
export type RecordEnd = (typeof RECORD_ENDS)[number];

/**
 * `doubling`: a quote inside quotes is written twice. `backslash`: it has a backslash before it, as a
 * backslash has; any other backslash is a plain character, as for PostgreSQL's COPY. Where nothing is
 * quoted, a backslash takes the meaning from a delimiter, a line end or a backslash behind it.
 */
export const ESCAPES = ['doubling', 'backslash'] as const;
export type Escape = (typeof ESCAPES)[number];

/** How the bytes of a field stand for characters. UTF-16 is made UTF-8 before anything else sees it. */
export const FIELD_ENCODINGS = ['utf-8', 'latin1', 'windows-1252'] as const;
export type FieldEncoding = (typeof FIELD_ENCODINGS)[number];

/**
 * What to do with a record of too few or too many fields. `pad`: missing fields at its end are NULL,
 * and surplus ones are passed over if they are empty; any other surplus is a reject all the same.
 */
export const RAGGED = ['reject', 'pad'] as const;
export type Ragged = (typeof RAGGED)[number];

export interface Dialect {
  /** What stands between fields: one byte or several. */
  readonly delimiter: string;
  /** One byte; empty where nothing is quoted. */
  readonly quote: string;
  readonly escape: Escape;
  readonly recordEnd: RecordEnd;
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
  recordEnd: 'lf',
  comment: '',
  fieldCount: 0,
  hasTrailingDelimiter: false,
  allowsBareQuotes: false,
  encoding: 'utf-8',
  ragged: 'reject',
};

export const QUOTE = 0x22;
export const LF = 0x0a;
export const CR = 0x0d;
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

/** Bytes of a line end at `position`; 0 for none, -1 where the byte behind `end` decides. */
export function measureLineEnd(
  bytes: Uint8Array,
  position: number,
  end: number,
  isLast: boolean,
  recordEnd: RecordEnd,
): number {
  const byte = bytes[position]!;
  if (byte === LF) return recordEnd === 'lf' || recordEnd === 'any' ? 1 : 0;
  if (byte !== CR || recordEnd === 'lf') return 0;
  if (recordEnd === 'cr') return 1;
  if (position + 1 >= end) return isLast ? 1 : -1;
  if (bytes[position + 1] === LF) return 2;
  return recordEnd === 'any' ? 1 : 0;
}
