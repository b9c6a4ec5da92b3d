/** The record scanner as its callers use it: over whole texts, and piece by piece. */
import { type Dialect, PLAIN_DIALECT } from '../../../../src/formats/csv/dialect.js';
import { CsvScanner } from '../../../../src/formats/csv/scan/csv-scanner.js';
import { RecordBatch } from '../../../../src/formats/text/record-batch.js';
import { scanInPieces as scanPieces } from '../../../support/scanning.js';

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
 * Scans piece by piece. The litter behind a piece is quotes and line ends.
 *
 * @param cuts offsets at which a piece ends, ascending
 */
export function scanInPieces(
  bytes: Buffer,
  dialect: Dialect,
  cuts: readonly number[],
  limit: number,
): FoundRecord[] {
  const pieces = { cuts, limit, litter: '"\n' };
  const read = (_: Buffer, batch: RecordBatch, base: number) => readBatch(batch, base);
  return scanPieces(new CsvScanner(dialect), bytes, pieces, read).records;
}
