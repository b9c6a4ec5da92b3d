/** Files of HTTP servers through the built command line: each record is in the table once, whatever the server does. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasOpenssl, makeCertificates } from '../postgres/tls-server.js';
import { edp, startEdp } from '../support/cli.js';
import { FileServer, type Misdeed, type ServedFile } from '../support/http-server.js';
import { parseResult } from '../support/json.js';
import { expectBalanced } from '../support/ledger.js';
import { zip, zstd } from '../support/packed.js';
import { makeProject as makeProjectDirectory, useEmptyDatabase } from '../support/scratch.js';

const MODEL = `tables:
  items:
    columns: { id: int, name: text, amount: int }
    key: id
`;

const database = useEmptyDatabase();
const server = new FileServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => {
  server.credentials = undefined;
  server.requests.length = 0;
});

/** Waits as they are, but short. */
const FAILPOINTS = 'http.retry_ms:=20,http.idle_ms:=500';

async function makeProject(model: string | null = MODEL) {
  const cwd = await makeProjectDirectory(model);
  const env = { EDP_FAILPOINTS: FAILPOINTS, DATABASE_URL: database.url };
  return {
    cwd,
    run: <const A extends readonly string[]>(...args: A) =>
      edp<A>([...args, '--json'] as unknown as A, { cwd, env }),
    text: (...args: string[]) => edp(args, { cwd, env }),
  };
}

function makeItems(from: number, until: number): Buffer {
  const records = Array.from({ length: until - from }, (_, i) => {
    const id = from + i;
    return `${id},${id % 7 === 0 ? `"name, ${id}\nof two lines"` : `name ${id}`},${id * 3}\n`;
  });
  return Buffer.from(`id,name,amount\n${records.join('')}`);
}

const RECORDS = 30_000;
const ITEMS = makeItems(0, RECORDS);

async function expectItems(count = RECORDS): Promise<void> {
  const sum = (count * (count - 1)) / 2;
  const rows = await database.query('SELECT count(*), sum(id), sum(amount) FROM items');
  expect(rows[0]!.map(Number)).toEqual([count, sum, 3 * sum]);
  await expectBalanced(database, 'items');
}

/** Two workers, eight splits. */
const SPLITS = ['--read-batch-size', '4000', '--process-count', '2'];

const first = (...misdeeds: Misdeed[]) => ({ misdeed: (n: number) => misdeeds[n] });
/** At every third request. */
const often = (misdeed: Misdeed) => ({
  misdeed: (n: number) => (n % 3 === 2 ? misdeed : undefined),
});

