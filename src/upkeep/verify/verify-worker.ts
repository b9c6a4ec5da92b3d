/**
 * The thread of a verification: part of the file or of the table in, sums or entries out. It
 * decides nothing.
 *
 * `sum` tasks add up hashes by bucket: hashes of records are added and those of rows subtracted, so
 * a bucket with the same content on both sides ends at zero. `list` tasks return the records or
 * rows of the buckets that did not.
 */
import { workerData } from 'node:worker_threads';
import { createXXHash128, type IHasher } from 'hash-wasm';
import type pg from 'pg';
import { EdpError, toErrorData } from '../../base/errors.js';
import { countStart } from '../../base/threads.js';
import { describePassedOver, subtractPassedOver } from '../../formats/text/passed-over.js';
import { LaneMemory } from '../../lanes/lane-memory.js';
import type { Accounting } from '../../ledger/counts.js';
import type { WorkerData } from '../../load/load-pool.js';
import { quoteColumns, quoteIdentifier, quoteLiteral } from '../../model/ddl.js';
import { connect } from '../../postgres/connection.js';
import { assertUnchanged, withFile } from '../../source/open-file.js';
import { stopReadingWith } from '../../source/stop-reading.js';
import { copyRows } from './copy-out.js';
import { FileReader, type FileRow, type FileVisitor, type FoundReject } from './file-rows.js';
import { type CanonicalFields, copyFields, KeyLookup } from './key-lookup.js';
import { RejectsByContent, RejectsByPlace } from './known-rejects.js';
import { RowReader } from './row-reader.js';
import {
  FILE_ENTRY,
  type FileFault,
  type FileOutcome,
  type FileRange,
  STATUS,
  SUM,
  TABLE_ENTRY,
  type TableOutcome,
  type VerifyJob,
  type VerifyOutcome,
  type VerifyTask,
} from './verify-task.js';
import { VersionLookup } from './version-lookup.js';

/** One session per thread, which sees one snapshot. */
let session: { readonly key: string; readonly client: pg.Client } | undefined;
let hasher: IHasher | undefined;
/** Memory of the byte lane. */
const laneMemory = new LaneMemory((workerData as WorkerData).lane);

/** Faults listed by one task; the others are only counted. */
const MAX_FAULTS = 100;
/** Records looked up at once. */
const LOOKUP_RECORDS = 2000;
/** Rows between two checks whether to stop. */
const CHECK_ROWS = 4096;

export default async function run(task: VerifyTask): Promise<VerifyOutcome> {
  stopReadingWith(task.job.stop);
  try {
    hasher ??= await createXXHash128();
    const client = await openSession(task.job);
    switch (task.kind) {
      case 'sum-file':
        return await sumFile(client, task.job, task.ranges, task.sums);
      case 'list-file':
        return await listFile(client, task);
      case 'sum-table':
        return await sumTable(client, task);
      case 'list-table':
        return await listTable(client, task);
    }
  } catch (error) {
    session?.client.end().catch(() => {});
    session = undefined;
    return { kind: 'failed', error: toErrorData(error) };
  }
}

