/**
 * The reasons for which a record is rejected, with the text of docs/codes.md for each. Scripts and
 * the ledger store the codes, so a code may be added, but none may be renamed or removed.
 */

export interface RejectCodeEntry {
  /** What is wrong with the record. */
  readonly meaning: string;
  /** What to do next: a sentence. docs/codes.md explains how to correct and replay records. */
  readonly remedy: string;
}

export const REJECT_CODES = {
  wrong_field_count: {
    meaning: 'The record has more or fewer fields than the header.',
    remedy:
      'Correct the record, or load the rejected records with `--ragged pad`, which sets missing fields to NULL.',
  },
  bad_quote: {
    meaning: 'A quote is in a place where none is allowed.',
    remedy:
      'Correct the record; if quotes are plain text, load the rejected records with `--quote none`.',
  },
  unterminated_quote: {
    meaning: 'A quoted field is never closed.',
    remedy:
      'Correct the record; if quotes are escaped in another way, load the rejected records with `--escape`.',
  },
  bad_record: {
    meaning:
      'The line is not a JSON object, or it has a key twice with values that are written differently.',
    remedy: 'Correct the line.',
  },
  unknown_key: {
    meaning: 'The line has a key without a declared column.',
    remedy: 'Declare the column, or load the rejected records with `--on-new-column add`.',
  },
  unknown_table: {
    meaning: 'The change event is about a table that the model does not have, or does not realize.',
    remedy: 'Declare the table, with its key, under `tables:` in edp.yaml; then replay.',
  },
  unknown_version: {
    meaning: 'The change event is of a newer version of its table than the model.',
    remedy:
      'Declare the columns and the `version` of the table as its source has them, in edp.yaml; then replay.',
  },
  bad_schema: {
    meaning: 'The schema of the change event refuses its data.',
    remedy:
      'Declare the attribute, its type, or a correction of its values, in edp.yaml, or name it under `ignore` of the table; then replay. Or correct the event.',
  },
  record_too_long: {
    meaning: 'The record is longer than edp can hold; only its beginning is kept.',
    remedy: 'Look for a quote that is never closed; copy the record from the file itself.',
  },
  bad_integer: {
    meaning: 'A value is not an integer.',
    remedy:
      'Correct the record, or declare `nulls`, `currency` or `thousands` for the column; then replay.',
  },
  bad_number: {
    meaning: 'A value is not a number.',
    remedy:
      'Correct the record, or declare `nulls`, `thousands` or `decimal` for the column; then replay.',
  },
  bad_boolean: {
    meaning: 'A value is not a boolean.',
    remedy:
      'Correct the record, or declare the spellings of the column under `values`; then replay.',
  },
  bad_date: {
    meaning: 'A value is not a date, or the date does not exist in the calendar.',
    remedy: 'Correct the record, or declare the `format` of the column; then replay.',
  },
  bad_timestamp: {
    meaning: 'A value is not a timestamp, or the time does not exist in the calendar.',
    remedy: 'Correct the record, or declare the `format` or `epoch` of the column; then replay.',
  },
  bad_uuid: {
    meaning: 'A value is not a uuid.',
    remedy: 'Correct the record, or declare `nulls` for the column; then replay.',
  },
  bad_json: {
    meaning: 'A value is not JSON, or does not have the structure that the model expects.',
    remedy: 'Correct the record, or declare `stored-as` for the column; then replay.',
  },
  bad_metric: {
    meaning: 'A metric is not of its declared type.',
    remedy: 'Correct the record, or change the type of the metric; then replay.',
  },
  out_of_range: {
    meaning: 'A number or a time is too large or too small for its column.',
    remedy: 'Correct the record, or give the column a wider type; then replay.',
  },
  invalid_utf8: {
    meaning: 'The record has bytes that are not text in the encoding of the file.',
    remedy:
      'Correct the record; if it has another encoding, load the rejected records with `--encoding`.',
  },
  nul_byte: {
    meaning: 'A value has a NUL byte, which PostgreSQL text cannot hold.',
    remedy: 'Correct the record.',
  },
  null_value: {
    meaning: 'A column that requires a value has none.',
    remedy: 'Correct the record, or declare a `default` or `nullable` for the column; then replay.',
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
  left_out: {
    meaning:
      'The server took the row and inserted none: a trigger or a rule of the table left it out.',
    remedy: 'Correct the record, or change the trigger or rule; then replay.',
  },
  refused_by_server: {
    meaning: 'The server refused the row; the reason has its message.',
    remedy: 'Correct the record, or change the constraint or trigger; then replay.',
  },
} as const satisfies Readonly<Record<string, RejectCodeEntry>>;

export type RejectCode = keyof typeof REJECT_CODES;

/** What is wrong with a value. Bad data is returned as a value, never thrown. */
export class Fault {
  readonly code: RejectCode;
  readonly reason: string;
  /** The column with the value, if it belongs to one. */
  readonly column: string | undefined;

  constructor(code: RejectCode, reason: string, column?: string) {
    this.code = code;
    this.reason = reason;
    this.column = column;
  }
}
