/**
 * One damaged record in a file costs exactly that record, whatever it is, wherever, with any number of
 * workers, packed or not.
 *
 * There is a file for every kind of damage at every place, and all of them load in one run, since starting
 * a program takes longer than loading any of them.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { edp, makeDirectory, withDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import type { LoadedFile } from '../support/json.js';
import { MAX_MEMORY_MEGABYTES, measureEdp } from '../support/memory.js';

const COLUMNS = '{ columns: { id: int, name: text, body: text, rank: int } }';
const MODEL = `tables: { notes: ${COLUMNS} }\n`;
const COUNT = 120;

type EscapeKind = 'doubling' | 'backslash';

function record(id: number, escapedBy: EscapeKind = 'doubling'): string {
  const quoted = escapedBy === 'doubling' ? `"said ""${id}"""` : `"said \\"${id}\\""`;
  const body = [`plain ${id}`, `"with, comma ${id}"`, `"two\nlines ${id}"`, quoted, ''];
  return `${id},name ${id},${body[id % body.length]},${id % 7}`;
}

interface Damage {
  readonly name: string;
  /** What becomes of record `id`; and of the next one, where that is lost with it. */
  damaged(id: number): Buffer | string;
  readonly escapedBy?: EscapeKind;
  /** Records that are lost; 1 unless said. */
  readonly lost?: number;
  /** Rejects that it makes; 1 unless said. */
  readonly rejects?: number;
  readonly code: string;
}

const DAMAGES: readonly Damage[] = [
  {
    name: 'an extra delimiter',
    damaged: (id) => `${id},name,x,y,1`,
    code: 'wrong_field_count',
  },
  {
    name: 'a missing delimiter',
    damaged: (id) => `${id},name x,1`,
    code: 'wrong_field_count',
  },
  {
    name: 'a missing delimiter behind a quoted field',
    damaged: (id) => `${id},name,"x, y"1`,
    code: 'bad_quote',
  },
  {
    name: 'a quote that is never closed',
    damaged: (id) => `${id},"name,x,1`,
    code: 'unterminated_quote',
  },
  {
    name: 'a quote that is never closed, in the first field',
    damaged: (id) => `"${id},name,x,1`,
    code: 'unterminated_quote',
  },
  {
    name: 'a quote that is never closed, in the last field',
    damaged: (id) => `${id},name,x,"1`,
    code: 'unterminated_quote',
  },
  {
    name: 'a quote within a field',
    damaged: (id) => `${id},na"me,x,1`,
    code: 'bad_quote',
  },
  {
    name: 'a quote too many at the end of a field',
    damaged: (id) => `${id},name,"x, y"",1`,
    code: 'unterminated_quote',
  },
  {
    name: 'a quote missing at the start of a field',
    damaged: (id) => `${id},name,x y",1`,
    code: 'bad_quote',
  },
  {
    name: 'a quote that is not doubled',
    damaged: (id) => `${id},name,"x "y" z",1`,
    code: 'bad_quote',
  },
  {
    name: 'text behind a closing quote',
    damaged: (id) => `${id},name,"x"y,1`,
    code: 'bad_quote',
  },
  {
    name: 'text behind a closing quote, two lines on',
    damaged: (id) => `${id},name,"x\nx\nx"y,1`,
    code: 'bad_quote',
  },
  {
    name: 'a closing quote missing behind two lines',
    damaged: (id) => `${id},name,"x\ny,1`,
    code: 'unterminated_quote',
  },
  {
    name: 'a line end too many',
    damaged: (id) => `${id},na\nme,x,1`,
    rejects: 2,
    code: 'wrong_field_count',
  },
  {
    name: 'a line end missing',
    damaged: (id) => `${id},name,x,1${id + 1},name,x,1`,
    lost: 2,
    code: 'wrong_field_count',
  },
  {
    name: 'an escape too many',
    escapedBy: 'backslash',
    damaged: (id) => `${id},name,"x, y\\",1`,
    code: 'unterminated_quote',
  },
  {
    name: 'an escape missing',
    escapedBy: 'backslash',
    damaged: (id) => `${id},name,"x "y\\" z",1`,
    code: 'bad_quote',
  },
  {
    name: 'a byte that is no UTF-8',
    damaged: (id) => Buffer.from(`${id},na\xffme,x,1`, 'latin1'),
    code: 'invalid_utf8',
  },
  { name: 'a NUL byte', damaged: (id) => `${id},na\0me,x,1`, code: 'nul_byte' },
  { name: 'a stray byte in a number', damaged: (id) => `${id},name,x,1\x07`, code: 'bad_integer' },
  { name: 'a stray byte as a record', damaged: () => '\x1a', code: 'wrong_field_count' },
];

