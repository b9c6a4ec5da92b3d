/** The piscina pool of workers that infer types. Small files are read without workers. */
import type { Piscina } from 'piscina';
import { type ErrorData, fromErrorData } from '../base/errors.js';
import { withThreads } from '../base/threads.js';
import { readStretch, type Stretch, type StretchTask } from './stretch.js';

/** Starting a thread takes as long as reading this much. */
const BYTES_WITHOUT_THREAD = 4 * 1024 * 1024;

export type StretchOutcome =
  | { readonly kind: 'read'; readonly stretch: Stretch }
  | { readonly kind: 'failed'; readonly error: ErrorData };

export interface InferencePool {
  readonly processCount: number;
  read(task: StretchTask): Promise<Stretch>;
}

/** @param expectedBytes bytes of all files */
export async function withInferencePool<T>(
  processCount: number,
  expectedBytes: number,
  work: (pool: InferencePool) => Promise<T>,
): Promise<T> {
  if (expectedBytes <= BYTES_WITHOUT_THREAD) return work({ processCount: 1, read: readStretch });
  const minThreads = Math.min(processCount, Math.ceil(expectedBytes / BYTES_WITHOUT_THREAD));
  const threads = { minThreads, maxThreads: processCount };
  return withThreads('infer/infer-worker', threads, (pool: Piscina<StretchTask, StretchOutcome>) =>
    work({
      processCount,
      async read(task) {
        const outcome = await pool.run(task);
        if (outcome.kind === 'failed') throw fromErrorData(outcome.error);
        return outcome.stretch;
      },
    }),
  );
}
