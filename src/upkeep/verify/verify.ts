/**
 * A verification: prepare → sum both sides by bucket → list what differs → resolve → describe.
 *
 * File and table are each read once, in parallel, by the pool's threads; every record and every row
 * is hashed and added to its bucket, records up and rows down. Buckets that end at nothing hold the same
 * on both sides. Of the others, mostly few, the records and rows are listed, as many buckets at a time
 * as memory is meant for, and looked at one by one (resolve.ts). So memory depends neither on the size of
 * the file nor on that of the table, nor on how much differs.
 */
import { randomBytes } from 'node:crypto';
import type { Piscina } from 'piscina';
import { compileAssembly } from '../../base/assembly.js';
import { EdpError, fromErrorData } from '../../base/errors.js';
import { withThreads } from '../../base/threads.js';
import { type LoadSummary, openLedger } from '../../ledger/ledger-queries.js';
import type { WorkerData } from '../../load/load-pool.js';
import type { OnConflict } from '../../model/load-rules.js';
import { withClient } from '../../postgres/connection.js';
import type { Database } from '../../postgres/database.js';
import { withSpool } from '../../source/spool.js';
import { type DescribedDifference, Describer } from './describe-difference.js';
import { type DifferenceKind, Differences } from './difference.js';
import { listRejectHashes } from './known-rejects.js';
import {
  cutFile,
  findSubject,
  findUncovered,
  type Moment,
  rangesOfReceipts,
  type Subject,
  type VerifyRequest,
  withMoment,
} from './prepare-verify.js';
import { type Rules, resolveKeyed, resolveKeyless, type Tally } from './resolve.js';
import {
  FILE_ENTRY,
  type FileOutcome,
  type FileRange,
  SUM,
  type TableOutcome,
  type VerifyJob,
  type VerifyOutcome,
  type VerifyTask,
} from './verify-task.js';

export interface VerifyOptions extends VerifyRequest {
  readonly processCount: number;
  /** Differences described at the most. */
  readonly limit: number;
}

/** A split in which something differs. */
export interface DifferingSplit {
  readonly startByte: number;
  readonly endByte: number;
  readonly firstLine: number;
  readonly lastLine: number;
  readonly counts: Readonly<Partial<Record<DifferenceKind, number>>>;
}

export interface VerifyResult {
  readonly load: LoadSummary;
  /** As the user or the ledger names the file. */
  readonly path: string;
  /** Whether its content is what was loaded. */
  readonly isSameContent: boolean;
  readonly hasKey: boolean;
  readonly hasLineage: boolean;
  readonly splitCount: number;
  readonly seconds: number;
  readonly records: number;
  /** Of the load, in the table. */
  readonly rows: number;
  readonly rejects: number;
  /** Rows of this load that a later one replaced, as it was told to. */
  readonly superseded: number;
  /** Later loads that replaced rows, where rows do not tell whose they are. */
  readonly laterUpdates: readonly number[];
  readonly counts: Readonly<Partial<Record<DifferenceKind, number>>>;
  readonly splits: readonly DifferingSplit[];
  /** The first ones. */
  readonly differences: readonly DescribedDifference[];
}

export interface VerifyProgress {
  start(totalBytes: number): void;
  /** Totals so far. */
  update(bytes: number, rows: number): void;
}

/** Entries of records and rows that are held at once. */
const MAX_ENTRIES = 2_000_000;
/** Records per bucket, about. */
const RECORDS_PER_BUCKET = 8;
const MIN_BUCKET_BITS = 10;
const MAX_BUCKET_BITS = 20;
/** Tasks per worker and side: enough that none waits long for the last. */
const TASKS_PER_WORKER = 8;
const MIN_TASK_BYTES = 1024 * 1024;
const MAX_TASK_BYTES = 64 * 1024 * 1024;
const MIN_TASK_BLOCKS = 64;
/** Less than this, in file and table together, is for one worker. */
const BYTES_FOR_ONE = 4 * 1024 * 1024;
const BLOCK_BYTES = 8192;
const PROGRESS_INTERVAL_MS = 125;
/** JSON may be nested as deep as the server allows. */
const STACK_MEGABYTES = 16;

export async function verify(
  database: Database,
  options: VerifyOptions,
  progress: VerifyProgress,
  signal: AbortSignal,
): Promise<VerifyResult> {
  const startedAt = performance.now();
  return withSpool(options.directory, async (spool) => {
    const subject = await withClient(database.client, 'verify', async (client) => {
      await openLedger(client);
      return findSubject(client, options, spool, signal);
    });
    return withMoment(database.client, subject, async (moment) => {
      const run = new Verification(database, subject, moment, options, progress);
      return run.execute(startedAt, signal);
    });
  });
}

