/** TLS and passwords as in libpq, with a server that has TLS on. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, withClient } from '../../src/postgres/connection.js';
import { matchPassword } from '../../src/postgres/passfile.js';
import type { ConnectionConfig } from '../../src/postgres/tls.js';
import { resolveServer } from '../../src/postgres/which-server.js';
import { edp, makeDirectory } from '../support/cli.js';
import { hasOpenssl, PASSWORD, startTlsServer, type TlsServer } from './tls-server.js';

const PASSWORD_IN_URL = encodeURIComponent(PASSWORD);

let server: TlsServer;

/** The configuration of a target, with nothing but the given environment. */
function configOf(url: string | undefined, environment: Record<string, string> = {}) {
  const target = resolveServer(url, { HOME: '/nowhere', ...environment });
  if (target.kind !== 'server') throw new Error('the embedded server');
  return target.client;
}

/** Whether a connection is encrypted; else the code and message of the failure. */
async function tryConnection(config: ConnectionConfig): Promise<boolean | string> {
  try {
    return await withClient(config, 'test', async (client) => {
      const { rows } = await client.query<{ ssl: boolean }>(
        'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
      );
      return rows[0]!.ssl;
    });
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint?: string };
    expect(`${message}${hint}`).not.toContain(PASSWORD);
    return `${code}: ${message}`;
  }
}