describe('all records of a file are loaded, and agree with it, from a server that', () => {
  it.each<[name: string, file: Partial<ServedFile>, isCopied: boolean]>([
    ['does all right', {}, false],
    ['has but a date', { etag: null }, false],
    ['resets connections in the middle', often({ resetAfter: 20_000 }), false],
    ['ends bodies early', often({ endAfter: 30_000, isChunked: true }), false],
    ['is overloaded at times', often({ status: 503 }), false],
    ['asks to wait at first', first({ status: 429, headers: { 'retry-after': '1' } }), false],
    ['stalls', first({}, {}, { stallAfter: 10 }), false],
    [
      'serves wrong parts at times',
      often({ headers: { 'content-range': `bytes 1-2/${ITEMS.length}` } }),
      false,
    ],
    ['serves no parts', { hasRanges: false }, true],
    [
      'serves no parts, and breaks off',
      { hasRanges: false, ...first({}, { endAfter: 9 }, { resetAfter: 100_000 }) },
      true,
    ],
    ['says nothing of a version', { etag: null, lastModified: null }, true],
    ['says no length', { hasRanges: false, misdeed: () => ({ isChunked: true }) }, true],
  ])('%s', async (_, file, isCopied) => {
    const { cwd, run } = await makeProject();
    const url = server.serve('/data/items-2026.csv', { bytes: ITEMS, ...file });
    const result = await run('ingest', url, ...SPLITS);
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.json).toMatchObject({
      ok: true,
      bytes: ITEMS.length,
      rows: { read: RECORDS, loaded: RECORDS, rejected: 0, duplicate: 0 },
      files: [{ path: url, table: 'items', status: 'loaded' }],
    });
    expect(/is copied into \.edp\/spool first: /.test(result.stderr)).toBe(isCopied);
    if (isCopied) expect(await readdir(path.join(cwd, '.edp/spool'))).toEqual([]);
    await expectItems();
    const verified = await run('verify', String(result.json.files[0].loadId));
    expect(verified, verified.stderr).toMatchObject({ status: 0 });
    expect(verified.json).toMatchObject({ path: url, rows: { read: RECORDS, loaded: RECORDS } });
  });

  it('fails for a while, which is said once, without what is secret in the URL', async () => {
    const { run } = await makeProject();
    const fails = (n: number) => (n > 3 && n <= 8 ? { status: 503 } : undefined);
    const url = server.serve('/items.csv', { bytes: ITEMS, misdeed: fails });
    const result = await run('ingest', `${url}?token=secret`, '--process-count', '1');
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.stderr.match(/503[^\n]*; trying again/g)).toHaveLength(1);
    expect(result.stderr).not.toContain('token=secret');
    await expectItems();
  });

  it('packs files', async () => {
    const { run } = await makeProject();
    const five = Buffer.from(
      '425a68393141592653592f569cd100001b5980001040043f202623860020005450c4c8c9a6983235351a6d06a1ef5e62f8d112f36ee12511a99c8ba49dd993ba140b7281b51236bc8ea685dc914e14240bd5a73440',
      'hex',
    );
    const files: [string, Buffer, number][] = [
      ['/items.csv.gz', gzipSync(makeItems(100, 10_000)), 9900],
      ['/items.csv.zst', zstd(makeItems(10_000, 20_000)), 10_000],
      ['/items.zip', zip([{ name: 'a.csv', bytes: makeItems(20_000, 30_000) }]), 10_000],
      ['/items-utf16.csv', Buffer.from(`\ufeffid,name,amount\n7,ä,8\n`, 'utf16le'), 1],
      ['/items.csv.bz2', five, 5],
    ];
    const misdeeds: Partial<ServedFile>[] = [{}, often({ resetAfter: 3000 }), { hasRanges: false }];
    for (const [i, [at, bytes, count]] of files.entries()) {
      const url = server.serve(at, { bytes, ...misdeeds[i % 3] });
      const result = await run('ingest', url, ...SPLITS);
      expect(result, result.stderr).toMatchObject({ status: 0 });
      expect(result.json.rows).toMatchObject({ read: count, loaded: count });
      const verified = await run('verify', String(result.json.files[0].loadId));
      expect(verified, verified.stdout + verified.stderr).toMatchObject({ status: 0 });
      expect(verified.json).toMatchObject({ rows: { read: count, loaded: count } });
    }
  });
});

describe('nothing is loaded, and the error says what to do, from a server that', () => {
  it.each<[name: string, file: Partial<ServedFile>, status: number, code: string, message: RegExp]>(
    [
      ['has no such file', { misdeed: () => ({ status: 404 }) }, 2, 'no_such_file', /no such file/],
      ['forbids it', { misdeed: () => ({ status: 403 }) }, 2, 'source_refused', /403/],
      ['fails', { misdeed: () => ({ status: 500 }) }, 1, 'source_unreachable', /tried 4 times/],
      [
        'changes the file after it was listed',
        { misdeed: (n) => change(n, 2) },
        1,
        'file_changed',
        /items\.csv changed while it was read/,
      ],
    ],
  )('%s', async (_, file, status, code, message) => {
    const { run } = await makeProject();
    const url = server.serve('/items.csv', { bytes: ITEMS, ...file });
    const result = await run('ingest', url, ...SPLITS);
    expect(result.status).toBe(status);
    expect(result.json).toMatchObject({
      ok: false,
      error: { code, message: expect.stringMatching(message), hint: expect.any(String) },
    });
    expect(await database.query(`SELECT to_regclass('items')`)).toEqual([[null]]);
  });

  function change(n: number, at: number): undefined {
    if (n === at) {
      server.serve('/items.csv', { bytes: ITEMS, etag: '"2"', misdeed: () => undefined });
    }
    return undefined;
  }
});

