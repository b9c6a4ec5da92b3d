/**
 * The end of a pool of threads. Node aborts the whole process (seen in version 20) if a thread is stopped
 * while it loads its program, so a pool is ended only once all threads have done that.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import type { Piscina } from 'piscina';

/** Part of the data that a thread is given. */
export interface StartCount {
  /** How many threads of the pool have loaded their program. */
  readonly started: Int32Array;
}

/** A thread that has not started by then never will. */
const PATIENCE_MS = 10_000;
const POLL_MS = 3;

export function makeStartCount(): StartCount {
  return { started: new Int32Array(new SharedArrayBuffer(4)) };
}

/** To be called by a thread when its program is evaluated; counts once it is loaded, which takes a moment more. */
export function countStart(): void {
  queueMicrotask(() => Atomics.add((workerData as StartCount).started, 0, 1));
}

// biome-ignore lint/suspicious/noExplicitAny: a pool of any tasks
export async function endPool(pool: Piscina<any, any>, { started }: StartCount): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (Atomics.load(started, 0) < pool.threads.length && performance.now() < deadline) {
    await sleep(POLL_MS);
  }
  await pool.destroy();
}