describe.runIf(hasOpenssl())('TLS', () => {
  beforeAll(async () => {
    server = await startTlsServer();
    await withClient(configOf(url('postgres')), 'test', async (client) => {
      for (const name of ['tlsonly', 'plain', 'certs', 'clear']) {
        await client.query(`CREATE DATABASE ${name}`);
      }
    });
  }, 120_000);
  afterAll(() => server?.stop());

  const url = (database: string, query = '', host = 'localhost') =>
    `postgresql://edp:${PASSWORD_IN_URL}@${host}:${server.port}/${database}?${query}`;
  const files = (query: string) =>
    query.replace(/\{([\w.-]+)\}/g, (_, name: string) => encodeURIComponent(server.file(name)));

  it.each([
    // The outcome of each mode with a server that has TLS, that requires it, that refuses it.
    { query: '', postgres: true, tlsonly: true, plain: false },
    { query: 'sslmode=disable', postgres: false, tlsonly: /no encryption/, plain: false },
    { query: 'sslmode=allow', postgres: false, tlsonly: true, plain: false },
    { query: 'sslmode=prefer', postgres: true, tlsonly: true, plain: false },
    { query: 'sslmode=require', postgres: true, tlsonly: true, plain: /SSL encryption|refused/ },
    {
      query: 'sslmode=verify-ca&sslrootcert={ca.crt}',
      postgres: true,
      tlsonly: true,
      plain: /SSL encryption|refused/,
    },
    {
      query: 'sslmode=verify-full&sslrootcert={ca.crt}',
      postgres: true,
      tlsonly: true,
      plain: /SSL encryption|refused/,
    },
    {
      query: 'sslmode=require&sslnegotiation=direct',
      postgres: true,
      tlsonly: true,
      plain: /refused/,
    },
  ])('with "$query" as libpq has it', async ({ query, ...expected }) => {
    for (const [database, result] of Object.entries(expected)) {
      const actual = await tryConnection(configOf(url(database, files(query))));
      if (result instanceof RegExp) expect(actual).toMatch(result);
      else expect(actual, database).toBe(result);
    }
  });

  it.each([
    {
      name: 'another authority',
      query: 'sslmode=verify-ca&sslrootcert={other-ca.crt}',
      result: /not trusted/,
    },
    {
      name: 'another authority, to require (which then verifies)',
      query: 'sslmode=require&sslrootcert={other-ca.crt}',
      result: /not trusted/,
    },
    {
      name: 'another authority, to prefer',
      query: 'sslmode=prefer&sslrootcert={other-ca.crt}',
      result: true,
    },
    {
      name: 'another host name, to verify-full',
      query: 'sslmode=verify-full&sslrootcert={ca.crt}',
      host: '127.0.0.1',
      result: /not trusted/,
    },
    {
      name: 'another host name, to verify-ca',
      query: 'sslmode=verify-ca&sslrootcert={ca.crt}',
      host: '127.0.0.1',
      result: true,
    },
    {
      name: 'an address beside the name',
      query: 'sslmode=verify-full&sslrootcert={ca.crt}&hostaddr=127.0.0.1',
      result: true,
    },
    {
      name: 'no authority, to verify-full',
      query: 'sslmode=verify-full',
      result: /config: .*needs trusted/,
    },
    {
      name: 'a file that is not there',
      query: 'sslmode=verify-ca&sslrootcert=/nowhere/ca.crt',
      result: /config: .*there is no \/nowhere/,
    },
    { name: "the system's authorities", query: 'sslrootcert=system', result: /not trusted/ },
    {
      name: "the system's authorities, asked for less",
      query: 'sslrootcert=system&sslmode=require',
      result: /config/,
    },
    {
      name: 'a mode that does not exist',
      query: 'sslmode=maybe',
      result: /config: sslmode "maybe"/,
    },
    {
      name: 'an old protocol',
      query: 'sslmode=require&ssl_min_protocol_version=TLSv1.2',
      result: true,
    },
  ])('$name', async ({ query, host, result }) => {
    const actual = await (async () => {
      try {
        return await tryConnection(configOf(url('postgres', files(query), host)));
      } catch (error) {
        return `${(error as { code: string }).code}: ${(error as Error).message}`;
      }
    })();
    if (result instanceof RegExp) expect(actual).toMatch(result);
    else expect(actual).toBe(result);
  });

  it('shows the certificate of a client, whose key nobody else may read', async () => {
    const certificate = 'sslmode=require&sslcert={client.crt}&sslkey=';
    expect(await tryConnection(configOf(url('certs', files(`${certificate}{client.key}`))))).toBe(
      true,
    );
    expect(await tryConnection(configOf(url('certs')))).toMatch(/database_refused/);
    expect(await tryConnection(configOf(url('certs', files(`${certificate}{open.key}`))))).toMatch(
      /config: private key .* can be read by others/,
    );
    expect(await tryConnection(configOf(url('certs', files(`${certificate}/nowhere`))))).toMatch(
      /config: certificate .* has no private key/,
    );
  });

  it('takes the same from the environment, which a URL overrides, and from ~/.postgresql', async () => {
    const environment = {
      PGHOST: 'localhost',
      PGPORT: String(server.port),
      PGUSER: 'edp',
      PGDATABASE: 'certs',
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: server.file('ca.crt'),
      PGSSLCERT: server.file('client.crt'),
      PGSSLKEY: server.file('client.key'),
    };
    // pg reads PGHOST and the like from the environment of the process.
    const run = (env: Record<string, string>, ...args: string[]) =>
      edp(['status', '--json', ...args], { cwd: '/', env });
    expect(await run(environment)).toMatchObject({ status: 0 });
    const other = { ...environment, PGSSLROOTCERT: server.file('other-ca.crt') };
    const refused = await run(other);
    expect(refused.json.error).toMatchObject({ code: 'database_refused' });
    expect(refused.stderr).toMatch(/not trusted[\s\S]*sslrootcert/);
    const overridden = url('postgres', 'sslmode=require&sslrootcert=');
    const cwd = await makeDirectory();
    expect(
      await edp(['status', '--database-url', overridden.replace('&sslrootcert=', '')], {
        cwd,
        env: { PGSSLMODE: 'verify-full', PGSSLROOTCERT: '/nowhere', HOME: cwd },
      }),
    ).toMatchObject({ status: 0 });

    await mkdir(path.join(cwd, '.postgresql'));
    for (const [from, to] of [
      ['ca.crt', 'root.crt'],
      ['client.crt', 'postgresql.crt'],
      ['client.key', 'postgresql.key'],
    ] as const) {
      const { readFile } = await import('node:fs/promises');
      await writeFile(path.join(cwd, '.postgresql', to), await readFile(server.file(from)), {
        mode: 0o600,
      });
    }
    const config = configOf(url('certs', 'sslmode=verify-full'), { HOME: cwd });
    expect(await tryConnection(config)).toBe(true);
  });

  it('serves the threads of a load, too', async () => {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, 'first_dimensions.csv'), 'id,name\n1,a\n');
    const database = url('tlsonly', files('sslmode=verify-full&sslrootcert={ca.crt}'));
    const loaded = await edp(['ingest', 'first_dimensions.csv', '--json'], {
      cwd,
      env: { DATABASE_URL: database },
    });
    expect(loaded, loaded.stderr).toMatchObject({ status: 0, json: { rows: { loaded: 1 } } });
    const verified = await edp(['verify', '1'], { cwd, env: { DATABASE_URL: database } });
    expect(verified, verified.stderr).toMatchObject({ status: 0 });
  });

  it('a server without TLS is reported as such', async () => {
    const { createServer } = await import('node:net');
    const plain = createServer((socket) => socket.on('data', () => socket.end('N')));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const { port } = plain.address() as { port: number };
    try {
      const config = configOf(
        `postgresql://u:${PASSWORD_IN_URL}@127.0.0.1:${port}/x?sslmode=require`,
      );
      expect(await tryConnection(config)).toMatch(/database_refused: .*offers no TLS/);
    } finally {
      plain.close();
    }
  });
});

