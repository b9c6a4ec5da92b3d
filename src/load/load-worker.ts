/**
 * The thread of a worker: a split in, its outcome out. Joins the rooms of the pipeline, and decides
 * nothing about the run.
 *
 * One split is one transaction: rows, rejects, receipt. Before it commits, the worker tells the run
 * where the split's records really began and ended, and waits for leave: the boundaries of a split are
 * verified by its neighbour, and tables with keys take their splits in the order of the file.
 *
 * Small files come several at a time, for one transaction and one COPY: what the server does for each of
 * those takes it longer than the rows of a small file. Where anything goes wrong with them, they come again
 * one by one.
 */

import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { workerData } from 'node:worker_threads';
import { createXXHash128, type IHasher } from 'hash-wasm';
import type pg from 'pg';
import { DatabaseError } from 'pg';
import { EdpError, toErrorData } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import { countStart } from '../base/threads.js';
import { openFormat } from '../formats/record-form.js';
import type { RecordPlace, ScannedRange } from '../formats/text/ranges.js';
import { rejectLongSegment, SegmentSource } from '../formats/text/segment-source.js';
import { findStart, readSplit } from '../formats/text/windows.js';
import { laneRemarks } from '../lanes/corrected-fields.js';
import { LaneMemory } from '../lanes/lane-memory.js';
import { RecordLoader } from '../lanes/record-loader.js';
import type { RowSink } from '../lanes/row-sink.js';
import type { Receipt } from '../ledger/counts.js';
import { hasReceipt, insertReceipts } from '../ledger/receipts.js';
import { MAX_PENDING_REJECT_BYTES, RejectLog } from '../ledger/reject-log.js';
import { identifySession, isClosed, isSessionAlive, waitForBackend } from '../postgres/backend.js';
import { connect } from '../postgres/connection.js';
import { sessionLost } from '../postgres/session.js';
import { CONNECTION_LOST, isConnectionError, isDataError } from '../postgres/sqlstate.js';
import { assertUnchanged, type ByteSource, withFiles } from '../source/open-file.js';
import type { WorkerData } from './load-pool.js';
import type {
  CommitAnswer,
  CommitRequest,
  LoadTask,
  ScanOutcome,
  ScanTask,
  SplitOutcome,
  SplitPart,
  SplitTask,
} from './messages.js';
import { CarefulSink } from './sinks/careful-sink.js';
import { DirectSink } from './sinks/direct-sink.js';
import { MissingReference } from './sinks/foreign-keys.js';
import { PortSink } from './sinks/port-sink.js';
import { StagingTable } from './sinks/staging-table.js';

interface Session {
  readonly key: string;
  readonly client: pg.Client;
  /** Process id of the session's backend. */
  readonly backend: number;
  /** Whether it has committed nothing yet. */
  isNew: boolean;
}

/** One session a thread, kept from split to split. */
let session: Session | undefined;
let hasher: IHasher | undefined;
/** Where the byte lane works, from split to split. */
const laneMemory = new LaneMemory((workerData as WorkerData).lane);

export default async function runSplit(task: SplitTask): Promise<SplitOutcome> {
  try {
    return await attemptSplit(task);
  } catch (error) {
    return { kind: 'failed', error: toErrorData(error) };
  } finally {
    task.port.close();
  }
}

/** Opens the thread's session while there is nothing to do yet. */
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
        // pg gives a query whose connection ended under it an error without a code.
        throw code === undefined && error instanceof Error && !(error instanceof EdpError)
          ? Object.assign(error, { code: CONNECTION_LOST })
          : error;
      }
      await rollBack(current.client, error);
      if (error instanceof LostSplit) return { kind: 'rolled_back', reason: 'misaligned' };
      const isObjection = isDataError(code) || error instanceof MissingReference;
      if (isCareful || task.parts.length > 1 || !isObjection) throw error;
      // The server objects to some record: find out which.
      isCareful = true;
      await failpoint('split.careful', current.client);
    }
  }
}

