/** All reports, one behind the other, each into a file of its own, and the page that leads to them. */
import path from 'node:path';
import { EdpError } from '../base/errors.js';
import type { Model } from '../model/model.js';
import type { ConnectionConfig } from '../postgres/tls.js';
import type { CatalogEntry } from './catalog.js';
import type { ChartSpec } from './chart/chart-line.js';
import type { ChartPoints } from './chart/chart-points.js';
import { type Write, withOutputFile } from './destination.js';
import { hasNothingToRead } from './fault.js';
import { FORMATS, type FormatName } from './format/report-format.js';
import type { ResultColumn, ResultRow } from './format/report-writer.js';
import { generateReport } from './generate-report.js';
import { indexPage } from './page/index-page.js';
import { collectArguments } from './parameters.js';
import type { Report } from './report.js';

export interface AllJob {
  readonly model: Model;
  readonly format: FormatName;
  readonly safeCells: boolean;
  readonly usesCache: boolean;
  /** For reports with such a parameter. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly directory: string;
  readonly madeAt: Date;
}

export type ReportResult = {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly seconds: number;
} & (
  | {
      readonly state: 'written';
      readonly file: string;
      readonly rows: number;
      readonly bytes: number;
      /** SVG for the index. */
      readonly chart: string | undefined;
    }
  /** Skipped: what it reads is not there yet. */
  | { readonly state: 'skipped' | 'failed'; readonly error: EdpError }
);

/** Gives a database to read from; where that is a standby, `work` may be run again. */
export type ReadDatabase = <T>(
  work: (database: { readonly client: ConnectionConfig }) => Promise<T>,
) => Promise<T>;

/** @throws EdpError `interrupted`, `database_error`; what is wrong with one report is in its result */
export async function* generateAll(
  read: ReadDatabase,
  catalog: readonly CatalogEntry[],
  job: AllJob,
  signal: AbortSignal,
): AsyncGenerator<ReportResult> {
  for (const { name, report, source } of catalog) {
    const started = performance.now();
    const own = report instanceof EdpError ? undefined : report;
    const head = { name, title: own?.title ?? name, description: own?.description ?? '' };
    const secondsNow = () => (performance.now() - started) / 1000;
    try {
      if (report instanceof EdpError) throw report;
      const written = await read(({ client }) => writeOne(client, report, job, signal));
      yield { ...head, state: 'written', ...written, seconds: secondsNow() };
    } catch (error) {
      if (!(error instanceof EdpError) || isAboutAll(error)) throw error;
      const state = hasNothingToRead(error, source === 'built-in') ? 'skipped' : 'failed';
      yield { ...head, state, error, seconds: secondsNow() };
    }
  }
}

/** @returns the path of the page */
export async function writeIndex(
  results: readonly ReportResult[],
  { directory, madeAt }: AllJob,
): Promise<string> {
  const missing = (state: ReportResult['state']) =>
    results.flatMap((result) =>
      result.state === state && result.state !== 'written'
        ? [{ title: result.title, reason: result.error.message }]
        : [],
    );
  const page = indexPage({
    madeAt,
    written: results.flatMap((result) =>
      result.state === 'written' ? [{ ...result, file: path.basename(result.file) }] : [],
    ),
    skipped: missing('skipped'),
    failed: missing('failed'),
  });
  const index = path.join(directory, 'index.html');
  const write = (out: Write) => out(Buffer.from(page));
  return (await withOutputFile({ file: index, mayReplace: true }, write)).file;
}

/** The next report would say the same. */
function isAboutAll({ code }: EdpError): boolean {
  return code === 'interrupted' || code === 'database_error' || code === 'io' || code === 'usage';
}

async function writeOne(
  client: ConnectionConfig,
  report: Report,
  job: AllJob,
  signal: AbortSignal,
): Promise<{ file: string; rows: number; bytes: number; chart: string | undefined }> {
  const chart = new SmallChart();
  const file = path.join(job.directory, `${report.name}.${FORMATS[job.format].extension}`);
  await chart.load();
  const written = await withOutputFile({ file, mayReplace: true }, (write) =>
    generateReport(
      client,
      {
        report,
        arguments: collectArguments(report, { ...rangeFor(report, job), param: [] }),
        model: job.model,
        format: job.format,
        safeCells: job.safeCells,
        usesCache: job.usesCache,
        madeAt: job.madeAt,
        watch: (columns, spec) => chart.watch(columns, spec),
        write,
      },
      signal,
    ),
  );
  const { rows, bytes } = written.result;
  return { file: written.file, rows, bytes, chart: chart.draw() };
}

function rangeFor(report: Report, { from, to }: AllJob): Pick<AllJob, 'from' | 'to'> {
  const has = (name: string) => report.parameters.some((parameter) => parameter.name === name);
  return { from: has('from') ? from : undefined, to: has('to') ? to : undefined };
}

/** Takes the chart for the index out of the rows, whatever the format of the report. */
class SmallChart {
  #tools: typeof import('./chart/small-chart.js') | undefined;
  #points: ChartPoints | undefined;

  async load(): Promise<void> {
    this.#tools = await import('./chart/small-chart.js');
  }

  watch(
    columns: readonly ResultColumn[],
    declared: ChartSpec | undefined,
  ): (batch: readonly ResultRow[]) => void {
    this.#points = this.#tools?.collectPoints(columns, declared);
    return (batch) => this.#points?.add(batch);
  }

  draw(): string | undefined {
    return this.#points === undefined
      ? undefined
      : this.#tools?.drawSmallChart(this.#points.finish());
  }
}
