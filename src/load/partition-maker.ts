/**
 * Makes the partitions that the splits of a run need, in a session of its own and one request after the other. A split
 * waits meanwhile, with its transaction open: it holds no lock that stands in the way, since it writes nothing into the
 * rest partition before it may commit.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { connectOnce, withTransaction } from '../postgres/connection.js';
import {
  type KnownPartition,
  makePartitions,
  type WantedPartition,
} from '../postgres/partitions-in-catalog.js';
import { isTransient } from '../postgres/sqlstate.js';
import type { TableInCatalog } from '../postgres/table-in-catalog.js';

/** Others who read or write the rest partition wait at most this long behind a request for its lock. */
const LOCK_TIMEOUT_MS = 250;
/** Pause between two requests, so that those who wait have their turn. */
const PAUSE_MS = 100;
/** A lock that is not free for this long is worth a message. */
const PATIENCE_MS = 5000;
/** Partitions of one transaction, a second or two: neither a stop nor those who wait for the locks wait for more. */
const MOST_AT_ONCE = 100;
const LOCK_NOT_AVAILABLE = '55P03';

export class PartitionMaker {
  readonly #database: pg.ClientConfig;
  readonly #isStopped: () => boolean;
  readonly #note: (text: string) => void;
  #client: Promise<pg.Client> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @param note takes a message for the user */
  constructor(database: pg.ClientConfig, isStopped: () => boolean, note: (text: string) => void) {
    this.#database = database;
    this.#isStopped = isStopped;
    this.#note = note;
  }

  /**
   * @throws EdpError `database_refused` where the role may not make them; `interrupted` where the run was stopped before
   *   all of them were there; those that were made stay
   */
  make(
    target: TableInCatalog,
    wanted: readonly WantedPartition[],
  ): Promise<readonly KnownPartition[]> {
    const turn = this.#last.then(() => this.#make(target, wanted));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async close(): Promise<void> {
    await this.#last;
    const client = await this.#client?.catch(() => undefined);
    await client?.end().catch(() => {});
  }

  async #make(
    target: TableInCatalog,
    wanted: readonly WantedPartition[],
  ): Promise<readonly KnownPartition[]> {
    const made: KnownPartition[] = [];
    for (let from = 0; from < wanted.length; from += MOST_AT_ONCE) {
      this.#assertGoesOn();
      made.push(...(await this.#makeSome(target, wanted.slice(from, from + MOST_AT_ONCE))));
    }
    return made;
  }

  #assertGoesOn(): void {
    if (this.#isStopped()) throw new EdpError('interrupted', 'the run was stopped');
  }

  async #makeSome(
    target: TableInCatalog,
    wanted: readonly WantedPartition[],
  ): Promise<readonly KnownPartition[]> {
    const { table, partitions } = target;
    this.#client ??= connectOnce(this.#database, 'partitions');
    const client = await this.#client;
    const since = performance.now();
    let hasNoted = false;
    for (;;) {
      try {
        return await withTransaction(client, async () => {
          await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
          return makePartitions(client, target, partitions!, wanted);
        });
      } catch (error) {
        const { code } = error as { code?: string };
        if (code !== LOCK_NOT_AVAILABLE && !isTransient(code)) throw explain(table, error);
        this.#assertGoesOn();
        if (!hasNoted && performance.now() - since > PATIENCE_MS) {
          hasNoted = true;
          this.#note(
            `new partitions of ${table} wait for another session, which reads or writes its rest partition or a table that it refers to`,
          );
        }
        await sleep(PAUSE_MS);
      }
    }
  }
}

function explain(table: string, error: unknown): unknown {
  const { code, message, hint } = error as pg.DatabaseError;
  switch (code) {
    case '42501':
      return new EdpError('database_refused', `partitions of ${table} cannot be made: ${message}`, {
        hint:
          hint ??
          `they are made by the owner of ${table}; or, for roles that may only insert, by the owner of schema edp, who needs CREATE on the schema of the table`,
        cause: error,
      });
    case '23514':
      return new EdpError('table_mismatch', `partitions of ${table} cannot be made: ${message}`, {
        hint: 'the DEFAULT partition has rows that belong into one of them: move them into a table of their own, and INSERT them again behind the load',
        cause: error,
      });
    case '54000':
      return new EdpError('table_mismatch', message, { hint, cause: error });
    default:
      return error;
  }
}
