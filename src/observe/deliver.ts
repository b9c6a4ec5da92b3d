/** Delivery to one receiver: tried again for a few seconds, and then given up. */

import { setTimeout as sleep } from 'node:timers/promises';
import pRetry from 'p-retry';
import { tunable } from '../base/failpoints.js';
import { DeliveryFault, toDeliveryFault } from './post.js';

/** In all: whoever waits for the command waits for this, too. */
const TOTAL_MS = 8000;
/** One try. */
const TRY_MS = 3000;
const MAX_TRIES = 6;
const FIRST_WAIT_MS = 250;
/** What the last try has of it at least. */
const LAST_TRY_SHARE = 1 / 8;

/**
 * @param attempt one try, which ends when its signal says so, after `ms`
 * @returns what has gone wrong, if it was not delivered
 */
export async function deliver(
  attempt: (signal: AbortSignal, ms: number) => Promise<unknown>,
): Promise<string | undefined> {
  const totalMs = tunable('notify.total_ms', TOTAL_MS);
  const tryMs = Math.min(totalMs, TRY_MS);
  const endsAt = performance.now() + totalMs;
  let tries = 0;
  let last: DeliveryFault | undefined;
  try {
    await pRetry(
      async () => {
        tries++;
        const ms = Math.max(1, Math.min(tryMs, endsAt - performance.now()));
        try {
          await withinTime(attempt, ms);
        } catch (error) {
          // Of a try that had less time than the others, that it was too long says nothing.
          const isCutOff = (error as DeliveryFault).isLate && ms < tryMs;
          if (last === undefined || !isCutOff) last = error as DeliveryFault;
          throw error;
        }
      },
      {
        retries: MAX_TRIES - 1,
        minTimeout: FIRST_WAIT_MS,
        maxRetryTime: totalMs * (1 - LAST_TRY_SHARE),
        randomize: true,
        shouldRetry: ({ error }) =>
          error instanceof DeliveryFault &&
          error.mayPass &&
          (error.waitMs ?? FIRST_WAIT_MS) < endsAt - performance.now(),
        async onFailedAttempt({ error }) {
          const { waitMs = 0 } = error as DeliveryFault;
          if (waitMs > 0 && waitMs < endsAt - performance.now()) await sleep(waitMs);
        },
      },
    );
    return undefined;
  } catch (error) {
    const { message, waitMs } = last ?? (error as DeliveryFault);
    const asked = waitMs === undefined ? '' : ` and asks to wait for ${Math.ceil(waitMs / 1000)} s`;
    return `${message}${asked} (${tries === 1 ? 'tried once' : `tried ${tries} times`})`;
  }
}

async function withinTime(
  attempt: (signal: AbortSignal, ms: number) => Promise<unknown>,
  ms: number,
): Promise<void> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ms);
  const ended = new Promise<never>((_, reject) => {
    abort.signal.addEventListener('abort', () => reject(new Error('too late')), { once: true });
  });
  try {
    await Promise.race([attempt(abort.signal, ms), ended]);
  } catch (error) {
    throw toDeliveryFault(error, abort.signal);
  } finally {
    clearTimeout(timer);
  }
}
