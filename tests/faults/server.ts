/**
 * A PostgreSQL for the harness alone: started, killed and started again as often as a fault
 * requires.
 *
 * It runs without fsync. Faults kill processes, never the machine, so bytes that a process has
 * written survive; bytes that the server had not written yet are lost, as with fsync.
 */
import { spawn } from 'node:child_process';
import { chmod, chown, mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { isAlive } from '../../src/base/alive.js';
import { findBinaries } from '../../src/postgres/embedded/binaries.js';
import { chooseLauncher, type Launcher } from '../../src/postgres/embedded/launcher.js';

const START_DEADLINE_MS = 60_000;

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '32MB',
  max_connections: '150',
  max_wal_size: '1GB',
  // Commits that do not wait for the disk stay unwritten, so a crash loses as much as possible.
  wal_writer_delay: '10s',
  wal_writer_flush_after: '1GB',
  // Long enough for the harness to complete the deadlock, short enough to wait for.
  deadlock_timeout: '200ms',
  client_connection_check_interval: '1s',
  logging_collector: 'off',
  timezone: 'UTC',
};

/** Running servers; none of them outlives the harness. */
const running = new Set<number>();
process.once('exit', () => {
  for (const pid of running) if (isAlive(pid)) process.kill(pid, 'SIGQUIT');
});

/** How a server is stopped: killed, immediate shutdown, or fast shutdown with rollback. */
export type Stop = 'SIGKILL' | 'SIGQUIT' | 'SIGINT';

export class FaultServer {
  readonly directory: string;
  readonly #launcher: Launcher;
  readonly #data: string;
  readonly #settings: Readonly<Record<string, string>>;
  #pid: number | undefined;
  #admin: pg.Client | undefined;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    directory: string,
    launcher: Launcher,
    settings: Readonly<Record<string, string>>,
  ) {
    this.directory = directory;
    this.#settings = { ...SETTINGS, ...settings };
    this.#launcher = launcher;
    this.#data = path.join(launcher.home, 'data');
  }

  /**
   * @param settings in place of the usual ones, or beside them
   * @param packageName another PostgreSQL than the one that edp brings
   */
  static async create(
    settings: Readonly<Record<string, string>> = {},
    packageName?: string,
  ): Promise<FaultServer> {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'edp-faults-'));
    const launcher = await chooseLauncher(
      path.join(directory, 'pg'),
      await findBinaries(packageName),
    );
    const server = new FaultServer(directory, launcher, settings);
    await server.#initialise();
    await server.start();
    return server;
  }

  get major(): number {
    return this.#launcher.binaries.major;
  }

  get config(): pg.ClientConfig {
    return {
      host: this.#launcher.home,
      port: 5432,
      user: 'edp',
      database: 'postgres',
      ssl: false,
    };
  }

  get socket(): string {
    return path.join(this.#launcher.home, '.s.PGSQL.5432');
  }

  url(database: string, user = 'edp'): string {
    return `postgresql:///${database}?host=${this.#launcher.home}&user=${user}`;
  }

  /** A session as superuser, kept between two restarts. */
  query(sql: string, values: unknown[] = []): Promise<unknown[][]> {
    const turn = this.#last.then(() => this.#query(sql, values));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #query(sql: string, values: unknown[]): Promise<unknown[][]> {
    if (this.#admin === undefined) {
      const admin = new pg.Client(this.config);
      admin.on('error', () => {
        this.#admin = undefined;
      });
      await admin.connect();
      this.#admin = admin;
    }
    return (await this.#admin.query<unknown[]>({ text: sql, values, rowMode: 'array' })).rows;
  }

  async #initialise(): Promise<void> {
    const status = await this.#run(this.#launcher.binaries.initdb, [
      '--pgdata',
      this.#data,
      '--username',
      'edp',
      '--auth',
      'trust',
      '--encoding',
      'UTF8',
      '--locale',
      'C',
      '--no-sync',
    ]);
    if (status !== 0) throw new Error(`initdb ended with ${status}`);
  }

  async #run(program: string, args: readonly string[]): Promise<number | null> {
    const wrapped = this.#launcher.wrap(program, args);
    const child = spawn(wrapped.command, wrapped.args, {
      ...wrapped.options,
      env: { ...process.env, ...this.#launcher.environment, LC_ALL: 'C' },
      stdio: 'ignore',
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
  }

  /** Starts the server, as soon as the remains of the one before allow. */
  async start(): Promise<void> {
    const deadline = Date.now() + START_DEADLINE_MS;
    while (Date.now() < deadline) {
      if (await this.#tryStart()) return;
      await sleep(50);
    }
    const log = await readFile(path.join(this.directory, 'postgres.log'), 'utf8').catch(() => '');
    throw new Error(`the server did not start: ${log.trim().split('\n').slice(-5).join(' | ')}`);
  }

  async #tryStart(): Promise<boolean> {
    const settings = { ...this.#settings, unix_socket_directories: this.#launcher.home };
    const wrapped = this.#launcher.wrap(this.#launcher.binaries.postgres, [
      '-D',
      this.#data,
      '-p',
      '5432',
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]);
    const log = await open(path.join(this.directory, 'postgres.log'), 'a', 0o600);
    const child = spawn(wrapped.command, wrapped.args, {
      ...wrapped.options,
      env: { ...process.env, ...this.#launcher.environment, LC_ALL: 'C' },
      stdio: ['ignore', log.fd, log.fd],
    });
    await log.close();
    let hasEnded = false;
    child.once('exit', () => {
      hasEnded = true;
    });
    child.once('error', () => {
      hasEnded = true;
    });
    const deadline = Date.now() + START_DEADLINE_MS;
    while (!hasEnded && Date.now() < deadline) {
      const lines = await readFile(path.join(this.#data, 'postmaster.pid'), 'utf8').catch(() => '');
      if (Number(lines.split('\n')[0]) === child.pid && lines.split('\n')[7]?.trim() === 'ready') {
        this.#pid = child.pid;
        if (child.pid !== undefined) running.add(child.pid);
        child.unref();
        return true;
      }
      await sleep(5);
    }
    return false;
  }

  /** Stops it, and returns once the postmaster has ended. */
  async stop(how: Stop): Promise<void> {
    const pid = this.#pid;
    if (pid === undefined) return;
    this.#pid = undefined;
    const admin = this.#admin;
    this.#admin = undefined;
    process.kill(pid, how);
    while (isAlive(pid)) await sleep(2);
    running.delete(pid);
    admin?.end().catch(() => {});
  }

  /** Creates a directory that the server can write to, for a tablespace. */
  async give(directory: string): Promise<void> {
    const { uid, gid } = await stat(this.#launcher.home);
    await chown(directory, uid, gid);
    await chmod(directory, 0o700);
  }

  async remove(): Promise<void> {
    await this.#admin?.end().catch(() => {});
    this.#admin = undefined;
    await this.stop('SIGQUIT');
    await rm(this.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
