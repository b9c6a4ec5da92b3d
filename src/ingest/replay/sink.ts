/** The careful sink, which also remembers the unknown metrics of each record. */
import { CarefulSink } from '../copy/careful.js';
import type { RecordPlace } from '../ledger/reject-log.js';

export class ReplaySink extends CarefulSink {
  /** By byte offset of the record. */
  readonly unknownMetrics = new Map<number, readonly string[]>();

  override added(
    fields: readonly (string | null)[],
    place: RecordPlace,
    unknown: readonly string[],
    rowEnd: number,
  ): void {
    if (unknown.length > 0) this.unknownMetrics.set(place.byteOffset, unknown);
    super.added(fields, place, unknown, rowEnd);
  }
}
