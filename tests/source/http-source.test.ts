/** What a server does, and what comes of it: the file's bytes, or an error that says what to do. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

vi.hoisted(() => {
  process.env.EDP_FAILPOINTS = 'http.retry_ms:=5,http.idle_ms:=300';
});

import { EdpError } from '../../src/base/errors.js';
import { withReadableFiles } from '../../src/source/copies.js';
import { discoverFiles } from '../../src/source/discover.js';
import { assertUnchanged, openFile, withFile } from '../../src/source/open-file.js';
import type { InputFile, OpenFile } from '../../src/source/source.js';
import { versionOf } from '../../src/source/sources.js';
import { makeDirectory } from '../support/cli.js';
import { FileServer, type Misdeed, MODIFIED, type ServedFile } from '../support/http-server.js';

const server = new FileServer();
const other = new FileServer();
beforeAll(async () => {
  await server.start();
  await other.start();
});
afterAll(async () => {
  await server.stop();
  await other.stop();
});
beforeEach(() => {
  server.requests.length = 0;
  other.requests.length = 0;
  server.credentials = undefined;
  other.credentials = undefined;
});

/** Longer than what is read at once, with no two parts alike. */
const BYTES = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `${i},${i * 7}\n`).join(''));

interface ReadFile {
  readonly bytes: Buffer;
  readonly wasCopied: boolean;
  readonly notes: readonly string[];
}

