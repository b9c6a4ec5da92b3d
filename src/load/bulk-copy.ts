/**
 * Copies the rows of all splits of a bulk load through one connection, in the transaction of the
 * caller, and notes their rejects and references.
 */
import { MessageChannel } from 'node:worker_threads';
import type pg from 'pg';
import { EdpError, type ErrorData, fromErrorData } from '../base/errors.js';
import { failpoint, tunable } from '../base/failpoints.js';
import type { Receipt, RowCounts } from '../ledger/counts.js';
import { insertRejects } from '../ledger/receipts.js';
import { MAX_PENDING_REJECT_BYTES } from '../ledger/reject-log.js';
import { type CopyColumn, CopyStream } from '../postgres/copy-stream.js';
import { runTriggers, skipTriggers } from '../postgres/replaced-checks.js';
import { type TableInCatalog, toCopyColumns } from '../postgres/table-in-catalog.js';
import { BulkPartitions, type PartitionRows } from './bulk-partitions.js';
import type { PlannedSplit } from './dispatch.js';
import type { SplitPool } from './load-pool.js';
import type { LoadTask, RoutedRows, ScannedSplit, SplitTimes } from './messages.js';
import { lockReferred } from './sinks/foreign-keys.js';
import { RowsLeftOut } from './sinks/left-out.js';
import { findChanged, StaleCopy } from './sinks/row-extender.js';
import { stagedColumns } from './sinks/staged-rows.js';

/** Time of one transaction, with the building of its indexes. */
const MAX_MS = 60_000;
/** Share of the whole work after which a longer transaction ends. */
const MAX_SHARE = 0.1;
/** Time to build an index, in times of copying its rows: benchmark B less A, for each of its two indexes. */
const BUILD_FACTOR = 0.6;
/** After a stop, the splits in work have this time to end. */
const DRAIN_MS = 10_000;
const STOP_POLL_MS = 250;

/** A file of the bulk load. No part of it is in the table yet. */
export interface BulkFile {
  readonly load: LoadTask;
  /** They cover the records of the file, in order. */
  readonly splits: Iterable<PlannedSplit> | AsyncIterable<PlannedSplit>;
  readonly dataStart: number;
  /** Offset from which no more records start; undefined for the end of the splits. */
  readonly dataEnd: number | undefined;
  readonly dataLine: number;
}

export interface CopyOptions {
  readonly pool: SplitPool;
  readonly processCount: number;
  /** Set to 1 by the run to stop it: the splits in work end, and what is copied commits. */
  readonly stop: Int32Array;
  /** Bytes of all the files. */
  readonly totalBytes: number;
  /** Whether all splits or none are copied: it does not end early, and a stop undoes it. */
  readonly isAllOrNothing?: boolean;
  /**
   * Gets the counts of a split whose rows are being sent; they are reverted if the bulk load fails.
   *
   * @param file index of its file
   */
  onScanned(file: number, bytes: number, rows: RowCounts): void;
}

/** A split that is copied. */
export interface CopiedSplit extends Receipt {
  /** Of the file as it is stored. */
  readonly bytes: number;
  /** Of its scan; the COPY and the commit are those of all splits together. */
  readonly times: SplitTimes;
}

/** The splits of a bulk load: all of them, or the first ones. */
export interface Copied {
  /** By file, in the order of its splits. */
  readonly receipts: readonly (readonly CopiedSplit[])[];
  /** Number of files, from the first one, of which every split is copied. */
  readonly completeFiles: number;
}

/** Thrown to roll back the transaction. This is not a failure. */
export class Undo extends Error {
  override readonly name = 'Undo';
}

interface QueuedSplit {
  readonly split: PlannedSplit;
  /** Index of the file, and of the split in the file. */
  readonly file: number;
  readonly index: number;
}

