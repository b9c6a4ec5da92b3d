/**
 * The embedded PostgreSQL of a project: created on first use, started on demand, shared by commands
 * that run at the same time, stopped by the last of them, recovered after a crash.
 *
 * PostgreSQL itself keeps two servers off one data directory (postmaster.pid); edp only tries, and
 * connects to the server that won. The server listens on a socket in a directory that only its
 * owner can enter.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  chown,
  mkdir,
  mkdtemp,
  open,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { isAlive } from '../../base/alive.js';
import { EdpError } from '../../base/errors.js';
import { failpoint } from '../../base/failpoints.js';
import { connectOnce } from '../connection.js';
import { findBinaries } from './binaries.js';
import { startGuard } from './guard.js';
import { KEEP_RUNNING_FILE, KEEPER_NAME, LEASE_LOCK, startKeeper } from './keeper.js';
import { chooseLauncher, type Launcher } from './launcher.js';

/** Directory of the project for edp's own files. */
export const PROJECT_STATE_DIRECTORY = '.edp';

const DATABASE_NAME = 'edp';
const USER_NAME = 'edp';

/** sun_path is 108 bytes on Linux and 104 on macOS, and `/.s.PGSQL.5432` must fit. */
const MAX_SOCKET_DIRECTORY_BYTES = 88;

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 60_000;
/** Above Linux's largest process id, 2^22. */
const IMPOSSIBLE_PID = 4_194_305;
const MAX_LOG_BYTES = 8 * 1024 * 1024;

/** Tuned for loading on a machine that has other work, too. No setting gives up durability. */
const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  // COPY uses a small ring of buffers, and the system's cache holds the rest. Every process of the
  // server would report more as its own memory; docs/performance.md has what it would gain.
  shared_buffers: '16MB',
  // What PostgreSQL chooses from 512 MB of shared_buffers on. With less, two sessions that maintain
  // indexes wait for the log to be written out: a sixth of the time into a full table
  // (docs/performance.md).
  wal_buffers: '16MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  max_wal_size: '2GB',
  min_wal_size: '256MB',
  checkpoint_timeout: '15min',
  maintenance_work_mem: '128MB',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  logging_collector: 'off',
  // A query whose client was killed ends, too, instead of keeping the server busy.
  client_connection_check_interval: '1s',
};

/** Settings that only newer majors have. */
const SETTINGS_SINCE: readonly [major: number, name: string, value: string][] = [
  // The parallel I/O workers gain nothing for COPY into a page cache and cost three processes.
  [18, 'io_method', 'sync'],
];

export interface EmbeddedLease {
  readonly client: pg.ClientConfig;
  /**
   * Releases the server, and stops it when no other command uses it and `edp db start` did not ask
   * for it.
   */
  release(): Promise<void>;
}

interface Installation {
  readonly launcher: Launcher;
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  readonly logFile: string;
}

/**
 * @param directory the project's directory
 * @param packageName the package with the programs; tests run older majors, too
 */
export async function leaseEmbeddedServer(
  directory: string,
  packageName?: string,
): Promise<EmbeddedLease> {
  const installation = await install(directory, packageName);
  await failpoint('embedded.installed');
  const client = clientConfig(installation);
  const session = await connectOrStart(installation);
  return {
    client,
    async release() {
      await releaseSession(session, installation);
    },
  };
}

/** Starts the server and leaves it running. */
export async function startEmbeddedServer(directory: string): Promise<pg.ClientConfig> {
  const installation = await install(directory);
  const session = await connectOrStart(installation);
  const marker = path.join(installation.dataDirectory, KEEP_RUNNING_FILE);
  await writeFile(marker, 'edp db start\n');
  const owner = await stat(installation.dataDirectory);
  if (owner.uid !== process.getuid?.()) await chown(marker, owner.uid, owner.gid);
  await session.end();
  return clientConfig(installation);
}

/** @returns false where no server was running */
export async function stopEmbeddedServer(directory: string): Promise<boolean> {
  const installation = await install(directory);
  await rm(path.join(installation.dataDirectory, KEEP_RUNNING_FILE), { force: true });
  const pid = await findPostmaster(installation);
  if (pid === undefined) return false;
  await stopPostmaster(pid, installation);
  return true;
}

/**
 * The connection to the project's server, for other programs; `undefined` while it is not running.
 */
export async function findEmbeddedServer(directory: string): Promise<pg.ClientConfig | undefined> {
  const installation = await install(directory);
  return (await findPostmaster(installation)) === undefined
    ? undefined
    : clientConfig(installation);
}

async function install(directory: string, packageName?: string): Promise<Installation> {
  const binaries = await findBinaries(packageName);
  const state = path.join(path.resolve(directory), PROJECT_STATE_DIRECTORY);
  await mkdir(state, { recursive: true, mode: 0o700 }).catch((error: Error) => {
    throw new EdpError('embedded_failed', `${state} cannot be made: ${error.message}`, {
      hint: 'run edp in a directory you can write to, or name a server with --database-url',
      cause: error,
    });
  });
  const launcher = await chooseLauncher(path.join(state, `pg${binaries.major}`), binaries);
  return {
    launcher,
    dataDirectory: path.join(launcher.home, 'data'),
    socketDirectory: await chooseSocketDirectory(launcher.home),
    logFile: path.join(launcher.home, 'postgres.log'),
  };
}

