/** The piscina pool of split workers: one thread and one database session each. */
import type pg from 'pg';
import { compileAssembly } from '../base/assembly.js';
import { withThreads } from '../base/threads.js';
import type { ScanOutcome, ScanTask, SplitOutcome, SplitTask } from './messages.js';
import { hasSession, makeSessionMarks, type SessionMarks } from './session-marks.js';

/** Bytes per thread: a thread takes time to start, which is not worth it for less. */
const BYTES_PER_THREAD = 1024 * 1024;
/** The byte lane makes almost no garbage; a small young generation keeps the process small. */
const SMALL_YOUNG_GENERATION_MB = 2;
/** Objects of events would be collected too often, and live on for no reason. */
export const EVENT_YOUNG_GENERATION_MB = 32;

/** The data that every thread gets at its start. */
export interface WorkerData {
  /** Compiled once for all threads. */
  readonly lane: WebAssembly.Module;
}

/** Of a thread with a database session of its own. */
export interface LoadWorkerData extends WorkerData {
  readonly sessions: SessionMarks;
}

export interface SplitPool {
  /** Lets the threads that have started connect, ahead of their first split. */
  connect(database: pg.ClientConfig): void;
  run(task: SplitTask): Promise<SplitOutcome>;
  scan(task: ScanTask): Promise<ScanOutcome>;
}

/**
 * @param expectedBytes size of the load: the number of threads that it is worth starts at once, so
 *   that they are ready when the run has found its database and its files; others start when they
 *   are needed
 * @param youngGenerationMb of each thread: more, where each record is made of objects
 */
export async function withPool<T>(
  processCount: number,
  expectedBytes: number,
  work: (pool: SplitPool) => Promise<T>,
  youngGenerationMb = SMALL_YOUNG_GENERATION_MB,
): Promise<T> {
  const threadCount = Math.min(
    processCount,
    Math.max(1, Math.ceil(expectedBytes / BYTES_PER_THREAD)),
  );
  const sessions = makeSessionMarks();
  const data: LoadWorkerData = { lane: await compileAssembly('byte-lane'), sessions };
  const threads = {
    minThreads: threadCount,
    maxThreads: processCount,
    data,
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
    // Where the server has no connection for each thread, those that have one do the work.
    isPreferred: (threadId: number) => hasSession(sessions, threadId),
  };
  return withThreads('load/load-worker', threads, (pool) =>
    work({
      connect(database) {
        // One thread is still starting when its split comes; another task would start a second one.
        if (threadCount === 1) return;
        for (let i = 0; i < threadCount; i++) {
          // A thread that cannot connect reports the error with its first split.
          pool.run(database, { name: 'connectAhead' }).catch(() => {});
        }
      },
      run: (task) => pool.run(task, { transferList: [task.port] }) as Promise<SplitOutcome>,
      scan: (task) =>
        pool.run(task, { name: 'scanSplit', transferList: [task.port] }) as Promise<ScanOutcome>,
    }),
  );
}
