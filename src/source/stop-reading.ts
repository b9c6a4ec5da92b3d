/** Lets a thread stop waiting for a server when the work is stopped. */

let flag: Int32Array | undefined;

/** @param stop set to 1 by the thread that stops the work; shared memory */
export function stopReadingWith(stop: Int32Array): void {
  flag = stop;
}

/** Stops the waits of this thread. */
export function stopReading(): void {
  flag = new Int32Array([1]);
}

export function isReadingStopped(): boolean {
  return flag !== undefined && Atomics.load(flag, 0) === 1;
}

/** Interval of the check whether the work was stopped. */
export const STOP_POLL_MS = 250;
/** After a stop, a server may still take this time for its next bytes: the split in hand is finished. */
const STOPPED_WAIT_MS = 2000;

/**
 * Waits for the next bytes of a server.
 *
 * @param giveUp called once where the work was stopped and none come; it must end the wait
 */
export async function unlessStopped<T>(wait: Promise<T>, giveUp: () => void): Promise<T> {
  let stoppedMs = 0;
  const timer = setInterval(() => {
    if (!isReadingStopped()) return;
    stoppedMs += STOP_POLL_MS;
    if (stoppedMs < STOPPED_WAIT_MS) return;
    clearInterval(timer);
    giveUp();
  }, STOP_POLL_MS);
  try {
    return await wait;
  } finally {
    clearInterval(timer);
  }
}
