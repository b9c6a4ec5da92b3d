/** Counts of records, and what a split writes into its receipt. */
import type { ScannedRange } from '../formats/text/ranges.js';
import type { RemarkCounts } from './remarks.js';

export interface RowCounts {
  readonly read: number;
  readonly loaded: number;
  readonly rejected: number;
  readonly duplicate: number;
}

export interface Receipt extends ScannedRange {
  readonly rows: RowCounts;
  readonly remarks: RemarkCounts;
  readonly contentHash: string;
}

export const NO_ROWS: RowCounts = { read: 0, loaded: 0, rejected: 0, duplicate: 0 };

export function addRows(a: RowCounts, b: RowCounts): RowCounts {
  return {
    read: a.read + b.read,
    loaded: a.loaded + b.loaded,
    rejected: a.rejected + b.rejected,
    duplicate: a.duplicate + b.duplicate,
  };
}

export function negate({ read, loaded, rejected, duplicate }: RowCounts): RowCounts {
  return { read: -read, loaded: -loaded, rejected: -rejected, duplicate: -duplicate };
}
