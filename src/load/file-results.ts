/**
 * What a run, or a dry run, has to tell: of each file, of all together, and why something was not loaded.
 */

import { EdpError } from '../base/errors.js';
import type { summarizeForm } from '../formats/describe-file.js';
import { addRows, NO_ROWS, type RowCounts } from '../ledger/counts.js';
import type { RemarkCounts } from '../ledger/remarks.js';
import type { Drift } from '../model/drift.js';
import type { Format } from '../model/file-settings.js';
import type { RejectLimit } from '../model/load-rules.js';
import type { InputFile } from '../source/discover.js';
import type { Target } from './prepare-files.js';

/** Records read before `--max-rejects N%` may stop a run. */
const MIN_RECORDS_FOR_SHARE = 100;

export interface FileResult {
  /** As the user named it. */
  readonly path: string;
  readonly table: string;
  readonly loadId: number | null;
  readonly status: 'loaded' | 'skipped' | 'failed';
  /** Of the whole load, also what earlier runs of it committed; nothing for a skipped file. */
  readonly rows: RowCounts;
  readonly bytes: number;
  /** The format of its records, and the form in which it was read; not there for a file that was not read. */
  readonly format?: Format;
  readonly dialect?: ReturnType<typeof summarizeForm>;
  /** How its fields differ from those of the table. */
  readonly drift?: Drift;
  /** Why it was skipped or failed. */
  readonly reason?: string;
}

export interface IngestResult {
  readonly seconds: number;
  /** Of the files that were loaded, wholly or in part, by this run. */
  readonly bytes: number;
  readonly rows: RowCounts;
  readonly remarks: RemarkCounts;
  readonly files: readonly FileResult[];
  /** What ended the run early, where something did. */
  readonly failure?: unknown;
  readonly isInterrupted: boolean;
}

export interface IngestProgress {
  start(totalBytes: number): void;
  /** Counts of what has just committed. */
  advance(bytes: number, rows: RowCounts): void;
  fileDone(result: FileResult): void;
  /** Something the user should know meanwhile. */
  note(text: string): void;
}

/** All files in the order in which they were named, also those whose turn never came, and their sums. */
export function summarizeFiles(
  targets: readonly Target[],
  results: ReadonlyMap<InputFile, FileResult>,
): Pick<IngestResult, 'files' | 'bytes' | 'rows'> {
  const files = targets.map(
    ({ file, table }): FileResult =>
      results.get(file) ?? {
        path: file.name,
        table: table.name,
        loadId: null,
        status: 'failed',
        rows: NO_ROWS,
        bytes: 0,
        reason: 'the run ended before its turn',
      },
  );
  return {
    files,
    bytes: files.reduce((sum, file) => sum + (file.status === 'skipped' ? 0 : file.bytes), 0),
    rows: files.reduce((sum, { rows }) => addRows(sum, rows), NO_ROWS),
  };
}

/**
 * What is to be said where more was rejected than `--max-rejects` allows.
 *
 * @param rows of the loads of this run, also what earlier runs of them committed
 * @param isEnd whether nothing more is to come
 */
export function findRejectLimitFault(
  maxRejects: RejectLimit | undefined,
  { read, rejected }: RowCounts,
  isEnd: boolean,
): EdpError | undefined {
  if (maxRejects === undefined) return undefined;
  // A share of a few records says nothing yet.
  if (maxRejects.percent !== undefined && read < MIN_RECORDS_FOR_SHARE && !isEnd) return undefined;
  const limit = maxRejects.count ?? (read * (maxRejects.percent ?? 100)) / 100;
  if (rejected <= limit) return undefined;
  const allowed = maxRejects.count ?? `${maxRejects.percent}%`;
  return new EdpError(
    'too_many_rejects',
    `${rejected} of ${read} records rejected, more than --max-rejects ${allowed}`,
    {
      hint: 'edp status and edp rejects show why; run again with another limit to go on (what earlier runs of these loads rejected counts, too)',
    },
  );
}

const FILE_FAULTS: ReadonlySet<string> = new Set([
  'header_mismatch',
  'not_csv',
  'not_jsonl',
  'corrupt_file',
  'io',
]);

/** Whether an error concerns one file and none of the others. */
export function isFileFault(error: unknown): error is EdpError {
  return error instanceof EdpError && FILE_FAULTS.has(error.code);
}

export function fileFaultReason({ place, message, hint }: EdpError): string {
  return `${place === undefined ? '' : `${place}: `}${message}${hint === undefined ? '' : `\n  → ${hint}`}`;
}

/** What keeps a file that is there from being loaded, and the remedy. */
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
      return `load ${loadId} of this content is half undone\n  → edp undo ${loadId} finishes that; then the file can be loaded again`;
    case 'other_format':
      return `load ${loadId} has a part of this content, which it read in another format\n  → say what was said then about the form of the file; or remove that part first: edp undo ${loadId}`;
  }
}
