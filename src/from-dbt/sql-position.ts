/** Whether the end of a text of SQL is inside of a comment. */

type Place = 'code' | "'" | '"' | 'line' | 'block';

export class SqlPosition {
  #place: Place = 'code';
  /** What may begin or end something together with what comes next. */
  #last = '';

  get isInComment(): boolean {
    return this.#place === 'line' || this.#place === 'block';
  }

  add(text: string): void {
    for (const sign of text) this.#step(sign);
  }

  #step(sign: string): void {
    const pair = this.#last + sign;
    this.#last = sign;
    if (this.#place === 'line') {
      if (sign === '\n') this.#place = 'code';
    } else if (this.#place === 'block') {
      if (pair === '*/') this.#leave();
    } else if (this.#place !== 'code') {
      // Of a doubled quote, the second begins the same text again.
      if (sign === this.#place) this.#leave();
    } else if (sign === "'" || sign === '"') this.#place = sign;
    else if (pair === '--') this.#place = 'line';
    else if (pair === '/*') this.#place = 'block';
  }

  #leave(): void {
    this.#place = 'code';
    this.#last = '';
  }
}
