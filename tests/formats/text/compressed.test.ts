/** Compressed and UTF-16 files: unpacked on the way, by as many workers, and exactly once. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CliResult, edp, makeDirectory, startEdp, withDirectory } from '../../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import type { JsonOf, LoadedFile } from '../../support/json.js';
import { slowLoads } from '../../support/ledger.js';
import { MAX_MEMORY_MEGABYTES, measureEdp } from '../../support/memory.js';
import { utf16, zip, zstd, zstdSkippable } from '../../support/packed.js';

const COLUMNS = '{ columns: { id: int, body: text, rank: int } }';

function makeText(count: number): string {
  const body = (i: number) =>
    i % 5 === 0 ? `"two\nlines ${i}, é"` : i % 7 === 0 ? '"say ""hi"""' : `text ${i}`;
  return `id,body,rank\n${Array.from({ length: count }, (_, i) => `${i},${body(i)},${i % 9}\n`).join('')}`;
}

/** With a record whose id is none, and one whose quote is never closed. */
const TEXT = Buffer.from(makeText(1200).replace('\n434,', '\n434x,').replace('\n801,', '\n801,"'));
const HALF = 20_000;

interface Form {
  readonly name: string;
  readonly bytes: Buffer;
  /** What is told of it. */
  readonly dialect: Readonly<Record<string, unknown>>;
}

const FORMS: readonly Form[] = [
  { name: 'gzip', bytes: gzipSync(TEXT), dialect: { compression: 'gzip' } },
  {
    name: 'gzip of several members',
    bytes: Buffer.concat([gzipSync(TEXT.subarray(0, HALF)), gzipSync(TEXT.subarray(HALF))]),
    dialect: { compression: 'gzip' },
  },
  { name: 'zstd', bytes: zstd(TEXT, 5000), dialect: { compression: 'zstd' } },
  {
    name: 'zstd of several frames',
    bytes: Buffer.concat([
      zstdSkippable(Buffer.from('size')),
      zstd(TEXT.subarray(0, HALF)),
      zstd(TEXT.subarray(HALF)),
    ]),
    dialect: { compression: 'zstd' },
  },
  {
    name: 'bzip2 of several streams',
    bytes: await readFile(
      fileURLToPath(new URL('../../support/fixtures/notes.bz2', import.meta.url)),
    ),
    dialect: { compression: 'bzip2' },
  },
  {
    name: 'zip, with what a Mac puts into it',
    bytes: zip([
      { name: '__MACOSX/._x', bytes: Buffer.from('x') },
      { name: 'data/', bytes: Buffer.alloc(0), isStored: true },
      { name: 'data/notes.csv', bytes: TEXT },
    ]),
    dialect: { compression: 'zip' },
  },
  {
    name: 'zip that stores',
    bytes: zip([{ name: 'notes.csv', bytes: TEXT, isStored: true }]),
    dialect: { compression: 'zip' },
  },
  ...(['le', 'be'] as const).flatMap((order) =>
    [true, false].map((hasMark) => ({
      name: `UTF-16 ${order} ${hasMark ? 'with' : 'without'} mark`,
      bytes: utf16(TEXT, order, hasMark),
      dialect: { encoding: `utf-16${order}`, byteOrderMark: hasMark, compression: 'none' },
    })),
  ),
  {
    name: 'UTF-16 in gzip',
    bytes: gzipSync(utf16(TEXT, 'be', true)),
    dialect: { encoding: 'utf-16be', compression: 'gzip' },
  },
  {
    name: 'UTF-8 with a mark in gzip',
    bytes: gzipSync(Buffer.concat([Buffer.from('\ufeff'), TEXT])),
    dialect: { encoding: 'utf-8', byteOrderMark: true, compression: 'gzip' },
  },
];

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('empty');
});

/** @returns the loads, by file */
function filesOf(json: JsonOf<'ingest'>): Map<string, LoadedFile> {
  return new Map(json.files.map((file) => [file.path, file]));
}

