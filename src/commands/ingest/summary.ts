/** Prints the result of a load. */
import { chooseStatus } from '../../base/exit-statuses.js';
import { safeText } from '../../base/safe-text.js';
import type { RowCounts } from '../../ledger/counts.js';
import {
  type FileResult,
  type IngestResult,
  NOT_BEGUN,
  type RepeatedLoad,
} from '../../load/file-results.js';
import type { ReplacedContent } from '../../load/replace/clear-table.js';
import type { Database } from '../../postgres/database.js';
import {
  formatBytes,
  formatCount,
  formatNumber,
  formatSeconds,
  type Output,
} from '../../terminal/output.js';
import type { LoadCounts, LoadHead } from '../json/load.schema.js';
import { printRemarks, remarksJson } from '../shared/remarks-lines.js';
import { secondsJson } from '../shared/seconds-json.js';
import { describeFileResult } from './ingest-progress.js';

/** Loads that are named. */
const MAX_NAMED = 5;
const MAX_LEFT_SHOWN = 5;

export function exitStatus(result: IngestResult): number {
  return chooseStatus(statusesOf(result));
}

/** What holds of a load. */
export function statusesOf(result: IngestResult) {
  return {
    interrupted: result.isInterrupted,
    failed: hasFailedFiles(result),
    doneWithRejects: result.rows.rejected > 0,
  };
}

export function hasFailedFiles({ files }: IngestResult): boolean {
  return files.some(({ status }) => status === 'failed');
}

export function toJson<H extends LoadHead>(
  head: H,
  result: IngestResult,
  isOk: boolean,
): H & LoadCounts {
  const counts: LoadCounts = {
    ok: isOk,
    seconds: secondsJson(result.seconds),
    bytes: result.bytes,
    rows: result.rows,
    thisRun: result.thisRun,
    ...remarksJson(result.remarks),
    files: result.files,
    ...(result.replaced === undefined ? {} : { replaced: result.replaced }),
    ...(result.repeats === undefined ? {} : { repeats: [...result.repeats] }),
    ...(result.isInterrupted ? { interrupted: true } : {}),
  };
  // The command comes first, tables that were created last.
  const first: Pick<LoadHead, 'command'> = { command: head.command };
  return { ...first, ...counts, ...head };
}

export function printSummary(output: Output, result: IngestResult, database: Database): void {
  const { files, isInterrupted } = result;
  printCounts(output, result);
  const count = (which: FileResult['status'], what: string) => {
    const number = files.filter(({ status }) => status === which).length;
    return number === 0 ? '' : `${formatNumber(number, 'file')} ${what}`;
  };
  const summary = [
    ...describeThisRun(result, database.label),
    count('skipped', 'skipped (content already loaded)'),
    count('failed', 'not finished'),
    count('interrupted', 'interrupted'),
  ];
  output.line(summary.filter(Boolean).join('; '));
  if (result.replaced !== undefined) output.line(describeReplaced(result.replaced, 'are'));
  for (const repeat of result.repeats ?? []) output.warn(describeRepeat(repeat));
  for (const { loadId, rows: counts } of files) {
    if (counts.rejected > 0) output.line(`rejects of load ${loadId}: edp rejects ${loadId}`);
  }
  if (isInterrupted) output.line('interrupted: run the same command again to continue');
}

function describeRepeat({ path, table, loadId, loaded, repeated }: RepeatedLoad): string {
  return `${formatCount(repeated)} of the ${formatNumber(loaded, 'record')} of ${safeText(path)} were in table ${safeText(table)} already, which has no key to notice it: they are there twice now. edp undo ${loadId} takes them out; with --replace a file becomes the whole content of its table, and with a key (--key at --create) records that are there are skipped`;
}

export function describeReplaced(
  { rows, loads }: ReplacedContent,
  verb: 'are' | 'would be',
): string {
  const named = loads.slice(0, MAX_NAMED).join(', ');
  const more = loads.length > MAX_NAMED ? ` and ${loads.length - MAX_NAMED} more` : '';
  const whose =
    loads.length === 0 ? '' : ` (of load${loads.length === 1 ? '' : 's'} ${named}${more})`;
  return `replaced content: ${formatNumber(rows, 'row')}${whose} ${verb} gone`;
}

/** What this run did and how fast; and what earlier runs of its loads had done. */
function describeThisRun({ rows, thisRun, seconds }: IngestResult, where: string): string[] {
  const { bytes, rows: now } = thisRun;
  const before = rows.loaded - now.loaded;
  return [
    `${formatNumber(now.loaded, 'row')} loaded into ${where} in ${formatSeconds(seconds)}`,
    now.read > 0
      ? `${now.loaded > 0 ? `${formatCount(now.loaded / seconds)} rows/s, ` : ''}${formatBytes(bytes / seconds)}/s`
      : '',
    before > 0
      ? `${formatNumber(before, 'row')} ${before === 1 ? 'was' : 'were'} loaded by an earlier run, ${formatNumber(rows.loaded, 'row')} in all`
      : '',
  ];
}

/** Prints the files that the run did not come to, undeclared metrics, and the counts by table. */
export function printCounts(output: Output, { files, remarks }: IngestResult): void {
  // All others were shown when they ended.
  const left = files.filter(({ reason }) => reason === NOT_BEGUN);
  for (const file of left.slice(0, MAX_LEFT_SHOWN)) output.note(describeFileResult(file));
  if (left.length > MAX_LEFT_SHOWN) {
    output.note(`… and ${formatCount(left.length - MAX_LEFT_SHOWN)} more files were not begun`);
  }
  printRemarks(output, remarks);
  const loaded = files.filter(({ status }) => status === 'loaded');
  if (loaded.length > 0) {
    output.table(
      ['table', 'files', 'read', 'loaded', 'rejected', 'duplicate'],
      [...new Set(loaded.map(({ table }) => table))].map((table) => {
        const group = loaded.filter((file) => file.table === table);
        const sum = (count: keyof RowCounts) =>
          formatCount(group.reduce((total, file) => total + file.rows[count], 0));
        return [table, group.length, sum('read'), sum('loaded'), sum('rejected'), sum('duplicate')];
      }),
    );
  }
}
