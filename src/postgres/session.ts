/**
 * One session for several flows of work that must not be mixed, such as the statements of a
 * transaction.
 */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { isClosed } from './backend.js';

export class Session {
  readonly #client: pg.Client;
  #last: Promise<unknown> = Promise.resolve();

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /**
   * Runs `work` when all work requested before has ended.
   *
   * @throws EdpError `database_unreachable` where the session is lost, and with it all its locks
   */
  run<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const turn = this.#last.then(async () => {
      try {
        return await work(this.#client);
      } catch (error) {
        throw isClosed(this.#client) && !(error instanceof EdpError)
          ? sessionLost('its loads', error)
          : error;
      }
    });
    this.#last = turn.catch(() => {});
    return turn;
  }
}

/**
 * @param what is held by the session
 * @param cause how the session was lost, where that is known
 */
export function sessionLost(what: string, cause?: unknown): EdpError {
  const how = cause === undefined ? '' : `: ${(cause as Error).message}`;
  return new EdpError(
    'database_unreachable',
    `the connection by which this run holds ${what} was lost${how}`,
    {
      hint: 'run the same command again: the ledger knows what is there, and the rest is loaded',
      cause,
    },
  );
}
