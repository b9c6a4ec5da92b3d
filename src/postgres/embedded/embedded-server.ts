/**
 * The embedded PostgreSQL of a project: created on first use, started on demand, shared by commands
 * that run at the same time, stopped by the last of them, recovered after a crash.
 *
 * PostgreSQL itself keeps two servers off one data directory (postmaster.pid); edp only tries, and
 * connects to the server that won. The server listens on a socket in a directory that only its
 * owner can enter.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { isAlive } from '../../base/alive.js';
import { EdpError } from '../../base/errors.js';
import { failpoint } from '../../base/failpoints.js';
import { makePrivateDirectory } from '../../base/make-directory.js';
import { connectOnce } from '../connection.js';
import { findBinaries } from './binaries.js';
import { type Destruction, moveAway, removeAway, serverInUse } from './destroy.js';
import { startGuard } from './guard.js';
import { KEEP_RUNNING_FILE, KEEPER_NAME, LEASE_LOCK, startKeeper } from './keeper.js';
import { chooseLauncher, type Launcher, serverEnvironment } from './launcher.js';
import { describeRunning, type RunningServer, type ServerStatus } from './running-server.js';
import {
  giveToServer,
  isReady,
  markToKeep,
  readPidFile,
  runningPort,
  runningTcpPort,
  tcpPort,
} from './server-files.js';
import { endOfServer, LOG_NAME, lastLines } from './server-log.js';
import { chooseSocketDirectory } from './socket-directory.js';
import {
  choosePort,
  forgetPassword,
  readPassword,
  requirePassword,
  setPassword,
  TCP_HOST,
} from './tcp-access.js';

/** Directory of the project for edp's own files. */
export const PROJECT_STATE_DIRECTORY = '.edp';

/** Of a server that does not listen on TCP: part of the name of its socket. */
const SOCKET_PORT = 5432;
const DATABASE_NAME = 'edp';
const USER_NAME = 'edp';

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 60_000;
/** Above Linux's largest process id, 2^22. */
const IMPOSSIBLE_PID = 4_194_305;
const MAX_LOG_BYTES = 8 * 1024 * 1024;

/** Tuned for loading on a machine that has other work, too. No setting gives up durability. */
const SERVER_SETTINGS: Readonly<Record<string, string>> = {
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

/**
 * Starts the server and leaves it running.
 *
 * @param port listens on it, too; 0 for any that is free, undefined as it was started before
 * @throws EdpError `embedded_failed` where it runs already, and does not listen on that port
 */
export async function startEmbeddedServer(
  directory: string,
  port?: number,
): Promise<RunningServer> {
  const installation = await install(directory);
  const isRunning = (await findPostmaster(installation)) !== undefined;
  if (port !== undefined && isRunning) {
    const current = runningTcpPort(installation.dataDirectory);
    if (current === undefined || (port !== 0 && port !== current)) throw alreadyRunning(port);
  } else if (port !== undefined) {
    const chosen = await choosePort(port);
    await initialise(installation);
    await requirePassword(installation.dataDirectory);
    await markToKeep(installation.dataDirectory, chosen);
  }
  const session = await connectOrStart(installation);
  const tcp = runningTcpPort(installation.dataDirectory);
  await markToKeep(installation.dataDirectory, tcp);
  if (tcp !== undefined && (await readPassword(installation.launcher.home)) === undefined) {
    await setPassword(session, { ...PLACE, home: installation.launcher.home, port: tcp });
  }
  await session.end();
  return describeRunning(clientConfig(installation), installation);
}

const PLACE = { user: USER_NAME, database: DATABASE_NAME };

function alreadyRunning(port: number): EdpError {
  return new EdpError('embedded_failed', `the server runs already, and not on port ${port}`, {
    hint: `edp db stop, then edp db start --port ${port}`,
  });
}

/** Describes the project's server, and neither makes nor starts one. */
export async function inspectEmbeddedServer(directory: string): Promise<ServerStatus> {
  const installation = await install(directory);
  const { launcher, dataDirectory, socketDirectory } = installation;
  const pid = await findPostmaster(installation);
  return {
    pid,
    version: launcher.binaries.version.replace(/^(\d+\.\d+).*/, '$1'),
    dataDirectory,
    otherDataDirectory: launcher.otherHome && path.join(launcher.otherHome, 'data'),
    socketDirectory,
    running:
      pid === undefined
        ? undefined
        : await describeRunning(clientConfig(installation), installation),
    isKept: existsSync(path.join(dataDirectory, KEEP_RUNNING_FILE)),
  };
}

/** @returns false where no server was running */
export async function stopEmbeddedServer(directory: string): Promise<boolean> {
  const installation = await install(directory);
  await rm(path.join(installation.dataDirectory, KEEP_RUNNING_FILE), { force: true });
  await forgetPassword(installation.launcher.home);
  const pid = await findPostmaster(installation);
  if (pid === undefined) return false;
  await stopPostmaster(pid, installation);
  return true;
}

/**
 * Stops the server where no command uses it, and removes its data. A command that starts it at the same
 * moment gets either the old data, and this fails, or a new server without any.
 *
 * @throws EdpError `server_in_use`; nothing is removed then
 */
export async function destroyEmbeddedServer(directory: string): Promise<Destruction> {
  const installation = await install(directory);
  const { launcher, socketDirectory } = installation;
  const pid = await findPostmaster(installation);
  if (pid !== undefined) await stopUnused(pid, installation);
  await failpoint('embedded.destroy_stopped');
  await moveAway(launcher.home);
  await failpoint('embedded.destroy_moved');
  return {
    wasRunning: pid !== undefined,
    removed: await removeAway(launcher.home, socketDirectory),
    left: launcher.otherHome === undefined ? [] : [launcher.otherHome],
  };
}

/** @throws EdpError `server_in_use` */
async function stopUnused(pid: number, installation: Installation): Promise<void> {
  const session = await connectOnce(clientConfig(installation), 'destroy').catch((error) => {
    // Without its database, nobody uses it.
    if ((error as { cause?: { code?: string } }).cause?.code === '3D000') return undefined;
    throw error;
  });
  try {
    const others = await session?.query<{ application: string }>(
      `SELECT coalesce(nullif(application_name, ''), 'another program') AS application FROM pg_stat_activity
       WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name <> $1`,
      [KEEPER_NAME],
    );
    const lock = await session?.query<{ free: boolean }>(
      `SELECT pg_try_advisory_lock${LEASE_LOCK} AS free`,
    );
    if (others !== undefined && others.rows.length > 0) {
      throw serverInUse(others.rows.map(({ application }) => application).sort());
    }
    if (lock?.rows[0]?.free === false) throw serverInUse(['another command']);
    await rm(path.join(installation.dataDirectory, KEEP_RUNNING_FILE), { force: true });
    await stopPostmaster(pid, installation);
  } finally {
    await session?.end().catch(() => {});
  }
}

/**
 * The connection to the project's server, for other programs; `undefined` while it is not running.
 */
export async function findEmbeddedServer(directory: string): Promise<RunningServer | undefined> {
  const installation = await install(directory);
  return (await findPostmaster(installation)) === undefined
    ? undefined
    : describeRunning(clientConfig(installation), installation);
}

async function install(directory: string, packageName?: string): Promise<Installation> {
  const binaries = await findBinaries(packageName);
  const state = path.join(path.resolve(directory), PROJECT_STATE_DIRECTORY);
  await makePrivateDirectory(state).catch((error: Error) => {
    throw new EdpError('embedded_failed', `${state} cannot be made: ${error.message}`, {
      hint: 'run edp in a directory you can write to, or name a server with --database-url',
      cause: error,
    });
  });
  const launcher = await chooseLauncher(path.join(state, `pg${binaries.major}`), binaries).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EACCES') throw error;
      throw new EdpError('embedded_failed', `${state} belongs to another user: ${error.message}`, {
        hint: 'run edp as that user, or name a server with --database-url',
        cause: error,
      });
    },
  );
  if (launcher.otherHome !== undefined) warnOfOther(launcher.home, launcher.otherHome);
  return {
    launcher,
    dataDirectory: path.join(launcher.home, 'data'),
    socketDirectory: await chooseSocketDirectory(launcher.home),
    logFile: path.join(launcher.home, LOG_NAME),
  };
}

