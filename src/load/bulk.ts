/**
 * Loads files into an empty table in one transaction. It drops the table's indexes, copies the rows
 * of all splits through one connection, builds the indexes from all rows, and commits rows, rejects
 * and receipts together.
 *
 * Workers scan as in any load, but send their rows to this thread: the server's side of one COPY is
 * the limit, and two transactions could not share the table without its indexes. If the server
 * refuses anything (a duplicate key, a missing reference), everything is rolled back, and the files
 * are loaded split by split, which identifies single records.
 */
import { MessageChannel } from 'node:worker_threads';
import type pg from 'pg';
import { EdpError, type ErrorData, fromErrorData } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import type { Receipt, RowCounts } from '../ledger/counts.js';
import {
  hasReceipts,
  insertReceipts,
  insertRejects,
  type LoadedSplit,
} from '../ledger/receipts.js';
import { MAX_PENDING_REJECT_BYTES } from '../ledger/reject-log.js';
import { identifySession, waitForBackend } from '../postgres/backend.js';
import { withClient } from '../postgres/connection.js';
import { CopyStream } from '../postgres/copy-stream.js';
import { buildIndexes, planIndexes } from '../postgres/indexes.js';
import type { TableInCatalog } from '../postgres/table-in-catalog.js';
import type { PlannedSplit } from './dispatch.js';
import type { SplitPool } from './load-pool.js';
import type { LoadTask, ScannedSplit } from './messages.js';
import { lockReferred } from './sinks/foreign-keys.js';

/** Wait for the lock of the table. If it is in use, the files are loaded split by split. */
const LOCK_TIMEOUT_MS = 500;

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

export interface BulkOptions {
  readonly pool: SplitPool;
  readonly processCount: number;
  /** Set to 1 by the run to stop its workers. */
  readonly stop: Int32Array;
  /**
   * Gets the counts of a split whose rows are being sent; they are reverted if the bulk load fails.
   */
  onScanned(bytes: number, rows: RowCounts): void;
  /** Called after everything is in the transaction. @returns false to roll it back */
  mayCommit(): boolean;
}

export type BulkOutcome =
  | { readonly kind: 'committed'; readonly receipts: readonly (readonly Receipt[])[] }
  /** Nothing was loaded; the files must be loaded split by split. */
  | { readonly kind: 'undone'; readonly reason: string | undefined };

/** Thrown to roll back the transaction. This is not a failure. */
export class Undo extends Error {
  override readonly name = 'Undo';
}

/** @param files all for the same table */
export async function loadInBulk(
  files: readonly BulkFile[],
  options: BulkOptions,
): Promise<BulkOutcome> {
  const { database, target } = files[0]!.load;
  let receipts: readonly (readonly Receipt[])[] | undefined;
  let backend: number | undefined;
  try {
    return await withClient(database, 'bulk', async (client) => {
      await client.query('BEGIN');
      await failpoint('bulk.begun', client);
      await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
      await client.query(`LOCK TABLE ${target.table} IN ACCESS EXCLUSIVE MODE`);
      await client.query('SET LOCAL lock_timeout = DEFAULT');
      await failpoint('bulk.locked', client);
      const indexes = await planIndexes(client, target.table);
      if (indexes === undefined) throw new Undo();
      for (const statement of indexes.drop) await client.query(statement);
      await failpoint('bulk.indexes_off', client);
      if (target.checksForeignKeys) {
        await client.query("SET LOCAL session_replication_role = 'replica'");
      }
      receipts = await new BulkCopy(client, target, files, options).run();
      await failpoint('bulk.copied', client);
      await buildIndexes(client, target.table, indexes);
      await failpoint('bulk.indexes_built', client);
      await insertReceipts(client, listLoaded(files, receipts));
      await failpoint('bulk.receipts', client);
      if (!options.mayCommit()) throw new Undo();
      ({ backend } = await identifySession(client));
      await client.query('COMMIT');
      await failpoint('bulk.acknowledged', client);
      return { kind: 'committed', receipts };
    });
  } catch (error) {
    // The acknowledgement of a commit may get lost; the ledger shows whether it happened.
    if (
      receipts !== undefined &&
      backend !== undefined &&
      (await hasCommitted(files[0]!.load, backend))
    ) {
      return { kind: 'committed', receipts };
    }
    return { kind: 'undone', reason: error instanceof Undo ? undefined : (error as Error).message };
  }
}

export function listLoaded(
  files: readonly BulkFile[],
  receipts: readonly (readonly Receipt[])[],
): LoadedSplit[] {
  return files.flatMap(({ load, dataLine }, i) => {
    let nextLine = dataLine;
    return receipts[i]!.map((receipt) => {
      const firstLine = nextLine;
      nextLine += receipt.lineCount;
      return { load, firstLine, receipt };
    }).filter(({ receipt: { start, end } }) => end > start);
  });
}