describe('a file that changes', () => {
  it('while it is loaded stops the load; the new one is a load of its own', async () => {
    const { run } = await makeProject();
    const longer = Buffer.concat([ITEMS, makeItems(RECORDS, RECORDS + 10).subarray(15)]);
    let isChanged = false;
    const url = server.serve('/items.csv', {
      bytes: ITEMS,
      misdeed(n) {
        if (n < 12 || isChanged) return undefined;
        isChanged = true;
        server.serve('/items.csv', { bytes: longer, etag: '"2"' });
        return { resetAfter: 0 };
      },
    });
    const result = await run('ingest', url, ...SPLITS);
    expect(result.status, result.stdout).toBe(1);
    expect(result.json.error).toMatchObject({ code: 'file_changed' });
    expect(result.json.files[0]).toMatchObject({ path: url, status: 'failed' });
    await expectBalanced(database, 'items');
    const again = await run('ingest', url, ...SPLITS);
    expect(again, again.stderr).toMatchObject({ status: 0 });
    const { rows } = again.json;
    expect(rows).toMatchObject({ read: RECORDS + 10, rejected: 0 });
    await expectItems(RECORDS + 10);
    expect(await run('verify', String(again.json.files[0].loadId))).toMatchObject({ status: 0 });
  });

  it('after it was loaded is found by verify, and loaded as another', async () => {
    const { run } = await makeProject();
    const url = server.serve('/items.csv', makeItems(0, 100));
    const { json } = await run('ingest', url);
    const { loadId } = json.files[0];
    server.serve('/items.csv', { bytes: makeItems(0, 101), etag: '"2"' });
    const changed = await run('verify', String(loadId));
    expect(changed.status).toBe(1);
    expect(changed.json.error).toMatchObject({
      code: 'file_changed',
      message: expect.stringContaining(url),
    });
    expect((await run('verify', String(loadId), url)).json).toMatchObject({
      sameContent: false,
      counts: { missing: 1 },
    });
    const again = await run('ingest', url);
    expect(again.json.rows).toMatchObject({ loaded: 1, duplicate: 100 });
    server.remove('/items.csv');
    const gone = await run('verify', String(loadId));
    expect(gone.json.error).toMatchObject({
      code: 'file_changed',
      message: expect.stringMatching(/is not there/),
    });
    expect((await run('verify', String(loadId), url)).json.error.code).toBe('no_such_file');
  });
});

describe('a content', () => {
  it('is known wherever it comes from', async () => {
    const { cwd, run } = await makeProject();
    const url = server.serve('/items.csv', ITEMS);
    await writeFile(path.join(cwd, 'items-local.csv'), ITEMS);
    const { json } = await run('ingest', url);
    const { loadId } = json.files[0];
    const copied = server.serve('/other/items-7.csv', { bytes: ITEMS, hasRanges: false });
    const again = await run('ingest', `${url},${copied}`, 'items-local.csv');
    expect(again).toMatchObject({ status: 0 });
    expect(again.json.files).toMatchObject(
      [url, copied, 'items-local.csv'].map((name) => ({ path: name, status: 'skipped', loadId })),
    );
    await expectItems();
    expect(await run('verify', String(loadId), 'items-local.csv')).toMatchObject({ status: 0 });
    expect(await run('verify', String(loadId), copied)).toMatchObject({ status: 0 });
    expect((await run('ingest', url, '--dry-run')).json.files[0].status).toBe('skipped');
  });

  it('comes from several places at once', async () => {
    const { cwd, run } = await makeProject();
    await writeFile(path.join(cwd, 'items-0.csv'), makeItems(0, 10_000));
    const urls = [1, 2].map((i) =>
      server.serve(`/items-${i}.csv`, makeItems(i * 10_000, (i + 1) * 10_000)),
    );
    const result = await run('ingest', `items-0.csv,${urls.join(',')}`);
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.json.files.map(({ path: name }: { path: string }) => name)).toEqual([
      'items-0.csv',
      ...urls,
    ]);
    await expectItems();
  });

  it('is read only as far as there is reason to: a small file is asked for four times', async () => {
    const { run } = await makeProject();
    const url = server.serve('/items.csv', makeItems(0, 100));
    await run('ingest', url);
    // Listed, identified, loaded, and looked at before the commit.
    expect(server.countOf('/items.csv')).toBe(4);
  });
});

