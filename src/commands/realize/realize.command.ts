/** `edp realize`: change events into their log, and from there into the tables that they are about. */
import { EdpError, EXIT, FailedRun } from '../../base/errors.js';
import { failpoint } from '../../base/failpoints.js';
import { NO_ROWS } from '../../ledger/counts.js';
import type { LoadingRun } from '../../ledger/runs.js';
import type { IngestResult } from '../../load/file-results.js';
import { withPool } from '../../load/load-pool.js';
import { type IngestOptions, ingest } from '../../load/run.js';
import type { Model, Table } from '../../model/model.js';
import { resolveOptions } from '../../options/resolve-options.js';
import { type Database, withDatabase } from '../../postgres/database.js';
import { loadWarehouse } from '../../project/load-warehouse.js';
import { eventLogTable, isRealizable } from '../../realize/event-log-table.js';
import { type FoldedTable, foldEvents } from '../../realize/fold.js';
import { listEventFiles } from '../../realize/list-event-files.js';
import { withReadableFiles } from '../../source/copies.js';
import { discoverFiles, type InputFile, totalBytes } from '../../source/discover.js';
import type { Command, Invocation } from '../command.js';
import { makeIngestProgress } from '../ingest/ingest-progress.js';
import { exitStatus, printSummary, toJson } from '../ingest/summary.js';
import type { RealizeJson } from '../json/load.schema.js';
import { asLoadingRun } from '../shared/recorded-run.js';
import { hasFailed, printFolded, toFoldedJson } from './folded-lines.js';
import { OPTION_NAMES } from './realize.help.js';

/** Where tables of edp.yaml without a schema are: there, the search path decides for the log, too. */
const USUAL_SCHEMA = 'public';

export const command: Command = {
  async run(invocation: Invocation) {
    const { given, project, output, signal } = invocation;
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const { directory, model } = project;
    assertRealizable(model);
    const { warehouse } = await loadWarehouse(directory);
    const { bronze } = warehouse.layers;
    const log = eventLogTable(model, bronze === USUAL_SCHEMA ? undefined : bronze);
    const names = await listEventFiles((given.files ?? []) as string[], directory);
    const files = names.length === 0 ? [] : await discoverFiles(names, directory);
    const { eventFormat: format } = options;
    const loading: IngestOptions = {
      ...options,
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
    const copying = { note: (text: string) => output.note(text), signal };
    const where = { databaseUrl: options.databaseUrl, directory };
    return withPool(options.processCount, await totalBytes(files), (pool) =>
      withDatabase(where, (database) =>
        withReadableFiles(directory, files, copying, (all) =>
          asLoadingRun(invocation, 'realize', database, async (own, run) => {
            const load = (progress: Awaited<ReturnType<typeof makeIngestProgress>>) =>
              all.length === 0
                ? NOTHING
                : ingest(own, run, pool, { tables: [log] }, all, loading, progress, signal);
            return loadAndFold(invocation, own, run, log, all, load);
          }),
        ),
      ),
    );
  },
};

const NOTHING: IngestResult = {
  seconds: 0,
  bytes: 0,
  rows: NO_ROWS,
  thisRun: { bytes: 0, rows: NO_ROWS },
  remarks: { unknownMetrics: {}, corrections: {} },
  files: [],
  isInterrupted: false,
};

function assertRealizable({ tables }: Model): void {
  if (tables.some(isRealizable)) return;
  throw new EdpError('model', 'no table of edp.yaml can be folded from change events', {
    hint: 'such a table has a key, and neither metrics, partitions, versions nor computed columns',
  });
}

async function loadAndFold(
  invocation: Invocation,
  database: Database,
  run: LoadingRun,
  log: Table,
  files: readonly InputFile[],
  load: (
    progress: Awaited<ReturnType<typeof makeIngestProgress>>,
  ) => IngestResult | Promise<IngestResult>,
): Promise<number> {
  const { project, output, signal } = invocation;
  const startedAt = performance.now();
  const progress = await makeIngestProgress(output);
  let result: IngestResult;
  try {
    result = await load(progress);
  } finally {
    progress.stop();
  }
  run.countRejected(result.thisRun.rows.rejected);
  if (files.length > 0) printSummary(output, result, database);
  await failpoint('realize.loaded', run.client);
  const canFold = result.failure === undefined && !result.isInterrupted;
  const folded = canFold
    ? await foldEvents(run.client, project.model, log.name, {
        note: (text) => output.note(text),
        signal,
      })
    : [];
  printFolded(output, folded);
  const seconds = (performance.now() - startedAt) / 1000;
  const status = hasFailed(folded) ? EXIT.failed : exitStatus(result);
  const isOk = canFold && status !== EXIT.failed;
  const json = toRealizeJson({ ...result, seconds }, folded, isOk);
  if (result.failure !== undefined) throw new FailedRun(result.failure, json);
  output.result(json);
  return signal.aborted ? EXIT.interrupted : status;
}

function toRealizeJson(
  result: IngestResult,
  folded: readonly FoldedTable[],
  isOk: boolean,
): RealizeJson {
  return toJson({ command: 'realize', tables: folded.map(toFoldedJson) }, result, isOk);
}
