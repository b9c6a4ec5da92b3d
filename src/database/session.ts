/** One session for several flows of work that must not be mixed, such as the statements of a transaction. */
import type pg from 'pg';

export class Session {
  readonly #client: pg.Client;
  #last: Promise<unknown> = Promise.resolve();

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /** Runs `work` when all work asked for before has ended. */
  run<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => work(this.#client));
    this.#last = turn.catch(() => {});
    return turn;
  }
}
