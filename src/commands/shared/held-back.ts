/**
 * Holds back the first piece of an output until there is a second one: the head of a report, while the server still computes
 * the first row. Until then, the report can begin anew.
 */
import type { Write } from '../../report/destination.js';

export class HeldBack {
  #hasPassed = false;

  /** Whether anything was written. */
  get hasPassed(): boolean {
    return this.#hasPassed;
  }

  /** Runs `work` with a function to write with; what was held back is written when it is done. */
  async pass<T>(write: Write, work: (write: Write) => Promise<T>): Promise<T> {
    let held: Uint8Array | undefined;
    let isFirst = true;
    const release = async () => {
      if (held === undefined) return;
      const bytes = held;
      held = undefined;
      this.#hasPassed = true;
      await write(bytes);
    };
    const result = await work(async (bytes) => {
      if (isFirst) {
        isFirst = false;
        held = bytes;
        return;
      }
      await release();
      this.#hasPassed = true;
      await write(bytes);
    });
    await release();
    return result;
  }
}