let hasWarned = false;

/** Beside what the command prints, since each command that uses the server may find it. */
function warnOfOther(home: string, other: string): void {
  if (hasWarned) return;
  hasWarned = true;
  process.stderr.write(
    `warning: this project has data at two places: ${home}, which is used, and ${other}, which is not\n` +
      '  → move one of them away once you know which you need\n',
  );
}

function clientConfig(installation: Installation): pg.ClientConfig {
  return {
    host: installation.socketDirectory,
    // It names the socket file, too; a PGPORT meant for another server must not change it.
    port:
      runningPort(installation.dataDirectory) ?? tcpPort(installation.dataDirectory) ?? SOCKET_PORT,
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

async function runProgram(
  launcher: Launcher,
  program: string,
  args: readonly string[],
): Promise<{ status: number | null; output: string }> {
  const wrapped = launcher.wrap(program, args);
  const child = spawn(wrapped.command, wrapped.args, {
    ...wrapped.options,
    env: serverEnvironment(launcher.environment),
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
  const tcp = tcpPort(dataDirectory);
  const settings = {
    ...SERVER_SETTINGS,
    unix_socket_directories: socketDirectory,
    listen_addresses: tcp === undefined ? '' : TCP_HOST,
  };
  for (const [major, name, value] of SETTINGS_SINCE) {
    if (launcher.binaries.major >= major) Object.assign(settings, { [name]: value });
  }
  const wrapped = launcher.wrap(launcher.binaries.postgres, [
    '-D',
    dataDirectory,
    '-p',
    String(tcp ?? SOCKET_PORT),
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  const isLogLarge = await stat(logFile).then(
    ({ size }) => size > MAX_LOG_BYTES,
    () => false,
  );
  const log = await open(logFile, isLogLarge ? 'w' : 'a', 0o600);
  await giveToServer(logFile, dataDirectory);
  try {
    const child = spawn(wrapped.command, wrapped.args, {
      ...wrapped.options,
      env: serverEnvironment(launcher.environment),
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
      if (await isReady(dataDirectory)) return true;
      await sleep(10);
    }
    return false;
  } finally {
    await log.close();
  }
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
  await strikeOutPid(
    path.join(installation.socketDirectory, `.s.PGSQL.${lines[3]?.trim()}.lock`),
    pid,
  );
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
    `the embedded PostgreSQL did not start: ${endOfServer(log)}`,
    {
      hint: `see ${logFile}; or name a server with --database-url`,
    },
  );
}
