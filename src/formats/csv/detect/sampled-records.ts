/** A sample of a file → its records as a dialect reads them. */
import { Fault } from '../../../model/reject-codes.js';
import { DAMAGE_NONE, RecordBatch } from '../../text/record-batch.js';
import type { Dialect } from '../dialect.js';
import { guessRecordStart } from '../scan/boundary.js';
import { CsvScanner } from '../scan/csv-scanner.js';
import { type FieldTexts, readFields } from '../scan/read-fields.js';

/** Characters that are kept of a record. */
const MAX_RAW = 4096;

/** Share of the records of a piece that must fit for the piece to tell anything. */
const MIN_FITTING_SHARE = 0.5;

export interface SampledRecord {
  readonly start: number;
  /** Without the line end. */
  readonly end: number;
  /** Number of line ends before it in the sample. */
  readonly line: number;
  /** Its bytes; only the first of a long record. */
  readonly raw: string;
  /** Whether its quotes are damaged, so that its end may be wrong, too. */
  readonly isDamaged: boolean;
  /** Its fields, or what is wrong with it; the number of fields is not checked. */
  readonly fields: FieldTexts | Fault;
}

/** Reads the records of a sample. A `dialect.fieldCount` of 0 allows any number of fields. */
export function sampleRecords(
  bytes: Buffer,
  start: number,
  isAll: boolean,
  dialect: Dialect,
  limit: number,
): SampledRecord[] {
  const batch = new RecordBatch(limit);
  const scanner = new CsvScanner(dialect);
  scanner.reset(start);
  scanner.scan(bytes, bytes.length, Number.POSITIVE_INFINITY, true, batch);
  const isCutOff = !isAll && scanner.nextRecord >= bytes.length;
  const records: SampledRecord[] = [];
  for (let i = 0; i < (isCutOff ? batch.count - 1 : batch.count); i++) {
    const [from, to] = [batch.start[i]!, batch.end[i]!];
    const isDamaged = batch.damage[i] !== DAMAGE_NONE;
    const text = bytes.toString('latin1', from, to);
    records.push({
      start: from,
      end: to,
      line: batch.line[i]!,
      raw: text.slice(0, MAX_RAW),
      isDamaged,
      fields: isDamaged
        ? new Fault('bad_quote', 'its quotes do not match')
        : readFields(text, dialect),
    });
  }
  return records;
}

/**
 * Reads the records of pieces from the middle. A piece may begin inside quotes: its first record is
 * found as that of a split is, and if few of the records then fit, it tells nothing.
 *
 * @param width fields of most records in the head
 */
export function samplePieces(
  pieces: readonly Buffer[],
  dialect: Dialect,
  width: number,
  limit: number,
): SampledRecord[] {
  return pieces.flatMap((piece) => {
    const lineEnd = piece.findIndex((byte) => byte === 0x0a || byte === 0x0d);
    if (lineEnd < 0) return [];
    const behind = sampleRecords(piece, lineEnd + 1, false, dialect, limit).slice(1);
    if (behind.every((record) => fits(record, width))) return behind;
    const start = findFirstRecord(piece, dialect, width);
    if (start < 0) return [];
    const records = sampleRecords(piece, start, false, dialect, limit);
    const mayBeInQuotes = dialect.quote !== '' && piece.includes(dialect.quote, 0, 'latin1');
    return mayBeInQuotes && !isTelling(records, width) ? [] : records;
  });
}

/** @returns offset of a likely record start in a piece from the middle; -1 for none */
export function findFirstRecord(piece: Buffer, dialect: Dialect, width: number): number {
  return piece.length < 2 ? -1 : guessRecordStart(piece, 1, { ...dialect, fieldCount: width });
}

function isTelling(records: readonly SampledRecord[], width: number): boolean {
  const fitting = records.filter((record) => fits(record, width));
  return fitting.length >= records.length * MIN_FITTING_SHARE;
}

/** A byte order mark in UTF-8, one character for each byte. */
const MARK = '\xef\xbb\xbf';

/** Whether a record is the header once more, as in files that were put together, each with its mark. */
export function repeats({ raw }: SampledRecord, header: SampledRecord): boolean {
  if (!raw.startsWith(MARK)) return raw === header.raw;
  return raw.slice(MARK.length) === header.raw.slice(0, MAX_RAW - MARK.length);
}

export function fits(record: SampledRecord, width: number): boolean {
  return !(record.fields instanceof Fault) && record.fields.length === width;
}