type VerifyPool = Piscina<VerifyTask, VerifyOutcome>;

class Verification {
  readonly #subject: Subject;
  readonly #moment: Moment;
  readonly #options: VerifyOptions;
  readonly #progress: VerifyProgress;
  readonly #differences: Differences;
  readonly #splits: readonly FileRange[];
  readonly #database: Database;
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #counters = new Int32Array(new SharedArrayBuffer(16));
  readonly #tally: Tally = {
    ownRows: 0,
    maybeOurs: 0,
    superseded: 0,
    missing: 0,
  };
  #records = 0;
  #rejects = 0;
  #rows = 0;

  constructor(
    database: Database,
    subject: Subject,
    moment: Moment,
    options: VerifyOptions,
    progress: VerifyProgress,
  ) {
    this.#database = database;
    this.#subject = subject;
    this.#moment = moment;
    this.#options = options;
    this.#progress = progress;
    this.#splits = subject.isSameContent ? rangesOfReceipts(moment) : [];
    this.#differences = new Differences(options.limit, (byteOffset) =>
      rangeAt(this.#splits, byteOffset),
    );
  }

  async execute(startedAt: number, signal: AbortSignal): Promise<VerifyResult> {
    const onAbort = () => Atomics.store(this.#stop, 0, 1);
    signal.addEventListener('abort', onAbort, { once: true });
    const timer = setInterval(() => this.#tellProgress(), PROGRESS_INTERVAL_MS);
    timer.unref();
    const data: WorkerData = { lane: await compileAssembly('byte-lane') };
    const threads = {
      // They start when there is work for them.
      minThreads: 0,
      maxThreads: this.#processCount,
      data,
      resourceLimits: { maxYoungGenerationSizeMb: 8, stackSizeMb: STACK_MEGABYTES },
    };
    try {
      return await withThreads('upkeep/verify/verify-worker', threads, async (pool: VerifyPool) => {
        if (signal.aborted) onAbort();
        await this.#compare(pool);
        this.#tellProgress();
        return this.#conclude(startedAt);
      });
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** A thread takes longer to start than a small file to read. */
  get #processCount(): number {
    const bytes = this.#subject.file.size + this.#moment.blocks * BLOCK_BYTES;
    return bytes < BYTES_FOR_ONE ? 1 : this.#options.processCount;
  }

  #tellProgress(): void {
    const [fileRows, fileKilobytes, tableRows, tableKilobytes] = [0, 1, 2, 3].map(
      (index) => Atomics.load(this.#counters, index) >>> 0,
    ) as [number, number, number, number];
    this.#progress.update((fileKilobytes + tableKilobytes) * 1024, fileRows + tableRows);
  }

  get #hasKey(): boolean {
    return this.#subject.shape.key.length > 0;
  }

  get #hasLineage(): boolean {
    return this.#subject.table.lineageColumn !== undefined;
  }

  async #compare(pool: VerifyPool): Promise<void> {
    const subject = this.#subject;
    const moment = this.#moment;
    const { plan, isSameContent } = subject;
    if (isSameContent) {
      for (const { start, end, firstLine } of findUncovered(subject, moment)) {
        const detail = `bytes ${start} to ${end}`;
        this.#differences.add({ kind: 'not_covered', byteOffset: start, line: firstLine, detail });
      }
    }
    if (plan === undefined) return;
    const ranges = isSameContent ? this.#splits : await cutFile(subject);
    const job = await this.#makeJob(plan);
    const bytes = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    const readsTable = this.#hasLineage || !this.#hasKey;
    this.#progress.start(bytes + (readsTable ? moment.blocks * BLOCK_BYTES : 0));
    if (!readsTable) await this.#compareByKey(pool, job, ranges, bytes);
    else await this.#compareBySums(pool, job, ranges, bytes);
    if (this.#hasKey && this.#hasLineage && isSameContent) this.#compareCounts();
  }

  async #makeJob(plan: NonNullable<Subject['plan']>): Promise<VerifyJob> {
    const { load, file, layout, shape, target, table, promoted, isSameContent } = this.#subject;
    const expected = Math.max(load.rows.read, 1);
    const bits = Math.ceil(Math.log2(expected / RECORDS_PER_BUCKET));
    return {
      database: this.#database.client,
      snapshot: this.#moment.snapshot,
      source: { file, recordForm: layout.recordForm, plan, loadId: load.loadId },
      shape,
      promoted,
      seed: { first: randomBytes(4).readInt32LE(), second: randomBytes(4).readInt32LE() },
      bucketBits: Math.min(MAX_BUCKET_BITS, Math.max(MIN_BUCKET_BITS, bits)),
      table: target.table,
      lineageColumn: table.lineageColumn,
      loadId: load.loadId,
      rejectHashes: isSameContent
        ? undefined
        : await listRejectHashes(this.#moment.client, load.loadId),
      stop: this.#stop,
      progress: this.#counters,
    };
  }

  /** Where rows tell their load, or have no key: everything is summed, and what differs looked at. */
  async #compareBySums(
    pool: VerifyPool,
    job: VerifyJob,
    ranges: readonly FileRange[],
    bytes: number,
  ): Promise<void> {
    const buckets = 2 ** job.bucketBits;
    const slots = Array.from(
      { length: this.#processCount },
      () => new Uint32Array(new SharedArrayBuffer(buckets * SUM.size * 4)),
    );
    const fileTasks = this.#fileTasks(ranges, bytes);
    const tableTasks = this.#tableTasks();
    const tasks = interleave(
      fileTasks.map((part) => (sums: Uint32Array): VerifyTask => {
        return { job, kind: 'sum-file', ranges: part, sums };
      }),
      tableTasks.map((part) => (sums: Uint32Array): VerifyTask => {
        return { job, kind: 'sum-table', ...part, sums };
      }),
    );
    for (const outcome of await this.#runAll(pool, tasks, slots)) this.#count(outcome);
    const sums = addUp(slots);
    if (this.#hasKey) this.#tally.ownRows += rowsOfEqualBuckets(sums, buckets);
    await this.#resolveRounds(pool, job, fileTasks, tableTasks, sums, buckets);
  }

  async #resolveRounds(
    pool: VerifyPool,
    job: VerifyJob,
    fileTasks: readonly FileRange[][],
    tableTasks: readonly BlockRange[],
    sums: Uint32Array,
    buckets: number,
  ): Promise<void> {
    // Rows that are nobody's in particular are only of interest where they equal a record.
    const isOpen = !this.#hasKey && !this.#hasLineage;
    for (const wanted of planRounds(sums, buckets, isOpen)) {
      const records = await this.#listFile(pool, job, fileTasks, wanted, this.#hasKey);
      const inFile = isOpen ? bitsOf(records) : undefined;
      const listed = await this.#runAll(
        pool,
        tableTasks.map((part) => (): VerifyTask => {
          return { job, kind: 'list-table', ...part, wanted, inFile };
        }),
      );
      const rows = entriesOf(listed);
      if (this.#hasKey) {
        resolveKeyed(records, rows, this.#rules(), this.#tally, this.#differences);
      } else {
        resolveKeyless(records, rows, this.#hasLineage, this.#differences);
      }
    }
  }

  async #listFile(
    pool: VerifyPool,
    job: VerifyJob,
    fileTasks: readonly FileRange[][],
    wanted: Uint8Array,
    looksUp: boolean,
    counts = false,
  ): Promise<Float64Array[]> {
    const outcomes = await this.#runAll(
      pool,
      fileTasks.map((ranges) => (): VerifyTask => {
        return { job, kind: 'list-file', ranges, wanted, looksUp };
      }),
    );
    if (counts) for (const outcome of outcomes) this.#count(outcome);
    return entriesOf(outcomes);
  }

  /** Where rows do not tell their load, each record is held against the row with its key. */
  async #compareByKey(
    pool: VerifyPool,
    job: VerifyJob,
    ranges: readonly FileRange[],
    bytes: number,
  ): Promise<void> {
    const fileTasks = this.#fileTasks(ranges, bytes);
    const buckets = 2 ** job.bucketBits;
    const rounds = Math.ceil(Math.max(1, this.#subject.load.rows.read) / MAX_ENTRIES);
    for (let round = 0; round < rounds; round++) {
      const wanted = new Uint8Array(new SharedArrayBuffer(buckets));
      for (let bucket = round; bucket < buckets; bucket += rounds) wanted[bucket] = 1;
      const records = await this.#listFile(pool, job, fileTasks, wanted, true, round === 0);
      resolveKeyed(records, [], this.#rules(), this.#tally, this.#differences);
    }
    this.#rows = this.#tally.ownRows;
  }

  #rules(): Rules {
    const { receipts, laterUpdates } = this.#moment;
    // A file of other content has no receipts: then the most that any of them allows.
    const modes = new Set(receipts.map(({ onConflict }) => onConflict));
    const common: OnConflict = modes.has('update')
      ? 'update'
      : modes.has('skip')
        ? 'skip'
        : 'reject';
    const receiptAt = (byteOffset: number) =>
      this.#splits[rangeAt(this.#splits, byteOffset)]?.receipt;
    return {
      hasLineage: this.#hasLineage,
      onConflictAt: (byteOffset) => receiptAt(byteOffset)?.onConflict ?? common,
      mayBeDuplicate: (byteOffset) => receiptAt(byteOffset)?.rowsDuplicate !== 0,
      isLaterUpdate: (holder) => laterUpdates.has(holder),
    };
  }

  #fileTasks(ranges: readonly FileRange[], bytes: number): FileRange[][] {
    const share = bytes / (this.#processCount * TASKS_PER_WORKER);
    const wanted = Math.min(MAX_TASK_BYTES, Math.max(MIN_TASK_BYTES, share));
    const tasks: FileRange[][] = [];
    let size = Number.POSITIVE_INFINITY;
    for (const range of ranges) {
      if (size >= wanted) {
        tasks.push([]);
        size = 0;
      }
      tasks.at(-1)!.push(range);
      size += range.end - range.start;
    }
    return tasks;
  }

  #tableTasks(): BlockRange[] {
    const { blocks } = this.#moment;
    const wanted = this.#processCount * TASKS_PER_WORKER;
    const step = Math.max(MIN_TASK_BLOCKS, Math.ceil(blocks / wanted));
    const tasks: BlockRange[] = [];
    for (let fromBlock = 0; fromBlock < blocks; fromBlock += step) {
      const isLast = fromBlock + step >= blocks;
      tasks.push({ fromBlock, toBlock: isLast ? undefined : fromBlock + step });
    }
    return tasks;
  }

  /** Runs tasks, as many at once as there are workers; each has a slot of its own while it runs. */
  async #runAll(
    pool: VerifyPool,
    tasks: readonly ((slot: Uint32Array) => VerifyTask)[],
    slots: readonly Uint32Array[] = [],
  ): Promise<(FileOutcome | TableOutcome)[]> {
    const outcomes: (FileOutcome | TableOutcome)[] = [];
    const queue = tasks.entries();
    const none = new Uint32Array(0);
    const work = async (slot: Uint32Array) => {
      for (const [index, makeTask] of queue) {
        const outcome = await pool.run(makeTask(slot));
        if (outcome.kind === 'failed') {
          Atomics.store(this.#stop, 0, 1);
          throw fromErrorData(outcome.error);
        }
        outcomes[index] = outcome;
      }
    };
    const workers = Array.from({ length: this.#processCount }, (_, i) => slots[i] ?? none);
    const ends = await Promise.allSettled(workers.map(work));
    // Of several failures the first was the cause; those after it were told to stop.
    const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    const cause = failures.find(
      (error) => !(error instanceof EdpError && error.code === 'interrupted'),
    );
    if (failures.length > 0) throw cause ?? failures[0];
    return outcomes;
  }

  #count(outcome: FileOutcome | TableOutcome): void {
    if (outcome.kind === 'table') {
      this.#rows += outcome.rows;
      return;
    }
    this.#records += outcome.records;
    this.#rejects += outcome.rejects;
    const listed = new Map<string, number>();
    for (const { kind, byteOffset, line, detail } of outcome.faults) {
      this.#differences.add({
        kind,
        byteOffset,
        detail,
        ...(line === undefined ? {} : { line }),
      });
      listed.set(kind, (listed.get(kind) ?? 0) + 1);
    }
    for (const [kind, count] of Object.entries(outcome.faultCounts)) {
      const more = count - (listed.get(kind) ?? 0);
      const last = outcome.faults.findLast((fault) => fault.kind === kind);
      const place = last ?? outcome.faults.at(-1);
      if (more === 0 || place === undefined) continue;
      this.#differences.add(
        { kind: kind as DifferenceKind, byteOffset: place.byteOffset, detail: 'and others' },
        more,
      );
    }
  }

  /** Rows may carry this load's number that another brought, or the other way round. */
  #compareCounts(): void {
    const { load, receipts } = this.#moment;
    if (receipts.some(({ onConflict }) => onConflict === 'update')) return;
    const { ownRows, superseded, missing, maybeOurs } = this.#tally;
    const { loaded } = load.rows;
    const atMost = ownRows + superseded + missing + maybeOurs;
    if (loaded >= ownRows && loaded <= atMost) return;
    const detail =
      loaded < ownRows
        ? `${ownRows} rows of the load are in the table, ${loaded} were loaded by the ledger: ${ownRows - loaded} carry its number that another brought`
        : `${atMost} rows of the load are accounted for, ${loaded} were loaded by the ledger: ${loaded - atMost} carry another's number by now`;
    this.#differences.add({ kind: 'counts_differ', detail });
  }

  async #conclude(startedAt: number): Promise<VerifyResult> {
    const { load, laterUpdates } = this.#moment;
    const describer = new Describer(this.#moment.client, this.#subject, this.#moment);
    const differences: DescribedDifference[] = [];
    for (const found of this.#differences.listed) differences.push(await describer.describe(found));
    return {
      load,
      path: this.#subject.name,
      isSameContent: this.#subject.isSameContent,
      hasKey: this.#hasKey,
      hasLineage: this.#hasLineage,
      splitCount: this.#moment.receipts.length,
      seconds: (performance.now() - startedAt) / 1000,
      records: this.#records,
      rows: this.#rows,
      rejects: this.#rejects,
      superseded: this.#tally.superseded,
      laterUpdates: this.#hasLineage ? [] : [...laterUpdates],
      counts: Object.fromEntries(this.#differences.counts),
      splits: this.#differences.splits.map(({ split, counts }) => {
        const { start, end, firstLine, lineCount } = this.#moment.receipts[split]!;
        return {
          startByte: start,
          endByte: end,
          firstLine,
          lastLine: firstLine + Math.max(0, lineCount - 1),
          counts: Object.fromEntries(counts),
        };
      }),
      differences,
    };
  }
}

