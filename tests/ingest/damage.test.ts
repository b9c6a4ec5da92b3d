/** One damaged record in a file costs exactly that record, whatever it is, wherever, with any number of workers. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const MODEL = 'tables: { notes: { columns: { id: int, name: text, body: text, rank: int } } }\n';
const COUNT = 120;

function record(id: number): string {
  const body = [`plain ${id}`, `"with, comma ${id}"`, `"two\nlines ${id}"`, `"said ""${id}"""`, ''];
  return `${id},name ${id},${body[id % body.length]},${id % 7}`;
}

interface Damage {
  readonly name: string;
  /** What becomes of record `id`. */
  damaged(id: number): Buffer | string;
  /** Rejects that it makes. */
  readonly rejects: number;
  readonly code: string;
}

const DAMAGES: readonly Damage[] = [
  {
    name: 'an extra delimiter',
    damaged: (id) => `${id},name,x,y,1`,
    rejects: 1,
    code: 'wrong_field_count',
  },
  {
    name: 'a missing delimiter',
    damaged: (id) => `${id},name x,1`,
    rejects: 1,
    code: 'wrong_field_count',
  },
  {
    name: 'a quote that is never closed',
    damaged: (id) => `${id},"name,x,1`,
    rejects: 1,
    code: 'unterminated_quote',
  },
  {
    name: 'a quote that is never closed, in the last field',
    damaged: (id) => `${id},name,x,"1`,
    rejects: 1,
    code: 'unterminated_quote',
  },
  {
    name: 'a quote within a field',
    damaged: (id) => `${id},na"me,x,1`,
    rejects: 1,
    code: 'bad_quote',
  },
  {
    name: 'a quote too many at the end of a field',
    damaged: (id) => `${id},name,"x, y"",1`,
    rejects: 1,
    code: 'unterminated_quote',
  },
  {
    name: 'a quote missing at the start of a field',
    damaged: (id) => `${id},name,x y",1`,
    rejects: 1,
    code: 'bad_quote',
  },
  {
    name: 'text behind a closing quote',
    damaged: (id) => `${id},name,"x"y,1`,
    rejects: 1,
    code: 'bad_quote',
  },
  {
    name: 'text behind a closing quote, two lines on',
    damaged: (id) => `${id},name,"x\nx\nx"y,1`,
    rejects: 1,
    code: 'bad_quote',
  },
  {
    name: 'a closing quote missing behind two lines',
    damaged: (id) => `${id},name,"x\ny,1`,
    rejects: 1,
    code: 'unterminated_quote',
  },
  {
    name: 'a line end too many',
    damaged: (id) => `${id},na\nme,x,1`,
    rejects: 2,
    code: 'wrong_field_count',
  },
  {
    name: 'an escape of another dialect',
    damaged: (id) => `${id},name,"x \\"y\\" z",1`,
    rejects: 1,
    code: 'bad_quote',
  },
  {
    name: 'a byte that is no UTF-8',
    damaged: (id) => Buffer.from(`${id},na\xffme,x,1`, 'latin1'),
    rejects: 1,
    code: 'invalid_utf8',
  },
  { name: 'a NUL byte', damaged: (id) => `${id},na\0me,x,1`, rejects: 1, code: 'nul_byte' },
];

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('empty');
});

describe.each(DAMAGES)('$name', ({ damaged, rejects, code }) => {
  it.each([
    { place: 'first', at: 0 },
    { place: 'middle', at: 60 },
    { place: 'last', at: COUNT - 1 },
  ])('in the $place record costs it alone', async ({ at }) => {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, 'edp.yaml'), MODEL);
    const records = Array.from({ length: COUNT }, (_, i) =>
      Buffer.concat([Buffer.from(i === at ? damaged(i) : record(i)), Buffer.from('\n')]),
    );
    const bytes = Buffer.concat([Buffer.from('id,name,body,rank\n'), ...records]);
    await writeFile(path.join(cwd, 'notes.csv'), bytes);
    for (const workers of ['1', '8']) {
      const result = await edp(
        [
          'ingest',
          'notes.csv',
          '--json',
          '--force',
          '--process-count',
          workers,
          '--read-batch-size',
          workers === '1' ? '1000' : '9',
          '--database-url',
          database.url,
        ],
        { cwd },
      );
      expect(result, result.stderr).toMatchObject({ status: 3 });
      expect(result.json.rows).toEqual({
        read: COUNT - 1 + rejects,
        loaded: COUNT - 1,
        rejected: rejects,
        duplicate: 0,
      });
      const ids = await database.query('SELECT id FROM notes ORDER BY id');
      expect(ids.flat()).toEqual(records.map((_, i) => i).filter((i) => i !== at));
      const found = (await database.query(
        'SELECT code, raw, byte_offset FROM edp.rejects ORDER BY byte_offset',
      )) as [string, Buffer, number][];
      expect(found[0]![0]).toBe(code);
      // All of the damaged record is kept, and nothing else.
      const kept = Buffer.concat(found.flatMap(([, raw]) => [raw, Buffer.from('\n')]));
      expect(kept).toEqual(records[at]);
      for (const [, raw, offset] of found) {
        expect(bytes.subarray(offset, offset + raw.length)).toEqual(raw);
      }
      await database.query('TRUNCATE notes');
      await database.query('TRUNCATE edp.loads CASCADE');
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
    const result = await edp(
      [
        'ingest',
        'notes.csv',
        '--json',
        '--force',
        '--process-count',
        '2',
        '--database-url',
        database.url,
      ],
      { cwd },
    );
    expect(result, result.stderr).toMatchObject({ status: 3 });
    expect(result.json.rows).toEqual({ read: 101, loaded: 100, rejected: 1, duplicate: 0 });
    expect(await database.query('SELECT code, byte_offset, length(raw) FROM edp.rejects')).toEqual([
      ['record_too_long', head.length, 65_536],
    ]);
    const [[lines]] = (await database.query('SELECT sum(line_count) FROM edp.receipts')) as [
      [number],
    ];
    const ends = long.filter((byte) => byte === 0x0a).length + 1;
    expect(Number(lines)).toBe(`${before}${after}`.split('\n').length - 1 + ends);
    await database.query('TRUNCATE notes');
    await database.query('TRUNCATE edp.loads CASCADE');
  });

  it('ten million columns of garbage in one line are one reject', async () => {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, 'edp.yaml'), MODEL);
    const text = `id,name,body,rank\n1,a,b,1\n${','.repeat(10_000_000)}\n2,a,b,1\n`;
    await writeFile(path.join(cwd, 'notes.csv'), text);
    const result = await edp(
      ['ingest', 'notes.csv', '--json', '--force', '--database-url', database.url],
      { cwd, env: { NODE_OPTIONS: '--max-old-space-size=200' } },
    );
    expect(result, result.stderr).toMatchObject({ status: 3 });
    expect(result.json.rows).toEqual({ read: 3, loaded: 2, rejected: 1, duplicate: 0 });
    expect(await database.query('SELECT code, reason FROM edp.rejects')).toEqual([
      ['wrong_field_count', '10000001 fields instead of 4'],
    ]);
    await database.query('TRUNCATE edp.loads CASCADE');
  });
});