async function openSession({ database, snapshotId }: VerifyJob): Promise<pg.Client> {
  if (session?.key === snapshotId) return session.client;
  session?.client.end().catch(() => {});
  session = undefined;
  const client = await connect(database, 'verify worker');
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  await client.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshotId)}`);
  session = { key: snapshotId, client };
  return client;
}

function assertGoing({ stop }: VerifyJob): void {
  if (Atomics.load(stop, 0) === 1) throw new EdpError('interrupted', 'the run was stopped');
}

function bucketOf(key1: number, bits: number): number {
  return key1 >>> (32 - bits);
}

/**
 * Reads ranges of the file, checks them against their receipts, and passes their rows to
 * `visitRow`.
 */
class RangeReading {
  readonly faults: FileFault[] = [];
  readonly faultCounts: Record<string, number> = {};
  records = 0;
  rejects = 0;
  readonly #client: pg.Client;
  readonly #job: VerifyJob;
  readonly #ranges: readonly FileRange[];
  #range: FileRange | undefined;
  /** Line ends before the range. */
  #linesBefore = 0;

  constructor(client: pg.Client, job: VerifyJob, ranges: readonly FileRange[]) {
    this.#client = client;
    this.#job = job;
    this.#ranges = ranges;
  }

  /** Line of the file, from 1. */
  lineOf(line: number): number {
    return this.#range!.firstLine + line - this.#linesBefore;
  }

  async read(visitRow: (row: FileRow) => void, pause: () => Promise<void>): Promise<void> {
    const { source } = this.#job;
    const first = this.#ranges[0]!;
    const last = this.#ranges.at(-1)!;
    const visitor: FileVisitor = {
      row: visitRow,
      reject: (reject) => this.#noteReject(reject),
      strayReject: (byteOffset) =>
        this.#note('reject_unknown', byteOffset, undefined, 'no record of the file begins there'),
      pause,
    };
    await withFile(source.file, async (handle) => {
      // Lines are counted from the start of a range, so its rows are handed over before the next
      // range begins.
      let reader: FileReader | undefined;
      for (const range of this.#ranges) {
        reader ??= new FileReader(
          handle,
          source,
          this.#knownRejects(first, last),
          visitor,
          laneMemory,
        );
        await this.#readRange(reader, range);
      }
      await assertUnchanged(handle, source.file);
    });
  }

  #knownRejects(first: FileRange, last: FileRange) {
    const { rejectHashes, loadId } = this.#job;
    if (rejectHashes !== undefined) {
      return rejectHashes.length === 0 ? undefined : new RejectsByContent(rejectHashes);
    }
    return this.#ranges.every((range) => range.receipt?.rowsRejected === 0)
      ? undefined
      : new RejectsByPlace(this.#client, loadId, first.start, last.end);
  }

  async #readRange(reader: FileReader, range: FileRange): Promise<void> {
    this.#range = range;
    this.#linesBefore = reader.lineCount;
    const { records, rejects } = this;
    const { recordBytes, passedOver } = reader;
    const recordsBefore = reader.recordCount;
    hasher!.init();
    const end = await reader.read(range.start, range.end, hasher!, () => assertGoing(this.#job));
    await reader.finish();
    this.records = records + reader.recordCount - recordsBefore;
    Atomics.add(this.#job.progress, 0, this.records - records);
    Atomics.add(this.#job.progress, 1, Math.round((range.end - range.start) / 1024));
    const { receipt } = range;
    if (receipt === undefined) return;
    if (end !== range.end || hasher!.digest('hex') !== receipt.contentHash) {
      this.#note('bytes_differ', range.start, undefined, 'its bytes are not those of its receipt');
      return;
    }
    const read = this.records - records;
    if (read !== receipt.rowsRead) {
      const detail = `${read} records, ${receipt.rowsRead} in its receipt`;
      this.#note('records_differ', range.start, undefined, detail);
    }
    this.#comparePassedOver(range, {
      recordBytes: reader.recordBytes - recordBytes,
      passedOver: subtractPassedOver(reader.passedOver, passedOver),
    });
    const found = this.rejects - rejects;
    if (found !== receipt.rowsRejected) {
      const detail = `${found} rejects in the ledger, ${receipt.rowsRejected} in its receipt`;
      this.#note('rejects_differ', range.start, undefined, detail);
    }
  }

  #comparePassedOver({ start, receipt }: FileRange, found: Accounting): void {
    if (receipt === undefined || receipt.recordBytes === null) return;
    const passedOver = describePassedOver(found.passedOver);
    const inReceipt = describePassedOver(receipt.passedOver ?? {});
    if (found.recordBytes === receipt.recordBytes && passedOver === inReceipt) return;
    const detail = `${found.recordBytes} bytes of records, passed over: ${passedOver}; in its receipt ${receipt.recordBytes}, ${inReceipt}`;
    this.#note('passed_over_differ', start, undefined, detail);
  }

  #noteReject({ byteOffset, line, fault, raw, kept }: FoundReject): void {
    if (kept === undefined) {
      const { code, reason } = fault!;
      this.#note('unreadable', byteOffset, this.lineOf(line), `${code}: ${reason}`);
      return;
    }
    this.rejects++;
    if (!kept.equals(raw)) {
      const detail = 'the ledger keeps other bytes of this reject';
      this.#note('reject_altered', byteOffset, this.lineOf(line), detail);
    }
  }

  #note(
    kind: FileFault['kind'],
    byteOffset: number,
    line: number | undefined,
    detail: string,
  ): void {
    this.faultCounts[kind] = (this.faultCounts[kind] ?? 0) + 1;
    if (this.faults.length < MAX_FAULTS) this.faults.push({ kind, byteOffset, line, detail });
  }

  outcome(entries: Float64Array | undefined): FileOutcome {
    const { records, rejects, faults, faultCounts } = this;
    return { kind: 'file', records, rejects, faults, faultCounts, entries };
  }
}

async function sumFile(
  client: pg.Client,
  job: VerifyJob,
  ranges: readonly FileRange[],
  sums: Uint32Array,
): Promise<FileOutcome> {
  const reader = new RowReader(job.shape, 'file', new Set(job.promoted), job.seed);
  const { bucketBits } = job;
  const reading = new RangeReading(client, job, ranges);
  await reading.read(
    ({ bytes, view, at, byteOffset }) => {
      reader.read(bytes, view, at);
      const at0 = bucketOf(reader.key1, bucketBits) * SUM.size;
      if (job.versions !== undefined) reader.mixPlace(byteOffset);
      sums[at0 + SUM.difference]! += 1;
      sums[at0 + SUM.hash1]! += reader.content1;
      sums[at0 + SUM.hash2]! += reader.content2;
      sums[at0 + SUM.records]! += 1;
    },
    async () => {},
  );
  return reading.outcome(undefined);
}

/** A growing list of entries of one size. */
class EntryList {
  readonly #size: number;
  #numbers: Float64Array;
  #count = 0;

  constructor(size: number) {
    this.#size = size;
    this.#numbers = new Float64Array(size * 256);
  }

  /** @returns index of a new entry's first number in {@link numbers} */
  add(): number {
    const at = this.#count++ * this.#size;
    if (at + this.#size > this.#numbers.length) {
      const grown = new Float64Array(this.#numbers.length * 2);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    return at;
  }

  get numbers(): Float64Array {
    return this.#numbers;
  }

  take(): Float64Array {
    return this.#numbers.slice(0, this.#count * this.#size);
  }
}

function newLookup(client: pg.Client, job: VerifyJob): Pick<KeyLookup, 'compare'> {
  return job.versions === undefined
    ? new KeyLookup(client, job)
    : new VersionLookup(client, job, job.versions);
}

async function listFile(
  client: pg.Client,
  { job, ranges, wanted, looksUp }: Extract<VerifyTask, { kind: 'list-file' }>,
): Promise<FileOutcome> {
  const { shape, promoted, seed, bucketBits } = job;
  const reader = new RowReader(shape, 'file', new Set(promoted), seed);
  const lookup = looksUp ? newLookup(client, job) : undefined;
  const reading = new RangeReading(client, job, ranges);
  const entries = new EntryList(FILE_ENTRY.size);
  let pending: { at: number; fields: CanonicalFields }[] = [];
  const lookUp = async () => {
    const batch = pending;
    pending = [];
    for (let from = 0; from < batch.length; from += LOOKUP_RECORDS) {
      assertGoing(job);
      const part = batch.slice(from, from + LOOKUP_RECORDS);
      const found = await lookup!.compare(part.map(({ fields }) => fields));
      for (const [i, { status, holder }] of found.entries()) {
        entries.numbers[part[i]!.at + FILE_ENTRY.status] = status;
        entries.numbers[part[i]!.at + FILE_ENTRY.holder] = holder;
      }
    }
  };
  await reading.read(
    ({ bytes, view, at, byteOffset, line }) => {
      reader.read(bytes, view, at);
      if (wanted[bucketOf(reader.key1, bucketBits)] === 0) return;
      const entry = entries.add();
      const { numbers } = entries;
      numbers[entry + FILE_ENTRY.byteOffset] = byteOffset;
      numbers[entry + FILE_ENTRY.line] = reading.lineOf(line);
      numbers[entry + FILE_ENTRY.key1] = reader.key1;
      numbers[entry + FILE_ENTRY.key2] = reader.key2;
      numbers[entry + FILE_ENTRY.content1] = reader.content1;
      numbers[entry + FILE_ENTRY.content2] = reader.content2;
      numbers[entry + FILE_ENTRY.status] = STATUS.notLookedUp;
      numbers[entry + FILE_ENTRY.holder] = -1;
      if (lookup !== undefined) pending.push({ at: entry, fields: copyFields(reader, bytes, at) });
    },
    async () => {
      if (pending.length >= LOOKUP_RECORDS) await lookUp();
    },
  );
  await lookUp();
  return reading.outcome(entries.take());
}

/** Length of the place of a record behind the compared columns of a row, where there is one. */
const PLACE_BYTES = 12;

/**
 * The rows of this load between two blocks of the table, or of each of its partitions.
 *
 * @param extraColumns SQL that follows the compared columns
 */
function rangeQuery(
  { shape, table, lineageColumn, loadId, versions }: VerifyJob,
  fromBlock: number,
  toBlock: number | undefined,
  extraColumns: string,
): string {
  const columns = quoteColumns(shape.columns.map(({ name }) => name));
  const place = versions === undefined ? '' : `, ${versions.offset}`;
  const conditions = [
    `ctid >= '(${fromBlock},0)'::tid`,
    ...(toBlock === undefined ? [] : [`ctid < '(${toBlock},0)'::tid`]),
    ...(lineageColumn === undefined ? [] : [`${quoteIdentifier(lineageColumn)} = ${loadId}`]),
    ...(versions?.ended === undefined ? [] : [`NOT ${versions.ended}`]),
  ];
  return `SELECT ${columns}${place}${extraColumns} FROM ${table} WHERE ${conditions.join(' AND ')}`;
}

const BLOCK_KILOBYTES = 8;

async function visitTable(
  client: pg.Client,
  { job, fromBlock, toBlock }: { job: VerifyJob; fromBlock: number; toBlock: number | undefined },
  extraColumns: string,
  visit: (bytes: Buffer, view: DataView, at: number) => void,
): Promise<number> {
  let rows = 0;
  await copyRows(client, rangeQuery(job, fromBlock, toBlock, extraColumns), (bytes, view, at) => {
    if (++rows % CHECK_ROWS === 0) {
      assertGoing(job);
      Atomics.add(job.progress, 2, CHECK_ROWS);
    }
    visit(bytes, view, at);
  });
  Atomics.add(job.progress, 2, rows % CHECK_ROWS);
  if (toBlock !== undefined) {
    Atomics.add(job.progress, 3, (toBlock - fromBlock) * BLOCK_KILOBYTES);
  }
  return rows;
}

async function sumTable(
  client: pg.Client,
  task: Extract<VerifyTask, { kind: 'sum-table' }>,
): Promise<TableOutcome> {
  const { job, sums } = task;
  const { bucketBits } = job;
  const reader = new RowReader(job.shape, 'table', new Set(job.promoted), job.seed);
  const rows = await visitTable(client, task, '', (bytes, view, at) => {
    reader.read(bytes, view, at);
    const at0 = bucketOf(reader.key1, bucketBits) * SUM.size;
    if (job.versions !== undefined) reader.mixPlace(Number(view.getBigInt64(reader.end + 4)));
    sums[at0 + SUM.difference]! -= 1;
    sums[at0 + SUM.hash1]! -= reader.content1;
    sums[at0 + SUM.hash2]! -= reader.content2;
    sums[at0 + SUM.rows]! += 1;
  });
  return { kind: 'table', rows, entries: undefined };
}

async function listTable(
  client: pg.Client,
  task: Extract<VerifyTask, { kind: 'list-table' }>,
): Promise<TableOutcome> {
  const { job, wanted, inFile } = task;
  const { bucketBits } = job;
  const reader = new RowReader(job.shape, 'table', new Set(job.promoted), job.seed);
  const entries = new EntryList(TABLE_ENTRY.size);
  const rows = await visitTable(client, task, ', ctid, tableoid', (bytes, view, at) => {
    reader.read(bytes, view, at);
    if (wanted[bucketOf(reader.key1, bucketBits)] === 0) return;
    if (inFile !== undefined && !hasBit(inFile, reader.content2)) return;
    const entry = entries.add();
    const { numbers } = entries;
    numbers[entry + TABLE_ENTRY.key1] = reader.key1;
    numbers[entry + TABLE_ENTRY.key2] = reader.key2;
    numbers[entry + TABLE_ENTRY.content1] = reader.content1;
    numbers[entry + TABLE_ENTRY.content2] = reader.content2;
    let { end } = reader;
    if (job.versions !== undefined) {
      numbers[entry + TABLE_ENTRY.byteOffset] = Number(view.getBigInt64(end + 4));
      end += PLACE_BYTES;
    }
    // A ctid is six bytes behind its length, an oid four.
    numbers[entry + TABLE_ENTRY.block] = view.getUint32(end + 4);
    numbers[entry + TABLE_ENTRY.item] = view.getUint16(end + 8);
    numbers[entry + TABLE_ENTRY.table] = view.getUint32(end + 14);
  });
  return { kind: 'table', rows, entries: entries.take() };
}

function hasBit(bits: Uint8Array, hash: number): boolean {
  const bit = hash % (bits.length * 8);
  return ((bits[bit >>> 3]! >>> (bit & 7)) & 1) === 1;
}

countStart();
