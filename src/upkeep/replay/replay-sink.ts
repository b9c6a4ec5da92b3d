/** The careful sink, which also remembers what is to be counted of each record. */

import type { RecordPlace } from '../../ledger/reject-log.js';
import { NO_NOTES, type RowNotes } from '../../ledger/remarks.js';
import { CarefulSink } from '../../load/sinks/careful-sink.js';

export class ReplaySink extends CarefulSink {
  /** By byte offset of the record. */
  readonly notes = new Map<number, RowNotes>();

  override added(
    texts: readonly (string | null)[],
    place: RecordPlace,
    notes: RowNotes,
    rowEnd: number,
  ): void {
    if (notes !== NO_NOTES) this.notes.set(place.byteOffset, notes);
    super.added(texts, place, notes, rowEnd);
  }
}
