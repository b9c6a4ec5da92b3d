/** Compressed and UTF-16 files: unpacked on the way, by as many workers, and exactly once. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { edp, makeDirectory, startEdp } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const MODEL = 'tables: { notes: { columns: { id: int, body: text, rank: int } } }\n';

function makeText(count: number): string {
  const body = (i: number) =>
    i % 5 === 0 ? `"two\nlines ${i}, é"` : i % 7 === 0 ? '"say ""hi"""' : `text ${i}`;
  return `id,body,rank\n${Array.from({ length: count }, (_, i) => `${i},${body(i)},${i % 9}\n`).join('')}`;
}

/** A zip archive with files stored in it, as the format has it. */
function zip(
  files: readonly (readonly [name: string, bytes: Buffer])[],
  crcOf: (bytes: Buffer) => number,
): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, bytes] of files) {
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt32LE(crcOf(bytes), 10);
    fields.writeUInt32LE(bytes.length, 14);
    fields.writeUInt32LE(bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const central = Buffer.alloc(14);
    central.writeUInt32LE(offset, 10);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), bytes]);
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), fields, central, Buffer.from(name)]),
    );
    parts.push(local);
    offset += local.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, listing, end]);
}

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('empty');
});
beforeEach(async () => {
  await database.query('DROP TABLE IF EXISTS notes');
  await database
    .query("SELECT 1 WHERE to_regclass('edp.loads') IS NULL")
    .then((rows) => (rows.length > 0 ? undefined : database.query('TRUNCATE edp.loads CASCADE')));
});

async function project(): Promise<string> {
  const cwd = await makeDirectory();
  await writeFile(path.join(cwd, 'edp.yaml'), MODEL);
  return cwd;
}

function ingest(cwd: string, file: string, ...args: string[]) {
  return edp(
    ['ingest', file, '--table', 'notes', '--json', '--database-url', database.url, ...args],
    {
      cwd,
    },
  );
}

const crc32 = (bytes: Buffer) => gzipSync(bytes).readUInt32LE(gzipSync(bytes).length - 8);

/** Programs of the machine, where it has them. */
const has = (program: string) => spawnSync(program, ['--version']).error === undefined;
const pack = (program: string, text: Buffer) =>
  execFileSync(program, ['-c'], { input: text, maxBuffer: 1 << 28 });

const FORMS: readonly (readonly [
  name: string,
  isHere: boolean,
  make: (text: Buffer) => Buffer,
  form: object,
])[] = [
  ['gzip', true, (text) => gzipSync(text), { compression: 'gzip' }],
  [
    'gzip of several members',
    true,
    (text) => Buffer.concat([gzipSync(text.subarray(0, 5000)), gzipSync(text.subarray(5000))]),
    { compression: 'gzip' },
  ],
  ['zstd', has('zstd'), (text) => pack('zstd', text), { compression: 'zstd' }],
  ['bzip2', has('bzip2'), (text) => pack('bzip2', text), { compression: 'bzip2' }],
  [
    'zip',
    true,
    (text) =>
      zip(
        [
          ['__MACOSX/._x', Buffer.from('x')],
          ['data/notes.csv', text],
        ],
        crc32,
      ),
    { compression: 'zip' },
  ],
  ['UTF-16', true, (text) => Buffer.from(`\ufeff${text}`, 'utf16le'), { encoding: 'utf-16le' }],
  [
    'UTF-16 in gzip',
    true,
    (text) => gzipSync(Buffer.from(`\ufeff${text}`, 'utf16le').swap16()),
    { encoding: 'utf-16be', compression: 'gzip' },
  ],
];

describe.each(FORMS)('%s', (_, isHere, make, form) => {
  it.runIf(isHere)('gives the rows, receipts and rejects that the text in it gives', async () => {
    const cwd = await project();
    const text = makeText(3000).replace('\n1234,', '\n1234x,').replace('\n2000,', '\n2000,"');
    await writeFile(path.join(cwd, 'plain.csv'), text);
    await writeFile(path.join(cwd, 'packed'), make(Buffer.from(text)));
    const rows = 'SELECT id, body, rank FROM notes ORDER BY id';
    const rejects = 'SELECT byte_offset, code, reason, raw FROM edp.rejects ORDER BY byte_offset';
    const span =
      'SELECT min(start_byte), max(end_byte), min(first_line), sum(line_count), sum(rows_read) FROM edp.receipts';
    const plain = await ingest(cwd, 'plain.csv', '--process-count', '1');
    expect(plain, plain.stderr).toMatchObject({ status: 3 });
    const expected = [
      await database.query(rows),
      await database.query(rejects),
      await database.query(span),
    ];
    expect(expected[1]).toHaveLength(2);
    for (const [workers, records] of [
      ['1', '100000'],
      ['4', '100'],
    ] as const) {
      await database.query('TRUNCATE notes');
      await database.query('TRUNCATE edp.loads CASCADE');
      const result = await ingest(
        cwd,
        'packed',
        '--process-count',
        workers,
        '--read-batch-size',
        records,
      );
      expect(result, result.stderr).toMatchObject({ status: 3 });
      expect(result.json.rows).toEqual(plain.json.rows);
      expect(result.json.files[0].dialect).toMatchObject(form);
      expect([
        await database.query(rows),
        await database.query(rejects),
        await database.query(span),
      ]).toEqual(expected);
      if (records === '100') {
        const [[count]] = (await database.query('SELECT count(*) FROM edp.receipts')) as [[number]];
        expect(count).toBeGreaterThan(5);
      }
    }
    // Its own bytes are what a file is known by.
    const again = await ingest(cwd, 'packed');
    expect(again.json.files[0].status).toBe('skipped');
  });
});

