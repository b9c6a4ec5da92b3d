/**
 * CSV by RFC 4180, but with the line ends that Unix tools expect. NULL is an empty field, the empty
 * string is `""`, so that COPY of PostgreSQL reads back the very same rows.
 */
import { type Options, stringify } from 'csv-stringify/sync';
import type { ResultColumn } from '../cursor.js';
import type { ReportWriter } from './writer.js';

/**
 * Beside what csv-stringify quotes by itself: the empty string (its `quoted_empty` would quote NULL as
 * well), a carriage return, and `\.`, which ends the data for a COPY before PostgreSQL 18.
 */
const OPTIONS: Options = { record_delimiter: '\n', quoted_match: /^(\\\.)?$|\r/ };

export function csvWriter(columns: readonly ResultColumn[]): ReportWriter {
  return {
    maxRows: Number.POSITIVE_INFINITY,
    head: () => stringify([columns.map((column) => column.name)], OPTIONS),
    rows: (batch) => stringify([...batch], OPTIONS),
    tail: () => '',
  };
}
