/**
 * The results of a run or a dry run: for each file, for all files, and the reasons why something
 * was not loaded.
 */

import { EdpError } from '../base/errors.js';
import type { summarizeForm } from '../formats/describe-file.js';
import {
  type AccountingCounts,
  addRows,
  NO_BYTES,
  NO_ROWS,
  type RowCounts,
  toAccountingCounts,
} from '../ledger/counts.js';
import type { RemarkCounts } from '../ledger/remarks.js';
import type { Drift } from '../model/drift.js';
import type { Format } from '../model/file-settings.js';
import type { RejectLimit } from '../model/load-rules.js';
import type { InputFile } from '../source/discover.js';
import type { Target } from './prepare-files.js';
import type { ReplacedContent } from './replace/clear-table.js';

/** Records read before `--max-rejects N%` may stop a run. */
const MIN_RECORDS_FOR_SHARE = 100;

/** The reason of a file that a run did not come to. */
export const NOT_BEGUN = 'the run ended before it was loaded';

export interface FileResult {
  /** As the user specified it. */
  readonly path: string;
  /** Null where the run did not come to the table. */
  readonly schema: string | null;
  /** With its schema, unless that is the first of the search path. */
  readonly table: string;
  readonly loadId: number | null;
  /** `interrupted` where Ctrl-C ended the run before the file was loaded completely. */
  readonly status: 'loaded' | 'skipped' | 'failed' | 'interrupted';
  /** Counts of the whole load, including earlier runs; zero for a skipped file. */
  readonly rows: RowCounts;
  readonly bytes: number;
  /** The lines of its text that are no records, in all runs of the load; null as for {@link byteCounts}. */
  readonly passedOver: AccountingCounts['passedOver'];
  /** The bytes of its text so far; null where an older edp has loaded a part, and did not count. */
  readonly byteCounts: AccountingCounts['byteCounts'];
  /** The format of its records and how it was read; undefined for a file that was not read. */
  readonly format?: Format;
  readonly dialect?: ReturnType<typeof summarizeForm>;
  /** How its fields differ from those of the table. */
  readonly drift?: Drift;
  /** Why it is not loaded. */
  readonly reason?: string;
}

/** A load most of whose records were in the table before it. */
export interface RepeatedLoad {
  readonly path: string;
  readonly table: string;
  readonly loadId: number;
  /** Rows of the load. */
  readonly loaded: number;
  /** Those of them that earlier loads had brought, too. */
  readonly repeated: number;
}

export interface IngestResult {
  readonly seconds: number;
  /** Of the files that this run loaded, completely or in part. */
  readonly bytes: number;
  readonly rows: RowCounts;
  /** What this run itself read and committed, without earlier runs of its loads. */
  readonly thisRun: { readonly bytes: number; readonly rows: RowCounts };
  readonly remarks: RemarkCounts;
  readonly files: readonly FileResult[];
  /** Of the first file that failed, where it has one. */
  readonly failedCode?: string;
  /** The error that ended the run early, if any. */
  readonly failure?: unknown;
  readonly isInterrupted: boolean;
  /** With `--replace`: what was there before; undefined where nothing was replaced. */
  readonly replaced?: ReplacedContent | undefined;
  /** Loads whose records were there before, in tables without key. */
  readonly repeats?: readonly RepeatedLoad[];
}

export interface IngestProgress {
  start(totalBytes: number): void;
  /** Takes the counts of splits that have just committed. */
  advance(bytes: number, rows: RowCounts): void;
  /** Takes bytes that this run need not read: of known content, of a header, of an earlier run. */
  passOver(bytes: number): void;
  fileDone(result: FileResult): void;
  /** Takes a message for the user during the run. */
  note(text: string): void;
}

/**
 * All files in the order of the command line, also those that the run did not reach, and their
 * sums.
 *
 * @param name the table of a file
 * @param isInterrupted whether Ctrl-C ended the run
 */
export function summarizeFiles(
  targets: readonly Target[],
  results: ReadonlyMap<InputFile, FileResult>,
  name: (target: Target) => Pick<FileResult, 'schema' | 'table'>,
  isInterrupted: boolean,
): Pick<IngestResult, 'files' | 'bytes' | 'rows'> {
  const files = targets.map(
    (target): FileResult =>
      results.get(target.file) ?? {
        path: target.file.name,
        ...name(target),
        loadId: null,
        status: isInterrupted ? 'interrupted' : 'failed',
        rows: NO_ROWS,
        bytes: 0,
        ...toAccountingCounts(NO_BYTES),
        reason: NOT_BEGUN,
      },
  );
  return {
    files,
    bytes: files.reduce((sum, file) => sum + (file.status === 'skipped' ? 0 : file.bytes), 0),
    rows: files.reduce((sum, { rows }) => addRows(sum, rows), NO_ROWS),
  };
}

/**
 * The error if more records were rejected than `--max-rejects` allows.
 *
 * @param rows counts of the loads of this run, including earlier runs of these loads
 * @param isEnd whether no more records follow
 */
export function findRejectLimitFault(
  maxRejects: RejectLimit | undefined,
  { read, rejected }: RowCounts,
  isEnd: boolean,
): EdpError | undefined {
  if (maxRejects === undefined) return undefined;
  // The percentage of a few records is not meaningful.
  if (maxRejects.percent !== undefined && read < MIN_RECORDS_FOR_SHARE && !isEnd) return undefined;
  const limit = maxRejects.count ?? (read * (maxRejects.percent ?? 100)) / 100;
  if (rejected <= limit) return undefined;
  const allowed = maxRejects.count ?? `${maxRejects.percent}%`;
  return new EdpError(
    'too_many_rejects',
    `${rejected} of ${read} records rejected, more than --max-rejects ${allowed}`,
    {
      hint: 'edp status and edp rejects show why; run again with another limit to continue (rejects of earlier runs of these loads count, too)',
    },
  );
}

const FILE_FAULTS: ReadonlySet<string> = new Set([
  'header_mismatch',
  'not_csv',
  'wrong_format',
  'corrupt_file',
  'empty_snapshot',
  'io',
]);

/** Whether an error concerns one file and none of the others. */
export function isFileFault(error: unknown): error is EdpError {
  return error instanceof EdpError && FILE_FAULTS.has(error.code);
}

export function fileFaultReason({ place, message, hint }: EdpError): string {
  return `${place === undefined ? '' : `${place}: `}${message}${hint === undefined ? '' : `\n  → ${hint}`}`;
}

/** Why a file that exists is not loaded, and the remedy. */
export function unclaimedReason(
  found:
    | { readonly kind: 'known'; readonly loadId: number; readonly path: string }
    | { readonly kind: 'half_undone' | 'other_format'; readonly loadId: number },
  name: string,
): string {
  const { loadId } = found;
  switch (found.kind) {
    case 'known': {
      const asWhat = found.path === name ? '' : ` as ${found.path}`;
      return `the same content was loaded${asWhat} by load ${loadId}; --force loads it again`;
    }
    case 'half_undone':
      return `load ${loadId} of this content is partly undone\n  → edp undo ${loadId} finishes that; then the file can be loaded again`;
    case 'other_format':
      return `load ${loadId} has a part of this content, which it read in another format\n  → specify the same settings of the file as for that load, or first remove that part: edp undo ${loadId}`;
  }
}
