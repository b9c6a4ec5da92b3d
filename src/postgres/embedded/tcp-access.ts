/**
 * Access over TCP, for programs that cannot use a socket: `edp db start --port N`.
 *
 * The server then listens on the loopback address, and asks for a password (SCRAM). Over the socket,
 * which only the owner reaches, it asks for none.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { withReplacedFile } from '../../base/replace-file.js';

export const TCP_HOST = '127.0.0.1';

const PASSWORD_BYTES = 24;

/** The file of the password, in the form that libpq reads (PGPASSFILE). */
export function passwordFileOf(home: string): string {
  return path.join(home, 'pgpass');
}

/** @throws EdpError `embedded_failed` where another program listens on it */
export async function choosePort(port: number): Promise<number> {
  const server = net.createServer();
  try {
    return await new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, TCP_HOST, () => resolve((server.address() as net.AddressInfo).port));
    });
  } catch (error) {
    throw new EdpError(
      'embedded_failed',
      `port ${port} cannot be used: ${(error as Error).message}`,
      {
        hint: 'name another one, or 0 for any that is free',
        cause: error,
      },
    );
  } finally {
    server.close();
  }
}

/** Lets the next start of the server ask for a password over TCP. */
export async function requirePassword(dataDirectory: string): Promise<void> {
  const lines = [
    'local all all trust',
    `host all all ${TCP_HOST}/32 scram-sha-256`,
    'host all all ::1/128 scram-sha-256',
  ];
  await writeOwned(path.join(dataDirectory, 'pg_hba.conf'), `${lines.join('\n')}\n`, dataDirectory);
}

/** Gives the user of a running server a password, which only its owner can read. */
export async function setPassword(
  client: pg.Client,
  { home, port, user, database }: { home: string; port: number; user: string; database: string },
): Promise<string> {
  const password = randomBytes(PASSWORD_BYTES).toString('base64url');
  await client.query(`SET log_statement = 'none'; ALTER ROLE ${user} PASSWORD '${password}'`);
  await writeOwned(
    passwordFileOf(home),
    `${TCP_HOST}:${port}:${database}:${user}:${password}\n`,
    undefined,
  );
  return password;
}

/** @returns undefined where there is none */
export async function readPassword(home: string): Promise<string | undefined> {
  const text = await readFile(passwordFileOf(home), 'utf8').catch(() => undefined);
  return text?.trim().split(':').at(-1);
}

export async function forgetPassword(home: string): Promise<void> {
  await rm(passwordFileOf(home), { force: true });
}

/** Writes a file whole, for its owner alone. @param like a file whose owner gets it */
async function writeOwned(file: string, text: string, like: string | undefined): Promise<void> {
  await withReplacedFile(
    file,
    async (handle) => {
      await handle.writeFile(text);
      if (like === undefined || process.getuid?.() !== 0) return;
      const { uid, gid } = await stat(like);
      await handle.chown(uid, gid);
    },
    { mode: 0o600 },
  );
}
