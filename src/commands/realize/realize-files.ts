/** Files of change events → their log → the tables that they are about: for every command that does it. */
import { EdpError } from '../../base/errors.js';
import { failpoint } from '../../base/failpoints.js';
import { NO_ROWS } from '../../ledger/counts.js';
import type { LoadingRun } from '../../ledger/runs.js';
import type { IngestProgress, IngestResult } from '../../load/file-results.js';
import { EVENT_YOUNG_GENERATION_MB, withPool } from '../../load/load-pool.js';
import { type IngestOptions, ingest } from '../../load/run.js';
import type { EventFormat } from '../../model/file-settings.js';
import type { Model } from '../../model/model.js';
import { isRealizable, listRealized } from '../../model/realized-model.js';
import { type Database, withDatabase } from '../../postgres/database.js';
import { loadWarehouse } from '../../project/load-warehouse.js';
import { assertIsLog, projectLog, toEventTables } from '../../realize/event-log-table.js';
import { type Folding, foldEvents, NOT_FOLDED } from '../../realize/fold.js';
import { keepKeys } from '../../realize/keys-in-log.js';
import { withReadableFiles } from '../../source/copies.js';
import { type InputFile, totalBytes } from '../../source/discover.js';
import { rawReadersOf } from '../../warehouse/compile/raw-readers.js';
import type { Invocation } from '../command.js';
import { asLoadingRun } from '../shared/recorded-run.js';
import { failedCodeOf } from './folded-lines.js';

export interface RealizeOptions
  extends Pick<
    IngestOptions,
    'processCount' | 'readBatchSize' | 'writeBatchSize' | 'maxRejects' | 'force'
  > {
  readonly databaseUrl?: string | undefined;
  readonly eventFormat?: EventFormat | undefined;
}

export interface Realized {
  readonly result: IngestResult;
  /** Of no table where the load did not end well. */
  readonly folding: Folding;
}

export interface RealizeReport {
  /** Opens the display of a load. */
  progress(): Promise<IngestProgress & { stop(): void }>;
  /** What was loaded, before it is folded. */
  loaded(result: IngestResult, database: Database): void;
  /** @returns the exit status */
  done(realized: Realized): number;
}

const NOTHING: IngestResult = {
  seconds: 0,
  bytes: 0,
  rows: NO_ROWS,
  thisRun: { bytes: 0, rows: NO_ROWS },
  remarks: { unknownMetrics: {}, corrections: {} },
  files: [],
  isInterrupted: false,
};

/** @returns the exit status */
export async function realizeFiles(
  invocation: Invocation,
  command: string,
  files: readonly InputFile[],
  options: RealizeOptions,
  report: RealizeReport,
): Promise<number> {
  const { project, output, signal } = invocation;
  const { directory, model } = project;
  assertRealizable(model);
  const log = projectLog(project);
  const { warehouse, model: seen } = await loadWarehouse(directory);
  const declared = listRealized(seen);
  const readersOf = rawReadersOf(warehouse.tasks);
  const { databaseUrl, eventFormat: format, ...rest } = options;
  const loading: IngestOptions = {
    ...rest,
    table: log.name,
    settingsFor: () => ({
      ...(format === undefined ? {} : { format }),
      hasEvents: true,
      csv: {},
      text: {},
    }),
    onConflict: 'skip',
    missingDimensions: 'reject',
    onNewColumn: undefined,
  };
  const note = (text: string) => output.note(text);
  const work = async (database: Database, run: LoadingRun, load: Load) => {
    const startedAt = performance.now();
    await assertIsLog(run.client, log);
    await keepKeys(run.client, log.name, toEventTables(model));
    const result = await withProgress(report, load);
    run.countRejected(result.thisRun.rows.rejected);
    run.noteFailure(result.failedCode);
    if (files.length > 0) report.loaded(result, database);
    await failpoint('realize.loaded', run.client);
    const canFold = result.failure === undefined && !result.isInterrupted;
    const folding = canFold
      ? await foldEvents(run.client, model, log.name, {
          note,
          signal,
          readersOf,
          declared,
          parallel: { config: database.client, count: options.processCount },
        })
      : NOT_FOLDED;
    run.noteFailure(failedCodeOf(folding));
    const seconds = (performance.now() - startedAt) / 1000;
    return report.done({ result: { ...result, seconds }, folding });
  };
  return withPool(
    options.processCount,
    await totalBytes(files),
    (pool) =>
      withDatabase({ databaseUrl, directory }, (database) =>
        withReadableFiles(directory, files, { note, signal }, (all) =>
          asLoadingRun(invocation, command, database, (own, run) =>
            work(own, run, (progress) =>
              all.length === 0
                ? NOTHING
                : ingest(own, run, pool, { tables: [log] }, all, loading, progress, signal),
            ),
          ),
        ),
      ),
    EVENT_YOUNG_GENERATION_MB,
  );
}

type Load = (progress: IngestProgress) => IngestResult | Promise<IngestResult>;

async function withProgress(report: RealizeReport, load: Load): Promise<IngestResult> {
  const progress = await report.progress();
  try {
    return await load(progress);
  } finally {
    progress.stop();
  }
}

function assertRealizable({ tables }: Model): void {
  if (tables.some(isRealizable)) return;
  throw new EdpError('model', 'no table of edp.yaml can be folded from change events', {
    hint: 'such a table has a key, and neither metrics, partitions, versions nor computed columns',
  });
}
