/**
 * Takes the rows of a split: on the fast way (load/sinks/direct-sink.ts) or on the careful one
 * (load/sinks/careful-sink.ts).
 */

import type { RecordPlace } from '../formats/text/ranges.js';
import type { RowRemarks } from '../ledger/remarks.js';
import type { RowWriter } from '../values/copy-binary.js';
import type { RowPlaces } from './byte-lane.js';
import type { ReferenceValues } from './reference-values.js';

export interface RowSink {
  /** Whether rows begin with their ordinal, which counts the rows of both lanes together. */
  readonly wantsOrdinals: boolean;
  /** Ordinal of the next row. */
  readonly nextOrdinal: number;
  /** Collectors for the values that the byte lane's rows refer to, by column. */
  readonly references: ReadonlyMap<string, ReferenceValues>;
  /**
   * Notes the row that the csv lane has just written.
   *
   * @param texts by column of the plan; byte strings, for columns that are fields
   * @param rowEnd length of its writer's bytes after the row
   */
  added(
    texts: readonly (string | null)[],
    place: RecordPlace,
    remarks: RowRemarks,
    rowEnd: number,
  ): void;
  /**
   * Notes the rows that the byte lane wrote, from index `from` on. @param base file offset of the
   * window
   */
  addedByLane(places: RowPlaces, from: number, base: number): void;
  /** Takes the rows that the csv lane's writer holds, to be sent with the next flush. */
  take(writer: RowWriter): void;
  /**
   * Takes rows of the byte lane, to be sent with the next flush.
   *
   * @param recycle gives back rows that were sent and whose buffer may be reused
   */
  takeFromLane(rows: Buffer, recycle: (rows: Buffer) => void): void;
  /** Sends the rows that were taken. */
  flush(): Promise<void>;
  /**
   * Ends the current COPY, so that the session can do other work; the next flush begins another
   * one.
   */
  pause(): Promise<void>;
  /**
   * Finishes the rows, once all are flushed and the split may commit.
   *
   * @param readRaw reads the bytes of a record of this split
   * @returns how many rows were duplicates
   */
  settle(readRaw: (place: RecordPlace) => Promise<Buffer>): Promise<number>;
}
