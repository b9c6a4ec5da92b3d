/** A pool of threads that run a program of the build, for the duration of some work. */
import { setTimeout as sleep } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { programFile } from './package-files.js';
import { reportStray } from './stray-errors.js';

export interface ThreadOptions {
  /** Threads that start immediately. */
  readonly minThreads: number;
  /** More threads start when there is work for them, up to this number. */
  readonly maxThreads: number;
  /** Given to every thread as its `workerData`. */
  readonly data?: object;
  readonly resourceLimits?: {
    readonly maxYoungGenerationSizeMb: number;
    readonly stackSizeMb?: number;
  };
  /** Whether an idle thread is to be taken before others. */
  readonly isPreferred?: (threadId: number) => boolean;
}

interface StartCount {
  /** The number of the pool's threads that have loaded their program. */
  readonly started: Int32Array;
}

/** A thread that has not started after this time never will. */
const PATIENCE_MS = 10_000;
const POLL_MS = 3;

/**
 * Runs `work` with a pool, and ends the pool afterwards. Node aborts the whole process (seen in
 * version 20) if a thread is stopped while it loads its program, so the pool is ended only once all
 * threads have loaded theirs.
 *
 * @param program as rolldown.config.mjs lists it; it calls {@link countStart}
 */
export async function withThreads<Task, Outcome, T>(
  program: string,
  { minThreads, maxThreads, data, resourceLimits, isPreferred }: ThreadOptions,
  work: (pool: Piscina<Task, Outcome>) => Promise<T>,
): Promise<T> {
  const started = new Int32Array(new SharedArrayBuffer(4));
  const pool = new Piscina<Task, Outcome>({
    filename: programFile(program),
    minThreads,
    maxThreads,
    idleTimeout: Number.POSITIVE_INFINITY,
    workerData: { ...data, started } satisfies StartCount,
    ...(resourceLimits === undefined ? {} : { resourceLimits }),
    ...(isPreferred === undefined ? {} : { loadBalancer: preferring(isPreferred) }),
  });
  // A thread has ended without a task that could fail.
  pool.on('error', reportStray);
  try {
    return await work(pool);
  } finally {
    const deadline = performance.now() + PATIENCE_MS;
    while (Atomics.load(started, 0) < pool.threads.length && performance.now() < deadline) {
      await sleep(POLL_MS);
    }
    await pool.destroy();
  }
}

type LoadBalancer = NonNullable<
  NonNullable<ConstructorParameters<typeof Piscina>[0]>['loadBalancer']
>;

function preferring(isPreferred: (threadId: number) => boolean): LoadBalancer {
  return (_, threads) => {
    const idle = threads.filter(({ currentUsage }) => currentUsage === 0);
    return idle.find(({ id }) => isPreferred(id)) ?? idle[0] ?? null;
  };
}

/**
 * Called by a thread when its program is evaluated. Counts the thread once the program is loaded,
 * which takes a moment more.
 */
export function countStart(): void {
  queueMicrotask(() => Atomics.add((workerData as StartCount).started, 0, 1));
}
