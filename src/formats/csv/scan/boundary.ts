/**
 * Guesses where a record starts in the middle of a file.
 *
 * Whether a line end is inside quotes can be known only by reading from the start. But a guess is
 * nearly always right, and it is verified: a split commits only after the split before it, read
 * from its own true start, ended exactly where this one began. So a guess may be wrong; but not
 * often, since a split that began at the wrong place is read again.
 *
 * How it works: behind the next line end either a record starts, or a quoted field continues. The
 * bytes are taken for the rest of a quoted field only if both hold: read so, they reach a closing
 * quote and the rest of the record has no fault; and read as records, they have a fault.
 */

import { Fault } from '../../../model/reject-codes.js';
import { CR, LF, measureLineEnd } from '../../text/line-end.js';
import { RecordBatch } from '../../text/record-batch.js';
import type { Dialect } from '../dialect.js';
import { CsvParser } from './csv-parser.js';
import { CsvScanner } from './csv-scanner.js';

/** Most records that are read. */
const PROBE_RECORDS = 64;

/**
 * @param bytes part of the file
 * @param from offset at or after which the record must start; `bytes[from - 1]` is read as well, so
 *   `from` is at least 1
 * @returns offset of a likely record start, or -1 where `bytes` has no line end from there on
 */
export function guessRecordStart(bytes: Buffer, from: number, dialect: Dialect): number {
  const candidate = findLineStart(bytes, from, dialect);
  if (candidate < 0) return -1;
  const rest = bytes.subarray(candidate);
  const tailBytes = measureQuotedTail(rest, dialect);
  return tailBytes > 0 && hasFaults(rest, tailBytes, dialect) ? candidate + tailBytes : candidate;
}

/** @returns the first offset at or behind `from` that follows a line end, or -1 */
function findLineStart(bytes: Buffer, from: number, { lineEnd }: Dialect): number {
  if (lineEnd === 'lf') return bytes.indexOf(LF, from - 1) + 1 || -1;
  if (lineEnd === 'cr') return bytes.indexOf(CR, from - 1) + 1 || -1;
  // An LF just before `from` ends a line; its CR may lie before the bytes.
  if (bytes[from - 1] === LF) return from;
  for (let at = from - 1; at < bytes.length; at++) {
    const length = measureLineEnd(bytes, at, bytes.length, true, lineEnd);
    if (length > 0) return at + length;
  }
  return -1;
}

/**
 * @returns length of the rest of a record, line end included, if a quoted field continues; else 0
 */
function measureQuotedTail(bytes: Buffer, dialect: Dialect): number {
  const quote = Buffer.from(dialect.quote, 'latin1');
  if (quote.length === 0 || !bytes.includes(quote)) return 0;
  const record = Buffer.concat([quote, bytes]);
  const batch = new RecordBatch(1);
  // The rest of a record has fewer fields than a record, which must not be a fault.
  const scanner = new CsvScanner(
    dialect.fieldCount === 1 ? dialect : { ...dialect, fieldCount: 0 },
  );
  scanner.scan(record, record.length, 1, false, batch);
  if (batch.count === 0 || batch.fieldCount[0]! > dialect.fieldCount) return 0;
  let isTail = false;
  new CsvParser({ ...dialect, fieldCount: batch.fieldCount[0]! }).parse(
    record,
    batch,
    (_, found) => {
      isTail = !(found instanceof Fault);
    },
  );
  return isTail ? scanner.nextRecord - quote.length : 0;
}

/** Whether any record that starts in the first `length` bytes, read as records, has a fault. */
function hasFaults(bytes: Buffer, length: number, dialect: Dialect): boolean {
  const batch = new RecordBatch(PROBE_RECORDS);
  const scanner = new CsvScanner(dialect);
  scanner.scan(bytes, bytes.length, length, false, batch);
  // A record that does not end has a quote that is not closed.
  let faults = batch.count < batch.capacity && scanner.nextRecord < length ? 1 : 0;
  new CsvParser(dialect).parse(bytes, batch, (_, found) => {
    if (found instanceof Fault) faults++;
  });
  return faults > 0;
}
