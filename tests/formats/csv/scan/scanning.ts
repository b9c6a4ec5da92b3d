/** The record scanner as its callers use it: over whole texts, and piece by piece. */
import { type Dialect, PLAIN_DIALECT } from '../../../../src/formats/csv/dialect.js';
import { CsvScanner } from '../../../../src/formats/csv/scan/csv-scanner.js';
import { RecordBatch } from '../../../../src/formats/text/record-batch.js';

export const COMMA: Dialect = { ...PLAIN_DIALECT, fieldCount: 2 };
export const TAB: Dialect = { ...COMMA, delimiter: '\t', allowsBareQuotes: true };
export const OLD_MAC: Dialect = { ...COMMA, lineEnd: 'cr' };
export const ONE_COLUMN: Dialect = { ...COMMA, fieldCount: 1 };

export interface FoundRecord {
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly fieldCount: number;
  readonly damage: number;
}

/** @param base offset of the buffer in the file */
export function readBatch(batch: RecordBatch, base: number): FoundRecord[] {
  return Array.from({ length: batch.count }, (_, i) => ({
    start: base + batch.start[i]!,
    end: base + batch.end[i]!,
    line: batch.line[i]!,
    fieldCount: batch.fieldCount[i]!,
    damage: batch.damage[i]!,
  }));
}

export function scanWhole(bytes: Buffer, dialect: Dialect): FoundRecord[] {
  const batch = new RecordBatch(bytes.length + 1);
  new CsvScanner(dialect).scan(bytes, bytes.length, Number.POSITIVE_INFINITY, true, batch);
  return readBatch(batch, 0);
}

/**
 * Scans as a reader of a file does: bytes come in pieces, records that are complete are dropped from
 * the buffer's front. Behind the bytes that are there, the buffer holds quotes and line ends that
 * nobody must look at.
 *
 * @param cuts offsets at which a piece ends, ascending
 */
export function scanInPieces(
  bytes: Buffer,
  dialect: Dialect,
  cuts: readonly number[],
  batchRecords: number,
): FoundRecord[] {
  const buffer = Buffer.alloc(bytes.length + 4);
  const batch = new RecordBatch(bytes.length + batchRecords);
  batch.limit = batchRecords;
  const scanner = new CsvScanner(dialect);
  const found: FoundRecord[] = [];
  let base = 0;
  let filled = 0;
  for (const [i, cut] of [...cuts, bytes.length].entries()) {
    const isLast = i === cuts.length;
    const from = base + filled;
    bytes.copy(buffer, filled, from, cut);
    filled += cut - from;
    buffer.fill('"\n', filled);
    do {
      batch.count = 0;
      scanner.scan(buffer, filled, Number.POSITIVE_INFINITY, isLast, batch);
      found.push(...readBatch(batch, base));
    } while (batch.count === batch.limit);
    const done = scanner.nextRecord;
    buffer.copyWithin(0, done, filled);
    scanner.shift(done);
    base += done;
    filled -= done;
  }
  return found;
}
