/** Trying again what may pass: after a deadlock, a lost connection, a server that restarts. */
import { setTimeout as sleep } from 'node:timers/promises';
import pRetry from 'p-retry';

export interface RetryPolicy {
  /** Tries after the first one. */
  readonly retries?: number;
  /** Before the second try. Each further delay is twice as long; all of them up to twice that, at random. */
  readonly firstDelayMs?: number;
  readonly maxDelayMs?: number;
  /** No try begins later than this after the first one. */
  readonly forMs?: number;
}

/** What holds unless a policy says otherwise: about a quarter of a minute in all. */
export const RETRIES = 8;
const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 5000;

/**
 * @param mayPass whether another try may do better
 * @throws what the last try has thrown
 */
export function retry<T>(
  work: () => Promise<T>,
  mayPass: (error: Error) => boolean,
  policy: RetryPolicy = {},
): Promise<T> {
  return pRetry(work, {
    retries: policy.retries ?? RETRIES,
    minTimeout: policy.firstDelayMs ?? FIRST_DELAY_MS,
    maxTimeout: policy.maxDelayMs ?? MAX_DELAY_MS,
    maxRetryTime: policy.forMs ?? Number.POSITIVE_INFINITY,
    randomize: true,
    shouldRetry: ({ error }) => mayPass(error),
  });
}

/**
 * The delay alone, for a loop that does more than try again.
 *
 * @param failures how many tries have failed, from 1
 */
export async function backOff(failures: number): Promise<void> {
  const delayMs = FIRST_DELAY_MS * 2 ** (failures - 1) * (1 + Math.random());
  await sleep(Math.min(MAX_DELAY_MS, delayMs));
}
