/** Where the rows of a split go: the fast way (load/sinks/direct-sink.ts) or the careful one (load/sinks/careful-sink.ts). */

import type { RecordPlace } from '../formats/text/ranges.js';
import type { RowRemarks } from '../ledger/remarks.js';
import type { RowWriter } from '../values/copy-binary.js';
import type { RowPlaces } from './byte-lane.js';
import type { ReferenceValues } from './reference-values.js';

export interface RowSink {
  /** Whether rows begin with their ordinal, counted over both lanes. */
  readonly wantsOrdinals: boolean;
  /** Ordinal for the next row. */
  readonly nextOrdinal: number;
  /** Where the byte lane remarks references, by column. */
  readonly references: ReadonlyMap<string, ReferenceValues>;
  begin(): Promise<void>;
  /**
   * Notes the row that the csv lane just wrote.
   *
   * @param texts by column of the plan; byte strings, of columns that are fields
   * @param rowEnd bytes in its writer up to there
   */
  added(
    texts: readonly (string | null)[],
    place: RecordPlace,
    remarks: RowRemarks,
    rowEnd: number,
  ): void;
  /** Notes the rows that the byte lane wrote, from index `from` on. @param base file offset of the window */
  addedByLane(places: RowPlaces, from: number, base: number): void;
  /** Takes the rows that the csv lane's writer holds, to be sent with the next flush. */
  take(writer: RowWriter): void;
  /**
   * Takes rows of the byte lane, to be sent with the next flush.
   *
   * @param recycle takes rows back that were sent and whose buffer may be used again
   */
  takeFromLane(rows: Buffer, recycle: (rows: Buffer) => void): void;
  /** Sends what was taken. */
  flush(): Promise<void>;
  /** Ends a COPY that is going on, so that the session can do other things; flush begins another. */
  pause(): Promise<void>;
  /**
   * Finishes the rows, once all are flushed and the split may commit.
   *
   * @param readRaw gives the bytes of a record of this split
   * @returns how many were duplicates
   */
  settle(readRaw: (place: RecordPlace) => Promise<Buffer>): Promise<number>;
}
