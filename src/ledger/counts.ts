/** Counts of records, and what a split writes into its receipt. */
import {
  addPassedOver,
  type ByteCounts,
  bytesByKind,
  linesByKind,
  NOTHING_PASSED_OVER,
  type PassedOver,
  type PassedOverKind,
} from '../formats/text/passed-over.js';
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
  /** Reject code → records. The ledger has the rejects themselves. */
  readonly rejectCodes: Readonly<Record<string, number>>;
  readonly remarks: RemarkCounts;
  readonly contentHash: string;
  /** Of its records, line ends included. With the lines passed over, the bytes of the split. */
  readonly recordBytes: number;
  /** The lines between its records. */
  readonly passedOver: PassedOver;
}

/** What each byte of a text is, of all of it or of a part. */
export interface Accounting {
  /** Line ends included. */
  readonly recordBytes: number;
  readonly passedOver: PassedOver;
}

export const NO_BYTES: Accounting = { recordBytes: 0, passedOver: NOTHING_PASSED_OVER };

export function addBytes(a: Accounting, b: Accounting): Accounting {
  return {
    recordBytes: a.recordBytes + b.recordBytes,
    passedOver: addPassedOver(a.passedOver, b.passedOver),
  };
}

/** The same as counts by kind; null where it was not counted, and in a load that is undone. */
export interface AccountingCounts {
  readonly passedOver: Readonly<Record<PassedOverKind, number>> | null;
  readonly byteCounts: ByteCounts | null;
}

/** @param accounting undefined where an older edp did not count */
export function toAccountingCounts(accounting: Accounting | undefined): AccountingCounts {
  if (accounting === undefined) return { passedOver: null, byteCounts: null };
  const { recordBytes, passedOver } = accounting;
  return { passedOver: linesByKind(passedOver), byteCounts: bytesByKind(recordBytes, passedOver) };
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
