/** `edp verify`: compares a file with the rows of its load, value by value. */

import { EXIT } from '../base/errors.js';
import { toShellWord } from '../base/shell-word.js';
import { parseLoadId } from '../ledger/ledger-queries.js';
import { isEventFormat } from '../model/file-settings.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withClient } from '../postgres/connection.js';
import { assertLifted } from '../realize/assert-lifted.js';
import { withEventLog } from '../realize/event-log-table.js';
import {
  formatBytes,
  formatCount,
  formatNumber,
  formatSeconds,
  type Output,
  safeText,
} from '../terminal/output.js';
import { formatRate, withProgress } from '../terminal/progress.js';
import type { DescribedDifference } from '../upkeep/verify/describe-difference.js';
import { DIFFERENCE_KINDS, type DifferenceKind } from '../upkeep/verify/difference.js';
import { type VerifyProgress, type VerifyResult, verify } from '../upkeep/verify/verify.js';
import type { Command } from './command.js';
import type { VerifyJson } from './json/verify.schema.js';
import { describeAccounting } from './shared/accounting-lines.js';
import { withReadDatabase } from './shared/read-database.js';
import { REPLACING_FLAG } from './shared/replacing-flag.js';
import { secondsJson } from './shared/seconds-json.js';
import { OPTION_NAMES } from './verify.help.js';
import { showDiffering, showValue } from './verify-values.js';

const MAX_LOADS_NAMED = 10;

export const command: Command = {
  async run({ given, project, output, signal }) {
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const { directory } = project;
    const model = withEventLog(project);
    const request = {
      loadId: parseLoadId(given.load),
      file: given.file === undefined ? undefined : String(given.file),
      directory,
      model,
      processCount: options.processCount,
      limit: options.limit,
    };
    return withReadDatabase({ ...options, directory }, output, signal, async (database) => {
      await withClient(database.client, 'verify', (client) =>
        assertLifted(client, model, request.loadId),
      );
      const result = await verifyShown(output, (progress) =>
        verify(database, request, progress, signal),
      );
      print(output, result);
      output.result(toJson(result));
      return isEqual(result) ? EXIT.done : EXIT.failed;
    });
  },
};

function isEqual({ counts }: VerifyResult): boolean {
  return Object.keys(counts).length === 0;
}

async function verifyShown(
  output: Output,
  run: (progress: VerifyProgress) => Promise<VerifyResult>,
): Promise<VerifyResult> {
  let rows = 0;
  return withProgress(
    output,
    (seconds) => ({
      parts: [`${formatCount(rows)} records and rows`],
      rates: [formatRate(rows, 'rows', seconds)],
    }),
    (progress) =>
      run({
        start: (totalBytes) => progress.start(totalBytes),
        note: (text) => progress.note(text),
        update(bytes, rowsSoFar) {
          rows = rowsSoFar;
          progress.update(bytes);
        },
      }),
  );
}

function print(output: Output, result: VerifyResult): void {
  const { load, path, counts, seconds, records, rows, rejects } = result;
  const title = `load ${load.loadId}, ${safeText(path)} → ${safeText(load.table)}`;
  if (!result.isSameContent) {
    output.warn(
      `${safeText(path)} is not the file that load ${load.loadId} loaded (${load.bytes} bytes, content ${load.contentHash}); it is compared anyway`,
    );
  }
  if (load.state !== 'loaded') {
    const state = load.state === 'loading' ? 'is still going on' : 'was interrupted';
    output.warn(
      `the load ${state}: verified are the ${formatCount(result.splitCount)} splits committed so far`,
    );
  }
  const amount = [
    formatNumber(records, 'record'),
    formatNumber(rows, 'row'),
    rejects > 0 ? `${formatCount(rejects)} rejects` : '',
  ].filter(Boolean);
  const speed = `${amount.join(', ')} in ${formatSeconds(seconds)}; ${formatBytes(load.bytes / seconds)}/s`;
  if (isEqual(result)) {
    output.line(`${title}: file and table agree (${speed})`);
  } else {
    printDifferences(output, result);
    const list = Object.entries(counts).map(
      ([kind, count]) => `${formatCount(count)} ${DIFFERENCE_KINDS[kind as DifferenceKind]}`,
    );
    output.line(`${title}: file and table differ: ${list.join('; ')} (${speed})`);
  }
  for (const line of describeAccounting(load)) output.line(line);
  printRemarks(output, result);
}

