/** A segment as a worker reads it: at its offsets in the text. */

import { copyBytes } from '../../base/shared-memory.js';
import type { ByteSource } from '../../source/open-file.js';
import type { Segment } from './cut-text.js';
import type { RecordPlace } from './ranges.js';

export class SegmentSource implements ByteSource {
  readonly #bytes: Buffer;
  readonly #start: number;

  constructor({ bytes, start, end }: Segment) {
    this.#bytes = Buffer.from(bytes, 0, Math.min(bytes.byteLength, end - start));
    this.#start = start;
  }

  async read(into: Buffer, offset: number, length: number, position: number) {
    const from = position - this.#start;
    const bytesRead = Math.max(0, Math.min(length, this.#bytes.length - from));
    copyBytes(this.#bytes, from, into, offset, bytesRead);
    return { bytesRead };
  }
}

/** Whoever loads a segment's records. */
interface LongRecordTaker {
  rejectLongRecord(place: RecordPlace, length: number, head: Buffer, lines: number): void;
}

/**
 * Takes a segment that is one record of which there is only the beginning.
 *
 * @returns start of the record behind it
 */
export function rejectLongSegment(
  loader: LongRecordTaker,
  { bytes, start, end, longRecord }: Segment,
): number {
  const head = Buffer.from(Buffer.from(bytes, 0, longRecord!.keptBytes));
  const place = { byteOffset: start, byteLength: head.length, lineInSplit: 0 };
  loader.rejectLongRecord(place, end - start, head, longRecord!.lineCount);
  return end;
}
