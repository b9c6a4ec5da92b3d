/** CSV as a format of text. */
import { withLineEnd } from '../text/line-end.js';
import type { TextFormat } from '../text/text-format.js';
import { walkHead, walkTail } from '../text/walk-lines.js';
import type { Dialect } from './dialect.js';
import { guessRecordStart } from './scan/boundary.js';
import { CsvParser } from './scan/csv-parser.js';
import { CsvScanner } from './scan/csv-scanner.js';
import { PlainRecords } from './scan/plain-records.js';

/** How the records of a CSV file are read. Plain data. */
export interface CsvForm {
  readonly format: 'csv';
  readonly dialect: Dialect;
  /**
   * The header line as a byte string, without its line end: a record that equals it is none. Absent
   * for a file without a header.
   */
  readonly header?: string;
}

export function csvFormat(dialect: Dialect, header?: string): TextFormat {
  const { lineEnd } = dialect;
  const lines = { lineEnd, comment: Buffer.from(dialect.comment, 'latin1') };
  return {
    lineEnd,
    endRecord: (raw) => withLineEnd(raw, lineEnd),
    newScanner: (watch) => new CsvScanner(dialect, header, watch),
    newParser: () => new CsvParser(dialect),
    walkHead: (bytes, ofFile, watch) => walkHead(bytes, ofFile, lines, watch),
    walkTail: (bytes, watch) => walkTail(bytes, lines, watch),
    guessRecordStart: (bytes, from) => guessRecordStart(bytes, from, dialect),
    newRecordSkipper: () => PlainRecords.prepare(dialect),
  };
}
