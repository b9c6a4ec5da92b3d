/**
 * The embedded server of the benchmark, as a user starts it, and its databases: every measurement gets a
 * database of its own, copied from a template that holds what is there before the load. So no table, no
 * index, no ledger and no statistics outlive a round.
 */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { launchApart } from './measure/launch.js';
import { CLI } from './repository.js';

/** The database that is loaded into. */
const RUN_DATABASE = 'bench_run';

/** Always the same, so that a warehouse that was made in one of them is at home in the next. */
const RUN_DATABASE_OID = 1_000_000;

/** Settings that decide how fast a load is; shown with the results. */
const SHOWN_SETTINGS = [
  'server_version',
  'shared_buffers',
  'wal_level',
  'max_wal_size',
  'wal_buffers',
  'checkpoint_timeout',
  'maintenance_work_mem',
  'work_mem',
  'synchronous_commit',
  'fsync',
  'full_page_writes',
  'autovacuum',
  'io_method',
  'max_parallel_maintenance_workers',
];

export interface RunDatabase {
  readonly url: string;
  readonly config: pg.ClientConfig;
}

export class Server {
  readonly settings: Readonly<Record<string, string>>;
  /** Process id of the postmaster. */
  readonly postmaster: number;
  /** A directory that the server can write to. */
  readonly dataDirectory: string;
  readonly #config: pg.ClientConfig;
  readonly #admin: pg.Client;
  readonly #directory: string;

  private constructor(
    directory: string,
    config: pg.ClientConfig,
    admin: pg.Client,
    settings: Record<string, string>,
    dataDirectory: string,
  ) {
    this.#directory = directory;
    this.#config = config;
    this.#admin = admin;
    this.settings = settings;
    this.dataDirectory = dataDirectory;
    this.postmaster = Number(
      readFileSync(path.join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n')[0],
    );
  }

  /** Starts the embedded server of a directory. */
  static async start(directory: string): Promise<Server> {
    const [output] = await launchApart({
      command: process.execPath,
      args: [CLI, 'db', 'start', '--json'],
      cwd: directory,
    });
    const { url } = JSON.parse(output!) as { url: string };
    const config: pg.ClientConfig = { ...parseIntoClientConfig(url), ssl: false };
    const admin = new pg.Client({ ...config, database: 'postgres' });
    await admin.connect();
    const { rows } = await admin.query<{ name: string; value: string }>(
      'SELECT name, current_setting(name) AS value FROM pg_settings WHERE name = ANY ($1)',
      [[...SHOWN_SETTINGS, 'data_directory']],
    );
    const value = (name: string) => rows.find((row) => row.name === name)?.value;
    const settings = Object.fromEntries(
      SHOWN_SETTINGS.flatMap((name) =>
        value(name) === undefined ? [] : [[name, value(name) as string]],
      ),
    );
    return new Server(directory, config, admin, settings, value('data_directory') as string);
  }

  static async stop(directory: string): Promise<void> {
    await launchApart({ command: process.execPath, args: [CLI, 'db', 'stop'], cwd: directory });
  }

  async stop(): Promise<void> {
    await this.#admin.end().catch(() => {});
    await Server.stop(this.#directory);
    // Where the server runs under another account, its data is not below the directory.
    await rm(path.dirname(this.dataDirectory), { recursive: true, force: true });
  }

  /** The database that is loaded into; there is one while a load runs. */
  get runDatabase(): RunDatabase {
    return this.describe(RUN_DATABASE);
  }

  describe(database: string): RunDatabase {
    const { host, user } = this.#config;
    return {
      url: `postgresql:///${database}?host=${host}&user=${user}`,
      config: { ...this.#config, database },
    };
  }

  async withClient<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client(this.describe(database).config);
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  /** Makes a database to copy others from, settled: nothing is left for vacuum or a checkpoint to do. */
  async createTemplate(name: string, fill: (client: pg.Client) => Promise<void>): Promise<void> {
    await this.dropDatabase(name);
    await this.#admin.query(`CREATE DATABASE ${name}`);
    await this.withClient(name, async (client) => {
      await fill(client);
      await client.query('VACUUM (FREEZE, ANALYZE)');
    });
    await this.#admin.query('CHECKPOINT');
  }

  /** A fresh database with what the template has, and the server with nothing left to write. */
  async createRunDatabase(template: string): Promise<RunDatabase> {
    await this.dropDatabase(RUN_DATABASE);
    await this.#admin.query(
      `CREATE DATABASE ${RUN_DATABASE} TEMPLATE ${template} STRATEGY file_copy OID ${RUN_DATABASE_OID}`,
    );
    // The first session in a database builds caches on disk, which no user's load has to wait for.
    await this.withClient(RUN_DATABASE, (client) => client.query('SELECT'));
    await this.#admin.query('CHECKPOINT');
    return this.runDatabase;
  }

  /** Keeps what the run database holds now, settled, to begin with it again. */
  async keepRunDatabase(template: string): Promise<void> {
    await this.withClient(RUN_DATABASE, (client) => client.query('VACUUM (FREEZE, ANALYZE)'));
    await this.dropDatabase(template);
    await this.#admin.query(
      `CREATE DATABASE ${template} TEMPLATE ${RUN_DATABASE} STRATEGY file_copy`,
    );
  }

  async dropDatabase(name: string): Promise<void> {
    await this.#admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  }
}
