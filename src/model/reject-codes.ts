/** Why a record is not loaded. The codes are stable: scripts and the ledger rely on them. */

export const REJECT_CODES = {
  wrong_field_count: 'the record has more or fewer fields than the header',
  bad_quote: 'a quote stands where none belongs',
  unterminated_quote: 'a quoted field is never closed',
  bad_record: 'the line is no JSON object, or has a key twice with different values',
  unknown_key: 'a key that no column is declared for',
  record_too_long: 'the record is longer than edp can hold; only its beginning is kept',
  bad_integer: 'not an integer',
  bad_number: 'not a number',
  bad_boolean: 'not a boolean',
  bad_date: 'not a date, or not one of the calendar',
  bad_timestamp: 'not a timestamp, or not one of the calendar',
  bad_uuid: 'not a uuid',
  bad_json: 'not JSON, or not of the shape the model expects',
  bad_metric: 'a metric is not of its declared type',
  out_of_range: 'a number too large or too small for its column',
  invalid_utf8: 'bytes that are not UTF-8',
  nul_byte: 'a NUL byte, which PostgreSQL text cannot hold',
  null_value: 'no value in a column that needs one',
  missing_dimension: 'refers to a dimension member that does not exist',
  conflict: 'the key is already there, with other values',
  refused_by_server: 'the server refused the row',
} as const;

export type RejectCode = keyof typeof REJECT_CODES;

/** What is wrong with a value. Bad data is a value, never a throw. */
export class Fault {
  readonly code: RejectCode;
  readonly reason: string;
  /** The column it concerns, where it concerns one. */
  readonly column: string | undefined;

  constructor(code: RejectCode, reason: string, column?: string) {
    this.code = code;
    this.reason = reason;
    this.column = column;
  }
}
