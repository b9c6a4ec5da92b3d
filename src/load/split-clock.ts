/** Takes the time of the steps of a split. */
import type { SplitTimes } from './messages.js';

type Step = SplitTimes['steps'][number]['step'];

export class SplitClock {
  readonly #startedAt = performance.now();
  readonly #seconds = new Map<Step, number>();
  /** Where the step that is under way began. */
  #from = this.#startedAt;

  /** Ends a step; one of several parts is their sum. */
  end(step: Step): void {
    this.#seconds.set(step, (this.#seconds.get(step) ?? 0) + this.#take());
  }

  /** Ends a time that is none of a step: of waiting for others. */
  wait(): void {
    this.#take();
  }

  get times(): SplitTimes {
    return {
      startedAt: performance.timeOrigin + this.#startedAt,
      seconds: (performance.now() - this.#startedAt) / 1000,
      steps: [...this.#seconds].map(([step, seconds]) => ({ step, seconds })),
    };
  }

  #take(): number {
    const now = performance.now();
    const seconds = (now - this.#from) / 1000;
    this.#from = now;
    return seconds;
  }
}