/** Rows, rejects and references of all splits, through one connection. */
export class BulkCopy {
  readonly #client: pg.Client;
  readonly #target: TableInCatalog;
  readonly #files: readonly BulkFile[];
  readonly #options: CopyOptions;
  readonly #columns: readonly CopyColumn[];
  /** Of copying alone. */
  readonly #maxMs: number;
  readonly #startedAt = performance.now();
  /** Set to stop the workers at once. */
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #locked = new Map<string, Set<string>>();
  readonly #partitions: BulkPartitions;
  /** Column that copies → keys of the rows that are held. */
  readonly #held = new Map<string, Map<string, Uint8Array>>();
  #copy: CopyStream | undefined;
  #skipsTriggers = false;
  #isCopyingGroup = false;
  /** The operations on the connection, one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #failure: unknown;
  #copied = 0;
  #scannedBytes = 0;
  /** Whether the last split was taken. */
  #isExhausted = false;
  #rejects: { split: ScannedSplit; load: LoadTask }[] = [];
  #rejectBytes = 0;

  constructor(
    client: pg.Client,
    target: TableInCatalog,
    files: readonly BulkFile[],
    indexCount: number,
    options: CopyOptions,
  ) {
    this.#maxMs = tunable('bulk.max_ms', MAX_MS) / (1 + BUILD_FACTOR * indexCount);
    this.#client = client;
    this.#target = target;
    this.#files = files;
    this.#options = options;
    this.#columns = toCopyColumns(target, stagedColumns(files[0]!.load.plan));
    this.#partitions = new BulkPartitions(client, target);
  }

  /** Rows that the server has taken. */
  get rows(): number {
    return this.#copied;
  }