describe.each([
  { how: '1 worker and large splits', prefix: 'one_', workers: '1', records: '100000' },
  { how: '4 workers and small splits', prefix: 'many_', workers: '4', records: '100' },
])('with $how', ({ prefix, workers, records }) => {
  const names = ['plain', ...FORMS.map((_, i) => `packed${i}`)];
  const runs: Record<'tried' | 'loaded' | 'again', Map<string, LoadedFile>> = {
    tried: new Map(),
    loaded: new Map(),
    again: new Map(),
  };
  const verified = new Map<string, CliResult<'verify'>>();
  beforeAll(async () => {
    await withDirectory(async (cwd) => {
      const tables = names.map((name) => `${prefix}${name}: ${COLUMNS}`);
      await writeFile(path.join(cwd, 'edp.yaml'), `tables: { ${tables.join(', ')} }\n`);
      for (const [i, name] of names.entries()) {
        const bytes = i === 0 ? TEXT : FORMS[i - 1]!.bytes;
        await writeFile(path.join(cwd, `${prefix}${name}.csv`), bytes);
      }
      const run = async (...args: string[]) => {
        const files = names.map((name) => `${prefix}${name}.csv`);
        const sizes = ['--process-count', workers, '--read-batch-size', records];
        const url = ['--json', '--database-url', database.url];
        const result = await edp(['ingest', ...files, ...sizes, ...url, ...args], { cwd });
        expect([0, 3], result.stderr).toContain(result.status);
        return filesOf(result.json);
      };
      runs.tried = await run('--dry-run');
      runs.loaded = await run();
      runs.again = await run();
      for (const name of ['packed0', 'packed2', 'packed7']) {
        const { loadId } = runs.loaded.get(`${prefix}${name}.csv`)!;
        verified.set(
          name,
          await edp(['verify', String(loadId), '--json', '--database-url', database.url], { cwd }),
        );
      }
    });
  });

  it.each(FORMS.map((form, i) => ({ ...form, file: `${prefix}packed${i}` })))(
    'a file of $name gives the rows, receipts and rejects that its text gives',
    async ({ file, dialect }) => {
      const of = async (table: string) => {
        const { loadId, rows } = runs.loaded.get(`${table}.csv`)!;
        const mark = dialect.byteOrderMark === true && dialect.encoding === 'utf-8' ? 3 : 0;
        const shift = table === file ? mark : 0;
        return [
          rows,
          await database.query(`SELECT id, body, rank FROM ${table} ORDER BY id`),
          await database.query(
            `SELECT byte_offset - ${shift}, code, reason, raw, r.first_line + j.line_in_split
             FROM edp.rejects j JOIN edp.receipts r USING (load_id, start_byte)
             WHERE load_id = ${loadId} ORDER BY byte_offset`,
          ),
          await database.query(
            `SELECT min(start_byte) - ${shift}, max(end_byte) - ${shift}, min(first_line),
               sum(line_count)::int, sum(rows_read)::int FROM edp.receipts WHERE load_id = ${loadId}`,
          ),
        ];
      };
      const found = runs.loaded.get(`${file}.csv`)!;
      expect(found, found.reason).toMatchObject({ status: 'loaded', dialect });
      expect(found.rows).toEqual({ read: 1200, loaded: 1198, rejected: 2, duplicate: 0 });
      expect(await of(file)).toEqual(await of(`${prefix}plain`));
      if (records === '100') {
        const [[count]] = (await database.query(
          `SELECT count(*) FROM edp.receipts WHERE load_id = ${found.loadId}`,
        )) as [[number]];
        expect(count).toBeGreaterThan(5);
      }
      expect(runs.tried.get(`${file}.csv`)).toMatchObject({ rows: found.rows });
      expect(runs.again.get(`${file}.csv`)).toMatchObject({
        status: 'skipped',
        loadId: found.loadId,
      });
    },
  );

  it.each([...['packed0', 'packed2', 'packed7']])('the load of %s is verified', (name) => {
    const result = verified.get(name)!;
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(result.json).toMatchObject({
      ok: true,
      sameContent: true,
      compared: { records: 1200, rows: 1198, rejects: 2 },
    });
  });
});

