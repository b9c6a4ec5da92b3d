/**
 * Why a record is not loaded, with what docs/codes.md says of each. The codes are stable: scripts and the
 * ledger keep them. So a code may be added, and none is renamed or removed.
 */

export interface RejectCodeEntry {
  /** What is wrong with the record. */
  readonly meaning: string;
  /** What to do next: a sentence. docs/codes.md says above its table how to mend and how to replay. */
  readonly remedy: string;
}

export const REJECT_CODES = {
  wrong_field_count: {
    meaning: 'The record has more or fewer fields than the header.',
    remedy:
      'Mend the record, or load the rejected records with `--ragged pad`, which fills up with NULL.',
  },
  bad_quote: {
    meaning: 'A quote stands where none belongs.',
    remedy:
      'Mend the record; if quotes are plain text, load the rejected records with `--quote none`.',
  },
  unterminated_quote: {
    meaning: 'A quoted field is never closed.',
    remedy:
      'Mend the record; if quotes are escaped otherwise, load the rejected records with `--escape`.',
  },
  bad_record: {
    meaning: 'The line is no JSON object, or it has a key twice with different values.',
    remedy: 'Mend the line.',
  },
  unknown_key: {
    meaning: 'The line has a key that no column is declared for.',
    remedy: 'Declare the column, or load the rejected records with `--on-new-column add`.',
  },
  record_too_long: {
    meaning: 'The record is longer than edp can hold; only its beginning is kept.',
    remedy: 'Look for a quote that is never closed; take the record from the file itself.',
  },
  bad_integer: {
    meaning: 'A value is no integer.',
    remedy:
      'Mend the record, or declare `nulls`, `currency` or `thousands` for the column; then replay.',
  },
  bad_number: {
    meaning: 'A value is no number.',
    remedy:
      'Mend the record, or declare `nulls`, `thousands` or `decimal` for the column; then replay.',
  },
  bad_boolean: {
    meaning: 'A value is no boolean.',
    remedy: 'Mend the record, or declare the spellings of the column under `values`; then replay.',
  },
  bad_date: {
    meaning: 'A value is no date, or no date of the calendar.',
    remedy: 'Mend the record, or declare the `format` of the column; then replay.',
  },
  bad_timestamp: {
    meaning: 'A value is no timestamp, or no time of the calendar.',
    remedy: 'Mend the record, or declare the `format` or `epoch` of the column; then replay.',
  },
  bad_uuid: {
    meaning: 'A value is no uuid.',
    remedy: 'Mend the record, or declare `nulls` for the column; then replay.',
  },
  bad_json: {
    meaning: 'A value is no JSON, or not of the shape that the model expects.',
    remedy: 'Mend the record, or declare `stored-as` for the column; then replay.',
  },
  bad_metric: {
    meaning: 'A metric is not of its declared type.',
    remedy: 'Mend the record, or change the type of the metric; then replay.',
  },
  out_of_range: {
    meaning: 'A number or a time is too large or too small for its column.',
    remedy: 'Mend the record, or give the column a wider type; then replay.',
  },
  invalid_utf8: {
    meaning: 'The record has bytes that are no text in the encoding of the file.',
    remedy:
      'Mend the record; if it has another encoding, load the rejected records with `--encoding`.',
  },
  nul_byte: {
    meaning: 'A value has a NUL byte, which PostgreSQL text cannot hold.',
    remedy: 'Mend the record.',
  },
  null_value: {
    meaning: 'There is no value in a column that needs one.',
    remedy: 'Mend the record, or declare a `default` or `nullable` for the column; then replay.',
  },
  missing_dimension: {
    meaning: 'The record refers to a dimension member that does not exist.',
    remedy:
      'Load the dimension, then `edp replay LOAD`; or `edp replay LOAD --missing-dimensions infer`.',
  },
  conflict: {
    meaning: 'The key is in the table already, with other values.',
    remedy: 'Keep the row that is there, or replace it: `edp replay LOAD --on-conflict update`.',
  },
  refused_by_server: {
    meaning: 'The server refused the row; the reason has its message.',
    remedy: 'Mend the record, or change the constraint or trigger; then replay.',
  },
} as const satisfies Readonly<Record<string, RejectCodeEntry>>;

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
