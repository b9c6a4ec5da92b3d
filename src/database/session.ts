/** One session for several flows of work that must not be mixed, such as the statements of a transaction. */
import type pg from 'pg';
import { EdpError } from '../errors.js';

export class Session {
  readonly #client: pg.Client;
  #last: Promise<unknown> = Promise.resolve();

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /**
   * Runs `work` when all work asked for before has ended.
   *
   * @throws EdpError `database_unreachable` where the session is lost, and with it all its locks
   */
  run<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      try {
        return await work(this.#client);
      } catch (error) {
        throw isClosed(this.#client) && !(error instanceof EdpError) ? toLost(error) : error;
      }
    });
    this.#last = turn.catch(() => {});
    return turn;
  }
}

function toLost(cause: unknown): EdpError {
  return new EdpError(
    'database_unreachable',
    `the connection by which this run holds its loads was lost: ${(cause as Error).message}`,
    {
      hint: 'run the same command again: the ledger knows what is there, and the rest is loaded',
      cause,
    },
  );
}

/** What pg keeps to itself: whether the socket still lives. */
function isClosed(client: pg.Client): boolean {
  return (client as unknown as { connection: { stream: { destroyed: boolean } } }).connection.stream
    .destroyed;
}