describe('every command takes a URL', () => {
  it('that reads files without loading them', async () => {
    const { run } = await makeProject(null);
    for (const hasRanges of [true, false]) {
      const url = server.serve('/sales-1.csv', { bytes: ITEMS, hasRanges });
      const inspected = await run('inspect', url);
      expect(inspected, inspected.stderr).toMatchObject({ status: 0 });
      expect(inspected.json).toMatchObject({
        path: url,
        bytes: ITEMS.length,
        sample: { records: RECORDS, isWhole: true },
        columns: [{ name: 'id', type: 'int' }, { name: 'name', type: 'text' }, { type: 'int' }],
      });
      const inferred = await run('model', 'infer', `${url}?download=1`);
      expect(inferred, inferred.stderr).toMatchObject({ status: 0 });
      expect(inferred.json.tables).toMatchObject([
        { name: 'sales', files: [`${url}?download=1`], records: RECORDS, key: 'id' },
      ]);
    }
  });

  it('that makes a table', async () => {
    const { run } = await makeProject(null);
    const url = server.serve('/items-1.csv', ITEMS);
    const result = await run('ingest', `${url}?x=/y`, '--create');
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.json.files).toMatchObject([{ path: `${url}?x=/y`, table: 'items' }]);
    await expectItems();
    // The next one needs no option.
    const next = server.serve('/items-2.csv', makeItems(RECORDS, RECORDS + 5));
    expect((await run('ingest', next)).json.rows).toMatchObject({ loaded: 5 });
  });

  it('that adds columns', async () => {
    const { run } = await makeProject();
    const url = server.serve('/items.csv', 'id,name,amount,price\n1,a,2,3.5\n');
    const result = await run('ingest', url, '--on-new-column', 'add');
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(await database.query('SELECT id, price::text FROM items')).toEqual([[1, '3.5']]);
  });

  it('that tries a load, lists rejects and replays them', async () => {
    const { run, text } = await makeProject();
    const records = ['1,a,2', 'x,bad,2', '2,b,y', '3,"c\nd",4'];
    const url = server.serve('/items.csv', `id,name,amount\n${records.join('\n')}\n`);
    const tried = await run('ingest', url, '--dry-run');
    expect(tried.status).toBe(3);
    expect(tried.json.rows).toMatchObject({ read: 4, loaded: 2, rejected: 2 });
    const { json } = await run('ingest', url);
    expect(json.rows).toMatchObject({ read: 4, loaded: 2, rejected: 2 });
    const loadId = String(json.files[0].loadId);
    const raw = await text('rejects', loadId, '--raw');
    expect(raw.stdout).toBe('id,name,amount\nx,bad,2\n2,b,y\n');
    const rejects = await text('rejects', loadId);
    expect(rejects.stdout).toContain(`${url}:3 (byte 21)`);
    expect((await run('replay', loadId)).json).toMatchObject({ path: url, remaining: 2 });
    expect(await run('verify', loadId)).toMatchObject({ status: 0 });
    expect((await run('status')).json.loads[0]).toMatchObject({ path: url });
  });
});

