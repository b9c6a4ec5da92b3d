/**
 * Splits → workers, in order, several small ones at a time, and the two rules under which a split may commit:
 *
 * 1. Its first record begins where the split before it, itself verified, ended. So a wrong guess of a
 *    boundary is never committed: the split is done again from its true start.
 * 2. In a table with a unique index the splits commit in the order of the files, so that of two
 *    records with one key the first wins, however many workers there are.
 *
 * Waiting must not stop the run: all workers may be waiting for a split that has none. So the earliest
 * split that needs a worker gets one, if need be by recalling the last of those that wait; and one that
 * waits for leave to commit is recalled when an earlier one waits for a lock it holds.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type pg from 'pg';
import { defer } from '../base/deferred.js';
import { EdpError, fromErrorData } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import { backOff, RETRIES } from '../base/retry.js';
import type { FileSplit } from '../formats/text/file-split.js';
import type { Receipt } from '../ledger/counts.js';
import type { Session } from '../postgres/session.js';
import { isTransient } from '../postgres/sqlstate.js';
import type { SplitPool } from './load-pool.js';
import type { CommitAnswer, CommitRequest, LoadTask } from './messages.js';

/** How often a split that waits is held against the locks of the one it waits for. */
const LOCK_WATCH_MS = 100;

/** A split of a load. */
export interface PlannedSplit extends FileSplit {
  readonly load: LoadTask;
}

type Boundary = { readonly end: number; readonly nextLine: number };

/** Splits on their way. */
class Flight {
  readonly order: number;
  /** One; or several, each the only one of its load. */
  readonly splits: readonly PlannedSplit[];
  readonly boundary = defer<Boundary | undefined>();
  /** Committed (true) or given up (false). */
  readonly settled = defer<boolean>();
  /** Forgotten once this one has settled, or a load would hold on to all of its splits. */
  before: Flight | undefined;
  beforeInTable: Flight | undefined;
  isSettled = false;
  /** While the worker waits for leave to commit. */
  waiting: { readonly backend: number; answer(answer: CommitAnswer): void } | undefined;
  /** While it runs in a worker; the backend is known once it has asked to commit before. */
  isRunning = false;

  constructor(
    order: number,
    splits: readonly PlannedSplit[],
    before?: Flight,
    beforeInTable?: Flight,
  ) {
    this.order = order;
    this.splits = splits;
    this.before = before;
    this.beforeInTable = beforeInTable;
  }

  /** Whose database and table are those of all. */
  get load(): LoadTask {
    return this.splits[0]!.load;
  }

  settle(isCommitted: boolean): void {
    this.isSettled = true;
    this.before = undefined;
    this.beforeInTable = undefined;
    this.boundary.resolve(undefined);
    this.settled.resolve(isCommitted);
  }
}

/** Workers, given out by the order of splits. */
class Slots {
  readonly #queue: { order: number; grant: () => void }[] = [];
  readonly #recall: (order: number) => void;
  #free: number;

  /** @param recall called with the order of a split that waits for a slot */
  constructor(count: number, recall: (order: number) => void) {
    this.#free = count;
    this.#recall = recall;
  }

  /** Order of the earliest split that waits for a slot. */
  get earliestWaiting(): number {
    return this.#queue[0]?.order ?? Number.POSITIVE_INFINITY;
  }

  async acquire(order: number): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const { promise, resolve } = defer<void>();
    this.#queue.push({ order, grant: resolve });
    this.#queue.sort((a, b) => a.order - b.order);
    this.#recall(order);
    await promise;
  }

  release(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#free++;
    else next.grant();
  }
}

export interface DispatchOptions {
  readonly pool: SplitPool;
  readonly processCount: number;
  /** To ask who waits for whom. */
  readonly session: Session;
  readonly signal: AbortSignal;
  /** @param receipts as many as splits, which have committed together */
  onCommitted(splits: readonly PlannedSplit[], receipts: readonly Receipt[]): void;
}

export class Dispatcher {
  readonly #options: DispatchOptions;
  readonly #slots: Slots;
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #flights = new Set<Flight>();
  readonly #lastOfLoad = new Map<number, Flight>();
  readonly #lastOfTable = new Map<string, Flight>();
  /** Tables whose splits lately needed the careful way. */
  readonly #carefulTables = new Set<string>();
  #order = 0;
  #failure: unknown;
  #watch: Promise<void> | undefined;