describe('a compressed file', () => {
  it('that was interrupted is finished, and nothing in it is loaded twice', async () => {
    const cwd = await project();
    const text = makeText(60_000);
    await writeFile(path.join(cwd, 'notes.csv.gz'), gzipSync(text));
    const child = startEdp(
      [
        'ingest',
        'notes.csv.gz',
        '--process-count',
        '2',
        '--read-batch-size',
        '500',
        '--database-url',
        database.url,
      ],
      { cwd },
    );
    const count = async () => {
      const [found] = await database.query("SELECT to_regclass('edp.receipts') IS NOT NULL");
      if (found![0] !== true) return 0;
      return Number((await database.query('SELECT count(*) FROM edp.receipts'))[0]![0]);
    };
    while ((await count()) < 5 && child.exitCode === null) await sleep(5);
    child.kill('SIGKILL');
    const before = await count();
    const result = await ingest(
      cwd,
      'notes.csv.gz',
      '--process-count',
      '3',
      '--read-batch-size',
      '700',
    );
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(before).toBeGreaterThan(0);
    expect(result.json.rows.read).toBe(60_000);
    expect(
      await database.query('SELECT count(*), count(DISTINCT id), sum(rank) FROM notes'),
    ).toEqual([[60_000, 60_000, expect.anything()]]);
    const receipts = (await database.query(
      'SELECT start_byte, end_byte, first_line, line_count FROM edp.receipts ORDER BY start_byte',
    )) as number[][];
    let [byte, line] = ['id,body,rank\n'.length, 2];
    for (const [start, end, firstLine, lineCount] of receipts) {
      expect([start, firstLine]).toEqual([byte, line]);
      byte = end!;
      line += lineCount!;
    }
    expect(byte).toBe(Buffer.byteLength(text));
  });

  it('that is cut off fails with what was wrong, and what came before it stays accounted for', async () => {
    const cwd = await project();
    const packed = gzipSync(makeText(60_000));
    await writeFile(path.join(cwd, 'notes.csv.gz'), packed.subarray(0, packed.length >> 1));
    const result = await ingest(cwd, 'notes.csv.gz', '--read-batch-size', '1000');
    expect(result.status).toBe(1);
    const [file] = result.json.files;
    expect(file.status).toBe('failed');
    expect(file.reason).toMatch(/notes\.csv\.gz cannot be unpacked: unexpected end of file/);
    const [[count]] = (await database.query('SELECT count(*) FROM notes')) as [[number]];
    expect(count).toBe(file.rows.loaded);
  });

  it('whose archive has several files in it is refused, with their names', async () => {
    const cwd = await project();
    const files = zip(
      [
        ['a.csv', Buffer.from('id\n')],
        ['b.csv', Buffer.from('id\n')],
      ],
      crc32,
    );
    await writeFile(path.join(cwd, 'notes.zip'), files);
    const result = await ingest(cwd, 'notes.zip');
    expect(result.status).toBe(1);
    expect(result.json.files[0].reason).toContain('2 files in notes.zip: a.csv, b.csv');
  });

  it('whose checksum is wrong is not taken', async () => {
    const cwd = await project();
    await writeFile(
      path.join(cwd, 'notes.zip'),
      zip([['a.csv', Buffer.from(makeText(10))]], () => 1),
    );
    const result = await ingest(cwd, 'notes.zip');
    expect(result.status).toBe(1);
    expect(result.json.files[0].reason).toContain('checksum');
  });

  it('that unpacks to gigabytes does not grow memory', async () => {
    const cwd = await project();
    // Two lines of half a gigabyte each, of a kilobyte or so of gzip members.
    const zeros = gzipSync(Buffer.alloc(1 << 26, 'x'));
    const part = (text: string) => gzipSync(text);
    await writeFile(
      path.join(cwd, 'notes.csv.gz'),
      Buffer.concat([
        part('id,body,rank\n1,a,1\n2,'),
        ...Array.from({ length: 8 }, () => zeros),
        part(',1\n3,"'),
        ...Array.from({ length: 8 }, () => zeros),
        part('",1\n4,b,1\n'),
      ]),
    );
    const result = await edp(
      [
        'ingest',
        'notes.csv.gz',
        '--json',
        '--process-count',
        '2',
        '--database-url',
        database.url,
        '--verbose',
      ],
      { cwd, env: { NODE_OPTIONS: `--require ${path.join(cwd, 'memory.cjs')}` } },
    );
    expect(result, result.stderr).toMatchObject({ status: 3 });
    expect(result.json.rows).toEqual({ read: 4, loaded: 2, rejected: 2, duplicate: 0 });
    expect(
      await database.query('SELECT code, length(raw) FROM edp.rejects ORDER BY byte_offset'),
    ).toEqual([
      ['record_too_long', 65_536],
      ['record_too_long', 65_536],
    ]);
    const peak = Number(await readFile(path.join(cwd, 'memory.txt'), 'utf8'));
    expect(peak).toBeLessThan(700 * 1024);
  });
});
