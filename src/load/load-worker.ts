/**
 * The thread of a worker: a split in, its outcome out. It connects the rooms of the pipeline, and
 * decides nothing about the run.
 *
 * One split is one transaction: rows, rejects, receipt. Before it commits, the worker reports to
 * the run where the split's records actually began and ended, and waits for permission: the
 * neighbour of a split verifies its boundaries, and tables with keys take their splits in the order
 * of the file.
 *
 * Small files are loaded several at a time, in one transaction and one COPY, whose cost for the
 * server is higher than that of the rows of a small file. If anything fails, they are loaded again
 * one by one.
 */

import { once } from 'node:events';
import { workerData } from 'node:worker_threads';
import { createXXHash128, type IHasher } from 'hash-wasm';
import type pg from 'pg';
import { EdpError, toErrorData } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import { countStart } from '../base/threads.js';
import { laneRemarks } from '../lanes/corrected-fields.js';
import { LaneMemory } from '../lanes/lane-memory.js';
import type { RowSink } from '../lanes/row-sink.js';
import type { ChangedRows } from '../ledger/changes.js';
import { insertReceipts } from '../ledger/receipts.js';
import { RejectLog } from '../ledger/reject-log.js';
import { isClosed } from '../postgres/backend.js';
import type { KnownPartition, WantedPartition } from '../postgres/partitions-in-catalog.js';
import { isConnectionError, mayBeAboutRecord, withConnectionCode } from '../postgres/sqlstate.js';
import { stopReadingWith } from '../source/stop-reading.js';
import type { WorkerData } from './load-pool.js';
import type {
  CommitAnswer,
  CommitRequest,
  LoadRules,
  PartitionAnswer,
  PartitionRequest,
  Refusal,
  ScanOutcome,
  ScanTask,
  SplitOutcome,
  SplitPart,
  SplitTask,
} from './messages.js';
import { CarefulSink } from './sinks/careful-sink.js';
import { DirectSink } from './sinks/direct-sink.js';
import { MissingReference } from './sinks/foreign-keys.js';
import { RowsLeftOut } from './sinks/left-out.js';
import { PortSink } from './sinks/port-sink.js';
import { StaleCopy } from './sinks/row-extender.js';
import { stageFor } from './sinks/stage-for.js';
import type { PartitionMaker } from './sinks/staged-rows.js';
import { SplitClock } from './split-clock.js';
import {
  type Committer,
  LostSplit,
  type PassContext,
  passOver,
  type SplitPass,
} from './split-pass.js';
import {
  assertOwned,
  closeSession,
  commit,
  openSession,
  rollBack,
  type WorkerSession,
} from './worker-session.js';

const NO_CHANGE: ChangedRows = { inserted: 0, updated: 0 };

let hasher: IHasher | undefined;
/** Memory of the byte lane, kept for all splits. */
const laneMemory = new LaneMemory((workerData as WorkerData).lane);

export default async function runSplit(task: SplitTask): Promise<SplitOutcome> {
  stopReadingWith(task.stop);
  try {
    return await attemptSplit(task);
  } catch (error) {
    return { kind: 'failed', error: toErrorData(error) };
  } finally {
    task.port.close();
  }
}

/** Opens the thread's session before the first split. */
export async function connectAhead(database: pg.ClientConfig): Promise<void> {
  hasher ??= await createXXHash128();
  await openSession(database);
}

async function attemptSplit(task: SplitTask): Promise<SplitOutcome> {
  hasher ??= await createXXHash128();
  let isCareful = task.isCareful;
  for (;;) {
    const current = await openSession(task.parts[0]!.load.database);
    try {
      return await loadParts(current, task, isCareful);
    } catch (error) {
      const { code } = error as { code?: string };
      if (isClosed(current.client) || isConnectionError(code)) {
        closeSession();
        throw withConnectionCode(error);
      }
      await rollBack(current.client, error);
      if (error instanceof LostSplit) return { kind: 'rolled_back', reason: 'misaligned' };
      // What it copied from another table has changed, and is in memory now.
      if (error instanceof StaleCopy) continue;
      if (error instanceof Refused) return { kind: 'rolled_back', reason: error.reason };
      const isObjection =
        mayBeAboutRecord(error) ||
        error instanceof MissingReference ||
        error instanceof RowsLeftOut;
      if (isCareful || task.parts.length > 1 || !isObjection) throw error;
      // The server refuses some record: the careful way identifies it.
      isCareful = true;
      await failpoint('split.careful', current.client);
    }
  }
}

/** One transaction. */
function loadParts(
  current: WorkerSession,
  task: SplitTask,
  isCareful: boolean,
): Promise<SplitOutcome> {
  const committer = new CommitWithReceipts(current, task, isCareful);
  return passOver(task.parts, committer, passContext(task.stop, current.client));
}

/** Commits rows, rejects and receipts together, once the run allows it. */
class CommitWithReceipts implements Committer<SplitOutcome> {
  readonly #clock = new SplitClock();
  readonly #session: WorkerSession;
  readonly #task: SplitTask;
  readonly #isCareful: boolean;

  constructor(session: WorkerSession, task: SplitTask, isCareful: boolean) {
    this.#session = session;
    this.#task = task;
    this.#isCareful = isCareful;
  }

