/** The thread of a worker that infers types: a stretch of a file → what is known of its columns. */
import { toErrorData } from '../base/errors.js';
import { countStart } from '../base/threads.js';
import type { StretchOutcome } from './infer-pool.js';
import { readStretch, type StretchTask } from './stretch.js';

export default async function run(task: StretchTask): Promise<StretchOutcome> {
  try {
    return { kind: 'read', stretch: await readStretch(task) };
  } catch (error) {
    return { kind: 'failed', error: toErrorData(error) };
  }
}

countStart();
