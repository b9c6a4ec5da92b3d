/** The piscina pool of split workers: one thread and one database session each. */
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { compileAssembly } from './lanes/lane-memory.js';
import type { SplitOutcome, SplitTask } from './split.js';

/** What every thread gets when it starts. */
export interface WorkerData {
  /** Compiled once for all of them. */
  readonly lane: WebAssembly.Module;
}

export interface SplitPool {
  run(task: SplitTask): Promise<SplitOutcome>;
}

export async function withPool<T>(
  processCount: number,
  work: (pool: SplitPool) => Promise<T>,
): Promise<T> {
  const workerData: WorkerData = { lane: await compileAssembly() };
  const pool = new Piscina({
    filename: fileURLToPath(new URL('./worker.js', import.meta.url)),
    // Threads start when there is work for them, and stay.
    minThreads: 0,
    maxThreads: processCount,
    idleTimeout: Number.POSITIVE_INFINITY,
    workerData,
    // The byte lane makes next to no garbage; a small young generation keeps the process small.
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  });
  try {
    return await work({
      run: (task) => pool.run(task, { transferList: [task.port] }) as Promise<SplitOutcome>,
    });
  } finally {
    await pool.destroy();
  }
}
