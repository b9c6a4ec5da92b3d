/** CSV as a format of text. */
import { withLineEnd } from '../text/line-end.js';
import type { TextFormat } from '../text/text-format.js';
import type { Dialect } from './dialect.js';
import { guessRecordStart } from './scan/boundary.js';
import { CsvParser } from './scan/csv-parser.js';
import { CsvScanner } from './scan/csv-scanner.js';
import { PlainRecords } from './scan/plain-records.js';

/** How the records of a CSV file are read. Plain data. */
export interface CsvForm {
  readonly format: 'csv';
  readonly dialect: Dialect;
}

export function csvFormat(dialect: Dialect): TextFormat {
  return {
    lineEnd: dialect.lineEnd,
    endRecord: (raw) => withLineEnd(raw, dialect.lineEnd),
    newScanner: () => new CsvScanner(dialect),
    newParser: () => new CsvParser(dialect),
    guessRecordStart: (bytes, from) => guessRecordStart(bytes, from, dialect),
    newRecordSkipper: () => PlainRecords.prepare(dialect),
  };
}