async function readOpen(file: OpenFile, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(size);
  file.willRead?.(0, size);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(bytes, at, Math.min(50_000, size - at), at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes;
}

/** Reads all of a file as a load does: listed, copied where that must be, identified, opened, read. */
async function readAll(url: string): Promise<ReadFile> {
  const directory = await makeDirectory();
  const notes: string[] = [];
  const files = await discoverFiles([url], directory);
  const copying = {
    note: (text: string) => notes.push(text),
    signal: new AbortController().signal,
  };
  return withReadableFiles(directory, files, copying, async ([file]) => {
    const version = await versionOf(file!);
    const open = await openFile(version);
    try {
      const bytes = await readOpen(open, version.size);
      await open.version();
      return { bytes, wasCopied: file!.copy !== undefined, notes };
    } finally {
      await open.close();
    }
  });
}

/** Misdeeds of the first requests, one after the other; then all is well. */
const first = (...misdeeds: Misdeed[]) => ({ misdeed: (n: number) => misdeeds[n] });
/** The same behind so many right answers: a file is listed with one, and identified with another. */
const behind = (count: number, ...misdeeds: Misdeed[]) => ({
  misdeed: (n: number) => misdeeds[n - count],
});
const always = (misdeed: Misdeed) => ({ misdeed: () => misdeed });
const always2 = (misdeed: Misdeed) => ({ misdeed: (n: number) => (n < 2 ? undefined : misdeed) });

const WRONG_PART: Misdeed = { headers: { 'content-range': `bytes 5-9/${BYTES.length}` } };

describe('a file is read to its last byte from a server that', () => {
  it.each<[name: string, file: Partial<ServedFile>]>([
    ['does all right', {}],
    ['has an ETag and no date', { lastModified: null }],
    ['has a date and no ETag', { etag: null }],
    ['has a weak ETag and a date', { etag: 'W/"1"' }],
    ['does not look at conditions', { minds: false }],
    ['answers 503 at first', first({ status: 503 }, { status: 503 })],
    ['answers 500, 502 and 504 at times', first({ status: 500 }, { status: 502 }, { status: 504 })],
    ['asks to wait', first({ status: 429, headers: { 'retry-after': '1' } })],
    ['resets the first connection', first({ resetAfter: 0 })],
    ['resets in the middle', behind(2, { resetAfter: 1000 })],
    ['resets again and again, each time a little later', always2({ resetAfter: 100_000 })],
    ['ends a body early', behind(2, { endAfter: 10_000 }, { endAfter: 1 })],
    ['ends a body without a length early', behind(2, { endAfter: 10_000, isChunked: true })],
    ['stalls at first', first({ stallAfter: 0 })],
    ['stalls in the middle', behind(2, { stallAfter: 70_000 })],
    ['serves parts without a length', always({ isChunked: true })],
    ['serves another part once', behind(2, WRONG_PART)],
    ['serves the whole file once', behind(2, { ignoresRange: true })],
    ['sends bytes behind the end of each answer', always({ extraBytes: 10 })],
    ['sends a longer part than it announces once', behind(2, { extraBytes: 10, isChunked: true })],
    [
      'sends a shorter part than it announces once',
      behind(2, { headers: { 'content-length': '7' } }),
    ],
    ['packs a part once', behind(2, { headers: { 'content-encoding': 'gzip' } })],
    [
      'says of a file of another name that it is packed',
      { headers: { 'content-encoding': 'identity' } },
    ],
  ])('%s', async (_, file) => {
    const read = await readAll(server.serve('/events.csv', { bytes: BYTES, ...file }));
    expect(read.bytes.equals(BYTES)).toBe(true);
    expect(read).toMatchObject({ wasCopied: false, notes: [] });
  });

  it.each<[name: string, why: RegExp, file: Partial<ServedFile>]>([
    ['serves no parts', /does not serve parts/, { hasRanges: false }],
    [
      'serves no parts and no length',
      /parts/,
      { hasRanges: false, ...always({ isChunked: true }) },
    ],
    ['says nothing of a version', /strong ETag/, { etag: null, lastModified: null }],
    ['has a weak ETag alone', /strong ETag/, { etag: 'W/"1"', lastModified: null }],
    ['has the file from this second', /ETag/, { etag: null, headers: { date: MODIFIED } }],
    ['serves other parts', /serves other parts/, first(WRONG_PART)],
    ['says no size', /how long/, first({ headers: { 'content-range': 'bytes 0-0/*' } })],
    [
      'serves no parts, and breaks off again and again',
      /parts/,
      { hasRanges: false, ...behind(1, { resetAfter: 500 }, { endAfter: 70 }, { stallAfter: 9 }) },
    ],
    [
      'serves no parts, and answers 503 at first',
      /parts/,
      { hasRanges: false, ...behind(1, { status: 503 }, { status: 503 }) },
    ],
  ])('%s, by a copy', async (_, why, file) => {
    const read = await readAll(server.serve('/events.csv', { bytes: BYTES, ...file }));
    expect(read.bytes.equals(BYTES)).toBe(true);
    expect(read.wasCopied).toBe(true);
    const [first, ...others] = read.notes;
    expect(first).toMatch(/events\.csv is copied into \.edp\/spool first: /);
    for (const note of others) expect(note).toMatch(/; trying again$/);
    expect(read.notes[0]).toMatch(why);
  });

  it.each(['gzip', 'x-gzip', 'deflate', 'br'])(
    'packs it for the transfer as %s',
    async (coding) => {
      const pack = {
        gzip: gzipSync,
        'x-gzip': gzipSync,
        deflate: deflateSync,
        br: brotliCompressSync,
      };
      const bytes = pack[coding as keyof typeof pack](BYTES);
      const headers = { 'content-encoding': coding };
      const read = await readAll(server.serve('/events.csv', { bytes, headers }));
      expect(read.bytes.equals(BYTES)).toBe(true);
      expect(read.wasCopied).toBe(true);
    },
  );

  it('says of a packed file that it is packed for the transfer: its own bytes are read', async () => {
    const bytes = gzipSync(BYTES);
    const headers = { 'content-encoding': 'gzip' };
    const read = await readAll(server.serve('/events.csv.gz', { bytes, headers }));
    expect(read.bytes.equals(bytes)).toBe(true);
    expect(read.wasCopied).toBe(false);
  });

  it('has an empty file, whether or not it serves parts', async () => {
    expect((await readAll(server.serve('/empty.csv', ''))).bytes.length).toBe(0);
    const file = { bytes: Buffer.alloc(0), hasRanges: false };
    expect((await readAll(server.serve('/empty.csv', file))).bytes.length).toBe(0);
    const bare = { ...file, etag: null, lastModified: null };
    expect((await readAll(server.serve('/empty.csv', bare))).bytes.length).toBe(0);
  });
});

describe('it is an error, with its remedy, that a server', () => {
  const failures: [
    name: string,
    file: Partial<ServedFile>,
    error: { code: string; exitStatus: number; message: RegExp; hint: RegExp },
  ][] = [
    [
      'knows no such file',
      always({ status: 404 }),
      {
        code: 'no_such_file',
        exitStatus: 2,
        message: /http.*events\S*: no such file/,
        hint: /URL/,
      },
    ],
    [
      'had it once',
      always({ status: 410 }),
      {
        code: 'no_such_file',
        exitStatus: 2,
        message: /http.*events\S*: no such file/,
        hint: /URL/,
      },
    ],
    [
      'wants a user',
      always({ status: 401 }),
      {
        code: 'source_refused',
        exitStatus: 2,
        message: /401 Unauthorized/,
        hint: /user:password@/,
      },
    ],
    [
      'forbids it',
      always({ status: 403 }),
      { code: 'source_refused', exitStatus: 2, message: /403 Forbidden/, hint: /expired/ },
    ],
    [
      'does not understand',
      always({ status: 400 }),
      { code: 'source_refused', exitStatus: 2, message: /400 Bad Request/, hint: /URL/ },
    ],
    [
      'fails for ever',
      always({ status: 503 }),
      { code: 'source_unreachable', exitStatus: 1, message: /503.*tried 4 times/, hint: /again/ },
    ],
    [
      'fails for ever in the middle',
      always2({ status: 500 }),
      { code: 'source_unreachable', exitStatus: 1, message: /500.*tried 8 times/, hint: /again/ },
    ],
    [
      'resets each connection',
      always({ resetAfter: 0 }),
      { code: 'source_unreachable', exitStatus: 1, message: /tried 4 times/, hint: /again/ },
    ],
    [
      'stalls for ever',
      always2({ stallAfter: 0 }),
      {
        code: 'source_unreachable',
        exitStatus: 1,
        message: /no byte came for 0.3 s/,
        hint: /network/,
      },
    ],
    [
      'asks to wait for too long',
      always({ status: 429, headers: { 'retry-after': '3600' } }),
      { code: 'source_unreachable', exitStatus: 1, message: /429.*wait for 3600 s/, hint: /then/ },
    ],
    [
      'serves another part for ever',
      always2(WRONG_PART),
      { code: 'source_unreachable', exitStatus: 1, message: /another part/, hint: /server/ },
    ],
    [
      'serves no parts any more',
      always2({ ignoresRange: true }),
      {
        code: 'source_unreachable',
        exitStatus: 1,
        message: /does not serve a part/,
        hint: /server/,
      },
    ],
    [
      'sends longer parts than it announces, for ever',
      always2({ extraBytes: 1, isChunked: true }),
      { code: 'source_unreachable', exitStatus: 1, message: /longer than it says/, hint: /server/ },
    ],
    [
      'announces more than it has, for ever',
      { hasRanges: false, ...always({ endAfter: 5, headers: { 'content-length': '9000000' } }) },
      { code: 'source_unreachable', exitStatus: 1, message: /tried 8 times/, hint: /again/ },
    ],
    [
      'packs it in a way that nobody knows',
      { headers: { 'content-encoding': 'zip' } },
      {
        code: 'source_refused',
        exitStatus: 2,
        message: /packed as "zip"/,
        hint: /another program/,
      },
    ],
    [
      'redirects in a circle',
      always({ status: 302, headers: { location: '/events.csv' } }),
      { code: 'source_refused', exitStatus: 2, message: /more than 10 redirects/, hint: /circle/ },
    ],
    [
      'redirects to another protocol',
      always({ status: 302, headers: { location: 'file:///etc/passwd' } }),
      { code: 'source_refused', exitStatus: 2, message: /redirects/, hint: /URL/ },
    ],
  ];
  it.each(failures)('%s', async (_, file, { code, exitStatus, message, hint }) => {
    const url = server.serve('/events.csv', { bytes: BYTES, ...file });
    const error = await readAll(url).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(EdpError);
    const { place, message: said } = error as EdpError;
    const text = place === undefined ? said : `${place}: ${said}`;
    expect(error).toMatchObject({ code, exitStatus, hint: expect.stringMatching(hint) });
    expect(text).toMatch(message);
    expect(text).toContain(url);
  });

  it('is not there', async () => {
    const gone = await new FileServer().start();
    const url = gone.url('/events.csv', '127.0.0.1');
    await gone.stop();
    await expect(readAll(url)).rejects.toMatchObject({
      code: 'source_unreachable',
      message: expect.stringMatching(/ECONNREFUSED.*tried 4 times/),
    });
  });

  it('has no file of several: all are named', async () => {
    const there = server.serve('/there.csv', BYTES);
    const names = [server.url('/a.csv'), there, server.url('/b.csv?token=secret')];
    const error = discoverFiles([names.join(',')], await makeDirectory());
    await expect(error).rejects.toMatchObject({
      code: 'no_such_file',
      message: 'no such file',
      place: `${names[0]}, ${server.url('/b.csv?token=***')}`,
    });
  });
});

describe('a file that changes', () => {
  const changes: [name: string, before: Partial<ServedFile>, after: Partial<ServedFile>][] = [
    ['with its ETag', {}, { etag: '"2"' }],
    [
      'with its date',
      { etag: null },
      { etag: null, lastModified: 'Tue, 03 Nov 2026 10:00:01 GMT' },
    ],
    ['in its size alone', {}, { bytes: BYTES.subarray(0, -1) }],
    ['and is empty by now', {}, { bytes: Buffer.alloc(0) }],
  ];
  for (const minds of [true, false]) {
    const who = minds ? 'minds' : 'does not mind';
    it.each(changes)(
      `%s, on a server that ${who} conditions, is an error`,
      async (_, before, after) => {
        const url = server.serve('/events.csv', { bytes: BYTES, minds, ...before });
        const [file] = await discoverFiles([url], '/');
        const version = await versionOf(file!);
        const open = await openFile(version);
        const part = Buffer.alloc(100_000);
        await open.read(part, 0, part.length, 100_000);
        server.serve('/events.csv', { bytes: BYTES, minds, ...before, ...after });
        const error = {
          code: 'file_changed',
          message: expect.stringContaining(url),
          exitStatus: 1,
        };
        await expect(open.read(part, 0, part.length, 200_000)).rejects.toMatchObject(error);
        await open.close();
        await expect(
          withFile(version, (again) => assertUnchanged(again, version)),
        ).rejects.toMatchObject(error);
      },
    );
  }

  it('of which nobody can tell any more is an error', async () => {
    const url = server.serve('/events.csv', BYTES);
    const [file] = await discoverFiles([url], '/');
    const version = await versionOf(file!);
    server.serve('/events.csv', { bytes: BYTES, etag: null, lastModified: null });
    await expect(
      withFile(version, (open) => open.read(Buffer.alloc(9), 0, 9, 200_000)),
    ).rejects.toMatchObject({ code: 'file_changed' });
    await expect(withFile(version, (open) => assertUnchanged(open, version))).rejects.toMatchObject(
      { code: 'source_unreachable', message: expect.stringMatching(/ETag/) },
    );
  });

  it('and goes is an error', async () => {
    const url = server.serve('/events.csv', BYTES);
    const [file] = await discoverFiles([url], '/');
    const version = await versionOf(file!);
    server.remove('/events.csv');
    const check = withFile(version, (open) => assertUnchanged(open, version));
    await expect(check).rejects.toMatchObject({
      code: 'file_changed',
      message: expect.stringContaining('gone'),
    });
  });

  it('between two transfers of a stream is an error of the stream', async () => {
    const url = server.serve('/events.csv', {
      bytes: BYTES,
      misdeed: (n) => {
        if (n !== 2) return undefined;
        server.serve('/events.csv', { bytes: BYTES, etag: '"2"' });
        return { resetAfter: 1000 };
      },
    });
    const [file] = await discoverFiles([url], '/');
    const version = await versionOf(file!);
    await withFile(version, async (open) => {
      const read = async () => {
        for await (const _ of open.stream(0, version.size));
      };
      await expect(read()).rejects.toMatchObject({ code: 'file_changed' });
    });
  });
});

describe('a redirect', () => {
  it('is followed, one behind the other, and remembered for the ranges of the file', async () => {
    server.serve('/a', { bytes: BYTES, ...always({ status: 301, headers: { location: 'b' } }) });
    server.serve('/b', { bytes: BYTES, ...always({ status: 307, headers: { location: '/c/d' } }) });
    server.serve('/c/d', {
      bytes: BYTES,
      ...always({ status: 302, headers: { location: other.url('/e') } }),
    });
    other.serve('/e', BYTES);
    expect((await readAll(server.url('/a'))).bytes.equals(BYTES)).toBe(true);
    // Listed, identified and looked at again: it may lead elsewhere by then.
    expect([server.countOf('/a'), server.countOf('/b'), server.countOf('/c/d')]).toEqual([3, 3, 3]);
    expect(other.countOf('/e')).toBe(4);
  });

  it('that is good for a while only is asked for again', async () => {
    server.serve('/signed', {
      bytes: BYTES,
      misdeed: (n) => ({ status: 302, headers: { location: other.url(`/target?signature=${n}`) } }),
    });
    other.serve('/target', BYTES);
    const url = server.url('/signed');
    const [file] = await discoverFiles([url], '/');
    const version = await versionOf(file!);
    expect(server.countOf('/signed')).toBe(2);
    other.serve('/target', {
      bytes: BYTES,
      misdeed: (_, { url: target }) => (target!.endsWith('=2') ? undefined : { status: 403 }),
    });
    const bytes = await withFile(version, (open) => readOpen(open, version.size));
    expect(bytes.equals(BYTES)).toBe(true);
    expect(server.countOf('/signed')).toBe(3);
  });

  it('to another host does not get the user and the password', async () => {
    server.credentials = 'me:pass/word@1';
    server.serve('/a', { bytes: BYTES, ...always({ status: 302, headers: { location: '/b' } }) });
    server.serve('/b', {
      bytes: BYTES,
      ...always({ status: 302, headers: { location: other.url('/c') } }),
    });
    other.serve('/c', BYTES);
    const url = server.url('/a').replace('//', '//me:pass%2Fword%401@');
    expect((await readAll(url)).bytes.equals(BYTES)).toBe(true);
    expect(other.requests.length).toBeGreaterThan(0);
    for (const { headers } of other.requests) expect(headers.authorization).toBeUndefined();
  });
});

describe('a request', () => {
  it('asks for the own bytes of a part of one version', async () => {
    await readAll(server.serve('/events.csv', BYTES));
    const [, , ...reads] = server.requests;
    expect(reads.length).toBeGreaterThan(1);
    for (const { method, headers } of server.requests) {
      expect(method).toBe('GET');
      expect(headers).toMatchObject({
        'accept-encoding': 'identity',
        range: expect.stringMatching(/^bytes=\d+-\d+$/),
      });
    }
    expect(reads[0]!.headers['if-match']).toBe('"1"');
  });

  it('goes on behind the last byte that came', async () => {
    await readAll(
      server.serve('/events.csv', { bytes: BYTES, ...behind(2, { resetAfter: 300_000 }) }),
    );
    const starts = server.requests.map(({ headers }) => Number(/=(\d+)-/.exec(headers.range!)![1]));
    // What came with the version is not asked for again.
    expect(starts[2]).toBeGreaterThan(0);
    expect(starts[3]).toBeGreaterThan(starts[2]!);
  });

  it('for all of a file in order is one, also where a place is looked at first', async () => {
    const url = server.serve('/events.csv', BYTES);
    const [file] = await discoverFiles([url], '/');
    const version = await versionOf(file!);
    const before = server.countOf('/events.csv');
    await withFile(version, async (open) => {
      const part = Buffer.alloc(BYTES.length);
      open.willRead!(199_999, 500_000);
      await open.read(part, 0, 100_000, 199_999);
      open.willRead!(200_017, 500_000);
      for (let at = 200_017; at < 500_000; ) {
        at += (await open.read(part, at, 500_000 - at, at)).bytesRead;
      }
      expect(part.subarray(200_017, 500_000).equals(BYTES.subarray(200_017, 500_000))).toBe(true);
    });
    expect(server.countOf('/events.csv') - before).toBe(1);
  });
});

describe('a name', () => {
  const discover = async (...names: string[]) => discoverFiles(names, await makeDirectory());

  it('in a list may have commas of its own', async () => {
    const one = server.serve('/one.csv', BYTES);
    const two = server.serve('/two,three.csv', BYTES);
    const files = await discover(`${one}?fields=a,b, ${two},${one}`);
    expect(files.map(({ name }) => name)).toEqual([`${one}?fields=a,b`, two, one]);
  });

  it('is that of the table by the last part of its path', async () => {
    const url = server.serve('/data/events-17-3.csv', BYTES);
    server.serve('/my%20events.csv', BYTES);
    const names = [`${url}?download=1&name=/x/y.csv#top`, server.url('/my%20events.csv')];
    const files = await discover(...names);
    expect(files.map((file) => path.basename(file.path))).toEqual([
      'events-17-3.csv',
      'my events.csv',
    ]);
    expect(files[0]!.name).toBe(`${url}?download=1&name=/x/y.csv`);
  });

  it('shows nothing that is secret', async () => {
    server.credentials = 'me:secret';
    const url = server.serve('/events.csv', BYTES).replace('//', '//me:secret@');
    const [file] = await discover(`${url}?X-Amz-Signature=secret&part=1&sig=secret`);
    const shown = `${server.url('/events.csv')}?X-Amz-Signature=***&part=1&sig=***`;
    expect(file!.name).toBe(shown);
    expect((await versionOf(file!)).path).toBe(shown);
    server.remove('/events.csv');
    for (const name of [url, `${url}?token=secret`]) {
      server.credentials = 'me:secret';
      const error = await discover(name).catch((caught: Error) => caught);
      expect(error).toMatchObject({ code: 'no_such_file' });
      expect(String(error)).not.toContain('secret');
      server.credentials = 'me:other';
      const refused = await discover(name).catch((caught: Error) => caught);
      expect(refused).toMatchObject({ code: 'source_refused' });
      expect(String(refused)).not.toContain('secret');
    }
  });

  it.each([
    ['a pattern', 'http://localhost/data/*.csv', /no patterns/],
    ['a pattern with braces', 'https://localhost/data/events-{1,2}.csv', /no patterns/],
    ['another protocol', 'ftp://localhost/events.csv', /no files from ftp:\/\//],
    ['no host', 'https://', /cannot be read/],
  ])('that is %s is refused', async (_, name, message) => {
    await expect(discover(name)).rejects.toMatchObject({
      code: 'usage',
      exitStatus: 2,
      message: expect.stringMatching(message),
      hint: expect.any(String),
    });
  });
});

it('a copy that broke off leaves nothing in the spool', async () => {
  const directory = await makeDirectory();
  const url = server.serve('/events.csv', {
    bytes: BYTES,
    hasRanges: false,
    ...behind(1, { resetAfter: 5000 }, { endAfter: 70 }),
  });
  const copying = { note: () => {}, signal: new AbortController().signal };
  const spool = path.join(directory, '.edp/spool');
  const files = await discoverFiles([url], directory);
  await withReadableFiles(directory, files, copying, async ([file]: readonly InputFile[]) => {
    expect(await readdir(spool)).toEqual([path.basename(file!.copy!)]);
  });
  expect(await readdir(spool)).toEqual([]);
});

it('a copy is given up when the command is stopped', async () => {
  const directory = await makeDirectory();
  const url = server.serve('/events.csv', {
    bytes: BYTES,
    hasRanges: false,
    ...behind(1, { stallAfter: 5000 }),
  });
  const abort = new AbortController();
  const files = await discoverFiles([url], directory);
  const copying = { note: () => setTimeout(() => abort.abort(), 50), signal: abort.signal };
  await expect(
    withReadableFiles(directory, files, copying, async () => expect.unreachable()),
  ).rejects.toMatchObject({ code: 'interrupted' });
});
