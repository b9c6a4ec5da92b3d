/** What every format does. */
import type { ResultRow } from '../cursor.js';

export interface WriterOptions {
  /** Whether cells that a spreadsheet would run as formulas are made text; for CSV. */
  readonly safeCells: boolean;
}

/** Rows → text, piece by piece: `head`, then `rows` as often as there are batches, then `tail`. */
export interface ReportWriter {
  /** Rows it wants to see; any further ones are only counted. */
  readonly maxRows: number;
  head(): string;
  rows(batch: readonly ResultRow[]): string;
  /** @param rowsLeftOut how many more there are than `maxRows` */
  tail(rowsLeftOut: number): string;
}
