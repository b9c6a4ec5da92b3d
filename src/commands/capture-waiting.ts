/** Rows of a captured source that no event can be made of before an install. */
import type pg from 'pg';
import { readKept } from '../capture/map-kept.js';
import { readStuck } from '../capture/misfits.js';
import { formatNumber, type Output } from '../terminal/output.js';

/** Counts them, and says each reason once. */
export class WaitingRows {
  readonly #output: Output<never>;
  readonly #said = new Set<string>();
  statements = 0;
  stuck: readonly string[] = [];

  constructor(output: Output<never>) {
    this.#output = output;
  }

  async report(client: pg.Client): Promise<void> {
    const kept = await readKept(client);
    this.statements = kept.reduce((sum, { statements }) => sum + statements, 0);
    this.stuck = await readStuck(client);
    for (const { source, statements, error } of kept) {
      this.#say(
        source,
        `${source}: rows of ${formatNumber(statements, 'statement')} could not be mapped (${error}); correct edp.yaml, then edp capture install publishes them`,
      );
    }
    for (const misfit of this.stuck) {
      this.#say(misfit, `${misfit}; correct edp.yaml, then edp capture install evaluates it`);
    }
  }

  #say(key: string, text: string): void {
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.#output.warn(text);
  }
}
