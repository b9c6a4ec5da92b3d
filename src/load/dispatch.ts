/**
 * Splits → workers, in order, several small ones at a time, and the two rules under which a split
 * may commit:
 *
 * 1. Its first record begins where the previous split, itself verified, ended. So a wrong guess of
 *    a boundary is never committed: the split is loaded again from its true start.
 * 2. In a table with a unique index or a trigger, the splits commit in the order of the files, so that of two
 *    records with the same key the first wins, for any number of workers.
 *
 * Where code of users may look at the rows before a record, a split begins only when the one before it
 * in its table has settled.
 *
 * Waiting must not stop the run: all workers may be waiting for a split that has no worker. So the
 * earliest split that needs a worker gets one, if necessary by recalling the last of the waiting
 * splits. A split that waits for permission to commit is recalled if an earlier one waits for a
 * lock of it.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type pg from 'pg';
import { defer } from '../base/deferred.js';
import { EdpError, fromErrorData } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import { backOff, RETRIES } from '../base/retry.js';
import { strayOf } from '../base/stray-errors.js';
import type { FileSplit } from '../formats/text/file-split.js';
import { PATIENCE_MS } from '../postgres/connection.js';
import type { Session } from '../postgres/session.js';
import { isTransient, TOO_MANY_CONNECTIONS } from '../postgres/sqlstate.js';
import type { SplitPool } from './load-pool.js';
import type {
  CommitAnswer,
  CommitRequest,
  CommittedOutcome,
  LoadTask,
  PartitionAnswer,
  PartitionRequest,
  Refusal,
} from './messages.js';
import type { PartitionMaker } from './partition-maker.js';

/** Interval of the check whether an earlier split waits for a lock of a waiting one. */
const LOCK_WATCH_MS = 100;

/** Interval at which a split without a connection tries again. */
const PLACE_POLL_MS = 50;
/** After this time, workers without a connection try again whether the server has one. */
const FULL_MS = 5000;

/** A split of a load. */
export interface PlannedSplit extends FileSplit {
  readonly load: LoadTask;
}

type Boundary = { readonly end: number; readonly nextLine: number };

/** Dispatched splits. */
class Flight {
  readonly order: number;
  /** One split, or several, each the only one of its load. */
  readonly splits: readonly PlannedSplit[];
  readonly boundary = defer<Boundary | undefined>();
  /** Whether it was committed (true) or abandoned (false). */
  readonly settled = defer<boolean>();
  /** Cleared when this one has settled; otherwise a load would keep all of its splits in memory. */
  before: Flight | undefined;
  beforeInTable: Flight | undefined;
  isSettled = false;
  /** Set while the worker waits for permission to commit, or for partitions. */
  waiting:
    | { readonly backend: number; readonly isForPartitions: boolean; answer(answer: Refusal): void }
    | undefined;
  /** Set while it runs in a worker; the backend is known after its first request to commit. */
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

  /** All loads have the database and table of this one. */
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

/** Slots of workers, assigned by the order of splits. */
class Slots {
  readonly #queue: { order: number; grant: () => void }[] = [];
  readonly #recall: (order: number) => void;
  readonly #most: number;
  /** Taken and free ones. */
  #count: number;
  #free: number;

