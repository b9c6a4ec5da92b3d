/** A row of edp.loads, as pg reads it. */
import type { Reading } from '../formats/stored-reading.js';
import type { PassedOver } from '../formats/text/passed-over.js';
import type { RowCounts } from './counts.js';
import type { LoadState } from './load-state.js';

export interface LoadRow {
  readonly load_id: number;
  readonly path: string;
  readonly schema_name: string;
  readonly table_name: string;
  readonly content_hash: string;
  readonly generation: number;
  readonly state: LoadState;
  readonly attempt: number;
  readonly header: Buffer;
  readonly file_format: Reading;
  readonly model_hash: string;
  readonly size_bytes: number;
  readonly rows_read: number;
  readonly rows_loaded: number;
  readonly rows_rejected: number;
  readonly rows_duplicate: number;
  readonly rows_replaced: number;
  /** Members that it found gone; null where it has not looked. */
  readonly rows_ended: number | null;
  /** A double, which pg reads as text. */
  readonly seconds: string;
  readonly started_at: string;
  readonly effective_at: string;
  /** Null for a load that has never been complete. */
  readonly finished_at: string | null;
  readonly undone_at: string | null;
  /** Null in what an older edp wrote; the last two also until the load is complete. */
  readonly head_passed_over: PassedOver | null;
  readonly tail_passed_over: PassedOver | null;
  readonly text_bytes: number | null;
  /** The load whose content replaced its rows; null unless that happened. */
  readonly replaced_by: number | null;
  /** When edp noticed that another table has the name of its table; null unless that happened. */
  readonly gone_at: string | null;
}

/** Counts of a load or of a split, from its row. */
export function rowCountsOf(
  row: Pick<LoadRow, 'rows_read' | 'rows_loaded' | 'rows_rejected' | 'rows_duplicate'>,
): RowCounts {
  return {
    read: row.rows_read,
    loaded: row.rows_loaded,
    rejected: row.rows_rejected,
    duplicate: row.rows_duplicate,
  };
}
