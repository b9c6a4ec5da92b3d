/**
 * A verification: prepare → sum both sides by bucket → list what differs → resolve → describe.
 *
 * The pool's threads read file and table once each, in parallel. Every record and every row is
 * hashed; hashes of records are added to a bucket, those of rows are subtracted. Buckets that end
 * at zero hold the same on both sides. In the others, mostly few, the records and rows are listed,
 * as many buckets at a time as memory is meant for, and examined one by one (resolve.ts). So memory
 * depends neither on the size of the file or the table, nor on how much differs.
 */
import { randomBytes } from 'node:crypto';
import type { Piscina } from 'piscina';
import { compileAssembly } from '../../base/assembly.js';
import { EdpError, fromErrorData } from '../../base/errors.js';
import { withThreads } from '../../base/threads.js';
import { type LoadSummary, openLedger } from '../../ledger/ledger-queries.js';
import type { WorkerData } from '../../load/load-pool.js';
import { quoteIdentifier } from '../../model/ddl.js';
import type { Format } from '../../model/file-settings.js';
import { versionColumns } from '../../model/kept-versions.js';
import { CONFLICT_RULES, mostLenient } from '../../model/load-rules.js';
import type { Table } from '../../model/model.js';
import { withClient } from '../../postgres/connection.js';
import type { Database } from '../../postgres/database.js';
import { withSpool } from '../../source/spool.js';
import { compareEnds } from './compare-ends.js';
import { type DescribedDifference, Describer } from './describe-difference.js';
import { type DifferenceKind, Differences } from './difference.js';
import { listRejectHashes } from './known-rejects.js';
import {
  cutFile,
  findSubject,
  findUncovered,
  rangesOfReceipts,
  type Snapshot,
  type VerifyRequest,
  type VerifySubject,
  withSnapshot,
} from './prepare-verify.js';
import { type KeyedTally, type Rules, resolveKeyed, resolveKeyless } from './resolve.js';
import { resolveVersions } from './resolve-versions.js';
import {
  FILE_ENTRY,
  type FileOutcome,
  type FileRange,
  SUM,
  type TableOutcome,
  type VerifyJob,
  type VerifyOutcome,
  type VerifyTask,
  type VersionColumns,
} from './verify-task.js';

export interface VerifyOptions extends VerifyRequest {
  readonly processCount: number;
  /** Maximum number of differences described. */
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
  /** Name of the file as given by the user or the ledger. */
  readonly path: string;
  /** Whether its content is the content that was loaded. */
  readonly isSameContent: boolean;
  readonly hasKey: boolean;
  readonly hasLineage: boolean;
  readonly splitCount: number;
  readonly seconds: number;
  readonly records: number;
  /** Rows of the load in the table. */
  readonly rows: number;
  readonly rejects: number;
  /** Rows of this load that a later load replaced, as its rule specified. */
  readonly superseded: number;
  /** Later loads that replaced rows, where the rows do not show which load they belong to. */
  readonly laterUpdates: readonly number[];
  /** Loads that were undone since, where records of this one that were duplicates have no row. */
  readonly undoneSince: readonly number[];
  /** Of the file. */
  readonly format: Format;
  /** Columns that are not compared, because only the server can compare their values. */
  readonly uncompared: readonly string[];
  readonly counts: Readonly<Partial<Record<DifferenceKind, number>>>;
  readonly splits: readonly DifferingSplit[];
  /** The first differences. */
  readonly differences: readonly DescribedDifference[];
}

export interface VerifyProgress {
  start(totalBytes: number): void;
  /** @param bytes,rows totals so far */
  update(bytes: number, rows: number): void;
  /** Something the user should know meanwhile. */
  note(text: string): void;
}

/** Maximum number of records and rows held at once. */
const MAX_ENTRIES = 2_000_000;
/** Approximate number of records per bucket. */
const RECORDS_PER_BUCKET = 8;
const MIN_BUCKET_BITS = 10;
const MAX_BUCKET_BITS = 20;
/** Tasks per worker and side: enough that no worker waits long for the last one. */
const TASKS_PER_WORKER = 8;
const MIN_TASK_BYTES = 1024 * 1024;
const MAX_TASK_BYTES = 64 * 1024 * 1024;
const MIN_TASK_BLOCKS = 64;
/** If file and table together have less than this, one worker is enough. */
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
      const note = (text: string) => progress.note(text);
      return findSubject(client, options, spool, { note, signal });
    });
    return withSnapshot(database.client, subject, async (snapshot) => {
      const run = new Verification(database, subject, snapshot, options, progress);
      return run.execute(startedAt, signal);
    });
  });
}