/** The server's own directory where its path is short enough, else one in /tmp. */
async function chooseSocketDirectory(home: string): Promise<string> {
  if (Buffer.byteLength(home) <= MAX_SOCKET_DIRECTORY_BYTES) return home;
  const project = createHash('sha256').update(home).digest('hex').slice(0, 16);
  const uid = process.getuid?.() ?? 0;
  const directory = path.join(os.tmpdir(), `edp-${uid}-${project}`);
  await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const found = await stat(directory);
  if (found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new EdpError('embedded_failed', `${directory} belongs to someone else`, {
      hint: 'use a project directory with a shorter path, or set TMPDIR',
    });
  }
  return directory;
}

function clientConfig({ socketDirectory }: Installation): pg.ClientConfig {
  // The port only names the socket file; a PGPORT meant for another server must not change it.
  return {
    host: socketDirectory,
    port: 5432,
    user: USER_NAME,
    database: DATABASE_NAME,
    ssl: false,
  };
}

/**
 * Connects and takes the lease; starts the server as often as necessary. Another command may be
 * starting or stopping it at the same time, so after every failure to connect it looks again.
 */
async function connectOrStart(installation: Installation): Promise<pg.Client> {
  const deadline = Date.now() + START_DEADLINE_MS;
  let failedStarts = 0;
  let dismissGuard = () => {};
  for (;;) {
    const session = await tryLease(installation);
    if (session !== undefined) {
      await failpoint('embedded.kept', session);
      dismissGuard();
      return session;
    }
    if (Date.now() > deadline || failedStarts >= 3) throw await startFailure(installation);
    if ((await findPostmaster(installation)) === undefined) {
      await initialise(installation);
      await failpoint('embedded.initialised');
      dismissGuard();
      dismissGuard = startGuard(clientConfig(installation), installation.launcher.home);
      await failpoint('embedded.starting');
      if (!(await startPostmaster(installation))) failedStarts++;
      await failpoint('embedded.started');
    }
    await sleep(20);
  }
}

async function tryLease(installation: Installation): Promise<pg.Client | undefined> {
  const config = clientConfig(installation);
  let session: pg.Client | undefined;
  try {
    session = await connectOnce(config, 'lease');
    await session.query(`SELECT pg_advisory_lock_shared${LEASE_LOCK}`);
    await failpoint('embedded.leased', session);
    const { rowCount } = await session.query(
      'SELECT FROM pg_stat_activity WHERE application_name = $1',
      [KEEPER_NAME],
    );
    if (rowCount === 0) await startKeeper(await connectOnce(config, 'keeper'));
    return session;
  } catch (error) {
    await session?.end().catch(() => {});
    const cause = (error as { cause?: { code?: string } }).cause ?? (error as { code?: string });
    if (cause.code === '3D000') await createDatabase(installation);
    return undefined;
  }
}

async function createDatabase(installation: Installation): Promise<void> {
  const client = await connectOnce(
    { ...clientConfig(installation), database: 'postgres' },
    'start',
  );
  try {
    await client.query(`CREATE DATABASE ${DATABASE_NAME}`);
    await failpoint('embedded.database', client);
    // The role has the name of the ledger's schema, which "$user" would put before all others.
    await client.query(`ALTER ROLE ${USER_NAME} SET search_path = public`);
  } catch (error) {
    const { code } = error as { code?: string };
    // Another command created it first: duplicate_database, or unique_violation in the catalog.
    if (code !== '42P04' && code !== '23505') throw error;
  } finally {
    await client.end();
  }
}

