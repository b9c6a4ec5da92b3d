/** What the main thread tells the user of requests that any thread tries again. */
import { BroadcastChannel } from 'node:worker_threads';

const CHANNEL = 'edp: requests that are tried again';
/** One line for each URL in this time. */
const INTERVAL_MS = 10_000;

interface FailedRequest {
  /** The URL without secrets. */
  readonly shown: string;
  readonly fault: string;
}

/** @param shown the URL for messages */
export function reportRetry(shown: string, fault: string): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage({ shown, fault } satisfies FailedRequest);
  channel.close();
}

/** Shows the retries of all threads while `work` runs. */
export async function withRetryNotes<T>(
  note: (text: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const channel = new BroadcastChannel(CHANNEL);
  channel.unref();
  const shownAt = new Map<string, number>();
  channel.onmessage = (event) => {
    const { shown, fault } = (event as { data: FailedRequest }).data;
    const now = performance.now();
    if (now - (shownAt.get(shown) ?? Number.NEGATIVE_INFINITY) < INTERVAL_MS) return;
    shownAt.set(shown, now);
    note(`${shown}: ${fault}; trying again`);
  };
  try {
    return await work();
  } finally {
    channel.close();
  }
}