/** One transaction. */
async function loadParts(
  current: Session,
  task: SplitTask,
  isCareful: boolean,
): Promise<SplitOutcome> {
  const { client, backend } = current;
  return withOpenParts(task.parts, client, async (parts) => {
    const { load, source, rejects } = parts[0]!;
    const loaders: RecordLoader[] = [];
    const sink: RowSink = isCareful
      ? new CarefulSink(
          makeStagingTable(client, load),
          rejects,
          laneRemarks(load.plan),
          (remarks) => loaders[0]!.uncount(remarks),
        )
      : new DirectSink(client, load.target, load.plan);
    await failpoint('split.opened', client);
    await client.query('BEGIN');
    await sink.begin();
    await failpoint('split.begun', client);
    const scans: Scan[] = [];
    for (const part of parts) {
      // One after the other: they share the memory of the byte lane.
      const loader = new RecordLoader({ ...part.load, laneMemory }, sink, part.rejects);
      loaders.push(loader);
      scans.push(await scan(part, loader, task.stop, client));
      const pendingBytes = parts.reduce((sum, other) => sum + other.rejects.pendingBytes, 0);
      if (pendingBytes > MAX_PENDING_REJECT_BYTES) {
        await sink.pause();
        for (const { rejects } of parts) await rejects.flush();
      }
    }
    await sink.pause();
    const account = (duplicate: number): Receipt[] =>
      parts.map((part, i) => makeReceipt(scans[i]!, loaders[i]!, part.rejects.count, duplicate));

    const answer = await askToCommit(task.port, { ranges: scans, backend });
    await failpoint(answer.commit ? 'split.allowed' : 'split.refused', client);
    if (!answer.commit) {
      await client.query('ROLLBACK');
      return { kind: 'rolled_back', reason: answer.reason };
    }
    if (scans.every(({ start, end }) => start === end)) {
      // A record longer than a split leaves splits without any; they have nothing to account for.
      await client.query('ROLLBACK');
      return { kind: 'committed', receipts: account(0), wasCareful: false };
    }
    if (current.isNew) await assertOwned(client, load);
    current.isNew = false;
    // Several have no duplicates: the server would have objected to them.
    const duplicate = await sink.settle((place) => readRaw(source, place));
    await failpoint('split.settled', client);
    for (const part of parts) await part.rejects.flush();
    await failpoint('split.rejects_written', client);
    const receipts = account(duplicate);
    const loaded = parts
      .map((part, i) => ({
        load: part.load,
        firstLine: answer.firstLines[i]!,
        receipt: receipts[i]!,
      }))
      .filter(({ receipt: { start, end } }) => end > start);
    await insertReceipts(client, loaded);
    await failpoint('split.receipt_written', client);
    await commit(current, loaded[0]!.load, loaded[0]!.receipt);
    await failpoint('split.committed', client);
    return { kind: 'committed', receipts, wasCareful: isCareful };
  });
}

/**
 * A split whose rows are copied by another thread, in a transaction of its own.
 */
export async function scanSplit(task: ScanTask): Promise<ScanOutcome> {
  const { port, stop } = task;
  try {
    hasher ??= await createXXHash128();
    return await withOpenParts([task], undefined, async (parts) => {
      const part = parts[0]!;
      const { load, rejects } = part;
      const sink = new PortSink(port, load.target, load.plan);
      const loader = new RecordLoader({ ...load, laneMemory }, sink, rejects);
      const scanned = await scan(part, loader, stop);
      await sink.settle();
      return {
        kind: 'scanned',
        receipt: makeReceipt(scanned, loader, rejects.count, 0),
        rejects: rejects.take(),
        references: sink.takeReferences(),
      };
    });
  } catch (error) {
    return { kind: 'failed', error: toErrorData(error) };
  } finally {
    port.close();
  }
}

/** A split whose file is open. */
interface OpenPart extends SplitPart {
  readonly file: FileHandle;
  /** Where the bytes of the split are: in the file, or in what was made of it. */
  readonly source: ByteSource;
  readonly start: number;
  readonly rejects: RejectLog;
}

/** @param client takes the rejects; undefined where somebody else does */
function withOpenParts<T>(
  parts: readonly SplitPart[],
  client: pg.Client | undefined,
  work: (parts: readonly OpenPart[]) => Promise<T>,
): Promise<T> {
  return withFiles(
    parts.map(({ load }) => load.file),
    async (files) => {
      const open: OpenPart[] = [];
      for (const [i, { load, range, segment }] of parts.entries()) {
        const file = files[i]!;
        const start = await findStart(
          file,
          load.file,
          openFormat(load.recordForm),
          range,
          laneMemory.window,
        );
        const source = segment === undefined ? file : new SegmentSource(segment);
        const rejects = new RejectLog(client, load.loadId, start);
        open.push({ load, range, segment, file, source, start, rejects });
      }
      return work(open);
    },
  );
}

/** Records, none of which is one: then the split has likely begun at a line of something longer. */
const LOST_RECORDS = 200;

/** Thrown to wait for the split before, which tells where this one begins; no fault of anything. */
class LostSplit extends EdpError {
  constructor() {
    super('interrupted', 'where the first record of a split starts cannot be told');
  }
}

/** What is known of a range, once it is read. */
interface Scan extends ScannedRange {
  readonly contentHash: string;
}

