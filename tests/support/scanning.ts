/** The scanner of a format as a reader of files uses it: bytes come in pieces. */
import { RecordBatch } from '../../src/formats/text/record-batch.js';
import type { RecordScanner } from '../../src/formats/text/text-format.js';

export interface Pieces {
  /** Offsets at which a piece ends, ascending. */
  readonly cuts: readonly number[];
  /** Records of a batch. */
  readonly limit: number;
  /** What the buffer holds behind the bytes that are there: nobody must look at it. */
  readonly litter: string;
}

/**
 * Scans piece by piece; records that are complete are dropped from the buffer's front.
 *
 * @param read reads a batch; `base` is the buffer's offset in the file
 * @returns the records, and how many bytes were dropped or are still in the buffer
 */
export function scanInPieces<T>(
  scanner: RecordScanner,
  bytes: Buffer,
  { cuts, limit, litter }: Pieces,
  read: (buffer: Buffer, batch: RecordBatch, base: number) => T[],
): { records: T[]; bytes: number } {
  const buffer = Buffer.alloc(bytes.length + 4);
  const batch = new RecordBatch(bytes.length + limit);
  batch.limit = limit;
  const records: T[] = [];
  let base = 0;
  let filled = 0;
  for (const [i, cut] of [...cuts, bytes.length].entries()) {
    const isLast = i === cuts.length;
    const from = base + filled;
    bytes.copy(buffer, filled, from, cut);
    filled += cut - from;
    buffer.fill(litter, filled);
    do {
      batch.count = 0;
      scanner.scan(buffer, filled, Number.POSITIVE_INFINITY, isLast, batch);
      records.push(...read(buffer, batch, base));
    } while (batch.count === batch.limit);
    const done = scanner.nextRecord;
    buffer.copyWithin(0, done, filled);
    scanner.shift(done);
    base += done;
    filled -= done;
  }
  return { records, bytes: base + filled };
}