interface BlockRange {
  readonly fromBlock: number;
  readonly toBlock: number | undefined;
}

/** Index of the range that a place belongs to, or -1. */
function rangeAt(ranges: readonly FileRange[], byteOffset: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle]!.start <= byteOffset) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low - 1];
  return range !== undefined && byteOffset < range.end ? low - 1 : -1;
}

function interleave<T>(a: readonly T[], b: readonly T[]): T[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => [
    ...a.slice(i, i + 1),
    ...b.slice(i, i + 1),
  ]).flat();
}

function entriesOf(outcomes: readonly (FileOutcome | TableOutcome)[]): Float64Array[] {
  return outcomes.flatMap(({ entries }) => (entries === undefined ? [] : [entries]));
}

function addUp(slots: readonly Uint32Array[]): Uint32Array {
  const sums = slots[0]!;
  for (const slot of slots.slice(1)) {
    for (let i = 0; i < sums.length; i++) sums[i]! += slot[i]!;
  }
  return sums;
}

function hasDifference(sums: Uint32Array, bucket: number): boolean {
  const at = bucket * SUM.size;
  return (sums[at + SUM.difference]! | sums[at + SUM.hash1]! | sums[at + SUM.hash2]!) !== 0;
}

function rowsOfEqualBuckets(sums: Uint32Array, buckets: number): number {
  let rows = 0;
  for (let bucket = 0; bucket < buckets; bucket++) {
    if (!hasDifference(sums, bucket)) rows += sums[bucket * SUM.size + SUM.rows]!;
  }
  return rows;
}

