/**
 * The careful way: rows are staged, each with its number, so that records that cannot be loaded are
 * identified.
 */

import type { RecordPlace } from '../../formats/text/ranges.js';
import type { RowPlaces } from '../../lanes/byte-lane.js';
import type { ReferenceValues } from '../../lanes/reference-values.js';
import type { RowSink } from '../../lanes/row-sink.js';
import type { ChangedRows } from '../../ledger/changes.js';
import type { RejectLog } from '../../ledger/reject-log.js';
import { NO_REMARKS, type RowRemarks } from '../../ledger/remarks.js';
import type { RowWriter } from '../../values/copy-binary.js';
import { addPlaces } from './row-places.js';
import type { EncodedRows, StagingTable } from './staging-table.js';

export class CarefulSink implements RowSink {
  readonly wantsOrdinals = true;
  /** References are checked in the staging table. */
  readonly references: ReadonlyMap<string, ReferenceValues> = new Map();
  readonly #stage: StagingTable;
  readonly #rejects: RejectLog;
  /** Reverts the counts of a record that is not loaded after all. */
  readonly #uncount: (remarks: RowRemarks) => void;
  readonly #places: RecordPlace[] = [];
  /** By ordinal; only records with remarks. */
  readonly #remarks = new Map<number, RowRemarks>();
  readonly #laneRemarks: RowRemarks;
  #ends: number[] = [];
  #ordinals: number[] = [];
  #laneEnds: number[] = [];
  #laneOrdinals: number[] = [];
  #portions: EncodedRows[] = [];
  readonly #duplicates: RecordPlace[] = [];

  /** @param laneRemarks of every row that the byte lane writes */
  constructor(
    stage: StagingTable,
    rejects: RejectLog,
    laneRemarks: RowRemarks,
    uncount: (remarks: RowRemarks) => void,
  ) {
    this.#stage = stage;
    this.#rejects = rejects;
    this.#laneRemarks = laneRemarks;
    this.#uncount = uncount;
  }

  get nextOrdinal(): number {
    return this.#places.length;
  }

  /** After the staged rows were moved: the records that were in the table already, in order. */
  get duplicates(): readonly RecordPlace[] {
    return this.#duplicates;
  }

  /** After the staged rows were moved: the rows of the table that they changed. */
  get changed(): ChangedRows {
    return this.#stage.changed;
  }

  begin(): Promise<void> {
    return this.#stage.create();
  }

  added(
    _texts: readonly (string | null)[],
    place: RecordPlace,
    remarks: RowRemarks,
    rowEnd: number,
  ): void {
    const ordinal = this.#places.push(place) - 1;
    if (remarks !== NO_REMARKS) this.#remarks.set(ordinal, remarks);
    this.#ordinals.push(ordinal);
    this.#ends.push(rowEnd);
  }

  addedByLane(places: RowPlaces, from: number, base: number): void {
    for (let index = from; index < places.count; index++) {
      const start = places.recordStart[index]!;
      const ordinal =
        this.#places.push({
          byteOffset: base + start,
          byteLength: places.recordEnd[index]! - start,
          lineInSplit: places.line[index]!,
        }) - 1;
      if (this.#laneRemarks !== NO_REMARKS) this.#remarks.set(ordinal, this.#laneRemarks);
      this.#laneOrdinals.push(ordinal);
      this.#laneEnds.push(places.rowEnd[index]!);
    }
  }

  takeFromLane(bytes: Buffer): void {
    this.#portions.push({ bytes, ends: this.#laneEnds, ordinals: this.#laneOrdinals });
    this.#laneEnds = [];
    this.#laneOrdinals = [];
  }

  take(writer: RowWriter): void {
    if (writer.rowCount === 0) return;
    this.#portions.push({ bytes: writer.takeRows(), ends: this.#ends, ordinals: this.#ordinals });
    this.#ends = [];
    this.#ordinals = [];
  }

  async flush(): Promise<void> {
    const portions = this.#portions;
    this.#portions = [];
    for (const rows of portions) await this.#stage.copy(this.#withPlaces(rows));
  }

  #withPlaces(rows: EncodedRows): EncodedRows {
    if (!this.#stage.hasPlaces) return rows;
    return addPlaces(rows, (ordinal) => this.#places[ordinal]!.byteOffset);
  }

  async pause(): Promise<void> {}

  async settle(readRaw: (place: RecordPlace) => Promise<Buffer>): Promise<number> {
    const verdicts = await this.#stage.merge();
    for (const [ordinal, verdict] of [...verdicts].sort(([a], [b]) => a - b)) {
      this.#uncount(this.#remarks.get(ordinal) ?? NO_REMARKS);
      const place = this.#places[ordinal]!;
      if (verdict === 'duplicate') {
        this.#duplicates.push(place);
        continue;
      }
      this.#rejects.add(place, verdict, await readRaw(place));
    }
    return this.#duplicates.length;
  }
}
