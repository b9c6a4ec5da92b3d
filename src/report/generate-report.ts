/** Runs one report, from its SQL to its output. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import type { Model } from '../model/model.js';
import { withCancel } from '../postgres/cancel.js';
import { withClient } from '../postgres/connection.js';
import type { ConnectionConfig } from '../postgres/tls.js';
import { type CacheUse, ReportCache } from './cache/report-cache.js';
import { type ChartSpec, resolveLimit } from './chart/chart-line.js';
import { findChartFault } from './chart/choose-chart.js';
import { declaredText, ReportCursor } from './cursor.js';
import { toConnectionLost, toReportError } from './fault.js';
import { FORMATS, type FormatName } from './format/report-format.js';
import type { Piece, ResultColumn, ResultRow } from './format/report-writer.js';
import type { AboutReport } from './page/about-report.js';
import { type Argument, bindReport, checkArguments } from './parameters.js';
import { findSources, takeSnapshot } from './read-relations.js';
import type { Report } from './report.js';

export interface ReportJob {
  readonly report: Report;
  readonly arguments: readonly Argument[];
  readonly model: Model;
  readonly format: FormatName;
  readonly safeCells: boolean;
  /** Whether a kept result may be used, and this one kept. */
  readonly usesCache: boolean;
  /** Columns of the terminal that shows the report; undefined where none does. */
  readonly width?: number | undefined;
  readonly madeAt?: Date;
  /** Sees the rows pass by. */
  readonly watch?:
    | ((
        columns: readonly ResultColumn[],
        chart: ChartSpec | undefined,
      ) => (batch: readonly ResultRow[]) => void)
    | undefined;
  /** Takes the report, in order, piece by piece. */
  write(bytes: Uint8Array): Promise<void>;
}

export interface ReportOutcome {
  readonly rows: number;
  readonly bytes: number;
  readonly columns: readonly string[];
  /** Undefined where the cache was not to be used. */
  readonly cache: CacheUse | undefined;
}

/**
 * Runs the report in a read-only transaction. Memory is bounded by a batch of rows, not by the
 * report.
 *
 * @param client where to connect
 * @param signal cancels the statement on the server too
 * @throws EdpError `usage` for a bad argument, `report_failed` with `file:line` for what the server
 *   says against the SQL, `interrupted` after the signal
 */
export async function generateReport(
  client: ConnectionConfig,
  job: ReportJob,
  signal: AbortSignal,
): Promise<ReportOutcome> {
  try {
    return await withClient(client, 'report', (session) =>
      withCancel(client, [session], signal, () => writeReport(session, job, signal)),
    );
  } catch (error) {
    // A cancelled statement fails like any other; only the signal shows the reason.
    if (!signal.aborted) throw error;
    throw new EdpError('interrupted', `report ${job.report.name} was stopped, nothing is written`, {
      hint: 'run it again when you like',
      cause: error,
    });
  }
}

async function writeReport(
  session: pg.Client,
  job: ReportJob,
  signal: AbortSignal,
): Promise<ReportOutcome> {
  const { report } = job;
  const columns: string[] = [];
  let rows = 0;
  let bytes = 0;
  const emit = async (piece: Piece) => {
    signal.throwIfAborted();
    if (piece.length === 0) return;
    const encoded = typeof piece === 'string' ? Buffer.from(piece) : piece;
    bytes += encoded.length;
    await job.write(encoded);
  };
  // pg ends a query without any code when the connection breaks, but the session says it first.
  let isConnectionLost = false;
  session.once('error', () => {
    isConnectionLost = true;
  });
  let statement = '';
  let cacheUse: CacheUse | undefined;
  const cache = job.usesCache ? new ReportCache(session, report.name) : undefined;
  try {
    // Not REPEATABLE READ: a report that waited for a table to be emptied and filled again would see none of its rows.
    await session.query('BEGIN READ ONLY');
    const values = await checkArguments(session, report, job.arguments);
    const bound = bindReport(report, values, job.model);
    statement = declaredText(bound);
    const format = FORMATS[job.format];
    const makeWriter = await format.load();
    const before = format.showsSources ? await takeSnapshot(session) : undefined;
    const open = () => ReportCursor.open(session, bound);
    const source = cache === undefined ? await open() : await cache.rows(bound, open);
    columns.push(...source.columns.map((column) => column.name));
    checkChart(report, source.columns);
    const about = aboutReport(report, values, job.madeAt ?? new Date());
    const watcher = job.watch?.(source.columns, about.chart);
    const writer = makeWriter(source.columns, { ...job, about });
    await emit(await writer.head());
    for await (const batch of source.batches(writer.maxRows)) {
      rows += batch.length;
      watcher?.(batch);
      await emit(await writer.rows(batch));
    }
    const rowsLeftOut = rows < writer.maxRows ? 0 : await source.countRest();
    rows += rowsLeftOut;
    // A cursor locks what it would read, for who looks for the sources.
    if (before !== undefined && cache?.isServing === true) await open();
    const sources = before === undefined ? [] : await findSources(session, before);
    await emit(await writer.tail(rowsLeftOut, sources));
    await session.query('COMMIT');
    cacheUse = await cache?.settle();
  } catch (error) {
    throw isConnectionLost ? toConnectionLost(error) : toReportError(error, report, statement);
  }
  return { rows, bytes, columns, cache: cacheUse };
}

/** @throws EdpError `report_failed` with the line of the chart, in every format: the next one may draw it */
function checkChart({ chart, file }: Report, columns: readonly ResultColumn[]): void {
  const fault = chart === undefined ? undefined : findChartFault(columns, chart);
  if (fault === undefined) return;
  throw new EdpError('report_failed', fault.message, {
    place: `${file}:${chart?.line}`,
    hint: fault.hint,
  });
}

function aboutReport(
  { name, title, description, parameters, chart }: Report,
  values: ReadonlyMap<string, string | null>,
  madeAt: Date,
): AboutReport {
  return {
    name,
    title,
    description,
    parameters: parameters.map((parameter) => ({
      name: parameter.name,
      description: parameter.description,
      value: values.get(parameter.name) ?? null,
    })),
    madeAt,
    chart: chart === undefined ? undefined : resolveLimit(chart, values),
  };
}
