/** The progress of a load, and a line for each file. */
import type { FileResult, IngestProgress } from '../../load/file-results.js';
import {
  formatBytes,
  formatCount,
  formatNumber,
  type Output,
  safeText,
} from '../../terminal/output.js';
import { formatRate, makeProgress } from '../../terminal/progress.js';
import { countPassedOver } from '../shared/accounting-lines.js';

/** Files that were loaded before and have a line of their own; with cron there may be thousands. */
const MOST_SKIPPED = 10;

export async function makeIngestProgress(
  output: Output,
): Promise<IngestProgress & { stop(): void }> {
  /** What this run has read, and with it what it need not read. */
  let bytes = 0;
  let passed = 0;
  let rows = 0;
  let rejected = 0;
  let skipped = 0;
  const progress = await makeProgress(output, (seconds) => ({
    parts: [`${formatCount(rows)} rows`],
    rates: [formatRate(rows, 'rows', seconds), `${formatBytes(bytes / seconds)}/s`],
    last: rejected === 0 ? '' : `${formatCount(rejected)} rejected`,
  }));
  return {
    start(totalBytes) {
      bytes = 0;
      passed = 0;
      rows = 0;
      rejected = 0;
      progress.start(totalBytes);
    },
    advance(moreBytes, more) {
      bytes += moreBytes;
      rows += more.read;
      rejected += more.rejected;
      progress.update(passed + bytes);
    },
    passOver(moreBytes) {
      passed += moreBytes;
      progress.passOver(moreBytes);
    },
    fileDone(result) {
      if (result.status === 'skipped') skipped++;
      if (result.status !== 'skipped' || skipped <= MOST_SKIPPED) {
        progress.note(describeFileResult(result));
      } else if (skipped === MOST_SKIPPED + 1) {
        progress.note('further files are skipped; the last line counts them, --json names them');
      }
    },
    note: (text) => progress.note(text),
    stop: () => progress.stop(),
  };
}

export function describeFileResult({
  path,
  table,
  status,
  rows,
  loadId,
  reason,
  passedOver,
  byteCounts,
}: FileResult): string {
  const name = safeText(path);
  if (status === 'skipped') return `${name}: skipped, ${safeText(reason ?? '')}`;
  const passed = countPassedOver({ passedOver, byteCounts });
  const counts = [
    `${formatCount(rows.loaded)} loaded`,
    rows.rejected > 0 ? `${formatCount(rows.rejected)} rejected` : '',
    rows.duplicate > 0 ? `${formatCount(rows.duplicate)} duplicate` : '',
    passed > 0 ? `${formatNumber(passed, 'line')} passed over` : '',
  ].filter(Boolean);
  if (status === 'failed' || status === 'interrupted') {
    return `${name}: ${status}${loadId === null ? '' : ` (load ${loadId}, ${counts.join(', ')} so far)`}: ${reason ?? ''}`;
  }
  const which = loadId === null ? 'dry run' : `load ${loadId}`;
  return `${name} → ${safeText(table)}: ${counts.join(', ')} (${which})`;
}
