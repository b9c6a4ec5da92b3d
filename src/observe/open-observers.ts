/** Who listens to a command: opened before it begins, closed when it has ended. */
import type { Project } from '../project/project.js';
import { openMetrics } from './metrics/open-metrics.js';

export interface Observer {
  /**
   * Sends or writes what is left, within a limit of its own, and never throws: a receiver that is dead
   * must not fail a load.
   */
  close(): Promise<void>;
}

export interface ObserverContext {
  readonly command: string;
  readonly given: Readonly<Record<string, unknown>>;
  readonly project: Project;
  readonly isJson: boolean;
  /** Says to the user what could not be delivered. */
  warn(text: string): void;
}

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