const PLACES = ['first', 'middle', 'last'] as const;

/** A file with one damage at one place. */
interface DamagedFile extends Damage {
  readonly place: (typeof PLACES)[number];
  readonly file: string;
  readonly ids: readonly number[];
  readonly bytes: Buffer;
  readonly damagedBytes: Buffer;
}

/** @param index tells its ids from those of the other files */
function makeFile(damage: Damage, place: DamagedFile['place'], index: number): DamagedFile {
  const { damaged, escapedBy, lost = 1 } = damage;
  const at = { first: 0, middle: 60, last: COUNT - lost }[place];
  const first = 1000 * (index + 1);
  const damagedBytes = Buffer.concat([Buffer.from(damaged(first + at)), Buffer.from('\n')]);
  const parts: Buffer[] = [Buffer.from('id,name,body,rank\n')];
  const ids: number[] = [];
  for (let i = 0; i < COUNT; i++) {
    if (i === at) parts.push(damagedBytes);
    if (i >= at && i < at + lost) continue;
    parts.push(Buffer.from(`${record(first + i, escapedBy)}\n`));
    ids.push(first + i);
  }
  const file = `notes-${index}`;
  return { ...damage, place, file, ids, bytes: Buffer.concat(parts), damagedBytes };
}

const FILES = DAMAGES.flatMap((damage) => PLACES.map((place) => [damage, place] as const)).map(
  ([damage, place], index) => makeFile(damage, place, index),
);

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('empty');
});

describe.each([
  { how: '1 worker', table: 'alone', workers: 1, batch: 1000, isPacked: false },
  { how: '8 workers', table: 'shared', workers: 8, batch: 9, isPacked: false },
  { how: '8 workers, packed', table: 'packed', workers: 8, batch: 9, isPacked: true },
])('with $how', ({ table, workers, batch, isPacked }) => {
  const results = new Map<string, LoadedFile>();
  const ids: number[] = [];
  beforeAll(async () => {
    await withDirectory(async (cwd) => {
      await writeFile(path.join(cwd, 'edp.yaml'), `tables: { ${table}: ${COLUMNS} }\n`);
      for (const { file, bytes } of FILES) {
        await writeFile(path.join(cwd, file), isPacked ? gzipSync(bytes) : bytes);
      }
      const result = await edp(
        [
          'ingest',
          ...FILES.map(({ file }) => file),
          '--json',
          '--table',
          table,
          '--process-count',
          String(workers),
          '--read-batch-size',
          String(batch),
          '--database-url',
          database.url,
        ],
        { cwd },
      );
      expect(result, result.stderr).toMatchObject({ status: 3 });
      for (const file of result.json.files) results.set(file.path, file);
    });
    const rows = await database.query(`SELECT id FROM ${table} ORDER BY id`);
    ids.push(...(rows.flat() as number[]));
  });

  it.each(FILES)('$name in the $place record costs it alone', async (one) => {
    const { file, bytes, damagedBytes, code, rejects = 1, ids: expected } = one;
    const found = results.get(file)!;
    const rejected = (await database.query(
      `SELECT code, raw, byte_offset FROM edp.rejects WHERE load_id = ${found.loadId} ORDER BY byte_offset`,
    )) as [string, Buffer, number][];
    expect(found.rows, JSON.stringify(rejected)).toEqual({
      read: expected.length + rejects,
      loaded: expected.length,
      rejected: rejects,
      duplicate: 0,
    });
    const thousand = Math.floor(expected[0]! / 1000);
    expect(ids.filter((id) => Math.floor(id / 1000) === thousand)).toEqual(expected);
    expect(rejected[0]![0]).toBe(code);
    // All of the damaged record is kept, and nothing else.
    const kept = Buffer.concat(rejected.flatMap(([, raw]) => [raw, Buffer.from('\n')]));
    expect(kept).toEqual(damagedBytes);
    for (const [, raw, offset] of rejected) {
      expect(bytes.subarray(offset, offset + raw.length)).toEqual(raw);
    }
  });
});

