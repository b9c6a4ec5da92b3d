/** `edp db`: its actions, and what it hands to psql. */
import { execFile } from 'node:child_process';
import { mkdir, stat } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readStatements, splitPsqlCall } from '../../src/commands/psql-arguments.js';
import { resolveServer, toUrl } from '../../src/postgres/which-server.js';
import { edp, makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';

const database = useTestDatabase('empty');
const run = promisify(execFile);
const hasPsql = await run('psql', ['--version']).then(
  () => true,
  () => false,
);

async function makeStopped(name?: string): Promise<string> {
  const outer = await makeDirectory();
  const cwd = name === undefined ? outer : path.join(outer, name);
  await mkdir(cwd, { recursive: true });
  onTestFinished(async () => {
    await edp(['db', 'stop'], { cwd });
  });
  return cwd;
}

describe('the URL', () => {
  it.each(['sp ace', 'x+y', 'it\'s "q"', '100%', 'a%20b', 'Größe-日本', 'a&b=c', 'h#sh;?'])(
    'of a server in "%s" is one that psql and edp read',
    async (name) => {
      const cwd = await makeStopped(name);
      const { stdout } = await edp(['db', 'url'], { cwd });
      const url = stdout.trim();
      expect(url).not.toMatch(/[ "]/);
      const elsewhere = await makeDirectory();
      const status = await edp(['status', '--json'], {
        cwd: elsewhere,
        env: { DATABASE_URL: url },
      });
      expect(status.status, status.stderr).toBe(0);
      const flag = await edp(['status', '--database-url', url], { cwd: elsewhere });
      expect(flag.status, flag.stderr).toBe(0);
      if (!hasPsql) return;
      expect((await run('psql', [url, '-Atc', 'SELECT 41 + 1'])).stdout.trim()).toBe('42');
    },
  );

  it('is that of the embedded server; where commands use another one, a warning says so', async () => {
    const cwd = await makeStopped('one of two servers');
    const env = { DATABASE_URL: 'postgresql://somebody:secret@127.0.0.1:1/d' };
    const { stdout, stderr, status } = await edp(['db', 'url'], { cwd, env });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^postgresql:\/\/\/edp\?host=/);
    expect(stderr).toMatch(/warning: .*embedded server; other commands use .* DATABASE_URL/);
    expect(stderr).not.toContain('secret');
  });

  it.each([
    ['postgresql:///d?host=/x+y/z', { host: '/x+y/z', database: 'd' }],
    ['postgresql:///d?host=/x%20y/z', { host: '/x y/z' }],
    ['postgresql:///d?host=/x y/z%2B', { host: '/x y/z+' }],
    ['postgresql:///a%23b%2Bc+d?host=/s', { database: 'a#b+c+d' }],
    ['postgresql://u%2B+:p%20+w@h:5433/d', { user: 'u++', password: 'p +w', port: 5433 }],
    ['postgresql://%2Fx+y/d', { host: '/x+y', database: 'd' }],
    ['postgresql:///?host=/s&dbname=a+b&user=me+you', { database: 'a+b', user: 'me+you' }],
    ['postgresql://h/d?application_name=a+b', { application_name: 'a+b' }],
    ['postgresql:///größe?host=/日本', { host: '/日本', database: 'größe' }],
  ])('%s is read as libpq reads it', (url, wanted) => {
    const server = resolveServer(url, { HOME: '/nowhere' });
    expect(server).toMatchObject({ kind: 'server', client: wanted });
  });

  it.each([
    { host: '/a b/+%?&#"\'', port: 5432, user: 'ü +', database: 'd/#? +' },
    { host: '127.0.0.1', port: 5433, user: 'a@b', password: 'p:/?#@ +%', database: 'x y' },
  ])('is read back as it was: %o', (config) => {
    const { client } = resolveServer(toUrl(config), {}) as { client: pg.ClientConfig };
    const { port, ...rest } = config;
    expect(client).toMatchObject(rest);
    expect(client.port ?? 5432).toBe(port);
  });

  it.each([
    'postgresql:///d?host=%zz',
    'postgresql:///d%E0%A4%A?host=/s',
    'postgresql:///d?tcp_user_timeout=x',
  ])('%s is refused', (url) => {
    expect(() => resolveServer(url, {})).toThrow(/cannot be read/);
  });
});

describe('psql', () => {
  it.each([
    ['db psql -At -c x', ['db', 'psql'], ['-At', '-c', 'x']],
    ['db psql -- --json -h host', ['db', 'psql'], ['--json', '-h', 'host']],
    ['--verbose db psql --json -c x', ['--verbose', 'db', 'psql', '--json'], ['-c', 'x']],
    [
      'db psql -f a --database-url u -v n=1',
      ['db', 'psql', '--database-url', 'u'],
      ['-f', 'a', '-v', 'n=1'],
    ],
    ['db psql --database-url=u', ['db', 'psql', '--database-url=u'], []],
    ['db psql -h', ['db', 'psql', '-h'], []],
    ['db psql -h other', ['db', 'psql'], ['-h', 'other']],
    ['db --database-url u psql -c x', ['db', '--database-url', 'u', 'psql'], ['-c', 'x']],
    ['db psql --database-url', ['db', 'psql', '--database-url'], []],
    ['--metrics m db psql -c x', ['--metrics', 'm', 'db', 'psql'], ['-c', 'x']],
    ['db psql --metrics m -c x', ['db', 'psql', '--metrics', 'm'], ['-c', 'x']],
    ['db psql --metrics-labels=a=b', ['db', 'psql', '--metrics-labels=a=b'], []],
  ])('%s', (line, own, passed) => {
    expect(splitPsqlCall(line.split(' '))).toEqual({ own, passed });
  });

  it.each([
    'ingest psql',
    'ingest db psql c.csv --table t',
    'db url psql x',
    'ingest db',
    'db start',
  ])('%s is no call of it', (line) => expect(splitPsqlCall(line.split(' '))).toBeUndefined());

  it('knows the statements of a call that is nothing else', () => {
    expect(readStatements(['-c', 'a', '-cb', '--command', 'c', '--command=d=e'])).toEqual([
      ...['a', 'b', 'c', 'd=e'],
    ]);
    for (const other of [['-At'], ['-c'], ['x'], ['-c', 'a', '-f', 'b']]) {
      expect(readStatements(other)).toBeUndefined();
    }
  });

  it.runIf(hasPsql)(
    'gets its arguments, with and without --, and its exit status counts',
    async () => {
      const cwd = await makeDirectory();
      const env = { DATABASE_URL: database.url };
      for (const args of [
        ['-At', '-c', "SELECT 'a', 2"],
        ['--', '-A', '-t', '-c', "SELECT 'a', 2"],
        ['-XAt', '-c', "SELECT 'a', 2"],
      ]) {
        const { stdout, stderr } = await edp(['db', 'psql', ...args], { cwd, env });
        expect(stdout, stderr).toBe('a|2\n');
      }
      const input = await edp(['db', 'psql', '-At'], { cwd, env, input: 'SELECT 6;' });
      expect(input.stdout).toBe('6\n');
      const failed = await edp(['db', 'psql', '-c', 'SELECT nothing'], { cwd, env });
      expect(failed.status).toBe(1);
    },
  );

  it('uses the database that commands use: DATABASE_URL, --database-url, PG*', async () => {
    const cwd = await makeDirectory();
    const name = database.config.database!;
    const sql = ['-c', 'SELECT current_database()'];
    const pgVariables = { PGHOST: database.config.host!, PGUSER: 'edp', PGDATABASE: name };
    for (const [args, env] of [
      [[], { DATABASE_URL: database.url }],
      [['--database-url', database.url], { DATABASE_URL: 'postgresql://127.0.0.1:1/wrong' }],
      [[], pgVariables],
    ] as const) {
      const json = await edp(['db', 'psql', '--json', ...args, ...sql], { cwd, env });
      expect(json.status, json.stderr).toBe(0);
      expect(json.stdout).toContain(name);
      const plain = await edp(['db', 'psql', ...args, ...sql], { cwd, env });
      expect(plain.stdout, plain.stderr).toContain(name);
    }
    await expect(stat(path.join(cwd, '.edp'))).rejects.toThrow();
  });
});

describe('TCP', () => {
  it('is on the loopback, with a password that only the owner reads, until db stop', async () => {
    const cwd = await makeStopped();
    const started = await edp(['db', 'start', '--port', '0', '--json'], { cwd });
    expect(started.status, started.stderr).toBe(0);
    const status = (await edp(['db', 'status', '--json'], { cwd })).json as unknown as {
      running: boolean;
      kept: boolean;
      pid: number;
      sizeBytes: number;
      url: string;
      tcp: { host: string; port: number; passwordFile: string };
    };
    expect(status).toMatchObject({ running: true, kept: true, tcp: { host: '127.0.0.1' } });
    expect(status.sizeBytes).toBeGreaterThan(1_000_000);
    expect((await stat(status.tcp.passwordFile)).mode & 0o777).toBe(0o600);
    const url = (await edp(['db', 'url', '--tcp'], { cwd })).stdout.trim();
    const client = new pg.Client(url);
    await client.connect();
    const { rows } = await client.query('SELECT inet_server_port() AS port');
    await client.end();
    expect(rows).toEqual([{ port: status.tcp.port }]);
    const { password } = new URL(url.replace('postgresql:', 'http:'));
    expect(status.url).not.toContain(password);
    for (const wrong of [undefined, 'x']) {
      const config = { host: '127.0.0.1', port: status.tcp.port, user: 'edp', database: 'edp' };
      const stranger = new pg.Client({ ...config, password: wrong });
      stranger.on('error', () => {});
      await expect(stranger.connect()).rejects.toThrow();
    }
    const again = await edp(['db', 'start', '--port', String(status.tcp.port)], { cwd });
    expect(again.status, again.stderr).toBe(0);
    const other = await edp(['db', 'start', '--port', '1'], { cwd });
    expect(other.status).toBe(1);
    expect(other.stderr).toMatch(/db stop/);
    expect((await edp(['status'], { cwd })).status).toBe(0);
    await edp(['db', 'stop'], { cwd });
    expect((await edp(['db', 'status', '--json'], { cwd })).json).toMatchObject({ tcp: null });
    const { stdout } = await edp(['db', 'psql', '--json', '-c', 'SHOW listen_addresses'], { cwd });
    expect(JSON.parse(stdout).results[0].rows).toEqual([['']]);
    const without = await edp(['db', 'url', '--tcp'], { cwd });
    expect(without.status).toBe(2);
    expect(without.stderr).toMatch(/--port/);
    // It starts nothing that would have to be stopped first.
    expect((await edp(['db', 'status', '--json'], { cwd })).json).toMatchObject({ running: false });
  });

  it('says which port another program has', async () => {
    const cwd = await makeStopped();
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as net.AddressInfo;
    const refused = await edp(['db', 'start', '--port', String(port)], { cwd });
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain(`port ${port} cannot be used`);
  });

  it('an option of another action is refused', async () => {
    const cwd = await makeDirectory();
    for (const args of [
      ['stop', '--port', '5'],
      ['start', '--tcp'],
      ['url', '--database-url', 'x'],
      ['start', 'extra'],
    ]) {
      const { status, stderr } = await edp(['db', ...args], { cwd });
      expect(status, stderr).toBe(2);
    }
  });
});