  rejectsOf({ load }: SplitPart<LoadRules>, start: number): RejectLog {
    return new RejectLog(this.#session.client, load.loadId, start);
  }

  async begin(pass: SplitPass): Promise<RowSink> {
    const { client } = this.#session;
    const { load } = this.#task.parts[0]!;
    const makePartitions: PartitionMaker = (wanted) => this.#askForPartitions(wanted);
    const sink = this.#isCareful
      ? new CarefulSink(
          stageFor(client, load, { makePartitions }),
          pass.rejects[0]!,
          laneRemarks(load.plan),
          (remarks) => pass.uncount(remarks),
        )
      : new DirectSink(client, load.target, load.plan, makePartitions);
    await failpoint('split.opened', client);
    await client.query('BEGIN');
    await sink.begin();
    await failpoint('split.begun', client);
    return sink;
  }

  /** @throws Refused */
  async #askForPartitions(
    partitions: readonly WantedPartition[],
  ): Promise<readonly KnownPartition[]> {
    const { backend, client } = this.#session;
    await failpoint('split.partitions', client);
    const answer = await ask<PartitionAnswer>(this.#task.port, { partitions, backend });
    if ('commit' in answer) throw new Refused(answer.reason);
    return answer.made;
  }

  async conclude(pass: SplitPass, sink: RowSink): Promise<SplitOutcome> {
    const { client, backend } = this.#session;
    const { parts, port } = this.#task;
    this.#clock.end('scan');
    await sink.pause();
    this.#clock.end('copy');
    const answer = await ask<CommitAnswer>(port, { ranges: pass.ranges, backend });
    this.#clock.wait();
    await failpoint(answer.commit ? 'split.allowed' : 'split.refused', client);
    if (!answer.commit) {
      await client.query('ROLLBACK');
      return { kind: 'rolled_back', reason: answer.reason };
    }
    if (pass.ranges.every(({ start, end }) => start === end)) {
      // A record longer than a split leaves splits without records, which have nothing to account
      // for.
      await client.query('ROLLBACK');
      return {
        kind: 'committed',
        receipts: pass.receipts(0),
        wasCareful: false,
        changed: pass.ranges.map(() => NO_CHANGE),
        times: this.#clock.times,
      };
    }
    if (this.#session.isNew) await assertOwned(client, parts[0]!.load);
    this.#session.isNew = false;
    // A group of splits has no duplicates: the server would have refused them.
    const duplicate = await sink.settle((place) => pass.readRaw(place));
    await failpoint('split.settled', client);
    for (const rejects of pass.rejects) await rejects.flush();
    await failpoint('split.rejects_written', client);
    const receipts = pass.receipts(duplicate);
    const changed = receipts.map(({ rows }) =>
      sink instanceof CarefulSink ? sink.changed : { inserted: rows.loaded, updated: 0 },
    );
    const loaded = parts
      .map(({ load }, i) => ({
        load,
        firstLine: answer.firstLines[i]!,
        receipt: receipts[i]!,
        changed: changed[i]!,
      }))
      .filter(({ receipt: { start, end } }) => end > start);
    await insertReceipts(client, loaded);
    await failpoint('split.receipt_written', client);
    this.#clock.end('copy');
    await commit(this.#session, loaded[0]!.load, loaded[0]!.receipt);
    await failpoint('split.committed', client);
    this.#clock.end('commit');
    const { times } = this.#clock;
    return { kind: 'committed', receipts, wasCareful: this.#isCareful, changed, times };
  }
}

/** A split whose rows are copied by another thread, in a transaction of its own. */
export async function scanSplit(task: ScanTask): Promise<ScanOutcome> {
  const { port, stop } = task;
  stopReadingWith(stop);
  try {
    hasher ??= await createXXHash128();
    return await passOver([task], new HandOver(task), passContext(stop));
  } catch (error) {
    return { kind: 'failed', error: toErrorData(error) };
  } finally {
    port.close();
  }
}

/** Sends rows, rejects and references to the thread that copies them. */
class HandOver implements Committer<ScanOutcome> {
  readonly #clock = new SplitClock();
  readonly #sink: PortSink;

  constructor({ port, load: { target, plan } }: ScanTask) {
    this.#sink = new PortSink(port, target, plan);
  }

  rejectsOf({ load }: SplitPart<LoadRules>, start: number): RejectLog {
    return new RejectLog(undefined, load.loadId, start);
  }

  async begin(): Promise<RowSink> {
    return this.#sink;
  }

  async conclude(pass: SplitPass): Promise<ScanOutcome> {
    await this.#sink.settle();
    this.#clock.end('scan');
    return {
      kind: 'scanned',
      receipt: pass.receipts(0)[0]!,
      times: this.#clock.times,
      rejects: pass.rejects[0]!.take(),
      references: this.#sink.takeReferences(),
      copied: this.#sink.takeCopied(),
    };
  }
}

function passContext(stop: Int32Array, client?: pg.Client): PassContext {
  return {
    laneMemory,
    hasher,
    client,
    assertGoing() {
      if (Atomics.load(stop, 0) === 1) throw new EdpError('interrupted', 'the run was stopped');
    },
  };
}

async function ask<T>(
  port: SplitTask['port'],
  request: CommitRequest | PartitionRequest,
): Promise<T> {
  const answer = once(port, 'message') as Promise<[T]>;
  port.postMessage(request);
  return (await answer)[0];
}

/** The run wants the split rolled back, while it waited for partitions. */
class Refused extends Error {
  override readonly name = 'Refused';
  readonly reason: Refusal['reason'];

  constructor(reason: Refusal['reason']) {
    super(reason);
    this.reason = reason;
  }
}

countStart();
