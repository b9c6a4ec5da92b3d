/** One JSON object whose last member is a list, written in parts: it may be longer than memory. */
import { type Output, safeJson } from '../../terminal/output.js';

const END = ']}';

export class JsonInParts {
  readonly #output: Output;
  readonly #start: string;
  #separator = '';
  #hasBegun = false;

  /** @param empty the object with an empty list */
  constructor(output: Output, empty: object) {
    this.#output = output;
    this.#start = JSON.stringify(empty).slice(0, -END.length);
  }

  async add(item: unknown): Promise<void> {
    await this.#begin();
    await this.#output.write(this.#separator + safeJson(item));
    this.#separator = ',';
  }

  async end(): Promise<void> {
    await this.#begin();
    await this.#output.write(`${END}\n`);
  }

  /** Not before there is something to write: a failure before that is an object of its own. */
  async #begin(): Promise<void> {
    if (!this.#hasBegun) await this.#output.write(this.#start);
    this.#hasBegun = true;
  }
}
