/** Where numbers go. */
import type { MetricsRegistry } from './metrics-registry.js';

export interface TargetContext {
  readonly registry: MetricsRegistry;
  /** Says what could not be delivered. */
  warn(text: string): void;
}

export interface Target {
  /** Sends what is left, within a limit of its own; never throws. */
  close(): Promise<void>;
}