  /** @param recall called with the order of a split that waits for a slot */
  constructor(count: number, recall: (order: number) => void) {
    this.#most = count;
    this.#count = count;
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

  /** Gives up a slot that was taken, instead of releasing it. @returns false for the last one */
  drop(): boolean {
    if (this.#count === 1) return false;
    this.#count--;
    return true;
  }

  /** Makes the slots again that were dropped. */
  restore(): void {
    for (; this.#count < this.#most; this.#count++) this.release();
  }
}

export interface DispatchOptions {
  readonly pool: SplitPool;
  readonly processCount: number;
  /** Ends the connection that keeps a place for the first worker; called once it has its own, or found none. */
  readonly givePlace: () => Promise<void>;
  /** Session for queries about waiting backends. */
  readonly session: Session;
  readonly signal: AbortSignal;
  readonly partitions: PartitionMaker;
  /** The splits have committed together; the outcome has a receipt for each. */
  onCommitted(splits: readonly PlannedSplit[], outcome: CommittedOutcome): void;
}

export class Dispatcher {
  readonly #options: DispatchOptions;
  readonly #slots: Slots;
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #flights = new Set<Flight>();
  readonly #lastOfLoad = new Map<number, Flight>();
  readonly #lastOfTable = new Map<string, Flight>();
  /** Tables whose recent splits needed the careful way. */
  readonly #carefulTables = new Set<string>();
  /** Of each load, the furthest boundary that is known. */
  readonly #reached = new Map<number, Boundary & { readonly order: number }>();
  /** Boundaries that splits without a slot wait for. */
  readonly #unplaced = new Set<Promise<Boundary | undefined>>();
  /** When a worker last found no connection; on the clock of performance. */
  #placelessAt = Number.NEGATIVE_INFINITY;
  #order = 0;
  /** When the last split committed; on the clock of performance. */
  #committedAt = 0;
  #failure: unknown;
  #watch: Promise<void> | undefined;

  constructor(options: DispatchOptions) {
    this.#options = options;
    this.#slots = new Slots(options.processCount, (order) => this.#recallAfter(order));
    const { signal } = options;
    const stop = () => this.stop(strayOf(signal));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  }

  /** Set to 1 to stop the run. */
  get stopFlag(): Int32Array {
    return this.#stop;
  }

  get isStopped(): boolean {
    return this.#stop[0] === 1;
  }

  /** The error that made the run fail, if one did. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Stops the run: splits with permission commit, all others are rolled back. */
  stop(reason?: unknown): void {
    this.#failure ??= reason;
    Atomics.store(this.#stop, 0, 1);
    for (const flight of this.#flights)
      flight.waiting?.answer({ commit: false, reason: 'stopped' });
  }

  /**
   * Dispatches splits as soon as a worker is free.
   *
   * @param splits one split, or the only splits of several loads, which a worker loads in one
   *   transaction: with exact boundaries, into one table, by plans with the same columns
   * @returns a promise of the number of committed splits, which commit in order; it is wrapped so
   *   that the caller can dispatch the next splits meanwhile
   */
  async send(splits: readonly PlannedSplit[]): Promise<{ readonly ended: Promise<number> }> {
    const { range, load } = splits[0]!;
    // COPY would pass over its rules, and not say which record refers to nothing.
    const { table, hasRules, refersToItself, looksAtRows, hasVersions } = load.target;
    if (hasRules || refersToItself || looksAtRows || hasVersions || copiesByServer(load)) {
      this.#carefulTables.add(table);
    }
    if (looksAtRows) await this.#lastOfTable.get(table)?.settled.promise;
    const last = this.#lastOfLoad.get(load.loadId);
    const flight = new Flight(
      this.#order++,
      splits,
      range.isExact ? undefined : last,
      load.target.isInOrder ? this.#lastOfTable.get(load.target.table) : undefined,
    );
    this.#lastOfLoad.set(load.loadId, flight);
    this.#lastOfTable.set(load.target.table, flight);
    // A long record may cover thousands of splits, which would all be tried before its end is known.
    while (this.#unplaced.size > this.#options.processCount && !this.isStopped) {
      await Promise.race(this.#unplaced);
    }
    await this.#slots.acquire(flight.order);
    this.#flights.add(flight);
    return { ended: this.#fly(flight) };
  }

  /** The true start of a split whose guess was wrong; it has no slot meanwhile. */
  async #awaitBoundary({ before }: Flight): Promise<Boundary | undefined> {
    const boundary = before?.boundary.promise;
    if (boundary === undefined) return undefined;
    this.#unplaced.add(boundary);
    try {
      return await boundary;
    } finally {
      this.#unplaced.delete(boundary);
    }
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** @throws the error that made the run fail */
  assertNotFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Runs splits until they have committed or failed. Holds a slot at the beginning.
   *
   * @returns the number of committed splits
   */
  async #fly(flight: Flight): Promise<number> {
    const { table } = flight.load.target;
    const startedAt = performance.now();
    let failures = 0;
    let committed = 0;
    let hasSlot = true;
    // The remaining splits, grouped by transaction.
    const groups = [flight.splits];
    try {
      for (;;) {
        if (this.isStopped) return committed;
        if (this.#isCovered(flight)) {
          this.#slots.release();
          hasSlot = false;
          const isCommitted = await isBeforeCommitted(flight);
          flight.settle(isCommitted);
          return isCommitted ? 1 : 0;
        }
        if (this.#carefulTables.has(table)) groups.splice(0, 1, ...apart(groups[0]!));
        const group = groups[0]!;
        const outcome = await this.#runOnce(flight, group);
        // Where the server has no more connections, there are as many slots as workers that have one.
        const isPlaceless =
          outcome.kind === 'failed' && outcome.error.code === TOO_MANY_CONNECTIONS;
        if (isPlaceless) this.#placelessAt = performance.now();
        if (!isPlaceless || !this.#slots.drop()) this.#slots.release();
        hasSlot = false;
        if (outcome.kind === 'committed') {
          await failpoint('dispatch.committed');
          groups.shift();
          committed += group.length;
          if (groups.length === 0) flight.settle(true);
          this.#committedAt = performance.now();
          if (this.#committedAt - this.#placelessAt > FULL_MS) this.#slots.restore();
          void this.#options.givePlace();
          if (outcome.wasCareful) this.#carefulTables.add(table);
          this.#options.onCommitted(group, outcome);
          if (groups.length === 0) return committed;
          failures = 0;
        } else if (outcome.kind === 'rolled_back') {
          if (outcome.reason === 'stopped') return committed;
          // The end of the previous split is known now. This split begins there.
          const boundary = await this.#awaitBoundary(flight);
          if (boundary !== undefined) groups[0] = [beginAt(group[0]!, boundary.end)];
          else if (flight.before !== undefined) return committed;
          if (outcome.reason === 'recalled') await flight.beforeInTable?.settled.promise;
        } else if (group.length > 1 && !isPlaceless) {
          // Only one of them is faulty, and must not stop the others.
          groups.splice(0, 1, ...apart(group));
        } else {
          const { code } = outcome.error;
          const isPatient = isPlaceless && this.#isWorthWaiting(startedAt);
          const isOver = isPlaceless ? !isPatient : ++failures > RETRIES;
          if (!isTransient(code) || isOver) {
            throw fromErrorData(outcome.error);
          }
          await failpoint('dispatch.retry');
          if (isPatient) await this.#awaitPlace();
          else await backOff(failures);
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

  /** While others have all connections: a split waits for the one of another worker of this run, too. */
  #isWorthWaiting(since: number): boolean {
    return performance.now() - Math.max(since, this.#committedAt) < PATIENCE_MS;
  }

  /** Others look for a connection less often, so the place that is given up goes to this run. */
  async #awaitPlace(): Promise<void> {
    await this.#options.givePlace();
    await sleep(PLACE_POLL_MS * (1 + Math.random()));
  }

  async #runOnce(flight: Flight, group: readonly PlannedSplit[]) {
    const { port1: ours, port2: theirs } = new MessageChannel();
    ours.on('message', (request: CommitRequest | PartitionRequest) => {
      const decide = (): Promise<CommitAnswer | PartitionAnswer> =>
        'partitions' in request
          ? this.#makePartitions(flight, request)
          : this.#mayCommit(flight, group, request);
      this.#answer(flight, request, decide, ours).catch((error: unknown) => {
        this.stop(error);
        ours.postMessage({ commit: false, reason: 'stopped' } satisfies CommitAnswer);
      });
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
    request: CommitRequest | PartitionRequest,
    decide: () => Promise<CommitAnswer | PartitionAnswer>,
    port: MessagePort,
  ): Promise<void> {
    const { promise, resolve } = defer<Refusal>();
    const isForPartitions = 'partitions' in request;
    flight.waiting = { backend: request.backend, isForPartitions, answer: resolve };
    if (this.isStopped) resolve({ commit: false, reason: 'stopped' });
    else if (this.#slots.earliestWaiting < flight.order)
      resolve({ commit: false, reason: 'recalled' });
    this.#watchLocks();
    const answer = await Promise.race([promise, decide()]);
    flight.waiting = undefined;
    await failpoint('dispatch.answer');
    port.postMessage(answer);
  }

  async #makePartitions(
    { load: { target } }: Flight,
    { partitions }: PartitionRequest,
  ): Promise<PartitionAnswer> {
    const made = await this.#options.partitions.make(target, partitions);
    await failpoint('dispatch.partitions');
    return { made };
  }

  async #mayCommit(
    flight: Flight,
    group: readonly PlannedSplit[],
    { ranges }: CommitRequest,
  ): Promise<CommitAnswer> {
    const { before } = flight;
    const previous = await before?.boundary.promise;
    if (before !== undefined && previous === undefined) {
      return { commit: false, reason: 'stopped' };
    }
    // A split with a predecessor is always alone.
    const starts = group.map(({ range }) => previous?.end ?? range.from);
    if (ranges.some(({ start }, i) => start !== starts[i])) {
      return { commit: false, reason: 'misaligned' };
    }
    const firstLines = group.map(({ firstLine }) => previous?.nextLine ?? firstLine ?? 1);
    const { end, lineCount } = ranges.at(-1)!;
    this.#bound(flight, { end, nextLine: firstLines.at(-1)! + lineCount });
    if (!(await isBeforeCommitted(flight))) return { commit: false, reason: 'stopped' };
    return { commit: true, firstLines };
  }

  #bound(flight: Flight, boundary: Boundary): void {
    const { loadId } = flight.load;
    const { end = 0 } = this.#reached.get(loadId) ?? {};
    if (boundary.end > end) this.#reached.set(loadId, { ...boundary, order: flight.order });
    flight.boundary.resolve(boundary);
  }

  /** Whether a long record of an earlier split covers this one; there may be thousands of them. */
  #isCovered(flight: Flight): boolean {
    const reached = this.#reached.get(flight.load.loadId);
    if (flight.before === undefined || reached === undefined) return false;
    const isCovered = reached.order < flight.order && reached.end >= flight.splits[0]!.range.until;
    if (isCovered) this.#bound(flight, reached);
    return isCovered;
  }

  /** Recalls the last waiting split after `order`, which frees its worker. */
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

  /**
   * While splits wait for earlier ones: ensures that no earlier one waits for a lock of a later
   * one.
   */
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
      // What makes partitions is none of the flights, and may wait for one that waits for another command's.
      const isMaking = holders.some((flight) => flight.waiting?.isForPartitions === true);
      const isRunning = (flight: Flight) => flight.isRunning && flight.waiting === undefined;
      if (!isMaking && ![...this.#flights].some(isRunning)) continue;
      const rows = await this.#options.session.run(listBlocking).catch((error: unknown) => {
        // Without this check, two splits could wait for each other forever.
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
 * Server processes that any session waits for. Not only a worker can be between two splits in such
 * a chain, but also an undo, a replay, a dry run, or a transaction of another program.
 */
async function listBlocking(client: pg.Client): Promise<number[]> {
  const { rows } = await client.query<{ blocking: number[] }>(
    `SELECT pg_blocking_pids(pid) AS blocking FROM pg_stat_activity
     WHERE wait_event_type = 'Lock' AND datname = current_database()`,
  );
  return rows.flatMap(({ blocking }) => blocking);
}

/** Waits for the split before it in the table. @returns false where one of the same load has failed */
async function isBeforeCommitted({ beforeInTable, load }: Flight): Promise<boolean> {
  if (beforeInTable === undefined) return true;
  const isCommitted = await beforeInTable.settled.promise;
  return isCommitted || beforeInTable.load.loadId !== load.loadId;
}

/** Whether the server looks up what columns copy from other tables. */
export function copiesByServer({ plan, target }: Pick<LoadTask, 'plan' | 'target'>): boolean {
  return plan.copies !== undefined && target.copied === undefined;
}

/** Puts each split into its own transaction. */
function apart(splits: readonly PlannedSplit[]): (readonly PlannedSplit[])[] {
  return splits.map((split) => [split]);
}

function beginAt(split: PlannedSplit, from: number): PlannedSplit {
  return { ...split, range: { ...split.range, from, isExact: true } };
}