/** Reads a split's records, and hands them to the loader. */
async function scan(
  { load, range, segment, file, source, start, rejects }: OpenPart,
  loader: RecordLoader,
  stop: Int32Array,
  client?: pg.Client,
): Promise<Scan> {
  const extent = segment === undefined ? load.file : { ...load.file, size: segment.end };
  hasher!.init();
  const end =
    segment?.longRecord !== undefined
      ? rejectLongSegment(loader, segment)
      : await readSplit(source, extent, start, range.until, laneMemory.window, hasher!, {
          async take(window) {
            if (Atomics.load(stop, 0) === 1)
              throw new EdpError('interrupted', 'the run was stopped');
            await failpoint('split.read', client);
            const taken = await loader.take(window);
            const { recordCount } = loader;
            if (!range.isExact && recordCount > LOST_RECORDS && recordCount === rejects.count)
              throw new LostSplit();
            return taken;
          },
          cutLongRecord: (window) => loader.cutLongRecord(window),
          get isInRecord() {
            return loader.isInRecord;
          },
        });
  await failpoint('split.hashed', client);
  await loader.finish();
  await failpoint('split.copied', client);
  await assertUnchanged(file, load.file);
  await failpoint('split.unchanged', client);
  const contentHash = segment?.longRecord?.contentHash ?? hasher!.digest('hex');
  return { start, end, lineCount: loader.lineCount, contentHash };
}

function makeReceipt(
  scanned: Scan,
  loader: RecordLoader,
  rejected: number,
  duplicate: number,
): Receipt {
  const read = loader.recordCount;
  return {
    ...scanned,
    rows: { read, loaded: read - rejected - duplicate, rejected, duplicate },
    remarks: loader.remarkCounts,
  };
}

function makeStagingTable(client: pg.Client, load: LoadTask): StagingTable {
  const { target, plan, onConflict, missingDimensions, loadId } = load;
  const { columns } = plan;
  return new StagingTable(client, { target, columns, onConflict, missingDimensions, loadId });
}

async function readRaw(
  source: ByteSource,
  { byteOffset, byteLength }: RecordPlace,
): Promise<Buffer> {
  const raw = Buffer.allocUnsafeSlow(byteLength);
  const { bytesRead } = await source.read(raw, 0, byteLength, byteOffset);
  return raw.subarray(0, bytesRead);
}

/**
 * Splits commit without waiting for the disk, so a server that crashed may have lost the last of them. Whoever
 * connects to it anew must not commit behind such a gap: the next run finds it, and fills it in order. No
 * session outlives a crash; so where the run's own still lives, there was none.
 */
async function assertOwned(client: pg.Client, { owner, loadId }: LoadTask): Promise<void> {
  if (await isSessionAlive(client, owner)) return;
  throw sessionLost(`load ${loadId}`);
}

/** A commit whose acknowledgement got lost may have happened: the receipt tells. */
async function commit(
  { client, backend }: Session,
  load: LoadTask,
  { start }: ScannedRange,
): Promise<void> {
  try {
    await client.query('COMMIT');
    await failpoint('split.acknowledged', client);
  } catch (error) {
    if (!isConnectionError((error as { code?: string }).code) && !isClosed(client)) throw error;
    closeSession();
    const another = await openSession(load.database);
    await waitForBackend(another.client, backend);
    if (!(await hasReceipt(another.client, load.loadId, start))) throw error;
  }
}

async function askToCommit(port: SplitTask['port'], request: CommitRequest): Promise<CommitAnswer> {
  const answer = once(port, 'message') as Promise<[CommitAnswer]>;
  port.postMessage(request);
  return (await answer)[0];
}

async function openSession(config: pg.ClientConfig): Promise<Session> {
  const key = JSON.stringify(config);
  if (session !== undefined && (session.key !== key || isClosed(session.client))) closeSession();
  if (session === undefined) {
    const client = await connect(config, 'worker');
    // A split that is lost in a crash is lost with its receipt; the load's end is synchronous.
    await client.query('SET synchronous_commit = off; SET client_min_messages = warning');
    const { backend } = await identifySession(client);
    session = { key, client, backend, isNew: true };
    await failpoint('worker.connected', client);
  }
  return session;
}

function closeSession(): void {
  session?.client.end().catch(() => {});
  session = undefined;
}

/** What pg keeps to itself: its socket, and whether a query is under way. */
interface ClientInternals {
  readonly connection: { readonly stream: { destroy(): void } };
  readonly readyForQuery: boolean;
}

/**
 * Ends the transaction. In the middle of a COPY, where no statement can be sent, by cutting the
 * connection: the server rolls back what has not committed.
 */
async function rollBack(client: pg.Client, error: unknown): Promise<void> {
  const internals = client as unknown as ClientInternals;
  // An error of the server has ended the COPY, too.
  if (internals.readyForQuery || error instanceof DatabaseError) {
    await client.query('ROLLBACK').catch(closeSession);
    return;
  }
  internals.connection.stream.destroy();
  closeSession();
}

countStart();
