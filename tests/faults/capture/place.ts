/** Where a trial takes place, and edp's commands in it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { cleanEnvironment } from '../command.js';
import type { FaultServer } from '../server.js';
import type { Counts } from './counts.js';

/** A folder with an edp.yaml and a warehouse of its own. */
export interface Follower {
  readonly folder: string;
  readonly database: string;
  /** Of `edp capture run`. */
  readonly to: 'out' | 'table';
  readonly consumer: string;
}

/** Small limits, so that small trials reach them. */
const LIMITS = 'capture.rotate_bytes:=8192,capture.range_rows:=15,capture.fetch_rows:=50';

const HANGS_MS = 60_000;
const MOST_TRIES = 8;

export interface Command {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly status: number | null; readonly output: string }>;
}

export class Place {
  readonly server: FaultServer;
  readonly source: string;
  readonly directory: string;
  readonly followers: readonly [Follower, Follower];
  readonly counts: Counts;
  readonly #cli: string;
  readonly #running = new Set<ChildProcess>();
  #isClosed = false;
  /** Snapshots are taken one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(server: FaultServer, directory: string, name: string, cli: string, counts: Counts) {
    this.server = server;
    this.directory = directory;
    this.source = `${name}_source`;
    this.counts = counts;
    this.#cli = cli;
    this.followers = [
      {
        folder: path.join(directory, 'files'),
        database: `${name}_files`,
        to: 'out',
        consumer: 'default',
      },
      {
        folder: path.join(directory, 'table'),
        database: `${name}_table`,
        to: 'table',
        consumer: 'second',
      },
    ];
    for (const { folder } of this.followers) mkdirSync(folder, { recursive: true });
  }

  config(database: string): pg.ClientConfig {
    return { ...this.server.config, database };
  }

  async createDatabases(): Promise<void> {
    for (const name of [this.source, ...this.followers.map(({ database }) => database)]) {
      await this.server.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await this.server.query(`CREATE DATABASE ${name} TEMPLATE template0`);
    }
  }

  /** Ends what still runs, too. */
  async dropDatabases(): Promise<void> {
    this.#isClosed = true;
    for (const child of this.#running) child.kill('SIGKILL');
    await Promise.all(
      [...this.#running].map((child) => new Promise((resolve) => child.once('close', resolve))),
    );
    const left = await this.server.query('SELECT gid FROM pg_prepared_xacts WHERE database = $1', [
      this.source,
    ]);
    if (left.length > 0) throw new Error(`${left.length} prepared transactions are left`);
    for (const name of [this.source, ...this.followers.map(({ database }) => database)]) {
      await this.server.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    }
  }

  declare(text: string): void {
    for (const { folder } of this.followers) {
      const file = path.join(folder, 'edp.yaml');
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
    }
  }

  start(follower: Follower, args: readonly string[], failpoints = ''): Command {
    if (this.#isClosed) throw new Error('the trial is over');
    const child = spawn(process.execPath, [this.#cli, ...args], {
      cwd: follower.folder,
      env: {
        ...cleanEnvironment(),
        SOURCE_URL: this.server.url(this.source),
        DATABASE_URL: this.server.url(follower.database),
        EDP_FAILPOINTS: failpoints === '' ? LIMITS : `${LIMITS},${failpoints}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#running.add(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const ended = new Promise<{ status: number | null; output: string }>((resolve) => {
      child.once('close', (status) => {
        this.#running.delete(child);
        resolve({ status, output });
      });
    });
    return { child, ended };
  }

  /** Runs a command until it is done: a connection may have been cut. */
  async finish(
    follower: Follower,
    args: readonly string[],
    good: readonly number[] = [0],
  ): Promise<string> {
    for (let tries = 1; ; tries++) {
      const { child, ended } = this.start(follower, args);
      const timer = setTimeout(() => child.kill('SIGKILL'), HANGS_MS);
      const { status, output } = await ended;
      clearTimeout(timer);
      if (status !== null && good.includes(status)) return output;
      if (tries === MOST_TRIES || status === 2) {
        throw new Error(`edp ${args.join(' ')} ended with ${status}: ${output.slice(-2000)}`);
      }
      this.counts.add('commands run again');
      await sleep(200);
    }
  }

  /** Runs a command once, with a fault or a kill. */
  async disturb(
    follower: Follower,
    args: readonly string[],
    failpoints: string,
    killAfterMs: number,
  ): Promise<void> {
    const { child, ended } = this.start(follower, args, failpoints);
    await Promise.race([ended, sleep(killAfterMs)]);
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
    if (child.signalCode === 'SIGKILL')
      this.counts.add(`killed: edp ${args.slice(0, 2).join(' ').replace(' out', '')}`);
  }

  /** @param work may take snapshots */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
