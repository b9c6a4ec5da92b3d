/** `edp verify`: a file against what its load left in the table, by content. */

import { EXIT } from '../base/errors.js';
import { parseLoadId } from '../ledger/ledger-queries.js';
import { type OptionName, resolveOptions } from '../options/options.js';
import { withDatabase } from '../postgres/database.js';
import {
  formatBytes,
  formatCount,
  formatSeconds,
  type Output,
  safeText,
} from '../terminal/output.js';
import type { DescribedDifference } from '../upkeep/verify/describe-difference.js';
import { DIFFERENCE_KINDS, type DifferenceKind } from '../upkeep/verify/difference.js';
import { type VerifyProgress, type VerifyResult, verify } from '../upkeep/verify/verify.js';
import type { Command } from './command.js';

const OPTION_NAMES = [
  'process-count',
  'limit',
  'database-url',
] as const satisfies readonly OptionName[];

const MAX_VALUE_SHOWN = 80;

export const command: Command = {
  options: OPTION_NAMES,
  stopsInOrder: true,
  build: (yargs) =>
    yargs
      .positional('load', { describe: 'number of the load', type: 'string', demandOption: true })
      .positional('file', {
        describe: 'the file or its URL, where it is no longer where it was loaded from',
        type: 'string',
      })
      .example('$0 verify 7', 'whether the table holds what the file of load 7 says')
      .example('$0 verify 7 archive/events-1.csv', 'the file is elsewhere by now')
      .example("$0 verify 7 --json | jq '.differences'", 'what differs, for a script')
      .epilog(
        'Exit status: 0 file and table agree, 1 they differ or could not be compared.\n' +
          'Without a file, the one that the ledger names; it must have the content that was loaded. A file that is ' +
          'named is compared whatever its content. Compared are the columns the file has fields for, the ' +
          'rejects byte for byte, and the counts of the ledger. Docs: docs/verify.md',
      ),

  async run({ given, project, output, signal }) {
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const { directory, model } = project;
    const request = {
      loadId: parseLoadId(given.load),
      file: given.file === undefined ? undefined : String(given.file),
      directory,
      model,
      processCount: options.processCount,
      limit: options.limit,
    };
    return withDatabase({ databaseUrl: options.databaseUrl, directory }, (database) =>
      withProgress(output, (progress) => verify(database, request, progress, signal)).then(
        (result) => {
          print(output, result);
          output.result(toJson(result));
          return isEqual(result) ? EXIT.done : EXIT.failed;
        },
      ),
    );
  },
};

function isEqual({ counts }: VerifyResult): boolean {
  return Object.keys(counts).length === 0;
}

const PLAIN_INTERVAL_MS = 10_000;

/** A bar on a terminal; in a pipe a line now and then, so that a log shows life. */
async function withProgress<T>(
  output: Output,
  run: (progress: VerifyProgress) => Promise<T>,
): Promise<T> {
  let startedAt = performance.now();
  let total = 1;
  let toldAt = startedAt;
  const speed = (rows: number) =>
    `${formatCount(rows / Math.max(0.001, (performance.now() - startedAt) / 1000))} rows/s`;
  const bar = output.isTerminal
    ? (await import('../terminal/bar.js')).makeBar(
        output,
        '{bar} {percentage}% | {rows} records and rows | {speed} | ETA {left}',
      )
    : undefined;
  try {
    return await run({
      start(totalBytes) {
        startedAt = performance.now();
        toldAt = startedAt;
        total = Math.max(1, totalBytes);
        bar?.start(total, 0, { rows: '0', speed: speed(0), left: '–' });
      },
      note: (text) => output.note(text),
      update(bytes, rows) {
        const seconds = (performance.now() - startedAt) / 1000;
        const left =
          bytes === 0 ? '–' : formatSeconds((seconds * Math.max(0, total - bytes)) / bytes);
        bar?.update(Math.min(bytes, total), { rows: formatCount(rows), speed: speed(rows), left });
        if (bar !== undefined || performance.now() - toldAt < PLAIN_INTERVAL_MS) return;
        toldAt = performance.now();
        const percent = Math.min(100, Math.floor((bytes / total) * 100));
        output.note(`${percent}%, ${formatCount(rows)} records and rows, ${speed(rows)}`);
      },
    });
  } finally {
    bar?.stop();
  }
}

function print(output: Output, result: VerifyResult): void {
  const { load, path, counts, seconds, records, rows, rejects } = result;
  const title = `load ${load.loadId}, ${safeText(path)} → ${safeText(load.table)}`;
  if (!result.isSameContent) {
    output.warn(
      `${safeText(path)} is not the file that load ${load.loadId} loaded (${load.bytes} bytes, content ${load.contentHash}); compared all the same`,
    );
  }
  if (load.state !== 'loaded') {
    const state = load.state === 'loading' ? 'is still going on' : 'was interrupted';
    output.warn(
      `the load ${state}: verified are the ${formatCount(result.splitCount)} splits committed so far`,
    );
  }
  const amount = [
    `${formatCount(records)} records`,
    `${formatCount(rows)} rows`,
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
    .map(([column, value]) => `${safeText(column)} ${show(value)}`)
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
  for (const { column, file, table } of columns ?? []) {
    const sides = [
      file === undefined ? '' : `${show(file)} in the file`,
      table === undefined ? '' : `${show(table)} in the table`,
    ].filter(Boolean);
    output.line(`    ${safeText(column)}: ${sides.join(', ')}`);
  }
}

function printRemarks(output: Output, result: VerifyResult): void {
  const { superseded, laterUpdates, load } = result;
  if (superseded > 0) {
    output.line(
      `${formatCount(superseded)} rows of it were replaced by later loads (--on-conflict update)`,
    );
  }
  if (laterUpdates.length > 0 && !isEqual(result)) {
    output.line(
      `rows of "${safeText(load.table)}" do not tell their load: what differs may have been replaced by load ${laterUpdates.join(', ')} (--on-conflict update)`,
    );
  }
}

function show(value: string | null): string {
  if (value === null) return 'NULL';
  const text = value.length > MAX_VALUE_SHOWN ? `${value.slice(0, MAX_VALUE_SHOWN)}…` : value;
  return safeText(JSON.stringify(text));
}

function toJson(result: VerifyResult): object {
  const { load, path, seconds, records, rows, rejects, counts, splits, differences } = result;
  return {
    command: 'verify',
    ok: isEqual(result),
    seconds: Number(seconds.toFixed(3)),
    loadId: load.loadId,
    path,
    table: load.table,
    state: load.state,
    sameContent: result.isSameContent,
    // What was compared: records of the file, rows of the load in the table, rejects of the ledger.
    compared: { records, rows, rejects, splits: result.splitCount },
    rows: load.rows,
    superseded: result.superseded,
    laterUpdates: result.laterUpdates,
    counts,
    splits,
    differences: differences.map((difference) => ({
      ...difference,
      ...(difference.byteOffset === undefined ? {} : { path }),
    })),
  };
}