describe('what is secret in a URL', () => {
  it('is used, and is never shown or stored', async () => {
    const { run, text } = await makeProject();
    server.credentials = 'me:s3cret/word';
    const plain = server.serve('/items.csv', 'id,name,amount\n1,a,2\nx,bad,2\n');
    const url = plain.replace('//', '//me:s3cret%2Fword@');
    const query = '?sig=s3cret&part=1';
    const shown = `${plain}?sig=***&part=1`;
    const results = [
      await run('inspect', url + query),
      await run('ingest', url + query, '--dry-run'),
      await text('ingest', url + query),
      await run('ingest', url + query),
      await text('status', '1'),
      await text('rejects', '1'),
      await run('verify', '1', url + query),
      await text('verify', '1', url + query),
      await text('verify', '1'),
      await text('ingest', `${plain}${query}`),
      await text('ingest', `${url.replace('items', 'nothing')}${query}`),
      await text('inspect', `${url}${query},${url}`),
      await text('ingest', `${url.replace('items', '*')}`),
      await text('ingest', `${url}${query}`, '--table', 'none', '--verbose'),
    ];
    expect(results.map(({ status }) => status)).toEqual([
      ...[0, 3, 3, 0, 0, 0, 0, 0],
      ...[2, 2, 2, 2, 2, 2],
    ]);
    for (const { stdout, stderr } of results) expect(stdout + stderr).not.toMatch(/s3cret|me:/);
    expect(parseResult<'ingest'>(results[3]!.stdout).files).toMatchObject([
      { path: shown, status: 'skipped' },
    ]);
    expect(results[8]!.stderr).toMatch(/edp verify 1 FILE/);
    const tables = await database.query(
      `SELECT table_name FROM information_schema.tables WHERE table_schema = 'edp'`,
    );
    for (const [table] of tables) {
      const rows = await database.query(`SELECT t::text FROM edp."${table as string}" t`);
      expect(JSON.stringify(rows)).not.toContain('s3cret');
    }
  });

  it('is asked for by verify, where the ledger lacks it', async () => {
    const { run } = await makeProject();
    server.credentials = 'me:secret';
    const plain = server.serve('/items.csv', makeItems(0, 10));
    const url = plain.replace('//', '//me:secret@');
    const { json } = await run('ingest', url);
    const loadId = String(json.files[0].loadId);
    const refused = await run('verify', loadId);
    expect(refused.json.error).toMatchObject({
      code: 'file_changed',
      message: expect.stringMatching(/401/),
      hint: expect.stringMatching(/keeps no user and password/),
    });
    expect(await run('verify', loadId, url)).toMatchObject({ status: 0 });
  });
});

// Without openssl there is no certificate to serve.
describe.skipIf(!hasOpenssl())('https', () => {
  let directory: string;
  let secure: FileServer;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'edp-https-'));
    makeCertificates(directory);
    const file = (name: string) => path.join(directory, name);
    secure = await new FileServer({ key: file('server.key'), cert: file('server.crt') }).start();
  });
  afterAll(async () => {
    await secure.stop();
    await rm(directory, { recursive: true, force: true });
  });
  const trust = () => ({ NODE_EXTRA_CA_CERTS: path.join(directory, 'ca.crt') });
  const ingest = (cwd: string, url: string, env: Record<string, string>) =>
    edp(['ingest', url, '--json', ...SPLITS, '--database-url', database.url], {
      cwd,
      env: { EDP_FAILPOINTS: FAILPOINTS, ...env },
    });

  it('is read where the certificate is trusted, and goes on where it broke off', async () => {
    const { cwd } = await makeProject();
    const url = secure.serve('/items.csv', { bytes: ITEMS, ...often({ resetAfter: 20_000 }) });
    const result = await ingest(cwd, url, trust());
    expect(result, result.stderr).toMatchObject({ status: 0 });
    await expectItems();
  });

  it('is refused where it is not, with the remedy', async () => {
    const { cwd } = await makeProject();
    const url = secure.serve('/items.csv', ITEMS);
    const result = await ingest(cwd, url, {});
    expect(result.status).toBe(1);
    expect(result.json.error).toMatchObject({
      code: 'source_unreachable',
      message: expect.stringMatching(/no secure connection: .*certificate/),
      hint: expect.stringMatching(/NODE_EXTRA_CA_CERTS/),
    });
    const other = await ingest(cwd, secure.url('/items.csv', '127.0.0.1'), trust());
    expect(other.json.error.message).toMatch(/no secure connection: .*(IP|altname)/i);
  });

  it('does not lead to http', async () => {
    const { cwd } = await makeProject();
    const plain = server.serve('/items.csv', ITEMS);
    const location = { status: 302, headers: { location: plain } };
    const url = secure.serve('/items.csv', { bytes: ITEMS, misdeed: () => location });
    const result = await ingest(cwd, url, trust());
    expect(result.status).toBe(2);
    expect(result.json.error).toMatchObject({
      code: 'source_refused',
      message: expect.stringMatching(/from https to http/),
    });
    expect(server.countOf('/items.csv')).toBe(0);
  });

  it('may be where http leads', async () => {
    const { cwd } = await makeProject();
    const location = { status: 301, headers: { location: secure.serve('/items.csv', ITEMS) } };
    const url = server.serve('/items.csv', { bytes: ITEMS, misdeed: () => location });
    const result = await ingest(cwd, url, trust());
    expect(result, result.stderr).toMatchObject({ status: 0 });
    await expectItems();
  });
});