  constructor(options: DispatchOptions) {
    this.#options = options;
    this.#slots = new Slots(options.processCount, (order) => this.#recallAfter(order));
    options.signal.addEventListener('abort', () => this.stop(), { once: true });
    if (options.signal.aborted) this.stop();
  }

  /** Set to 1 once the run is to stop. */
  get stopFlag(): Int32Array {
    return this.#stop;
  }

  get isStopped(): boolean {
    return this.#stop[0] === 1;
  }

  /** Ends the run in order: what has its leave commits, all else is rolled back. */
  stop(reason?: unknown): void {
    this.#failure ??= reason;
    Atomics.store(this.#stop, 0, 1);
    for (const flight of this.#flights)
      flight.waiting?.answer({ commit: false, reason: 'stopped' });
  }

  /**
   * Sends splits on their way as soon as a worker is free.
   *
   * @param splits one; or the only ones of several loads, which a worker takes in one transaction: exact, into
   *   one table, by plans with the same columns
   * @returns a promise of how many of them committed, which they do in order; wrapped so that the caller can
   *   send the next meanwhile
   */
  async send(splits: readonly PlannedSplit[]): Promise<{ readonly ended: Promise<number> }> {
    const { range, load } = splits[0]!;
    const last = this.#lastOfLoad.get(load.loadId);
    const flight = new Flight(
      this.#order++,
      splits,
      range.isExact ? undefined : last,
      load.target.hasUniqueIndex ? this.#lastOfTable.get(load.target.table) : undefined,
    );
    this.#lastOfLoad.set(load.loadId, flight);
    this.#lastOfTable.set(load.target.table, flight);
    await this.#slots.acquire(flight.order);
    this.#flights.add(flight);
    return { ended: this.#fly(flight) };
  }

  /** @throws what made the run fail */
  assertNotFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Runs splits until they have committed or cannot. Holds a slot at the beginning.
   *
   * @returns how many have committed
   */
  async #fly(flight: Flight): Promise<number> {
    const { table } = flight.load.target;
    let failures = 0;
    let committed = 0;
    let hasSlot = true;
    // What is still to be loaded, by transactions.
    const groups = [flight.splits];
    try {
      for (;;) {
        if (this.isStopped) return committed;
        if (this.#carefulTables.has(table)) groups.splice(0, 1, ...apart(groups[0]!));
        const group = groups[0]!;
        const outcome = await this.#runOnce(flight, group);
        this.#slots.release();
        hasSlot = false;
        if (outcome.kind === 'committed') {
          await failpoint('dispatch.committed');
          groups.shift();
          committed += group.length;
          if (groups.length === 0) flight.settle(true);
          if (outcome.wasCareful) this.#carefulTables.add(table);
          this.#options.onCommitted(group, outcome.receipts);
          if (groups.length === 0) return committed;
          failures = 0;
        } else if (outcome.kind === 'rolled_back') {
          if (outcome.reason === 'stopped') return committed;
          // The end of the split before is known by now, and is where this one begins.
          const boundary = await flight.before?.boundary.promise;
          if (boundary !== undefined) groups[0] = [beginAt(group[0]!, boundary.end)];
          else if (flight.before !== undefined) return committed;
          if (outcome.reason === 'recalled') await flight.beforeInTable?.settled.promise;
        } else if (group.length > 1) {
          // One of them is to blame, and keeps back none of the others.
          groups.splice(0, 1, ...apart(group));
        } else {
          if (!isTransient(outcome.error.code) || ++failures > RETRIES) {
            throw fromErrorData(outcome.error);
          }
          await failpoint('dispatch.retry');
          await backOff(failures);
        }
        if (this.isStopped) return committed;
        await this.#slots.acquire(flight.order);
        hasSlot = true;
      }
    } catch (error) {
      if (!(this.isStopped && error instanceof EdpError && error.code === 'interrupted')) {
        this.stop(error);
      }
      return committed;
    } finally {
      if (hasSlot) this.#slots.release();
      this.#flights.delete(flight);
      if (!flight.isSettled) flight.settle(false);
    }
  }

  async #runOnce(flight: Flight, group: readonly PlannedSplit[]) {
    const { port1: ours, port2: theirs } = new MessageChannel();
    ours.on('message', (request: CommitRequest) => {
      void this.#answer(flight, group, request, ours);
    });
    flight.isRunning = true;
    try {
      return await this.#options.pool.run({
        parts: group.map(({ load, range, segment }) => ({ load, range, segment })),
        isCareful: group.length === 1 && this.#carefulTables.has(flight.load.target.table),
        port: theirs,
        stop: this.#stop,
      });
    } finally {
      flight.isRunning = false;
      flight.waiting = undefined;
      ours.close();
    }
  }

