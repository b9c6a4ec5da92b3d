/**
 * A PostgreSQL with TLS that asks for passwords, for the tests of one file, and certificates for
 * it.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmod, chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBinaries } from '../../src/postgres/embedded/binaries.js';
import { chooseLauncher, type Launcher } from '../../src/postgres/embedded/launcher.js';
import { freePort } from '../support/free-port.js';

export const PASSWORD = 'pass:w\\rd';

export interface TlsServer {
  readonly port: number;
  /** Where certificates and keys are: ca.crt, other-ca.crt, client.crt, client.key, … */
  file(name: string): string;
  stop(): Promise<void>;
}

/** Whether this machine can create certificates. */
export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Databases, by name, to which everybody may connect in one way only. */
const HBA = `
hostssl   tlsonly  all  all  scram-sha-256
hostnossl plain    all  all  scram-sha-256
hostssl   certs    all  all  cert
host      postgres all  all  scram-sha-256
host      clear    all  all  password
local     all      all       trust
`;

export async function startTlsServer(): Promise<TlsServer> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'edp-tls-'));
  const file = (name: string) => path.join(directory, name);
  makeCertificates(directory);
  const binaries = await findBinaries();
  const launcher = await chooseLauncher(path.join(directory, 'server'), binaries);
  const data = path.join(launcher.home, 'data');
  await writeFile(path.join(launcher.home, 'password'), PASSWORD);
  await giveTo(launcher, path.join(launcher.home, 'password'));
  const initdb = launcher.wrap(launcher.binaries.initdb, [
    ...['--pgdata', data, '--username', 'edp', '--auth', 'scram-sha-256', '--no-sync'],
    ...['--pwfile', path.join(launcher.home, 'password'), '--encoding', 'UTF8', '--locale', 'C'],
  ]);
  const env = { ...process.env, ...launcher.environment, LC_ALL: 'C' };
  execFileSync(initdb.command, initdb.args, { ...initdb.options, env, stdio: 'ignore' });
  await writeFile(path.join(data, 'pg_hba.conf'), HBA);
  for (const name of ['server.crt', 'server.key', 'ca.crt']) {
    await writeFile(path.join(data, name), await readFile(file(name)));
    await chmod(path.join(data, name), 0o600);
    await giveTo(launcher, path.join(data, name));
  }
  const port = await freePort();
  const server = launcher.wrap(launcher.binaries.postgres, [
    ...['-D', data, '-p', String(port), '-c', 'ssl=on', '-c', 'ssl_ca_file=ca.crt'],
    ...['-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${launcher.home}`],
    ...['-c', 'fsync=off', '-c', 'password_encryption=scram-sha-256'],
  ]);
  const child = spawn(server.command, server.args, { ...server.options, env, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await waitUntilReady(path.join(data, 'postmaster.pid'));
  return {
    port,
    file,
    async stop() {
      const pid = Number(
        (await readFile(path.join(data, 'postmaster.pid'), 'utf8')).split('\n')[0],
      );
      process.kill(pid, 'SIGINT');
      await ended;
      await rm(directory, { recursive: true, force: true });
      await rm(launcher.home, { recursive: true, force: true });
    },
  };
}

/** Only the owner of the server's files may read its key. */
async function giveTo({ kind, home }: Launcher, file: string): Promise<void> {
  if (kind !== 'account') return;
  const { uid, gid } = await stat(home);
  await chown(file, uid, gid);
}

async function waitUntilReady(pidFile: string): Promise<void> {
  for (let tries = 0; tries < 1500; tries++) {
    const lines = (await readFile(pidFile, 'utf8').catch(() => '')).split('\n');
    if (lines[7]?.trim() === 'ready') return;
    await sleep(20);
  }
  throw new Error('the server did not start');
}

/** An authority, the server's certificate for `localhost`, a client's for the role edp; and another authority. */
export function makeCertificates(directory: string): void {
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });
  for (const [name, subject] of [
    ['ca', '/CN=edp test authority'],
    ['other-ca', '/CN=another authority'],
  ] as const) {
    openssl(
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', subject],
      ...['-keyout', `${name}.key`, '-out', `${name}.crt`],
    );
  }
  for (const [name, subject, extension] of [
    ['server', '/CN=localhost', 'subjectAltName=DNS:localhost'],
    ['client', '/CN=edp', 'extendedKeyUsage=clientAuth'],
  ] as const) {
    openssl(
      ...['req', '-newkey', 'rsa:2048', '-nodes', '-subj', subject],
      ...['-keyout', `${name}.key`, '-out', `${name}.csr`],
    );
    execFileSync('sh', ['-c', `printf '%s' '${extension}' > ${name}.ext`], { cwd: directory });
    openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key'],
      ...['-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`, '-out', `${name}.crt`],
    );
  }
  execFileSync('chmod', ['600', 'client.key'], { cwd: directory });
  execFileSync('cp', ['client.key', 'open.key'], { cwd: directory });
  execFileSync('chmod', ['644', 'open.key'], { cwd: directory });
}
