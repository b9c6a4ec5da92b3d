/** Several splits in one transaction. */
import type pg from 'pg';
import { listInitiallyDeferred } from '../../postgres/referring-keys.js';

/** Each transaction of a run defers its checks anew; those of the splits before are made by now. */
export class DeferAgain {
  readonly #client: pg.Client;
  #names: string | undefined;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  async now(): Promise<void> {
    this.#names ??= await listInitiallyDeferred(this.#client);
    if (this.#names !== '') await this.#client.query(`SET CONSTRAINTS ${this.#names} DEFERRED`);
  }
}
