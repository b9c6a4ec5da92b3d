/** What travels between the run and its workers. Plain data throughout. */

import type { MessagePort } from 'node:worker_threads';
import type pg from 'pg';
import type { ErrorData } from '../base/errors.js';
import type { RecordForm } from '../formats/record-form.js';
import type { Segment } from '../formats/text/cut-text.js';
import type { ScannedRange, SplitRange } from '../formats/text/ranges.js';
import type { Receipt } from '../ledger/counts.js';
import type { RejectRecord } from '../ledger/receipts.js';
import type { TablePlan } from '../mapping/table-plan.js';
import type { MissingDimensions, OnConflict } from '../model/load-rules.js';
import type { SessionIdentity } from '../postgres/backend.js';
import type { TableInCatalog } from '../postgres/table-in-catalog.js';
import type { FileIdentity } from '../source/file-identity.js';

/** How the records of a file become rows of a table. */
export interface LoadRules {
  readonly file: FileIdentity;
  readonly recordForm: RecordForm;
  /** Where lines begin that look like a footer. */
  readonly footerStart: number | undefined;
  readonly plan: TablePlan;
  readonly target: TableInCatalog;
  readonly loadId: number;
  readonly writeBatchSize: number;
  readonly onConflict: OnConflict;
  readonly missingDimensions: MissingDimensions;
}

/** What the splits of one load have in common. */
export interface LoadTask extends LoadRules {
  readonly database: pg.ClientConfig;
  /** The attempt of the load that this run owns; a worker of an earlier attempt cannot commit. */
  readonly attempt: number;
  /** The session by which the run holds the load. */
  readonly owner: SessionIdentity;
}

/** One split. */
export interface SplitPart<Load extends LoadRules = LoadTask> {
  readonly load: Load;
  readonly range: SplitRange;
  /** The bytes of the range, where they are not those of the file. */
  readonly segment?: Segment | undefined;
}

/** What a worker does in one transaction. */
export interface SplitTask {
  /** One split, or the only ones of several small files, alike in all but the load and the file. */
  readonly parts: readonly SplitPart[];
  /** Takes the careful way from the start, because the splits before needed it. */
  readonly isCareful: boolean;
  readonly port: MessagePort;
  /** Set to 1 to stop all workers between two batches. */
  readonly stop: Int32Array;
}

/** The worker has everything in its transaction and asks whether it may commit. */
export interface CommitRequest {
  readonly ranges: readonly ScannedRange[];
  /** Server process of the worker's session, to tell who waits for whom. */
  readonly backend: number;
}

export type CommitAnswer =
  /** Line, from 1, at the start of each. */
  | { readonly commit: true; readonly firstLines: readonly number[] }
  /** `recalled`: another split waits for a lock of this one. */
  | { readonly commit: false; readonly reason: 'misaligned' | 'recalled' | 'stopped' };

export type SplitOutcome =
  | {
      readonly kind: 'committed';
      readonly receipts: readonly Receipt[];
      readonly wasCareful: boolean;
    }
  | { readonly kind: 'rolled_back'; readonly reason: 'misaligned' | 'recalled' | 'stopped' }
  | { readonly kind: 'failed'; readonly error: ErrorData };

/** A split whose rows go to the thread that asks, through the port, and not into the table. */
export interface ScanTask extends SplitPart {
  readonly port: MessagePort;
  /** Set to 1 to stop all workers between two batches. */
  readonly stop: Int32Array;
}

export interface ScannedSplit {
  /** `duplicate` is not known: whoever copies the rows takes none. */
  readonly receipt: Receipt;
  readonly rejects: readonly RejectRecord[];
  /** Distinct values that the rows refer to, by column. */
  readonly references: readonly (readonly [column: string, values: readonly string[]])[];
}

export type ScanOutcome =
  | ({ readonly kind: 'scanned' } & ScannedSplit)
  | { readonly kind: 'failed'; readonly error: ErrorData };
