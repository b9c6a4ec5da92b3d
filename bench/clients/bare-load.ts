/**
 * The bare path: edp's own reading, byte lane and COPY on the same splits, and nothing else. No content hash,
 * no ledger, no receipts, no verified boundaries, no command line. What it is faster than `edp ingest` is
 * what accounting costs.
 *
 *     node bare-load.js URL TABLE FILE PROJECT WORKERS
 */
import { Worker } from 'node:worker_threads';
import { parseIntoClientConfig } from 'pg-connection-string';
import { compileAssembly } from '../../src/base/assembly.js';
import { describeCsv } from '../../src/formats/csv/describe-csv.js';
import { cutGap } from '../../src/formats/text/cut-ranges.js';
import { planTable } from '../../src/mapping/table-plan.js';
import { findTable } from '../../src/model/model.js';
import { OPTIONS } from '../../src/options/option-definitions.js';
import { withClient } from '../../src/postgres/connection.js';
import { inspectTable } from '../../src/postgres/table-in-catalog.js';
import { loadProject } from '../../src/project/project.js';
import { localVersion } from '../../src/source/local-files.js';
import type { BareTask } from './bare-worker.js';

const [url, tableName, file, project, workers] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const { model } = await loadProject(project);
const table = findTable(model, tableName)!;
const database = { ...parseIntoClientConfig(url), ssl: false };
const version = await localVersion(file);
const { recordForm, fields, dataStart, dataLine, recordBytes } = await describeCsv(
  version,
  file,
  table,
  {},
);
const target = await withClient(database, 'bench', (client) => inspectTable(client, table));
const splitBytes = Math.round(OPTIONS['read-batch-size'].default! * recordBytes);
const task: BareTask = {
  database,
  file: version,
  recordForm,
  plan: planTable(table, fields, file),
  target,
  writeBatchSize: OPTIONS['write-batch-size'].default!,
  splits: cutGap({ start: dataStart, end: version.size, firstLine: dataLine }, splitBytes),
  nextSplit: new Int32Array(new SharedArrayBuffer(4)),
  lane: await compileAssembly('byte-lane'),
};
await Promise.all(
  Array.from({ length: Number(workers) }, async () => {
    const worker = new Worker(new URL('./bare-worker.js', import.meta.url), { workerData: task });
    await new Promise<void>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', () => resolve());
    });
  }),
);
