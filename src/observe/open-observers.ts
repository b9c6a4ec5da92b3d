/** Who listens to a command: opened before it begins, closed when it has ended. */
import { openMetrics } from './metrics/open-metrics.js';
import type { Observer, ObserverContext } from './observer.js';

export type { Observer, ObserverContext } from './observer.js';

/** Opens one observer, or says with undefined that nobody asked for it. @throws EdpError `usage` */
type Opener = (context: ObserverContext) => Promise<Observer | undefined>;

/** Each loads its libraries only where it is asked for. */
const OPENERS: readonly Opener[] = [openMetrics];

/** @throws EdpError `usage` */
export async function openObservers(context: ObserverContext): Promise<readonly Observer[]> {
  const opened = await Promise.all(OPENERS.map((open) => open(context)));
  return opened.filter((observer) => observer !== undefined);
}

/** Closes them side by side. */
export async function closeObservers(observers: readonly Observer[]): Promise<void> {
  await Promise.all(observers.map((observer) => observer.close().catch(() => {})));
}
