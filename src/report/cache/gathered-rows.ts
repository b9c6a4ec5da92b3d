/** Passes rows on, and gathers them for the cache as long as they are few. */
import type { ResultColumn, ResultRow } from '../format/report-writer.js';
import type { ReportRows } from '../rows.js';

/** A larger result is not kept: a sixteenth of the cache. All that a report holds in memory for the cache. */
const MAX_RESULT_BYTES = 16 * 1024 * 1024;

export interface Gathered {
  readonly parts: readonly Buffer[];
  readonly rows: number;
  readonly bytes: number;
}

export class GatheredRows implements ReportRows {
  readonly columns: readonly ResultColumn[];
  readonly #source: ReportRows;
  #parts: Buffer[] = [];
  #rows = 0;
  #bytes = 0;
  #isComplete = true;

  constructor(source: ReportRows) {
    this.#source = source;
    this.columns = source.columns;
  }

  async *batches(maxRows: number): AsyncGenerator<readonly ResultRow[]> {
    for await (const batch of this.#source.batches(maxRows)) {
      this.#gather(batch);
      yield batch;
    }
  }

  async countRest(): Promise<number> {
    const rest = await this.#source.countRest();
    if (rest > 0) this.#giveUp();
    return rest;
  }

  /** All rows, after the last batch; undefined where they are too many, or some were only counted. */
  get all(): Gathered | undefined {
    return this.#isComplete
      ? { parts: this.#parts, rows: this.#rows, bytes: this.#bytes }
      : undefined;
  }

  #gather(batch: readonly ResultRow[]): void {
    if (!this.#isComplete) return;
    const part = Buffer.from(JSON.stringify(batch));
    this.#parts.push(part);
    this.#rows += batch.length;
    this.#bytes += part.length;
    if (this.#bytes > MAX_RESULT_BYTES) this.#giveUp();
  }

  #giveUp(): void {
    this.#isComplete = false;
    this.#parts = [];
  }
}