  async #answer(
    flight: Flight,
    group: readonly PlannedSplit[],
    request: CommitRequest,
    port: MessagePort,
  ): Promise<void> {
    const { promise, resolve } = defer<CommitAnswer>();
    flight.waiting = { backend: request.backend, answer: resolve };
    if (this.isStopped) resolve({ commit: false, reason: 'stopped' });
    else if (this.#slots.earliestWaiting < flight.order)
      resolve({ commit: false, reason: 'recalled' });
    this.#watchLocks();
    void this.#mayCommit(flight, group, request).then(resolve);
    const answer = await promise;
    flight.waiting = undefined;
    await failpoint('dispatch.answer');
    port.postMessage(answer);
  }

  async #mayCommit(
    flight: Flight,
    group: readonly PlannedSplit[],
    { ranges }: CommitRequest,
  ): Promise<CommitAnswer> {
    const { before, beforeInTable } = flight;
    const previous = await before?.boundary.promise;
    if (before !== undefined && previous === undefined) {
      return { commit: false, reason: 'stopped' };
    }
    // Whichever has one before it is alone.
    const starts = group.map(({ range }) => previous?.end ?? range.from);
    if (ranges.some(({ start }, i) => start !== starts[i])) {
      return { commit: false, reason: 'misaligned' };
    }
    const firstLines = group.map(({ firstLine }) => previous?.nextLine ?? firstLine ?? 1);
    const { end, lineCount } = ranges.at(-1)!;
    flight.boundary.resolve({ end, nextLine: firstLines.at(-1)! + lineCount });
    if (beforeInTable !== undefined) {
      const isCommitted = await beforeInTable.settled.promise;
      const isSameLoad = beforeInTable.load.loadId === flight.load.loadId;
      if (!isCommitted && isSameLoad) return { commit: false, reason: 'stopped' };
    }
    return { commit: true, firstLines };
  }

  /** Frees the worker of the last split that waits and is later than `order`. */
  #recallAfter(order: number): void {
    let last: Flight | undefined;
    for (const flight of this.#flights) {
      if (
        flight.waiting !== undefined &&
        flight.order > order &&
        flight.order > (last?.order ?? -1)
      ) {
        last = flight;
      }
    }
    last?.waiting?.answer({ commit: false, reason: 'recalled' });
  }

  /** While splits wait for earlier ones: makes sure that none of those waits for a lock of theirs. */
  #watchLocks(): void {
    this.#watch ??= this.#watchWhileWaiting().finally(() => {
      this.#watch = undefined;
    });
  }

  async #watchWhileWaiting(): Promise<void> {
    const waiting = () => [...this.#flights].filter((flight) => flight.waiting !== undefined);
    for (;;) {
      await sleep(LOCK_WATCH_MS);
      const holders = waiting();
      if (holders.length === 0 || this.isStopped) return;
      if (![...this.#flights].some((flight) => flight.isRunning && flight.waiting === undefined))
        continue;
      const rows = await this.#options.session.run(listBlocking).catch((error: unknown) => {
        // Blind, it would let two splits wait for each other for ever.
        if (error instanceof EdpError) this.stop(error);
        return [];
      });
      const blocking = new Set(rows);
      for (const { waiting: holder } of holders) {
        if (holder !== undefined && blocking.has(holder.backend)) {
          holder.answer({ commit: false, reason: 'recalled' });
        }
      }
    }
  }
}

/**
 * Server processes that any session waits for: not only a worker may stand between two splits, but also
 * an undo, a replay, a dry run, or somebody else's transaction.
 */
async function listBlocking(client: pg.Client): Promise<number[]> {
  const { rows } = await client.query<{ blocking: number[] }>(
    `SELECT pg_blocking_pids(pid) AS blocking FROM pg_stat_activity
     WHERE wait_event_type = 'Lock' AND datname = current_database()`,
  );
  return rows.flatMap(({ blocking }) => blocking);
}

/** Each in a transaction of its own. */
function apart(splits: readonly PlannedSplit[]): (readonly PlannedSplit[])[] {
  return splits.map((split) => [split]);
}

function beginAt(split: PlannedSplit, from: number): PlannedSplit {
  return { ...split, range: { ...split.range, from, isExact: true } };
}
