/** A primary and a standby of it, both on loopback, made without pg_basebackup: the embedded binaries do not have it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { findBinaries } from '../../src/postgres/embedded/binaries.js';
import { chooseLauncher, type Launcher } from '../../src/postgres/embedded/launcher.js';
import { freePort } from './free-port.js';
import { makeTemporary } from './temporary.js';

export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** Its data directory. */
  readonly data: string;
  query(sql: string): Promise<Record<string, unknown>[]>;
  start(): Promise<void>;
  /** Ends the processes at once, without a checkpoint. */
  kill(): Promise<void>;
}

export interface TestPair {
  readonly primary: TestServer;
  readonly standby: TestServer;
  stop(): Promise<void>;
}

const PASSWORD = 'not-to-be-shown';

/** @param settings of the standby */
export async function startPair(settings: readonly string[] = []): Promise<TestPair> {
  const directory = await makeTemporary();
  const launcher = await chooseLauncher(path.join(directory, 'server'), await findBinaries());
  const data = path.join(launcher.home, 'primary');
  const env = { ...process.env, ...launcher.environment, LC_ALL: 'C' };
  const initdb = launcher.wrap(launcher.binaries.initdb, [
    ...['--pgdata', data, '--username', 'edp', '--auth', 'trust', '--no-sync'],
    ...['--encoding', 'UTF8', '--locale', 'C'],
  ]);
  execFileSync(initdb.command, initdb.args, { ...initdb.options, env, stdio: 'ignore' });
  const primary = await serverOf(launcher, data, [
    ...['wal_level=replica', 'autovacuum=off', 'max_wal_senders=4'],
    'max_prepared_transactions=4',
  ]);
  await primary.start();
  const copy = path.join(launcher.home, 'standby');
  await copyData(primary, data, copy);
  const standby = await serverOf(launcher, copy, [
    `primary_conninfo=host=127.0.0.1 port=${primary.port} user=edp`,
    ...['hot_standby_feedback=off', 'max_standby_streaming_delay=100ms'],
    ...['max_prepared_transactions=4', ...settings],
  ]);
  await standby.start();
  return {
    primary,
    standby,
    async stop() {
      await standby.kill();
      await primary.kill();
      await rm(directory, { recursive: true, force: true });
      await rm(launcher.home, { recursive: true, force: true });
    },
  };
}

async function copyData({ port }: TestServer, from: string, to: string): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'edp', database: 'postgres' });
  await client.connect();
  await client.query("SELECT pg_backup_start('test', true)");
  execFileSync('cp', ['-a', from, to]);
  const { rows } = await client.query<{ labelfile: string }>(
    'SELECT labelfile FROM pg_backup_stop(false)',
  );
  await client.end();
  for (const gone of ['postmaster.pid', 'postmaster.opts', 'pg_replslot']) {
    await rm(path.join(to, gone), { recursive: true, force: true });
  }
  execFileSync('sh', ['-c', 'find "$1/pg_wal" -type f -delete', 'sh', to]);
  execFileSync('cp', ['-a', path.join(from, 'pg_replslot'), to]);
  for (const [name, text] of [
    ['backup_label', rows[0]!.labelfile],
    ['standby.signal', ''],
  ] as const) {
    await writeFile(path.join(to, name), text);
    const { uid, gid } = await stat(to);
    execFileSync('chown', [`${uid}:${gid}`, path.join(to, name)]);
  }
}

async function serverOf(
  launcher: Launcher,
  data: string,
  settings: readonly string[],
): Promise<TestServer> {
  const port = await freePort();
  const pidFile = path.join(data, 'postmaster.pid');
  let child: ChildProcess | undefined;
  let ended: Promise<unknown> = Promise.resolve();
  return {
    port,
    data,
    url: `postgresql://edp:${PASSWORD}@127.0.0.1:${port}/postgres`,
    async query(sql) {
      const client = new pg.Client({ host: '127.0.0.1', port, user: 'edp', database: 'postgres' });
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(sql)).rows;
      } finally {
        await client.end();
      }
    },
    async start() {
      const server = launcher.wrap(launcher.binaries.postgres, [
        ...['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1'],
        ...['-c', `unix_socket_directories=${launcher.home}`, '-c', 'fsync=off'],
        ...settings.flatMap((setting) => ['-c', setting]),
      ]);
      child = spawn(server.command, server.args, {
        ...server.options,
        env: { ...process.env, ...launcher.environment, LC_ALL: 'C' },
        stdio: 'ignore',
      });
      ended = new Promise((resolve) => child!.once('close', resolve));
      for (let tries = 0; tries < 1500; tries++) {
        const lines = (await readFile(pidFile, 'utf8').catch(() => '')).split('\n');
        if (/ready|standby/.test(lines[7] ?? '')) return;
        await sleep(20);
      }
      throw new Error(`the server in ${data} did not start`);
    },
    async kill() {
      const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[0]);
      if (pid > 0) process.kill(pid, 'SIGQUIT');
      await ended;
      await rm(pidFile, { force: true });
    },
  };
}

export { PASSWORD };