describe('a compressed file', () => {
  beforeEach(async () => {
    await database.query('DROP TABLE IF EXISTS notes');
  });

  async function project(): Promise<string> {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, 'edp.yaml'), `tables: { notes: ${COLUMNS} }\n`);
    return cwd;
  }

  function ingest(cwd: string, file: string, ...args: string[]) {
    return edp(
      ['ingest', file, '--table', 'notes', '--json', '--database-url', database.url, ...args],
      { cwd },
    );
  }

  it('that was interrupted is finished, and nothing in it is loaded twice', async () => {
    const cwd = await project();
    const text = makeText(30_000);
    await writeFile(path.join(cwd, 'notes.csv.gz'), gzipSync(text));
    const args = ['--process-count', '2', '--read-batch-size', '300'];
    const hurry = await slowLoads(database);
    const child = startEdp(['ingest', 'notes.csv.gz', ...args, '--database-url', database.url], {
      cwd,
    });
    const receipts = () =>
      database.query(
        `SELECT start_byte, end_byte, first_line, line_count FROM edp.receipts
         JOIN edp.loads USING (load_id) WHERE path = 'notes.csv.gz' ORDER BY start_byte`,
      ) as Promise<number[][]>;
    while ((await receipts()).length < 5 && child.exitCode === null) await sleep(5);
    child.kill('SIGKILL');
    await hurry();
    const before = await receipts();
    // The same text, packed again: its own bytes are other ones.
    await writeFile(path.join(cwd, 'notes.csv.gz'), gzipSync(text, { level: 1 }));
    const sizes = ['--process-count', '3', '--read-batch-size', '700'];
    const result = await ingest(cwd, 'notes.csv.gz', ...sizes);
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(before.length).toBeGreaterThan(0);
    expect(result.json.rows.read).toBe(30_000);
    expect(await database.query('SELECT count(*), count(DISTINCT id) FROM notes')).toEqual([
      [30_000, 30_000],
    ]);
    const after = await receipts();
    expect(after).toEqual(expect.arrayContaining(before));
    let [byte, line] = ['id,body,rank\n'.length, 2];
    for (const [start, end, firstLine, lineCount] of after) {
      expect([start, firstLine]).toEqual([byte, line]);
      byte = end!;
      line += lineCount!;
    }
    expect(byte).toBe(Buffer.byteLength(text));
  });

  it.each<[string, (text: Buffer) => Buffer, RegExp]>([
    ['gzip', (text) => gzipSync(text), /unexpected end of file/],
    ['zstd', (text) => zstd(text, 1000), /cannot be unpacked/],
    ['UTF-16 in gzip', (text) => gzipSync(utf16(text, 'le', true)), /unexpected end of file/],
  ])(
    'of %s that is cut off fails, and goes on when the whole one is there',
    async (_, pack, reason) => {
      const cwd = await project();
      const text = Buffer.from(makeText(5000).replaceAll('text', String(reason)));
      const packed = pack(text);
      const file = path.join(cwd, 'notes.csv');
      await writeFile(file, packed.subarray(0, packed.length >> 1));
      const broken = await ingest(cwd, 'notes.csv');
      expect(broken.status).toBe(1);
      const [found] = broken.json.files;
      expect(found.status).toBe('failed');
      expect(found.reason).toMatch(reason);
      expect(found.reason).toContain(`edp undo ${found.loadId} removes it`);
      const [[count]] = (await database.query('SELECT count(*) FROM notes')) as [[number]];
      expect(count).toBe(found.rows.loaded);
      expect(count).toBeGreaterThan(1000);
      expect(found.rows).toMatchObject({ read: count, rejected: 0 });
      // The same again: nothing is loaded twice, and it is still told.
      const again = await ingest(cwd, 'notes.csv');
      expect(again.status).toBe(1);
      expect(again.json.files[0]).toMatchObject({ loadId: found.loadId, status: 'failed' });
      expect(again.json.files[0].rows.read).toBeGreaterThanOrEqual(count);
      await writeFile(file, packed);
      const whole = await ingest(cwd, 'notes.csv');
      expect(whole, whole.stderr).toMatchObject({ status: 0 });
      expect(whole.json.files[0]).toMatchObject({ loadId: found.loadId, status: 'loaded' });
      expect(await database.query('SELECT count(*), count(DISTINCT id) FROM notes')).toEqual([
        [5000, 5000],
      ]);
    },
  );

  it('that goes on where a loaded one ends is another file', async () => {
    const cwd = await project();
    const text = makeText(2000).replaceAll('text', 'longer');
    await writeFile(path.join(cwd, 'a.csv.gz'), gzipSync(text));
    await writeFile(path.join(cwd, 'b.csv.gz'), gzipSync(`${text}2000,x,1\n`));
    const first = await ingest(cwd, 'a.csv.gz');
    const second = await ingest(cwd, 'b.csv.gz');
    expect(second.json.files[0]).toMatchObject({ status: 'loaded', rows: { read: 2001 } });
    expect(second.json.files[0].loadId).not.toBe(first.json.files[0].loadId);
  });

  it('is undone as any other', async () => {
    const cwd = await project();
    await writeFile(path.join(cwd, 'a.csv.gz'), gzipSync(makeText(50)));
    const { json } = await ingest(cwd, 'a.csv.gz');
    const { loadId } = json.files[0];
    const undone = await edp(
      ['undo', String(loadId), '--yes', '--json', '--database-url', database.url],
      { cwd },
    );
    expect(undone, undone.stderr).toMatchObject({ status: 0 });
    const again = await ingest(cwd, 'a.csv.gz');
    expect(again.json.files[0]).toMatchObject({ status: 'loaded', rows: { loaded: 50 } });
  });

  it.each<[string, Buffer, RegExp]>([
    [
      'has several files',
      zip([
        { name: 'a.csv', bytes: Buffer.from('id\n') },
        { name: 'b.csv', bytes: Buffer.from('id\n') },
      ]),
      /2 files in notes: a\.csv, b\.csv/,
    ],
    ['has none', zip([{ name: 'a/', bytes: Buffer.alloc(0), isStored: true }]), /no file in notes/],
    [
      'has a wrong checksum',
      zip([{ name: 'a.csv', bytes: Buffer.from(makeText(10)), crc: 1 }]),
      /checksum/,
    ],
    [
      'is not what it is said to be',
      Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.from('nothing of the kind')]),
      /cannot be unpacked/,
    ],
  ])('that %s is refused, with what is wrong', async (_, bytes, reason) => {
    const cwd = await project();
    await writeFile(path.join(cwd, 'notes'), bytes);
    const result = await ingest(cwd, 'notes');
    expect(result.status).toBe(1);
    expect(result.json.files[0].reason).toMatch(reason);
  });

  it('is read as it is told, whatever it looks like', async () => {
    const cwd = await project();
    await writeFile(path.join(cwd, 'notes'), gzipSync(makeText(11)));
    const plain = await ingest(cwd, 'notes', '--compression', 'none');
    expect(plain.status).toBe(1);
    const zipped = await ingest(cwd, 'notes', '--compression', 'zip');
    expect(zipped.json.files[0].reason).toMatch(/notes cannot be unpacked/);
    const told = await ingest(cwd, 'notes', '--compression', 'gzip', '--encoding', 'latin1');
    expect(told.json.files[0]).toMatchObject({ status: 'loaded', dialect: { encoding: 'latin1' } });
    const [[body]] = (await database.query('SELECT body FROM notes WHERE id = 5')) as [[string]];
    expect(body).toBe('two\nlines 5, Ã©');
  });

  it('comes through a pipe, too', async () => {
    const cwd = await project();
    const result = await edp(
      ['ingest', '-', '--table', 'notes', '--json', '--database-url', database.url],
      { cwd, input: gzipSync(makeText(20)) },
    );
    expect(result.json.rows).toMatchObject({ loaded: 20 });
  });

  it('that unpacks to gigabytes does not grow memory', async () => {
    const cwd = await project();
    // Two lines of half a gigabyte each, of a kilobyte or so of gzip members.
    const zeros = gzipSync(Buffer.alloc(1 << 26, 'x'));
    const members = Array.from({ length: 8 }, () => zeros);
    await writeFile(
      path.join(cwd, 'notes.csv.gz'),
      Buffer.concat([
        gzipSync('id,body,rank\n1,a,1\n2,'),
        ...members,
        gzipSync(',1\n3,"'),
        ...members,
        gzipSync('",1\n4,b,1\n'),
      ]),
    );
    const { result, peakMegabytes } = await measureEdp(
      [
        'ingest',
        'notes.csv.gz',
        '--table',
        'notes',
        '--json',
        '--process-count',
        '2',
        '--database-url',
        database.url,
      ],
      { cwd },
    );
    expect(result, result.stderr).toMatchObject({ status: 3 });
    expect(result.json.rows).toEqual({ read: 4, loaded: 2, rejected: 2, duplicate: 0 });
    const { loadId } = result.json.files[0];
    expect(
      await database.query(
        `SELECT code, length(raw) FROM edp.rejects WHERE load_id = ${loadId} ORDER BY byte_offset`,
      ),
    ).toEqual([
      ['record_too_long', 65_536],
      ['record_too_long', 65_536],
    ]);
    expect(peakMegabytes).toBeLessThan(MAX_MEMORY_MEGABYTES);
  });
});
