/** Rows for the staging table of a table with versions: behind its ordinal, each has the place of its record. */
import type { EncodedRows } from './staging-table.js';

/** The number of fields of a row, and its ordinal with the length before it. */
const HEAD_BYTES = 2 + 4 + 4;
const OFFSET_BYTES = 8;
const PLACE_BYTES = 4 + OFFSET_BYTES;

/** @param offsetOf place of a record in its file, by its ordinal */
export function addPlaces(
  { bytes, ends, ordinals }: EncodedRows,
  offsetOf: (ordinal: number) => number,
): EncodedRows {
  const wider = Buffer.allocUnsafe(bytes.length + ends.length * PLACE_BYTES);
  const newEnds: number[] = [];
  let start = 0;
  let at = 0;
  for (const [i, end] of ends.entries()) {
    bytes.copy(wider, at, start, start + HEAD_BYTES);
    wider.writeInt16BE(bytes.readInt16BE(start) + 1, at);
    at = wider.writeInt32BE(OFFSET_BYTES, at + HEAD_BYTES);
    at = wider.writeBigInt64BE(BigInt(offsetOf(ordinals[i]!)), at);
    at += bytes.copy(wider, at, start + HEAD_BYTES, end);
    newEnds.push(at);
    start = end;
  }
  return { bytes: wider, ends: newEnds, ordinals };
}