type VerifyPool = Piscina<VerifyTask, VerifyOutcome>;

class Verification {
  readonly #subject: VerifySubject;
  readonly #snapshot: Snapshot;
  readonly #options: VerifyOptions;
  readonly #progress: VerifyProgress;
  readonly #differences: Differences;
  readonly #splits: readonly FileRange[];
  readonly #database: Database;
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #counters = new Int32Array(new SharedArrayBuffer(16));
  readonly #tally: KeyedTally = {
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
    subject: VerifySubject,
    snapshot: Snapshot,
    options: VerifyOptions,
    progress: VerifyProgress,
  ) {
    this.#database = database;
    this.#subject = subject;
    this.#snapshot = snapshot;
    this.#options = options;
    this.#progress = progress;
    this.#splits = subject.isSameContent ? rangesOfReceipts(snapshot) : [];
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
      // Threads start when there is work for them.
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

  /** Starting a thread takes longer than reading a small file. */
  get #processCount(): number {
    const bytes = this.#subject.file.size + this.#snapshot.blocks * BLOCK_BYTES;
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
    const snapshot = this.#snapshot;
    const { plan, isSameContent } = subject;
    if (isSameContent) {
      const uncovered = findUncovered(subject, snapshot);
      for (const { start, end, firstLine } of uncovered) {
        const detail = `bytes ${start} to ${end}`;
        this.#differences.add({ kind: 'not_covered', byteOffset: start, line: firstLine, detail });
      }
      for (const found of await compareEnds(subject, snapshot, uncovered.length === 0))
        this.#differences.add(found);
    }
    if (plan === undefined) return;
    const ranges = isSameContent ? this.#splits : await cutFile(subject);
    const job = await this.#makeJob(plan);
    const bytes = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    const readsTable = this.#hasLineage || !this.#hasKey;
    this.#progress.start(bytes + (readsTable ? snapshot.blocks * BLOCK_BYTES : 0));
    if (!readsTable) await this.#compareByKey(pool, job, ranges, bytes);
    else await this.#compareBySums(pool, job, ranges, bytes);
    if (this.#hasKey && this.#hasLineage && isSameContent) this.#compareCounts();
    if (job.versions?.ended !== undefined) await this.#compareEnded(job.versions.ended);
  }

  async #makeJob(plan: NonNullable<VerifySubject['plan']>): Promise<VerifyJob> {
    const { load, file, layout, shape, target, table, promoted, isSameContent } = this.#subject;
    const expected = Math.max(load.rows.read, 1);
    const bits = Math.ceil(Math.log2(expected / RECORDS_PER_BUCKET));
    return {
      database: this.#database.client,
      snapshotId: this.#snapshot.snapshotId,
      source: { file, recordForm: layout.recordForm, plan, loadId: load.loadId },
      shape,
      promoted,
      seed: { first: randomBytes(4).readInt32LE(), second: randomBytes(4).readInt32LE() },
      bucketBits: Math.min(MAX_BUCKET_BITS, Math.max(MIN_BUCKET_BITS, bits)),
      table: target.table,
      lineageColumn: table.lineageColumn,
      loadId: load.loadId,
      versions: versionsOf(table),
      rejectHashes: isSameContent
        ? undefined
        : await listRejectHashes(this.#snapshot.client, load.loadId),
      stop: this.#stop,
      progress: this.#counters,
    };
  }

  /**
   * Used where rows show their load, or have no key: sums everything, and examines what differs.
   */
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
    // Rows that may belong to any load matter only where they equal a record.
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
      if (job.versions !== undefined) {
        resolveVersions(records, rows, this.#rules(), this.#tally, this.#differences);
      } else if (this.#hasKey) {
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

  /** Used where rows do not show their load: compares each record with the row that has its key. */
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
    const { receipts, laterUpdates } = this.#snapshot;
    // A file of other content has no receipts: then the most that any of them allows.
    const common = mostLenient(receipts.map(({ onConflict }) => onConflict));
    const receiptAt = (byteOffset: number) =>
      this.#splits[rangeAt(this.#splits, byteOffset)]?.receipt;
    return {
      hasLineage: this.#hasLineage,
      ruleAt: (byteOffset) => CONFLICT_RULES[receiptAt(byteOffset)?.onConflict ?? common],
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
    const { blocks } = this.#snapshot;
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
    // Of several failures the first was the cause; it stopped the others.
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
      const unlisted = count - (listed.get(kind) ?? 0);
      const last = outcome.faults.findLast((fault) => fault.kind === kind);
      const place = last ?? outcome.faults.at(-1);
      if (unlisted === 0 || place === undefined) continue;
      this.#differences.add(
        { kind: kind as DifferenceKind, byteOffset: place.byteOffset, detail: 'and others' },
        unlisted,
      );
    }
  }

  /**
   * Checks whether rows with this load's number came from elsewhere, or its rows now carry another
   * number.
   */
  #compareCounts(): void {
    const { load, receipts } = this.#snapshot;
    if (receipts.some(({ onConflict }) => CONFLICT_RULES[onConflict].replacesRow)) return;
    const { ownRows, superseded, missing, maybeOurs } = this.#tally;
    const { loaded } = load.rows;
    const atMost = ownRows + superseded + missing + maybeOurs;
    if (loaded >= ownRows && loaded <= atMost) return;
    const detail =
      loaded < ownRows
        ? `${ownRows} rows of the load are in the table, but the ledger counts ${loaded} as loaded: ${ownRows - loaded} with its number came from elsewhere`
        : `${atMost} rows of the load are accounted for, but the ledger counts ${loaded} as loaded: ${loaded - atMost} now have another load's number`;
    this.#differences.add({ kind: 'counts_differ', detail });
  }

  /** Whether the ends of members are those that the ledger counts. @param ended column that marks them, quoted */
  async #compareEnded(ended: string): Promise<void> {
    const { client } = this.#snapshot;
    const { load, target, table } = this.#subject;
    const { rows } = await client.query<{ found: number; counted: number }>(
      `SELECT (SELECT count(*) FROM ${target.table} WHERE ${quoteIdentifier(table.lineageColumn!)} = $1 AND ${ended}) AS found,
              coalesce(rows_ended, 0) AS counted FROM edp.loads WHERE load_id = $1`,
      [load.loadId],
    );
    const { found, counted } = rows[0]!;
    if (found === counted) return;
    const detail = `${found} ends of members are in the table, but the ledger counts ${counted}`;
    this.#differences.add({ kind: 'counts_differ', detail });
  }

  async #conclude(startedAt: number): Promise<VerifyResult> {
    const { load, laterUpdates, undoneSince } = this.#snapshot;
    const describer = new Describer(this.#snapshot.client, this.#subject, this.#snapshot);
    const differences: DescribedDifference[] = [];
    for (const found of this.#differences.listed) differences.push(await describer.describe(found));
    return {
      load,
      path: this.#subject.name,
      isSameContent: this.#subject.isSameContent,
      format: this.#subject.layout.recordForm.format,
      hasKey: this.#hasKey,
      hasLineage: this.#hasLineage,
      splitCount: this.#snapshot.receipts.length,
      seconds: (performance.now() - startedAt) / 1000,
      records: this.#records,
      rows: this.#rows,
      rejects: this.#rejects,
      superseded: this.#tally.superseded,
      uncompared: this.#subject.uncompared,
      laterUpdates: this.#hasLineage ? [] : [...laterUpdates],
      undoneSince:
        load.rows.duplicate > 0 && this.#differences.counts.has('missing') ? undoneSince : [],
      counts: Object.fromEntries(this.#differences.counts),
      splits: this.#differences.splits.map(({ split, counts }) => {
        const { start, end, firstLine, lineCount } = this.#snapshot.receipts[split]!;
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

function versionsOf(table: Table): VersionColumns | undefined {
  const [offset, ended] = versionColumns(table).map(quoteIdentifier);
  return offset === undefined ? undefined : { offset, ended };
}

interface BlockRange {
  readonly fromBlock: number;
  readonly toBlock: number | undefined;
}

/** Index of the range that contains a place, or -1. */
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
 * @param isOpen whether only buckets with records count, and in them only the records
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

/** 16 MB: a hundredth of the rows that equal no record pass the filter, too. */
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
