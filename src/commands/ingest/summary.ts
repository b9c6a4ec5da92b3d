/** Prints the result of a load. */
import { chooseStatus } from '../../base/exit-statuses.js';
import type { RowCounts } from '../../ledger/counts.js';
import type { IngestResult } from '../../load/file-results.js';
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
import { describeFileResult } from './ingest-progress.js';

export function exitStatus({ isInterrupted, files, rows }: IngestResult): number {
  return chooseStatus({
    interrupted: isInterrupted,
    failed: files.some(({ status }) => status === 'failed'),
    doneWithRejects: rows.rejected > 0,
  });
}

export function toJson<H extends LoadHead>(
  head: H,
  result: IngestResult,
  isOk: boolean,
): H & LoadCounts {
  const counts: LoadCounts = {
    ok: isOk,
    seconds: Number(result.seconds.toFixed(3)),
    bytes: result.bytes,
    rows: result.rows,
    ...remarksJson(result.remarks),
    files: result.files,
    ...(result.replaced === undefined ? {} : { replaced: result.replaced }),
    ...(result.isInterrupted ? { interrupted: true } : {}),
  };
  // The command comes first, tables that were created last.
  const first: Pick<LoadHead, 'command'> = { command: head.command };
  return { ...first, ...counts, ...head };
}

export function printSummary(output: Output, result: IngestResult, database: Database): void {
  const { files, rows, seconds, bytes } = result;
  printCounts(output, result);
  const skipped = files.filter(({ status }) => status === 'skipped').length;
  const failed = files.filter(({ status }) => status === 'failed').length;
  const summary = [
    `${formatNumber(rows.loaded, 'row')} loaded into ${database.label} in ${formatSeconds(seconds)}`,
    rows.loaded > 0
      ? `${formatCount(rows.read / seconds)} rows/s, ${formatBytes(bytes / seconds)}/s`
      : '',
    skipped > 0
      ? `${skipped} ${skipped === 1 ? 'file' : 'files'} skipped (content already loaded)`
      : '',
    failed > 0 ? `${failed} ${failed === 1 ? 'file' : 'files'} not finished` : '',
  ];
  output.line(summary.filter(Boolean).join('; '));
  if (result.replaced !== undefined) output.line(describeReplaced(result.replaced, 'are'));
  for (const { loadId, rows: counts } of files) {
    if (counts.rejected > 0) output.line(`rejects of load ${loadId}: edp rejects ${loadId}`);
  }
  if (result.isInterrupted) output.line('interrupted: run the same command again to continue');
}

export function describeReplaced(
  { rows, loads }: ReplacedContent,
  verb: 'are' | 'would be',
): string {
  const MAX_NAMED = 5;
  const named = loads.slice(0, MAX_NAMED).join(', ');
  const more = loads.length > MAX_NAMED ? ` and ${loads.length - MAX_NAMED} more` : '';
  const whose =
    loads.length === 0 ? '' : ` (of load${loads.length === 1 ? '' : 's'} ${named}${more})`;
  return `replaced content: ${formatNumber(rows, 'row')}${whose} ${verb} gone`;
}

/** Prints the files that were not shown yet, undeclared metrics, and the counts by table. */
export function printCounts(output: Output, { files, remarks }: IngestResult): void {
  if (output.isTerminal && !output.isJson) {
    for (const file of files) {
      if (file.status !== 'loaded') output.line(describeFileResult(file));
    }
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
