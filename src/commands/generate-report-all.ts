/** `edp generate-report all`: every report into one folder, with a page that leads to them. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { EdpError, EXIT } from '../base/errors.js';
import { isStdout } from '../base/stdout-name.js';
import { environmentName, type OptionValues } from '../options/option-definitions.js';
import { withDatabase } from '../postgres/database.js';
import type { CatalogEntry } from '../report/catalog.js';
import { FORMATS, type FormatName } from '../report/format/report-format.js';
import {
  type AllJob,
  generateAll,
  type ReadDatabase,
  type ReportResult,
  writeIndex,
} from '../report/generate-all.js';
import {
  formatBytes,
  formatCount,
  formatNumber,
  formatSeconds,
  safeText,
} from '../terminal/output.js';
import type { Invocation } from './command.js';
import type { OPTION_NAMES } from './generate-report.help.js';
import type { AllReportsJson } from './json/report.schema.js';
import { withReadDatabase } from './shared/read-database.js';

type Options = OptionValues<(typeof OPTION_NAMES)[number]>;

/** In the place of a report's name. */
export const ALL = 'all';

/** @returns exit status 1 if a report failed, or none was written; the others are there then, too */
export async function writeAllReports(
  invocation: Invocation,
  options: Options,
  catalog: readonly CatalogEntry[],
): Promise<number> {
  const { project, output, signal } = invocation;
  const madeAt = new Date();
  const job: AllJob = {
    model: project.model,
    format: formatOfAll(invocation, options),
    safeCells: options.safeCells,
    usesCache: options.cache && !options.fromReplica,
    from: options.from,
    to: options.to,
    directory: await chooseFolder(options, project.directory, madeAt),
    madeAt,
  };
  const shown = (file: string) => toShownPath(file, project.directory);
  const where = { ...options, directory: project.directory };
  const writeAll = async (read: ReadDatabase) => {
    const started = performance.now();
    const results: ReportResult[] = [];
    for await (const result of generateAll(read, catalog, job, signal)) {
      results.push(result);
      output.line(describeResult(result, shown));
    }
    const index = await writeIndex(results, job);
    const written = results.filter(({ state }) => state === 'written').length;
    const failed = results.filter(({ state }) => state === 'failed').length;
    const seconds = (performance.now() - started) / 1000;
    output.line();
    output.line(
      `${shown(index)}: ${summarize(results, written, failed)} in ${formatSeconds(seconds)}`,
    );
    const isOk = failed === 0 && written > 0;
    const json: AllReportsJson = {
      command: 'generate-report',
      ok: isOk,
      seconds,
      path: shown(job.directory),
      index: shown(index),
      format: job.format,
      results: results.map((result) => toJson(result, shown)),
    };
    output.result(json);
    return isOk ? EXIT.done : EXIT.failed;
  };
  // A standby may cancel each of them.
  if (options.fromReplica) {
    return writeAll((work) => withReadDatabase(where, output, signal, work));
  }
  return withDatabase(where, (database) => writeAll((work) => work(database)));
}

/** Relative to the project for files inside of it. */
export function toShownPath(file: string, directory: string): string {
  const relative = path.relative(directory, file);
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : relative;
}

/** Where nobody specifies another format, pages: the folder is for people. */
function formatOfAll({ given, project }: Invocation, { format }: Options): FormatName {
  const fromEnvironment = process.env[environmentName('format')];
  const isSpecified =
    given.format !== undefined ||
    (fromEnvironment !== undefined && fromEnvironment !== '') ||
    project.options.format !== undefined;
  return isSpecified ? format : 'html';
}

async function chooseFolder(
  { out, param }: Options,
  projectDirectory: string,
  madeAt: Date,
): Promise<string> {
  if (param.length > 0) {
    throw new EdpError('usage', '--param is for one report, not for all', {
      hint: 'omit it, or name a report; --from and --to apply to all reports that have them',
    });
  }
  if (isStdout(out)) throw notFolder('all reports are a folder, and standard output is none');
  const day = madeAt.toISOString().slice(0, 10);
  const folder = path.resolve(projectDirectory, out ?? path.join('reports', day));
  const found = await stat(folder).catch(() => undefined);
  const suffix = path.extname(folder).slice(1).toLowerCase();
  const isReportFile =
    found === undefined &&
    !/[\\/]$/.test(out ?? '') &&
    Object.values(FORMATS).some(({ extension }) => extension === suffix);
  if (isReportFile || found?.isDirectory() === false) {
    throw notFolder(`all reports are a folder, and ${out} is a file`);
  }
  return folder;
}

function notFolder(message: string): EdpError {
  return new EdpError('usage', message, { hint: 'name a folder, as --out reports/today/' });
}

function describeResult(result: ReportResult, shown: (file: string) => string): string {
  if (result.state === 'written') {
    const { file, rows, bytes, seconds } = result;
    return `${shown(file)}: ${formatNumber(rows, 'row')}, ${formatBytes(bytes)} in ${formatSeconds(seconds)}`;
  }
  const { place, message } = result.error;
  const where = place === undefined || result.state === 'skipped' ? '' : `${place}: `;
  return safeText(`${result.name}: ${result.state}, ${where}${message}`);
}

function summarize(results: readonly ReportResult[], written: number, failed: number): string {
  const skipped = results.length - written - failed;
  const parts = [formatNumber(written, 'report')];
  if (skipped > 0) parts.push(`${formatCount(skipped)} skipped, as what they read is not there`);
  if (failed > 0) parts.push(`${formatCount(failed)} failed`);
  return parts.join('; ');
}

function toJson(
  result: ReportResult,
  shown: (file: string) => string,
): AllReportsJson['results'][number] {
  const { name: report, state, seconds } = result;
  if (result.state === 'written') {
    const { file, rows, bytes } = result;
    return { report, state, path: shown(file), rows, bytes, seconds };
  }
  const { code, message, hint, place } = result.error;
  return {
    report,
    state,
    path: null,
    rows: null,
    bytes: null,
    seconds,
    error: {
      code,
      message,
      ...(hint === undefined ? {} : { hint }),
      ...(place === undefined ? {} : { place }),
    },
  };
}