describe('a record that is too long', () => {
  it.each([
    [
      'a field of 100 MB',
      Buffer.concat([Buffer.from('5,'), Buffer.alloc(100 << 20, 'x'), Buffer.from(',y,1')]),
    ],
    [
      'a quoted field of 100 MB, of many lines',
      Buffer.concat([
        Buffer.from('5,"'),
        Buffer.alloc(100 << 20, 'some words\n'),
        Buffer.from('",y,1'),
      ]),
    ],
  ])('%s is one reject, and all others load', async (_, long) => {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, 'edp.yaml'), MODEL);
    const before = Array.from({ length: 50 }, (__, i) => `${record(i)}\n`).join('');
    const after = Array.from({ length: 50 }, (__, i) => `${record(100 + i)}\n`).join('');
    const head = Buffer.from(`id,name,body,rank\n${before}`);
    await writeFile(
      path.join(cwd, 'notes.csv'),
      Buffer.concat([head, long, Buffer.from(`\n${after}`)]),
    );
    const { result, peakMegabytes } = await measureEdp(
      ['ingest', 'notes.csv', '--json', '--process-count', '2', '--database-url', database.url],
      { cwd },
    );
    expect(result, result.stderr).toMatchObject({ status: 3 });
    expect(result.json.rows).toEqual({ read: 101, loaded: 100, rejected: 1, duplicate: 0 });
    const { loadId } = result.json.files[0];
    expect(
      await database.query(
        `SELECT code, byte_offset, length(raw) FROM edp.rejects WHERE load_id = ${loadId}`,
      ),
    ).toEqual([['record_too_long', head.length, 65_536]]);
    const [[lines]] = (await database.query(
      `SELECT sum(line_count) FROM edp.receipts WHERE load_id = ${loadId}`,
    )) as [[number]];
    let ends = 1;
    for (const byte of long) if (byte === 0x0a) ends++;
    expect(Number(lines)).toBe(`${before}${after}`.split('\n').length - 1 + ends);
    expect(peakMegabytes).toBeLessThan(MAX_MEMORY_MEGABYTES);
  });

  it('ten million columns of garbage in one line are one reject', async () => {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, 'edp.yaml'), MODEL);
    const text = `id,name,body,rank\n1,a,b,1\n${','.repeat(10_000_000)}\n2,a,b,1\n`;
    await writeFile(path.join(cwd, 'notes.csv'), text);
    const { result, peakMegabytes } = await measureEdp(
      ['ingest', 'notes.csv', '--json', '--database-url', database.url],
      { cwd, env: { NODE_OPTIONS: '--max-old-space-size=200' } },
    );
    expect(result, result.stderr).toMatchObject({ status: 3 });
    expect(result.json.rows).toEqual({ read: 3, loaded: 2, rejected: 1, duplicate: 0 });
    const { loadId } = result.json.files[0];
    expect(
      await database.query(`SELECT code, reason FROM edp.rejects WHERE load_id = ${loadId}`),
    ).toEqual([['wrong_field_count', '10000001 fields instead of 4']]);
    expect(peakMegabytes).toBeLessThan(MAX_MEMORY_MEGABYTES);
  });
});
