/** The careful sink, which also keeps the remarks about each record. */

import type { RecordPlace } from '../../formats/text/ranges.js';
import { NO_REMARKS, type RowRemarks } from '../../ledger/remarks.js';
import { CarefulSink } from '../../load/sinks/careful-sink.js';

export class ReplaySink extends CarefulSink {
  /** Remarks by byte offset of the record. */
  readonly remarks = new Map<number, RowRemarks>();

  override added(
    texts: readonly (string | null)[],
    place: RecordPlace,
    remarks: RowRemarks,
    rowEnd: number,
  ): void {
    if (remarks !== NO_REMARKS) this.remarks.set(place.byteOffset, remarks);
    super.added(texts, place, remarks, rowEnd);
  }
}
