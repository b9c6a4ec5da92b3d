/** Tells what a load has done to whoever listens, once it has committed. */
import { isHeard, tell } from '../base/happenings.js';
import type { ChangedRows } from '../ledger/changes.js';
import type { Receipt } from '../ledger/counts.js';
import type { MemberEnds } from '../ledger/member-ends.js';
import type { Drift } from '../model/drift.js';
import { formatTableName, plainTableName, type TablePlace } from '../model/table-name.js';
import type { CopiedSplit } from './bulk-copy.js';
import type { FileResult } from './file-results.js';
import type { SplitTimes } from './messages.js';
import type { PreparedFile } from './prepare-files.js';

/** A split that has committed. */
export interface CommittedSplit {
  readonly loadId: number;
  readonly file: Pick<PreparedFile, 'target' | 'identity'>;
  /** Of the file as it is stored. */
  readonly bytes: number;
  readonly receipt: Receipt;
  readonly changed: ChangedRows;
  readonly times: SplitTimes;
  /** Its share of the time, if others committed in the same transaction. */
  readonly share?: number;
}

/** A split of a bulk load. */
export function committedOf(receipt: CopiedSplit): Omit<CommittedSplit, 'loadId' | 'file'> {
  const { bytes, times, rows } = receipt;
  return { bytes, receipt, times, changed: { inserted: rows.loaded, updated: 0 } };
}

/** Splits without records, which a long record leaves, are none. */
export function tellSplit(split: CommittedSplit): void {
  const { loadId, file, bytes, receipt, changed, times, share = 1 } = split;
  if (!isHeard() || (receipt.end === receipt.start && bytes === 0)) return;
  tell({
    kind: 'split_committed',
    loadId,
    ...placeOf(file),
    startByte: receipt.start,
    endByte: receipt.end,
    bytes,
    rows: receipt.rows,
    change: { inserted: changed.inserted, updated: changed.updated, deleted: 0 },
    rejectCodes: receipt.rejectCodes,
    startedAt: times.startedAt,
    seconds: times.seconds * share,
    steps: times.steps.map(({ step, seconds }) => ({ step, seconds: seconds * share })),
  });
  tellInferred(changed, loadId);
}

/** Members that were inferred are rows of other tables, and of no load. */
export function tellInferred({ inferred = {} }: ChangedRows, loadId: number): void {
  for (const [table, inserted] of Object.entries(inferred)) {
    const change = { inserted, updated: 0, deleted: 0 };
    tell({ kind: 'rows_changed', table: plainTableName(table), loadId, change });
  }
}

/** @param startedAt on the clock of performance */
export function tellLoadBegun(
  loadId: number,
  file: Pick<PreparedFile, 'target' | 'identity' | 'description' | 'drift'>,
  startedAt: number,
): void {
  if (!isHeard()) return;
  const place = placeOf(file);
  tell({ kind: 'load_began', loadId, ...place, startedAt: performance.timeOrigin + startedAt });
  tellDrift(place, file.drift);
}

/** The work on a file. */
export interface LoadWork {
  /** On the clock of performance. */
  readonly startedAt: number;
  readonly seconds: number;
  /** Of the fault that ended it, if it has one of its own. */
  readonly code?: string | undefined;
  /** Bytes of a complete file that no split has told. */
  readonly besideBytes?: number;
}

/** @param place of its table; undefined where the run did not look for it */
export function tellLoadEnded(
  { loadId, path, table, status, bytes, rows }: FileResult,
  place: TablePlace | undefined,
  { startedAt, seconds, code, besideBytes = 0 }: LoadWork,
): void {
  tell({
    kind: 'load_ended',
    loadId,
    path,
    table: place === undefined ? table : formatTableName(place),
    status,
    bytes,
    besideBytes,
    rows,
    startedAt: performance.timeOrigin + startedAt,
    seconds,
    ...(code === undefined ? {} : { code }),
  });
}

/** Of a file with all members: rows that say which have ended. */
export function tellMemberEnds(ends: MemberEnds, place: TablePlace, loadId: number): void {
  const inserted = ends.kind === 'written' ? ends.ended : 0;
  if (inserted === 0) return;
  const change = { inserted, updated: 0, deleted: 0 };
  tell({ kind: 'rows_changed', table: formatTableName(place), loadId, change });
}

function tellDrift(place: ReturnType<typeof placeOf>, drift: Drift | undefined): void {
  if (drift === undefined || drift.new.length + drift.missing.length === 0) return;
  tell({ kind: 'schema_changed', ...place, added: drift.new, missing: drift.missing });
}

function placeOf({ target, identity }: Pick<PreparedFile, 'target' | 'identity'>) {
  return { path: target.file.name, table: formatTableName(identity.place) };
}
