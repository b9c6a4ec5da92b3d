/**
 * A guess at where a record starts, somewhere in the middle of a file.
 *
 * Nobody can know without reading from the start whether a line end is inside quotes. But a guess is
 * nearly always right, and it is verified: a split commits only after the split before it, read from
 * its own true start, ended exactly where this one began (DESIGN §7). So this may be wrong; it only
 * must not be wrong often, since a split that began at the wrong place is read again.
 *
 * How it works: behind the next line end either a record starts, or a quoted field goes on. Inside
 * quotes, the text runs up to a closing quote, and what is left of the record is without fault. Then,
 * and only if the same bytes read as records show a fault, that is what they are.
 */
import { type Dialect, QUOTE } from '../dialect.js';
import { Fault } from '../reject.js';
import { CsvParser } from './parse.js';
import { RecordBatch, RecordScanner } from './records.js';

/** Records looked at, at most. */
const PROBE_RECORDS = 64;
const QUOTE_BYTE = Buffer.from([QUOTE]);

/**
 * @param bytes part of the file
 * @param from offset at or after which the record shall start; `bytes[from - 1]` is looked at, so
 *   `from` is at least 1
 * @returns offset of a likely record start, or -1 where `bytes` has no line end from there on
 */
export function guessRecordStart(bytes: Buffer, from: number, dialect: Dialect): number {
  const candidate = bytes.indexOf(dialect.recordEnd, from - 1) + 1;
  if (candidate === 0) return -1;
  const rest = bytes.subarray(candidate);
  const tailBytes = measureQuotedTail(rest, dialect);
  return tailBytes > 0 && hasFaults(rest, tailBytes, dialect) ? candidate + tailBytes : candidate;
}

/** Length of the rest of a record, line end included, if a quoted field goes on in it; else 0. */
function measureQuotedTail(bytes: Buffer, dialect: Dialect): number {
  if (!bytes.includes(QUOTE)) return 0;
  const record = Buffer.concat([QUOTE_BYTE, bytes]);
  const batch = new RecordBatch(1);
  const scanner = new RecordScanner(dialect);
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
  return isTail ? scanner.nextRecord - QUOTE_BYTE.length : 0;
}

/** Whether any of the records that start in the first `length` bytes, as records, has a fault. */
function hasFaults(bytes: Buffer, length: number, dialect: Dialect): boolean {
  const batch = new RecordBatch(PROBE_RECORDS);
  const scanner = new RecordScanner(dialect);
  scanner.scan(bytes, bytes.length, length, false, batch);
  // A record that does not end is one whose quotes do not close.
  let faults = batch.count < batch.capacity && scanner.nextRecord < length ? 1 : 0;
  new CsvParser(dialect).parse(bytes, batch, (_, found) => {
    if (found instanceof Fault) faults++;
  });
  return faults > 0;
}