describe('the proxy of the environment', () => {
  let proxy: Server;
  let count = 0;
  beforeAll(async () => {
    proxy = createServer((socket) => {
      socket.on('error', () => {});
      // As most proxies: http is read and forwarded, https would be passed on after CONNECT.
      let there: Socket | undefined;
      socket.on('data', (bytes) => {
        const text = bytes.toString('latin1');
        const target = /^GET http:\/\/([^/:]+):(\d+)\/\S* /.exec(text);
        if (target === null) {
          socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
          return;
        }
        count++;
        there ??= connectTo(Number(target[2]), target[1]).on('error', () => socket.destroy());
        there.write(text.replace(/^GET http:\/\/[^/]+/, 'GET '));
        there.pipe(socket);
      });
    });
    await new Promise<void>((resolve) => {
      proxy.listen(0, '127.0.0.1', resolve);
    });
  });
  afterAll(() => {
    proxy.close();
  });

  it.each([
    ['is used', {}, true],
    ['is not used for hosts that are left out', { NO_PROXY: 'localhost' }, false],
  ])('%s', async (_, env, isUsed) => {
    const { cwd } = await makeProject();
    const url = server.serve('/items.csv', makeItems(0, 10));
    const { port } = proxy.address() as { port: number };
    count = 0;
    const result = await edp(['inspect', url, '--json'], {
      cwd,
      env: { HTTP_PROXY: `http://127.0.0.1:${port}`, ...env },
    });
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(count > 0).toBe(isUsed);
  });
});

it('a proxy that never answers is given up', async () => {
  const { cwd } = await makeProject();
  const sockets: Socket[] = [];
  const silent = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
  });
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve);
  });
  const { port } = silent.address() as { port: number };
  const result = await edp(['inspect', 'https://data.example/items.csv', '--json'], {
    cwd,
    env: {
      HTTPS_PROXY: `http://127.0.0.1:${port}`,
      EDP_FAILPOINTS: 'http.idle_ms:=300,http.retry_ms:=10',
    },
  });
  for (const socket of sockets) socket.destroy();
  silent.close();
  expect(result.status, result.stderr).toBe(1);
  expect(result.json).toMatchObject({ error: { code: 'source_unreachable' } });
});

