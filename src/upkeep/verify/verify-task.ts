/** Messages between a verification and its workers. All plain data. */
import type pg from 'pg';
import type { ErrorData } from '../../base/errors.js';
import type { PassedOver } from '../../formats/text/passed-over.js';
import type { OnConflict } from '../../model/load-rules.js';
import type { FileSource } from './file-rows.js';
import type { HashSeed } from './row-reader.js';
import type { RowShape } from './shape.js';

/** Columns of a table with versions, quoted. */
export interface VersionColumns {
  readonly offset: string;
  /** Where files hold all members: whether the row is the end of one. */
  readonly ended: string | undefined;
}

/** Data that all tasks of one verification share. */
export interface VerifyJob {
  readonly database: pg.ClientConfig;
  /** Identifies the snapshot that all sessions use. */
  readonly snapshotId: string;
  readonly source: FileSource;
  readonly shape: RowShape;
  /** Columns of metrics that were promoted. */
  readonly promoted: readonly string[];
  readonly seed: HashSeed;
  readonly bucketBits: number;
  /** Schema-qualified and quoted. */
  readonly table: string;
  readonly lineageColumn: string | undefined;
  readonly loadId: number;
  /** Whether a key has several rows, each known by its load and the place of its record; ends of members are left out. */
  readonly versions: VersionColumns | undefined;
  /**
   * Hashes of the bytes of the load's rejects, ascending, for a file of other content, in which the
   * ledger's offsets mean nothing. Undefined for the file that was loaded.
   */
  readonly rejectHashes: Float64Array | undefined;
  /** Set to 1 to stop all workers. */
  readonly stop: Int32Array;
  /** Rows and kilobytes so far, of file and table. */
  readonly progress: Int32Array;
}

/** Part of the file: where it begins and ends, and its receipt. */
export interface FileRange {
  readonly start: number;
  readonly end: number;
  /** Line in the whole file, from 1. */
  readonly firstLine: number;
  readonly receipt:
    | {
        readonly contentHash: string;
        readonly rowsRead: number;
        readonly rowsRejected: number;
        readonly rowsDuplicate: number;
        readonly onConflict: OnConflict;
        /** Null where an older edp did not count. */
        readonly recordBytes: number | null;
        readonly passedOver: PassedOver | null;
      }
    | undefined;
}

export type VerifyTask = {
  readonly job: VerifyJob;
} & (
  | {
      readonly kind: 'sum-file';
      readonly ranges: readonly FileRange[];
      /** Buckets that this task alone adds to. */
      readonly sums: Uint32Array;
    }
  | {
      readonly kind: 'sum-table';
      readonly fromBlock: number;
      readonly toBlock: number | undefined;
      readonly sums: Uint32Array;
    }
  | {
      readonly kind: 'list-file';
      readonly ranges: readonly FileRange[];
      /** 1 for each bucket whose records are wanted. */
      readonly wanted: Uint8Array;
      readonly looksUp: boolean;
    }
  | {
      readonly kind: 'list-table';
      readonly fromBlock: number;
      readonly toBlock: number | undefined;
      readonly wanted: Uint8Array;
      /** A bit per hash of the file's records; undefined where all rows of a bucket are wanted. */
      readonly inFile: Uint8Array | undefined;
    }
);

/** A fault at a place of the file, independent of the table. */
export interface FileFault {
  readonly kind:
    | 'bytes_differ'
    | 'records_differ'
    | 'passed_over_differ'
    | 'rejects_differ'
    | 'reject_altered'
    | 'reject_unknown'
    | 'unreadable';
  /** Start of the record, or of the split. */
  readonly byteOffset: number;
  /** Counts from 1; undefined for a fault of a whole split. */
  readonly line: number | undefined;
  readonly detail: string;
}

export interface FileOutcome {
  readonly kind: 'file';
  readonly records: number;
  readonly rejects: number;
  readonly faults: readonly FileFault[];
  /** Counts by kind, including faults that are not listed. */
  readonly faultCounts: Readonly<Record<string, number>>;
  /** {@link FILE_ENTRY}, ordered by offset within each range. */
  readonly entries: Float64Array | undefined;
}

export interface TableOutcome {
  readonly kind: 'table';
  readonly rows: number;
  /** {@link TABLE_ENTRY} */
  readonly entries: Float64Array | undefined;
}

export type VerifyOutcome =
  | FileOutcome
  | TableOutcome
  | { readonly kind: 'failed'; readonly error: ErrorData };

/** Numbers kept for a record whose bucket differs. */
export const FILE_ENTRY = {
  byteOffset: 0,
  line: 1,
  key1: 2,
  key2: 3,
  content1: 4,
  content2: 5,
  /** One of {@link STATUS}. */
  status: 6,
  /** The load of the row with its key; -1 for none. */
  holder: 7,
  size: 8,
} as const;

/** Numbers kept for a row of the table. */
export const TABLE_ENTRY = {
  key1: 0,
  key2: 1,
  content1: 2,
  content2: 3,
  /** Its ctid, and the partition. */
  block: 4,
  item: 5,
  table: 6,
  /** Place of the record of a version. */
  byteOffset: 7,
  size: 8,
} as const;

/** How the table's row with the key of a record compares with the record. */
export const STATUS = {
  notLookedUp: 0,
  noRow: 1,
  /** This load's row, bit for bit the same. */
  ownSame: 2,
  /** This load's row, in which only the key is spelled in another way. */
  ownRespelled: 3,
  /** This load's row, equal by the server's equality. */
  ownEqual: 4,
  ownDiffers: 5,
  /** Another load's row, or one without a load. */
  otherEqual: 6,
  otherDiffers: 7,
} as const;

/** Sums of a bucket: records minus rows, their hashes, and the number of each. */
export const SUM = { difference: 0, hash1: 1, hash2: 2, records: 3, rows: 4, size: 5 } as const;
