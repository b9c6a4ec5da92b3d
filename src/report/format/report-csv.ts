/**
 * CSV by RFC 4180, but with the line ends that Unix tools expect. NULL is an empty field, the empty
 * string is `""`, so that COPY of PostgreSQL reads back the very same rows.
 */
import { type Options, stringify } from 'csv-stringify/sync';
import type { ReportWriter, ResultColumn, ResultRow, WriterOptions } from './report-writer.js';

/**
 * Beside what csv-stringify quotes by itself: the empty string (its `quoted_empty` would quote NULL
 * as well), a carriage return, and `\.`, which ends the data for a COPY before PostgreSQL 18.
 */
const OPTIONS: Options = { record_delimiter: '\n', quoted_match: /^(\\\.)?$|\r/ };

export function csvWriter(
  columns: readonly ResultColumn[],
  { safeCells }: WriterOptions,
): ReportWriter {
  const isNumber = columns.map(({ typeOid }) => NUMBER_OIDS.has(typeOid));
  const toCells = (row: ResultRow) =>
    safeCells ? row.map((cell, i) => (isNumber[i] ? cell : toSafeCell(cell))) : [...row];
  return {
    maxRows: Number.POSITIVE_INFINITY,
    head: () => {
      const names = columns.map(({ name }) => name);
      return stringify([safeCells ? names.map(toSafeCell) : names], OPTIONS);
    },
    rows: (batch) => stringify(batch.map(toCells), OPTIONS),
    tail: () => '',
  };
}

/** int8, int2, int4, oid, float4, float8, numeric */
const NUMBER_OIDS: ReadonlySet<number> = new Set([20, 21, 23, 26, 700, 701, 1700]);

/**
 * Text that a spreadsheet would run as a formula; quotes do not prevent this. Full-width signs
 * count, too. https://owasp.org/www-community/attacks/CSV_Injection
 */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

/** Puts an apostrophe before text that would run as a formula; numbers are not changed. */
function toSafeCell(cell: string | null): string | null {
  return cell !== null && FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
}