/** Creates the data directory under a temporary name, so that an incomplete one is never used. */
async function initialise({ launcher, dataDirectory }: Installation): Promise<void> {
  if (existsSync(path.join(dataDirectory, 'PG_VERSION'))) return;
  const temporary = await mkdtemp(path.join(launcher.home, 'init-'));
  await failpoint('embedded.initdb');
  try {
    const data = path.join(temporary, 'data');
    if (launcher.kind === 'account') {
      const owner = await stat(launcher.home);
      await chown(temporary, owner.uid, owner.gid);
    }
    const result = await runProgram(launcher, launcher.binaries.initdb, [
      '--pgdata',
      data,
      '--username',
      USER_NAME,
      '--auth',
      'trust',
      '--encoding',
      'UTF8',
      '--locale',
      'C',
      '--no-sync',
      '--no-instructions',
    ]);
    if (result.status !== 0) {
      throw new EdpError('embedded_failed', `initdb failed: ${lastLines(result.output)}`, {
        hint: 'name a server with --database-url if this machine cannot run the embedded one',
      });
    }
    await rename(data, dataDirectory).catch((error: NodeJS.ErrnoException) => {
      // Another command was faster.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** PG* variables are meant for clients; with the PGDATA of another server, this one would fail. */
function serverEnvironment(launcher: Launcher): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('PG'));
  return { ...Object.fromEntries(inherited), ...launcher.environment, LC_ALL: 'C' };
}

async function runProgram(
  launcher: Launcher,
  program: string,
  args: readonly string[],
): Promise<{ status: number | null; output: string }> {
  const wrapped = launcher.wrap(program, args);
  const child = spawn(wrapped.command, wrapped.args, {
    ...wrapped.options,
    env: serverEnvironment(launcher),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { status, output };
}

/** @returns true once it accepts connections, false when it ended instead */
async function startPostmaster(installation: Installation): Promise<boolean> {
  const { launcher, dataDirectory, socketDirectory, logFile } = installation;
  const settings = { ...SERVER_SETTINGS, unix_socket_directories: socketDirectory };
  for (const [major, name, value] of SETTINGS_SINCE) {
    if (launcher.binaries.major >= major) Object.assign(settings, { [name]: value });
  }
  const wrapped = launcher.wrap(launcher.binaries.postgres, [
    '-D',
    dataDirectory,
    '-p',
    '5432',
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  const isLogLarge = await stat(logFile).then(
    ({ size }) => size > MAX_LOG_BYTES,
    () => false,
  );
  const log = await open(logFile, isLogLarge ? 'w' : 'a', 0o600);
  try {
    const child = spawn(wrapped.command, wrapped.args, {
      ...wrapped.options,
      env: serverEnvironment(launcher),
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
    child.unref();
    let hasEnded = false;
    child.once('error', () => {
      hasEnded = true;
    });
    child.once('exit', () => {
      hasEnded = true;
    });
    const deadline = Date.now() + START_DEADLINE_MS;
    while (!hasEnded && Date.now() < deadline) {
      if (await isReady(installation)) return true;
      await sleep(10);
    }
    return false;
  } finally {
    await log.close();
  }
}

/** The eighth line of postmaster.pid says `ready` once the server accepts connections. */
async function isReady({ dataDirectory }: Installation): Promise<boolean> {
  const lines = await readPidFile(dataDirectory);
  return lines?.[7]?.trim() === 'ready';
}

async function readPidFile(dataDirectory: string): Promise<string[] | undefined> {
  const text = await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8').catch(
    () => undefined,
  );
  return text?.split('\n');
}

/**
 * The process id of the running server; undefined where none runs.
 *
 * After a crash, a lock file keeps PostgreSQL from starting if its process id now belongs to
 * another program, or to a dead process that was not reaped. Then only the process id is replaced:
 * from the rest of the file PostgreSQL detects whether backends of the dead server still run.
 */
async function findPostmaster(installation: Installation): Promise<number | undefined> {
  const lines = await readPidFile(installation.dataDirectory);
  const pid = Number(lines?.[0]);
  if (lines === undefined || !Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return undefined;
  if (os.platform() !== 'linux') return pid;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  if (command.includes('postgres')) return pid;
  await strikeOutPid(path.join(installation.dataDirectory, 'postmaster.pid'), pid);
  await strikeOutPid(path.join(installation.socketDirectory, '.s.PGSQL.5432.lock'), pid);
  return undefined;
}

async function strikeOutPid(file: string, pid: number): Promise<void> {
  const [first, ...rest] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  if (Number(first) === pid) await writeFile(file, [IMPOSSIBLE_PID, ...rest].join('\n'));
}

async function releaseSession(session: pg.Client, installation: Installation): Promise<void> {
  try {
    const marker = path.join(installation.dataDirectory, KEEP_RUNNING_FILE);
    await failpoint('embedded.release', session);
    await session.query(`SELECT pg_advisory_unlock_shared${LEASE_LOCK}`);
    const { rows } = await session.query<{ last: boolean }>(
      `SELECT NOT EXISTS (SELECT FROM pg_stat_activity
                          WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
                            AND application_name <> $1)
              AND pg_try_advisory_lock${LEASE_LOCK} AS last`,
      [KEEPER_NAME],
    );
    if (rows[0]?.last === true && !existsSync(marker)) {
      const pid = await findPostmaster(installation);
      if (pid !== undefined) await stopPostmaster(pid, installation);
    }
  } catch {
    // The server is stopped already, or stopping.
  } finally {
    await session.end().catch(() => {});
  }
}

/** SIGINT is PostgreSQL's fast shutdown: roll back, write out, end. */
async function stopPostmaster(pid: number, { dataDirectory }: Installation): Promise<void> {
  try {
    process.kill(pid, 'SIGINT');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
    throw error;
  }
  const deadline = Date.now() + STOP_DEADLINE_MS;
  while (Date.now() < deadline) {
    if (!isAlive(pid) || (await readPidFile(dataDirectory)) === undefined) return;
    await sleep(10);
  }
}

async function startFailure({ logFile }: Installation): Promise<EdpError> {
  const log = await readFile(logFile, 'utf8').catch(() => '');
  return new EdpError(
    'embedded_failed',
    `the embedded PostgreSQL did not start: ${lastLines(log)}`,
    {
      hint: `see ${logFile}; or name a server with --database-url`,
    },
  );
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-3).join(' | ') || 'its log is empty';
}