describe('a server that closes the connection after the body', () => {
  it.each([
    ['HTTP/1.0, without a length', 'HTTP/1.0 200 OK\r\n\r\n'],
    ['HTTP/1.1, without a length', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'],
    ['HTTP/1.0, with a length', 'HTTP/1.0 200 OK\r\nContent-Length: LENGTH\r\n\r\n'],
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n'],
  ])('%s', async (_, head) => {
    const { cwd } = await makeProject();
    // More than the buffers of a connection.
    const bytes = makeItems(0, 100_000);
    const closing = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write(head.replace('LENGTH', String(bytes.length)));
        socket.end(bytes);
      });
    });
    await new Promise<void>((resolve) => {
      closing.listen(0, '127.0.0.1', resolve);
    });
    const { port } = closing.address() as { port: number };
    const url = `http://127.0.0.1:${port}/items.csv`;
    const args = ['ingest', url, '--dry-run', '--json', '--database-url', database.url] as const;
    for (let round = 0; round < 3; round++) {
      const { status, stderr, json } = await edp(args, { cwd });
      expect(status, stderr).toBe(0);
      expect(json.rows).toMatchObject({ read: 100_000, loaded: 100_000 });
    }
    closing.close();
  });
});

it('a run that was killed is finished by the next', async () => {
  const { cwd, run } = await makeProject();
  let served = 0;
  const url = server.serve('/items.csv', {
    bytes: ITEMS,
    // So slow that something is left.
    misdeed: () => (++served > 22 ? { stallAfter: 100 } : undefined),
  });
  const args = ['ingest', url, ...SPLITS, '--read-batch-size', '2000'] as const;
  const child = startEdp([...args, '--database-url', database.url], { cwd });
  child.stdout?.resume();
  child.stderr?.resume();
  const ended = new Promise((resolve) => child.once('close', resolve));
  for (let tries = 0; served <= 22 && tries < 600; tries++) await sleep(20);
  expect(served).toBeGreaterThan(22);
  await sleep(200);
  child.kill('SIGKILL');
  await ended;
  const [[state, read]] = (await database.query('SELECT state, rows_read FROM edp.loads')) as [
    [string, number],
  ];
  expect(state).toBe('loading');
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(RECORDS);
  server.serve('/items.csv', ITEMS);
  const result = await run(...args);
  expect(result, result.stderr).toMatchObject({ status: 0 });
  expect(result.json.files).toMatchObject([{ status: 'loaded', rows: { loaded: RECORDS } }]);
  await expectItems();
  expect(await run('verify', String(result.json.files[0].loadId))).toMatchObject({ status: 0 });
});

it('a run that waits for a server ends soon when it is stopped', async () => {
  const { cwd } = await makeProject();
  let served = 0;
  const url = server.serve('/items.csv', {
    bytes: ITEMS,
    misdeed: () => (++served > 22 ? { status: 503, headers: { 'retry-after': '50' } } : undefined),
  });
  const child = startEdp(['ingest', url, ...SPLITS, '--database-url', database.url], { cwd });
  child.stdout?.resume();
  child.stderr?.resume();
  const ended = new Promise((resolve) => child.once('close', resolve));
  for (let tries = 0; served <= 22 && tries < 600; tries++) await sleep(20);
  expect(served).toBeGreaterThan(22);
  const stoppedAt = performance.now();
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(performance.now() - stoppedAt).toBeLessThan(20_000);
  await expectBalanced(database, 'items');
});

it.each([
  ['before anything is loaded', 0],
  ['in the middle of a file', 22],
])('a run whose server falls silent ends soon when it is stopped: %s', async (_when, good) => {
  const { cwd } = await makeProject();
  let served = 0;
  const url = server.serve('/items.csv', {
    bytes: ITEMS,
    misdeed: () => (++served > good ? { stallAfter: 100 } : undefined),
  });
  const child = startEdp(['ingest', url, ...SPLITS, '--database-url', database.url], { cwd });
  child.stdout?.resume();
  child.stderr?.resume();
  const ended = new Promise((resolve) => child.once('close', resolve));
  for (let tries = 0; served <= good && tries < 600; tries++) await sleep(20);
  expect(served).toBeGreaterThan(good);
  const stoppedAt = performance.now();
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  // Without data, a connection is kept for 30 seconds.
  expect(performance.now() - stoppedAt).toBeLessThan(20_000);
  if (good > 0) await expectBalanced(database, 'items');
});