describe('passwords', () => {
  const owner = { host: 'h', port: 5432, database: 'd', user: 'u' };
  it.each([
    { name: 'an exact line', text: 'h:5432:d:u:secret', password: 'secret' },
    { name: 'stars', text: '*:*:*:*:secret', password: 'secret' },
    { name: 'the first that fits', text: 'x:*:*:*:no\nh:*:*:*:yes\n*:*:*:*:late', password: 'yes' },
    { name: 'escapes', text: 'h:5432:d:u:a\\:b\\\\c', password: 'a:b\\c' },
    { name: 'comments and blank lines', text: '# h:*:*:*:no\n\nh:*:*:*:yes\r\n', password: 'yes' },
    { name: 'another port', text: 'h:5433:d:u:secret', password: undefined },
    { name: 'another user', text: 'h:*:d:v:secret', password: undefined },
    { name: 'a short line', text: 'h:*:d', password: undefined },
    { name: 'an empty password', text: 'h:*:d:u:', password: '' },
  ])('$name of a password file', ({ text, password }) => {
    expect(matchPassword(text, owner)).toBe(password);
  });

  it.runIf(hasOpenssl())(
    'come from ~/.pgpass and PGPASSFILE, if nobody else can read them',
    async () => {
      const tls = await startTlsServer();
      try {
        const cwd = await makeDirectory();
        const line = `localhost:*:postgres:edp:${PASSWORD.replaceAll('\\', '\\\\').replaceAll(':', '\\:')}\n`;
        const own = path.join(cwd, '.pgpass');
        await writeFile(own, line, { mode: 0o600 });
        const database = `postgresql://edp@localhost:${tls.port}/postgres`;
        const run = (env: Record<string, string>) =>
          edp(['status', '--json'], { cwd, env: { DATABASE_URL: database, ...env } });
        const found = await run({ HOME: cwd });
        expect(found, found.stderr).toMatchObject({
          status: 0,
          stderr: 'there are no loads yet; edp ingest loads files\n',
        });
        expect(await run({ HOME: '/nowhere', PGPASSFILE: own })).toMatchObject({ status: 0 });
        expect(await run({ HOME: '/nowhere', PGPASSWORD: PASSWORD })).toMatchObject({ status: 0 });

        const none = await run({ HOME: '/nowhere' });
        expect(none.json.error).toMatchObject({ code: 'database_refused' });
        expect(none.stderr).toMatch(/asks for a password[\s\S]*~\/\.pgpass/);
        await chmod(own, 0o644);
        const open = await run({ HOME: cwd });
        expect(open.stderr).toMatch(/passed over, since others can read it: chmod 600/);
      } finally {
        await tls.stop();
      }
    },
  );

  it.each([
    'postgresql://u:hunter2/x@127.0.0.1:1/d',
    'postgresql://u:hunter2?x@127.0.0.1:1/d',
    'postgresql://u:hunter2#x@127.0.0.1:1/d',
    'postgresql://u:hunter2@x@127.0.0.1:1/d',
    'postgresql://u:1/hunter2@127.0.0.1:1/d',
    'postgresql://u:hunter2@127.0.0.1:1/d',
    'postgresql://u:hunter2@127.0.0.1:x/d',
    'postgresql://u:hunter2%zz@127.0.0.1:1/d',
    'postgresql://u:hunter2@[::1/d',
    'postgresql://127.0.0.1:1/d?password=hunter2&user=u',
    'mysql://u:hunter2@h/d',
    'hunter2',
  ])('are never shown: %s', async (url) => {
    const cwd = await makeDirectory();
    for (const name of ['DATABASE_URL', 'EDP_DATABASE_URL']) {
      const env = { [name]: url };
      for (const args of [
        ['status', '--verbose'],
        ['status', '--json', '--verbose'],
        ['verify', '1'],
        ['ingest', 'x.csv'],
      ]) {
        await writeFile(path.join(cwd, 'x.csv'), 'id\n1\n');
        const { stdout, stderr, status } = await edp(
          [...args, ...(args[0] === 'ingest' ? ['--table', 'events'] : [])],
          { cwd, env },
        );
        expect(status).not.toBe(0);
        expect(stdout + stderr).not.toContain('hunter2');
      }
    }
  });

  it('are in no message of a refused login, nor in the arguments of a process', async () => {
    const config = configOf('postgresql://u:hunter2@127.0.0.1:1/d');
    await expect(connect(config, 'test')).rejects.toMatchObject({
      message: expect.not.stringContaining('hunter2'),
    });
  });
});
