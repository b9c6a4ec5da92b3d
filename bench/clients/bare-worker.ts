/** A thread of the bare path: takes split after split, each into a transaction of its own. */

import { workerData } from 'node:worker_threads';
import type pg from 'pg';
import { openFormat, type RecordForm } from '../../src/formats/open-format.js';
import type { SplitRange } from '../../src/formats/text/ranges.js';
import { openSplit, readSplit } from '../../src/formats/text/read-split.js';
import { LaneMemory } from '../../src/lanes/lane-memory.js';
import { RecordLoader } from '../../src/lanes/record-loader.js';
import { RejectLog } from '../../src/ledger/reject-log.js';
import { DirectSink } from '../../src/load/sinks/direct-sink.js';
import type { TablePlan } from '../../src/mapping/table-plan.js';
import { connect } from '../../src/postgres/connection.js';
import type { TableInCatalog } from '../../src/postgres/table-in-catalog.js';
import type { FileIdentity } from '../../src/source/file-identity.js';
import { withFile } from '../../src/source/open-file.js';

export interface BareTask {
  readonly database: pg.ClientConfig;
  readonly file: FileIdentity;
  readonly recordForm: RecordForm;
  readonly plan: TablePlan;
  readonly target: TableInCatalog;
  readonly writeBatchSize: number;
  readonly splits: readonly SplitRange[];
  /** Index of the next split that nobody has taken; shared by all threads. */
  readonly nextSplit: Int32Array;
  readonly lane: WebAssembly.Module;
}

const task = workerData as BareTask;
const { file: identity, plan, recordForm, writeBatchSize } = task;

const laneMemory = new LaneMemory(task.lane);
const client = await connect(task.database, 'bench');
await client.query('SET synchronous_commit = off');
for (;;) {
  const range = task.splits[Atomics.add(task.nextSplit, 0, 1)];
  if (range === undefined) break;
  await withFile(identity, async (file) => {
    const format = openFormat(recordForm);
    const split = await openSplit(file, identity, format, { range }, laneMemory.window);
    const rejects = new RejectLog(client, 0, split.start);
    const sink = new DirectSink(client, task.target, plan, () => Promise.resolve([]));
    const loader = new RecordLoader(
      { plan, recordForm, loadId: 0, writeBatchSize, laneMemory },
      sink,
      rejects,
    );
    await client.query('BEGIN');
    await sink.begin();
    await readSplit(split, laneMemory.window, loader);
    await loader.finish();
    await sink.pause();
    if (rejects.count > 0) throw new Error(`${rejects.count} records rejected`);
    await client.query('COMMIT');
  });
}
await client.end();
