/** The messages between the run and its workers. All are plain data. */

import type { MessagePort } from 'node:worker_threads';
import type pg from 'pg';
import type { ErrorData } from '../base/errors.js';
import type { SplitCommitted } from '../base/happenings.js';
import type { RecordForm } from '../formats/open-format.js';
import type { Segment } from '../formats/text/cut-text.js';
import type { ScannedRange, SplitRange } from '../formats/text/ranges.js';
import type { ChangedRows } from '../ledger/changes.js';
import type { Receipt } from '../ledger/counts.js';
import type { RejectRecord } from '../ledger/receipts.js';
import type { CopyPlan, TablePlan } from '../mapping/table-plan.js';
import type { MissingDimensions, OnConflict } from '../model/load-rules.js';
import type { SessionIdentity } from '../postgres/backend.js';
import type { KnownPartition, WantedPartition } from '../postgres/partitions-in-catalog.js';
import type { TableInCatalog } from '../postgres/table-in-catalog.js';
import type { FileIdentity } from '../source/file-identity.js';

/** How the records of a file become rows of a table. */
export interface LoadRules {
  readonly file: FileIdentity;
  readonly recordForm: RecordForm;
  /** Offset of lines that look like a footer. */
  readonly footerStart: number | undefined;
  readonly plan: TablePlan;
  readonly target: TableInCatalog;
  readonly loadId: number;
  readonly writeBatchSize: number;
  readonly onConflict: OnConflict;
  readonly missingDimensions: MissingDimensions;
}

/** The properties that all splits of one load share. */
export interface LoadTask extends LoadRules {
  readonly database: pg.ClientConfig;
  /** The attempt of the load that this run owns; a worker of an earlier attempt cannot commit. */
  readonly attempt: number;
  /** The session with which the run holds the load. */
  readonly owner: SessionIdentity;
}

/** One split. */
export interface SplitPart<Load extends LoadRules = LoadTask> {
  readonly load: Load;
  readonly range: SplitRange;
  /** The bytes of the range, if they differ from those of the file. */
  readonly segment?: Segment | undefined;
}

/** The work of one transaction of a worker. */
export interface SplitTask {
  /**
   * One split, or the only splits of several small files, which differ only in the load and the
   * file.
   */
  readonly parts: readonly SplitPart[];
  /** Starts with the careful way, because earlier splits needed it. */
  readonly isCareful: boolean;
  readonly port: MessagePort;
  /** Set to 1 to stop all workers between two batches. */
  readonly stop: Int32Array;
}

/** The worker has everything in its transaction and asks whether it may commit. */
export interface CommitRequest {
  readonly ranges: readonly ScannedRange[];
  /** Server process of the worker's session, to detect which session waits for which. */
  readonly backend: number;
}

/** The worker has rows for partitions that are missing; its transaction waits until they are made. */
export interface PartitionRequest {
  readonly partitions: readonly WantedPartition[];
  readonly backend: number;
}

export type CommitAnswer =
  /** Line, from 1, at the start of each. */
  | { readonly commit: true; readonly firstLines: readonly number[] }
  /** `recalled`: another split waits for a lock of this one. */
  | { readonly commit: false; readonly reason: 'misaligned' | 'recalled' | 'stopped' };

/** Why a split is to be rolled back. */
export type Refusal = Extract<CommitAnswer, { readonly commit: false }>;

export type PartitionAnswer = { readonly made: readonly KnownPartition[] } | Refusal;

/** How long the work on a split took, or on several in one transaction. */
export interface SplitTimes {
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Of all of it, waiting included. */
  readonly seconds: number;
  readonly steps: SplitCommitted['steps'];
}

export interface CommittedOutcome {
  readonly kind: 'committed';
  readonly receipts: readonly Receipt[];
  readonly wasCareful: boolean;
  /** By split. */
  readonly changed: readonly ChangedRows[];
  readonly times: SplitTimes;
}

export type SplitOutcome =
  | CommittedOutcome
  | { readonly kind: 'rolled_back'; readonly reason: 'misaligned' | 'recalled' | 'stopped' }
  | { readonly kind: 'failed'; readonly error: ErrorData };

/** A split whose rows are sent through the port to the requesting thread, not into the table. */
export interface ScanTask extends SplitPart {
  readonly port: MessagePort;
  /** Set to 1 to stop all workers between two batches. */
  readonly stop: Int32Array;
}

/** Rows of one partition, for the thread that copies them. */
export interface RoutedRows {
  readonly rows: Uint8Array;
  /** Of the partition, if it is there already. */
  readonly name: string | undefined;
  /** Otherwise, what it is for; undefined for the rest partition. */
  readonly place: WantedPartition | undefined;
  /** More partitions that are missing, as far as the worker knows; those of earlier rows of the split are not told again. */
  readonly wanted: readonly WantedPartition[];
}

export interface ScannedSplit {
  /** `duplicate` is not known here: a bulk load fails at a duplicate. */
  readonly receipt: Receipt;
  readonly times: SplitTimes;
  readonly rejects: readonly RejectRecord[];
  /** Distinct values that the rows refer to, by column. */
  readonly references: readonly (readonly [column: string, values: readonly string[]])[];
  /** What the rows copied from other tables: key and field in binary form, by column. */
  readonly copied: readonly (readonly [
    copy: CopyPlan,
    used: readonly (readonly [key: string, field: Uint8Array])[],
  ])[];
}

export type ScanOutcome =
  | ({ readonly kind: 'scanned' } & ScannedSplit)
  | { readonly kind: 'failed'; readonly error: ErrorData };
