/** Where captured events go. */

/** An event that is ready to be sent. */
export interface SentEvent {
  /** Of the model. */
  readonly table: string;
  readonly sequence: bigint;
  /** JSON, without a line end. */
  readonly line: string;
}

/**
 * A target of events. Whoever writes calls `commit` before it moves the cursor of its consumer, so what is committed may
 * come once more after a crash, and nothing is lost.
 */
export interface Sink {
  /** Also removes what runs of the same consumer have left that ended before they committed. */
  open(): Promise<void>;
  write(events: readonly SentEvent[]): Promise<void>;
  /** Whether it is time to commit. */
  isDue(): boolean;
  /** Makes all that was written permanent. */
  commit(): Promise<void>;
  /** Forgets what was written since the last commit. */
  discard(): Promise<void>;
}