/**
 * Buckets that differ, as many at a time as memory is meant for.
 *
 * @param isOpen whether only buckets with records count, and only the records in them
 */
function* planRounds(sums: Uint32Array, buckets: number, isOpen: boolean): Generator<Uint8Array> {
  let wanted = new Uint8Array(new SharedArrayBuffer(buckets));
  let entries = 0;
  for (let bucket = 0; bucket < buckets; bucket++) {
    const at = bucket * SUM.size;
    const records = sums[at + SUM.records]!;
    if (!hasDifference(sums, bucket) || (isOpen && records === 0)) continue;
    const size = records + (isOpen ? 0 : sums[at + SUM.rows]!);
    if (entries > 0 && entries + size > MAX_ENTRIES) {
      yield wanted;
      wanted = new Uint8Array(new SharedArrayBuffer(buckets));
      entries = 0;
    }
    wanted[bucket] = 1;
    entries += size;
  }
  if (entries > 0) yield wanted;
}

/** 16 MB: a hundredth of the rows of others pass, beside those that equal a record. */
const BITS_BYTES = 2 ** 24;

function bitsOf(records: readonly Float64Array[]): Uint8Array {
  const bits = new Uint8Array(new SharedArrayBuffer(BITS_BYTES));
  for (const entries of records) {
    for (let at = 0; at < entries.length; at += FILE_ENTRY.size) {
      const bit = entries[at + FILE_ENTRY.content2]! % (BITS_BYTES * 8);
      bits[bit >>> 3]! |= 1 << (bit & 7);
    }
  }
  return bits;
}