  async run(): Promise<Copied> {
    const receipts: CopiedSplit[][] = this.#files.map(() => []);
    // Calls of a generator that is running are queued.
    const queue = this.#listSplits();
    const work = async () => {
      // Each split that was taken is copied, so that there is no gap before the last one.
      while (!this.#isFailed && !this.#isEnough) {
        const { value, done } = await queue.next();
        if (done === true) {
          this.#isExhausted = true;
          return;
        }
        const { split, file, index } = value;
        try {
          const scanned = this.#isFailed ? undefined : await this.#scan(split, file);
          if (scanned === undefined) continue;
          const { receipt, times } = scanned;
          const bytes = split.sourceBytes ?? receipt.end - receipt.start;
          receipts[file]![index] = { ...receipt, bytes, times };
        } finally {
          split.release?.();
        }
      }
    };
    const worker = () => work().catch((error) => this.#fail(error));
    const endWatch = this.#watchStop();
    await Promise.all(Array.from({ length: this.#options.processCount }, worker)).finally(endWatch);
    await queue.return(undefined);
    await this.#enqueue(async () => {
      for (const group of this.#partitions.takeAll()) await this.#copyGroup(group);
      await this.#settle();
    });
    await this.#turn;
    // The session must be free for the end of its transaction.
    if (this.#isFailed) this.#copy?.abort();
    else if (this.#options.isAllOrNothing === true && this.#isStopped) throw new Undo();
    if (this.#isFailed) throw this.#failure;
    const completeFiles = this.#countComplete(receipts);
    if (completeFiles < this.#files.length && this.#copied === 0) throw new Undo();
    return { receipts, completeFiles };
  }

  /** Whether what is copied should commit now: the run is stopped, or much would be lost by a kill. */
  get #isEnough(): boolean {
    if (this.#isStopped) return true;
    if (this.#options.isAllOrNothing === true) return false;
    if (performance.now() - this.#startedAt < this.#maxMs) return false;
    return this.#scannedBytes >= MAX_SHARE * this.#options.totalBytes;
  }

  /** After a stop, a split whose source sends nothing is not waited for. @returns ends the watch */
  #watchStop(): () => void {
    let stoppedMs = 0;
    const timer = setInterval(() => {
      if (!this.#isStopped) return;
      stoppedMs += STOP_POLL_MS;
      if (this.#options.isAllOrNothing === true || stoppedMs >= DRAIN_MS) this.#fail(new Undo());
    }, STOP_POLL_MS);
    return () => clearInterval(timer);
  }

  async *#listSplits(): AsyncGenerator<QueuedSplit, undefined> {
    for (const [file, { splits }] of this.#files.entries()) {
      let index = 0;
      for await (const split of splits) yield { split, file, index: index++ };
    }
  }

  get #isStopped(): boolean {
    return Atomics.load(this.#options.stop, 0) === 1;
  }

  get #isFailed(): boolean {
    return this.#failure !== undefined;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    Atomics.store(this.#stop, 0, 1);
  }

  /** Runs an operation on the connection after all earlier ones, unless one of them failed. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      if (this.#isFailed) return;
      try {
        await work();
      } catch (error) {
        this.#fail(error);
      }
    });
    return this.#turn;
  }

  async #scan(
    { load, range, segment, sourceBytes }: PlannedSplit,
    file: number,
  ): Promise<ScannedSplit | undefined> {
    const { port1: ours, port2: theirs } = new MessageChannel();
    ours.on('message', (rows: Uint8Array | RoutedRows) => {
      // A failed load still accepts rows and drops them, so that no worker waits.
      const taken =
        rows instanceof Uint8Array
          ? this.#enqueue(() => this.#write(rows))
          : this.#gather(rows).catch((error) => this.#fail(error));
      void taken.then(() => ours.postMessage(null));
    });
    try {
      const outcome = await this.#options.pool.scan({
        load,
        range,
        segment,
        port: theirs,
        stop: this.#stop,
      });
      if (outcome.kind === 'failed') {
        this.#fail(toFailure(outcome.error));
        return undefined;
      }
      const { receipt, rejects, references, copied } = outcome;
      const bytes = sourceBytes ?? receipt.end - receipt.start;
      this.#scannedBytes += bytes;
      this.#options.onScanned(file, bytes, receipt.rows);
      if (rejects.length > 0) {
        this.#rejects.push({ split: outcome, load });
        this.#rejectBytes += rejects.reduce((sum, { raw }) => sum + raw.length + 200, 0);
      }
      const isNew = references.some(([column, values]) =>
        values.some((value) => this.#locked.get(column)?.has(value) !== true),
      );
      if (isNew || this.#rejectBytes > MAX_PENDING_REJECT_BYTES) {
        await this.#enqueue(() => this.#settle(references));
      }
      await this.#enqueue(() => this.#holdCopied(copied));
      return outcome;
    } finally {
      ours.close();
    }
  }

  async #write(rows: Uint8Array): Promise<void> {
    await failpoint('bulk.write', this.#client);
    this.#copy ??= await this.#beginCopy(this.#target.table);
    await this.#copy.write(asBuffer(rows));
  }

  async #beginCopy(table: string): Promise<CopyStream> {
    if (this.#target.checksForeignKeys && !this.#skipsTriggers) {
      await skipTriggers(this.#client);
      this.#skipsTriggers = true;
    }
    return new CopyStream(this.#client, table, this.#columns);
  }

  async #runTriggers(): Promise<void> {
    if (this.#skipsTriggers) await runTriggers(this.#client);
    this.#skipsTriggers = false;
  }

  /** Takes rows for a partition. They wait until the connection is free, while workers go on. */
  async #gather(rows: RoutedRows): Promise<void> {
    if (this.#partitions.lacks(rows)) {
      await this.#enqueue(async () => {
        await this.#runTriggers();
        await this.#partitions.make(rows);
      });
    }
    if (this.#isFailed) return;
    this.#partitions.add(rows);
    this.#copyMost();
    while (this.#partitions.isFull && !this.#isFailed) await this.#turn;
  }

  /** Keeps the connection at work as long as there are rows enough. */
  #copyMost(): void {
    if (this.#isCopyingGroup) return;
    const group = this.#partitions.takeMost();
    if (group === undefined) return;
    this.#isCopyingGroup = true;
    void this.#enqueue(() => this.#copyGroup(group)).then(() => {
      this.#isCopyingGroup = false;
      if (!this.#isFailed) this.#copyMost();
    });
  }

  async #copyGroup({ name, portions }: PartitionRows): Promise<void> {
    await failpoint('bulk.write', this.#client);
    const copy = await this.#beginCopy(name);
    this.#copy = copy;
    // They are in memory, so that the server need not wait for this thread between them.
    await Promise.all(portions.map((rows) => copy.write(asBuffer(rows))));
    this.#copied += await copy.finish();
    this.#copy = undefined;
  }

  /** Ends the COPY, locks the referred rows, and writes the rejects to the ledger. */
  async #settle(references: ScannedSplit['references'] = []): Promise<void> {
    const copy = this.#copy;
    this.#copy = undefined;
    this.#copied += (await copy?.finish()) ?? 0;
    await this.#runTriggers();
    for (const [column, values] of references) {
      const locked = this.#locked.get(column) ?? new Set();
      this.#locked.set(column, locked);
      const unlocked = values.filter((value) => !locked.has(value));
      const key = this.#target.foreignKeys.find((candidate) => candidate.column === column);
      if (key !== undefined) await lockReferred(this.#client, key, unlocked);
      for (const value of unlocked) locked.add(value);
    }
    await failpoint('bulk.settled', this.#client);
    const rejects = this.#rejects;
    this.#rejects = [];
    this.#rejectBytes = 0;
    for (const { split, load } of rejects) {
      await insertRejects(this.#client, load.loadId, split.receipt.start, split.rejects);
    }
  }

  /**
   * Holds the rows that values were copied from, until the commit.
   *
   * @throws StaleCopy where one has another value now
   */
  async #holdCopied(copied: ScannedSplit['copied']): Promise<void> {
    for (const [copy, used] of copied) {
      const held = this.#held.get(copy.name) ?? new Map<string, Uint8Array>();
      this.#held.set(copy.name, held);
      // Two threads may have two values of one row.
      const open = used.filter(([key, field]) => {
        const one = held.get(key);
        return one === undefined || Buffer.compare(one, field) !== 0;
      });
      if (open.length === 0) continue;
      await this.#settle();
      if ((await findChanged(this.#client, copy, open)).length > 0) {
        throw new StaleCopy(`a row of ${copy.table} that was copied from has changed`);
      }
      for (const [key, field] of open) held.set(key, field);
    }
  }

  /**
   * Verifies the guessed start of each split before anything commits.
   *
   * @returns number of files, from the first one, of which all splits are copied
   */
  #countComplete(receipts: readonly (readonly Receipt[])[]): number {
    let loaded = 0;
    let complete = 0;
    for (const [i, { dataStart, dataEnd }] of this.#files.entries()) {
      let start = dataStart;
      for (const receipt of receipts[i]!) {
        if (receipt.start !== start) throw new Undo();
        start = receipt.end;
        loaded += receipt.rows.loaded;
      }
      const isWhole = dataEnd === undefined ? this.#isWhole(i, receipts) : start >= dataEnd;
      if (this.#isExhausted && !isWhole) throw new Undo();
      if (isWhole && complete === i) complete++;
    }
    if (this.#copied < loaded) throw new RowsLeftOut();
    if (this.#copied !== loaded) {
      throw new Error(`the server took ${this.#copied} rows of ${loaded}`);
    }
    return complete;
  }

  /** Whether a file whose end is known only after reading was read to its end. */
  #isWhole(file: number, receipts: readonly (readonly Receipt[])[]): boolean {
    return this.#isExhausted || receipts.slice(file + 1).some((later) => later.length > 0);
  }
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function toFailure(error: ErrorData): unknown {
  const failure = fromErrorData(error);
  return failure instanceof EdpError && failure.code === 'interrupted' ? new Undo() : failure;
}