function printDifferences(output: Output, result: VerifyResult): void {
  const total = Object.values(result.counts).reduce((sum, count) => sum + count, 0);
  for (const difference of result.differences) printDifference(output, difference, result);
  if (total > result.differences.length) {
    output.line(
      `… and ${formatCount(total - result.differences.length)} more; --limit shows more of them`,
    );
  }
  output.line();
  if (result.splits.length === 0) return;
  const kinds = [...new Set(result.splits.flatMap(({ counts }) => Object.keys(counts)))];
  output.table(
    ['split from', 'to byte', 'lines', ...kinds.map((kind) => kind.replaceAll('_', ' '))],
    result.splits
      .slice(0, 20)
      .map(({ startByte, endByte, firstLine, lastLine, counts }) => [
        startByte,
        endByte,
        `${firstLine}–${lastLine}`,
        ...kinds.map((kind) => formatCount(counts[kind as DifferenceKind] ?? 0)),
      ]),
  );
  if (result.splits.length > 20) output.line(`… and ${result.splits.length - 20} more splits`);
  output.line();
}

function printDifference(
  output: Output,
  { kind, line, byteOffset, key, columns, holder, detail }: DescribedDifference,
  { path, load }: VerifyResult,
): void {
  const place =
    byteOffset === undefined
      ? safeText(load.table)
      : `${safeText(path)}${line === undefined ? '' : `:${line}`} (byte ${byteOffset})`;
  const name = Object.entries(key ?? {})
    .map(([column, value]) => `${safeText(column)} ${showValue(value)}`)
    .join(', ');
  const whose =
    holder === undefined ? '' : holder === null ? ' (of no load)' : ` (of load ${holder})`;
  output.line(
    [
      `${place} ${DIFFERENCE_KINDS[kind]}${whose}`,
      name,
      detail === undefined ? '' : safeText(detail),
    ]
      .filter(Boolean)
      .join(': '),
  );
  for (const compared of columns ?? []) {
    output.line(`    ${safeText(compared.column)}: ${showSides(compared)}`);
  }
}

function showSides({ file, table }: NonNullable<DescribedDifference['columns']>[number]): string {
  if (file !== undefined && table !== undefined) {
    const [ofFile, ofTable] = showDiffering([file, table]);
    return `${ofFile} in the file, ${ofTable} in the table`;
  }
  return file === undefined
    ? `${showValue(table ?? null)} in the table`
    : `${showValue(file)} in the file`;
}

function printRemarks(output: Output, result: VerifyResult): void {
  const { superseded, laterUpdates, undoneSince, uncompared, load, path } = result;
  if (undoneSince.length > 0) {
    const isOfEvents = isEventFormat(result.format);
    const loads = undoneSince.slice(0, MAX_LOADS_NAMED).join(', ');
    output.line(
      `records that are not in the table may be duplicates of load ${loads}, undone since: edp ${isOfEvents ? 'realize' : 'ingest'} --force ${toShellWord(path)} brings them back`,
    );
  }
  if (uncompared.length > 0) {
    output.line(
      `not compared: ${uncompared.map(safeText).join(', ')}, whose values only the server can compare`,
    );
  }
  if (superseded > 0) {
    output.line(
      `${formatNumber(superseded, 'row')} of it ${superseded === 1 ? 'was' : 'were'} replaced by later loads (${REPLACING_FLAG})`,
    );
  }
  if (laterUpdates.length > 0 && !isEqual(result)) {
    output.line(
      `rows of "${safeText(load.table)}" do not have the number of their load: the differences may be replacements by load ${laterUpdates.join(', ')} (${REPLACING_FLAG})`,
    );
  }
}

function toJson(result: VerifyResult): VerifyJson {
  const { load, path, seconds, records, rows, rejects, counts, splits, differences } = result;
  return {
    command: 'verify',
    ok: isEqual(result),
    seconds: secondsJson(seconds),
    loadId: load.loadId,
    path,
    schema: load.schema,
    table: load.table,
    state: load.state,
    sameContent: result.isSameContent,
    // Compared are records of the file, rows of the load in the table, rejects of the ledger.
    compared: { records, rows, rejects, splits: result.splitCount },
    rows: load.rows,
    passedOver: load.passedOver,
    byteCounts: load.byteCounts,
    superseded: result.superseded,
    laterUpdates: result.laterUpdates,
    ...(result.undoneSince.length > 0 ? { undoneSince: [...result.undoneSince] } : {}),
    ...(result.uncompared.length > 0 ? { uncompared: result.uncompared } : {}),
    counts,
    splits,
    differences: differences.map((difference) => ({
      ...difference,
      ...(difference.byteOffset === undefined ? {} : { path }),
    })),
  };
}