async function hasCommitted({ database, loadId }: LoadTask, backend: number): Promise<boolean> {
  return withClient(database, 'bulk', async (client) => {
    await waitForBackend(client, backend);
    return hasReceipts(client, loadId);
  });
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
  readonly #options: Omit<BulkOptions, 'mayCommit'>;
  readonly #columns: readonly string[];
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #locked = new Map<string, Set<string>>();
  #copy: CopyStream | undefined;
  /** The operations on the connection, one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #failure: unknown;
  #copied = 0;
  #rejects: { split: ScannedSplit; load: LoadTask }[] = [];
  #rejectBytes = 0;

  constructor(
    client: pg.Client,
    target: TableInCatalog,
    files: readonly BulkFile[],
    options: Omit<BulkOptions, 'mayCommit'>,
  ) {
    this.#client = client;
    this.#target = target;
    this.#files = files;
    this.#options = options;
    this.#columns = files[0]!.load.plan.columns.map(({ name }) => name);
  }

  /** @returns receipts by file, in the order of its splits */
  async run(): Promise<Receipt[][]> {
    const receipts: Receipt[][] = this.#files.map(() => []);
    // Calls of a generator that is running are queued.
    const queue = this.#listSplits();
    const work = async () => {
      while (!this.#isStopped) {
        const { value, done } = await queue.next();
        if (done === true) return;
        const { split, file, index } = value;
        try {
          const scanned = this.#isStopped ? undefined : await this.#scan(split);
          if (scanned !== undefined) receipts[file]![index] = scanned.receipt;
        } finally {
          split.release?.();
        }
      }
    };
    const worker = () => work().catch((error) => this.#fail(error));
    await Promise.all(Array.from({ length: this.#options.processCount }, worker));
    await queue.return(undefined);
    await this.#enqueue(() => this.#settle());
    await this.#turn;
    // The session must be free for the end of its transaction.
    if (this.#isStopped) this.#copy?.abort();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isStopped) throw new Undo();
    this.#assertWhole(receipts);
    return receipts;
  }

  async *#listSplits(): AsyncGenerator<QueuedSplit, undefined> {
    for (const [file, { splits }] of this.#files.entries()) {
      let index = 0;
      for await (const split of splits) yield { split, file, index: index++ };
    }
  }

  get #isStopped(): boolean {
    return this.#failure !== undefined || Atomics.load(this.#options.stop, 0) === 1;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    Atomics.store(this.#stop, 0, 1);
  }

  /** Runs an operation on the connection after all earlier ones, unless one of them failed. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      if (this.#isStopped) {
        Atomics.store(this.#stop, 0, 1);
        return;
      }
      try {
        await work();
      } catch (error) {
        this.#fail(error);
      }
    });
    return this.#turn;
  }

  async #scan({
    load,
    range,
    segment,
    sourceBytes,
  }: PlannedSplit): Promise<ScannedSplit | undefined> {
    const { port1: ours, port2: theirs } = new MessageChannel();
    ours.on('message', (rows: Uint8Array) => {
      // A failed load still accepts rows and drops them, so that no worker waits.
      void this.#enqueue(() => this.#write(rows)).then(() => ours.postMessage(null));
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
      const { receipt, rejects, references } = outcome;
      this.#options.onScanned(sourceBytes ?? receipt.end - receipt.start, receipt.rows);
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
      return outcome;
    } finally {
      ours.close();
    }
  }

  async #write(rows: Uint8Array): Promise<void> {
    this.#copy ??= new CopyStream(this.#client, this.#target.table, this.#columns);
    await failpoint('bulk.write', this.#client);
    await this.#copy.write(Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength));
  }

  /** Ends the COPY, locks the referred rows, and writes the rejects to the ledger. */
  async #settle(references: ScannedSplit['references'] = []): Promise<void> {
    const copy = this.#copy;
    this.#copy = undefined;
    this.#copied += (await copy?.finish()) ?? 0;
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

  /** Verifies the guessed start of each split before anything commits. */
  #assertWhole(receipts: readonly (readonly Receipt[])[]): void {
    let loaded = 0;
    for (const [i, { dataStart, dataEnd }] of this.#files.entries()) {
      let start = dataStart;
      for (const receipt of receipts[i]!) {
        if (receipt.start !== start) throw new Undo();
        start = receipt.end;
        loaded += receipt.rows.loaded;
      }
      if (dataEnd !== undefined && start < dataEnd) throw new Undo();
    }
    if (this.#copied !== loaded) {
      throw new Error(`the server took ${this.#copied} rows of ${loaded}`);
    }
  }
}

function toFailure(error: ErrorData): unknown {
  const failure = fromErrorData(error);
  return failure instanceof EdpError && failure.code === 'interrupted' ? new Undo() : failure;
}
