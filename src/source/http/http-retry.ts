/** Repeats a request, each time after a longer wait, until it makes progress. */
import { setTimeout as sleep } from 'node:timers/promises';
import pRetry from 'p-retry';
import { EdpError } from '../../base/errors.js';
import { tunable } from '../../base/failpoints.js';
import { isReadingStopped, STOP_POLL_MS } from '../stop-reading.js';
import { PassingFault } from './http-faults.js';
import { reportRetry } from './retry-notes.js';

/** Attempts without a byte of progress; with the waits between them, about half a minute. */
export const MAX_TRIES = 8;
/** Attempts for the first request to a server, so that a wrong port is reported soon. */
export const FIRST_TRIES = 4;
const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 8000;
/** If a server requests a longer wait, this is an error. */
const MAX_ASKED_WAIT_MS = 60_000;

/**
 * @param shown the URL for messages
 * @throws EdpError `source_unreachable` if the last attempt has failed, too
 */
export async function withRetries<T>(
  shown: string,
  tries: number,
  attempt: () => Promise<T>,
): Promise<T> {
  try {
    return await pRetry(attempt, {
      retries: tries - 1,
      minTimeout: tunable('http.retry_ms', FIRST_WAIT_MS),
      maxTimeout: MAX_WAIT_MS,
      randomize: true,
      shouldRetry: ({ error }) =>
        error instanceof PassingFault && (error.waitMs ?? 0) <= MAX_ASKED_WAIT_MS,
      async onFailedAttempt({ error, retriesLeft }) {
        if (!(error instanceof PassingFault)) return;
        // A single failure is over before anybody asks.
        if (retriesLeft > 0 && retriesLeft < tries - 1) reportRetry(shown, error.message);
        const { waitMs = 0 } = error;
        if (retriesLeft === 0) await waitUnlessStopped(0);
        else if (waitMs <= MAX_ASKED_WAIT_MS) await waitUnlessStopped(waitMs);
      },
    });
  } catch (error) {
    if (!(error instanceof PassingFault)) throw error;
    const { waitMs = 0 } = error;
    if (waitMs > MAX_ASKED_WAIT_MS) {
      throw new EdpError(
        'source_unreachable',
        `${shown}: ${error.message}, and asks to wait for ${Math.ceil(waitMs / 1000)} s`,
        { hint: 'run the same command again then; what is loaded stays loaded', cause: error },
      );
    }
    throw new EdpError(
      'source_unreachable',
      `${shown} cannot be read: ${error.message} (tried ${tries} times)`,
      {
        hint: 'check the server and the network, and run the same command again; what is loaded stays loaded',
        cause: error,
      },
    );
  }
}

/** @throws EdpError `interrupted` */
async function waitUnlessStopped(waitMs: number): Promise<void> {
  for (let left = waitMs; ; left -= STOP_POLL_MS) {
    if (isReadingStopped()) throw new EdpError('interrupted', 'the work was stopped');
    if (left <= 0) return;
    await sleep(Math.min(left, STOP_POLL_MS));
  }
}
