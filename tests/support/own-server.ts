/** A PostgreSQL of a test's own, with settings that only a superuser or a restart can change. */
import { spawn } from 'node:child_process';
import { chown, mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { isAlive } from '../../src/base/alive.js';
import { findBinaries } from '../../src/postgres/embedded/binaries.js';
import { chooseLauncher, serverEnvironment } from '../../src/postgres/embedded/launcher.js';
import { isReady } from '../../src/postgres/embedded/server-files.js';
import { makeTemporary } from './temporary.js';

export interface OwnServer {
  readonly config: pg.ClientConfig;
  /** Keeps what ALTER SYSTEM has set. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** @param settings of the configuration file, which ALTER SYSTEM overrules */
export async function startOwnServer(
  settings: Readonly<Record<string, string>>,
  packageName?: string,
): Promise<OwnServer> {
  const directory = await makeTemporary();
  const binaries = await findBinaries(packageName);
  const launcher = await chooseLauncher(path.join(directory, 'pg'), binaries);
  const data = path.join(launcher.home, 'data');
  const run = (program: string, args: readonly string[]) => {
    const { command, args: all, options } = launcher.wrap(program, args);
    return spawn(command, [...all], {
      ...options,
      env: serverEnvironment(launcher.environment),
      stdio: 'ignore',
    });
  };
  await mkdir(launcher.home, { recursive: true });
  if (launcher.kind === 'account') {
    const { uid, gid } = await stat(launcher.home);
    await chown(launcher.home, uid, gid);
  }
  const init = run(launcher.binaries.initdb, [
    ...['-D', data, '-U', 'edp', '-A', 'trust', '-E', 'UTF8', '--locale', 'C', '--no-sync'],
    ...['--no-instructions'],
  ]);
  await new Promise((resolve) => init.once('close', resolve));
  const { appendFile } = await import('node:fs/promises');
  const lines = Object.entries({
    listen_addresses: '',
    unix_socket_directories: launcher.home,
    ...settings,
  }).map(([name, value]) => `${name} = '${value}'\n`);
  await appendFile(path.join(data, 'postgresql.conf'), lines.join(''));
  const start = async () => {
    const server = run(launcher.binaries.postgres, ['-D', data]);
    for (let i = 0; i < 600 && !(await isReady(data)); i++) await sleep(50);
    return server;
  };
  let server = await start();
  const end = async () => {
    const { readFile } = await import('node:fs/promises');
    const pid = Number.parseInt(await readFile(path.join(data, 'postmaster.pid'), 'utf8'), 10);
    process.kill(pid, 'SIGINT');
    for (let i = 0; i < 600 && isAlive(pid); i++) await sleep(50);
    server.unref();
  };
  return {
    config: { host: launcher.home, port: 5432, user: 'edp', database: 'postgres', ssl: false },
    async restart() {
      await end();
      server = await start();
    },
    async stop() {
      await end();
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
      await rm(launcher.home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
