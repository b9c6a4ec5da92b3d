/** Databases for cases: one of each kind, and a new one when it is full of tables. */
import type pg from 'pg';
import { connect } from '../../src/postgres/connection.js';
import type { Host } from '../faults/command.js';
import type { FaultServer } from '../faults/server.js';
import type { Options } from './case.js';
import { ORACLE } from './oracle.js';
import type { Place } from './trial.js';

const BATCHES_PER_DATABASE = 30;

/** The role that owns tables and may do no more. */
export const PLAIN_ROLE = 'plain';

/** Types and collations, found in every search path. */
const EXTENSIONS = `
  CREATE EXTENSION citext SCHEMA pg_catalog;
  CREATE COLLATION pg_catalog.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);`;

interface Database {
  readonly name: string;
  readonly place: Place & { readonly client: pg.Client };
  batches: number;
}

export class Databases {
  readonly #server: FaultServer;
  readonly #host: Host;
  readonly #directory: string;
  readonly #prefix: string;
  readonly #open = new Map<string, Database>();
  #made = 0;

  constructor(server: FaultServer, host: Host, directory: string, prefix: string) {
    this.#server = server;
    this.#host = host;
    this.#directory = directory;
    this.#prefix = prefix;
  }

  async take({ encoding, isPlainRole }: Options): Promise<Place> {
    const kind = `${encoding} ${isPlainRole}`;
    let database = this.#open.get(kind);
    if (database !== undefined && database.batches >= BATCHES_PER_DATABASE) {
      await this.#drop(database);
      database = undefined;
    }
    database ??= await this.#make(encoding, isPlainRole);
    database.batches++;
    this.#open.set(kind, database);
    return database.place;
  }

  async remove(): Promise<void> {
    for (const database of this.#open.values()) await this.#drop(database);
  }

  async #make(encoding: string, isPlainRole: boolean): Promise<Database> {
    const name = `${this.#prefix}_${this.#made++}`;
    await this.#server.query(
      `DO $do$ BEGIN CREATE ROLE ${PLAIN_ROLE} LOGIN; EXCEPTION WHEN OTHERS THEN NULL; END $do$`,
    );
    await this.#server.query(
      `CREATE DATABASE ${name} ENCODING '${encoding}' TEMPLATE template0 LOCALE 'C'`,
    );
    const client = await connect({ ...this.#server.config, database: name }, 'oracle');
    await client.query(`${EXTENSIONS} ${ORACLE}
      GRANT CREATE ON DATABASE ${name} TO ${PLAIN_ROLE};
      GRANT ALL ON SCHEMA public, oracle, agreement TO ${PLAIN_ROLE};`);
    await client.query("SET timezone = 'UTC'; SET client_min_messages = error");
    const role = isPlainRole ? PLAIN_ROLE : undefined;
    const url = this.#server.url(name, role);
    const place = { client, url, host: this.#host, directory: this.#directory };
    return { name, place, batches: 0 };
  }

  async #drop({ name, place }: Database): Promise<void> {
    await place.client.end();
    await this.#server.query(`DROP DATABASE ${name} WITH (FORCE)`);
  }
}
