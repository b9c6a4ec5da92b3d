/** `edp ingest --dry-run`: prints the result that a load would have. */
import { EXIT, FailedRun } from '../../base/errors.js';
import { type DryRunResult, dryRun } from '../../load/dry-run/dry-run.js';
import type { IngestOptions } from '../../load/run.js';
import type { Database } from '../../postgres/database.js';
import type { InputFile } from '../../source/discover.js';
import { formatCount, formatNumber, formatSeconds, type Output } from '../../terminal/output.js';
import type { Invocation } from '../command.js';
import type { CreatedJson, DryRunJson } from '../json/load.schema.js';
import { printReject } from '../rejects.command.js';
import { rawJson } from '../shared/raw-json.js';
import { makeIngestProgress } from './ingest-progress.js';
import { describeReplaced, exitStatus, printCounts, toJson } from './summary.js';

export async function tryLoad(
  { project, output, signal }: Invocation,
  database: Database,
  files: readonly InputFile[],
  options: IngestOptions,
  shownRejects: number,
  more: CreatedJson = {},
): Promise<number> {
  const progress = await makeIngestProgress(output);
  let result: DryRunResult;
  try {
    result = await dryRun(database, project.model, files, options, shownRejects, progress, signal);
  } finally {
    progress.stop();
  }
  const status = exitStatus(result);
  print(output, result, database);
  const isOk = result.failure === undefined && status !== EXIT.failed && !result.isInterrupted;
  const json: DryRunJson = {
    ...toJson({ command: 'ingest', ...more }, result, isOk),
    dryRun: true,
    rejects: result.rejects,
    firstRejects: result.firstRejects.map(({ raw, ...reject }) => ({ ...reject, ...rawJson(raw) })),
  };
  if (result.failure !== undefined) throw new FailedRun(result.failure, json);
  output.result(json);
  return status;
}

function print(output: Output, result: DryRunResult, database: Database): void {
  const { files, rows, seconds, rejects, firstRejects } = result;
  printCounts(output, result);
  if (firstRejects.length > 0) output.line();
  for (const reject of firstRejects) printReject(output, reject);
  const codes = Object.entries(rejects).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  if (codes.length > 0) {
    output.line();
    output.table(
      ['code', 'records'],
      codes.map(([code, count]) => [code, formatCount(count)]),
    );
    if (rows.rejected > firstRejects.length) {
      output.line(
        `showing the first ${formatCount(firstRejects.length)} of ${formatCount(rows.rejected)}; --limit shows more`,
      );
    }
  }
  if (result.replaced !== undefined) output.line(describeReplaced(result.replaced, 'would be'));
  const count = (status: string) => files.filter((file) => file.status === status).length;
  const named = (n: number, what: string) => `${n} ${n === 1 ? 'file' : 'files'} ${what}`;
  const summary = [
    `dry run, nothing was written: ${formatNumber(rows.loaded, 'row')} would be loaded into ${database.label}`,
    count('skipped') > 0 ? named(count('skipped'), 'would be skipped') : '',
    count('failed') > 0 ? named(count('failed'), 'would fail, or were not tried to the end') : '',
    count('interrupted') > 0 ? named(count('interrupted'), 'not tried to the end') : '',
  ];
  output.line(`${summary.filter(Boolean).join('; ')} (${formatSeconds(seconds)})`);
}
