/** Where the rows of a report come from: a cursor on the server, or the cache. */
import type { ResultColumn, ResultRow } from './format/report-writer.js';

export interface ReportRows {
  readonly columns: readonly ResultColumn[];
  /** Batches that are never empty; `maxRows` rows in all, at the most. */
  batches(maxRows: number): AsyncGenerator<readonly ResultRow[]>;
  /** Number of rows that were in no batch. */
  countRest(): Promise<number>;
}
