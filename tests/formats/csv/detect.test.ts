/** What is detected of files that programs and people really write: header, quotes, comments. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type CsvDescription,
  describeCsv,
  listCsvOddities,
  summarizeCsv,
} from '../../../src/formats/csv/describe-csv.js';
import { CsvParser } from '../../../src/formats/csv/scan/csv-parser.js';
import { CsvScanner } from '../../../src/formats/csv/scan/csv-scanner.js';
import { RecordBatch } from '../../../src/formats/text/record-batch.js';
import type { CsvSettings } from '../../../src/model/csv-settings.js';
import { Fault } from '../../../src/model/reject-codes.js';
import { parseModel } from '../../../src/model/schema.js';
import { localVersion } from '../../../src/source/local-files.js';
import { makeDirectory } from '../../support/cli.js';

type Row = readonly (string | null)[];

interface Read {
  readonly description: CsvDescription;
  readonly fields: readonly string[];
  readonly rows: readonly Row[];
  readonly rejects: number;
}

/** Detects how a text is written, and reads it so. @param columns of its table, if it has one */
async function read(
  text: string | Buffer,
  settings: CsvSettings = {},
  columns?: Readonly<Record<string, 'text'>>,
): Promise<Read> {
  const file = path.join(await makeDirectory(), 't.csv');
  await writeFile(file, text);
  const table = columns === undefined ? undefined : parseModel({ t: { columns } }).tables[0];
  const description = await describeCsv(await localVersion(file), 't.csv', table, settings);
  const bytes = await readFile(file);
  const { dialect } = description.recordForm;
  const scanner = new CsvScanner(dialect);
  const batch = new RecordBatch(bytes.length + 1);
  scanner.reset(description.dataStart);
  scanner.scan(bytes, bytes.length, Number.POSITIVE_INFINITY, true, batch);
  const rows: Row[] = [];
  let rejects = 0;
  new CsvParser(dialect).parse(bytes, batch, (_, record) => {
    if (record instanceof Fault) rejects++;
    else rows.push(record);
  });
  return { description, fields: description.fields, rows, rejects };
}

const lines = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => `${line(i)}\n`).join('');

describe('a first line with names', () => {
  it.each<[string, text: string, fields: readonly string[]]>([
    ['in brackets', `[AT],[V]\n${lines(9, (i) => `${i},1.${i}`)}`, ['[AT]', '[V]']],
    ['in braces', `{time},{read}\n${lines(9, (i) => `12:0${i},${i}`)}`, ['{time}', '{read}']],
    [
      'in brackets behind blanks, above fields that are empty',
      `[A], [B], [C]\n${lines(9, (i) => `${i}, , 2024-01-0${i + 1}`)}`,
      ['[A]', '[B]', '[C]'],
    ],
    [
      'that are dates',
      `country,2020-01-31,2020-02-29\n${lines(9, (i) => `c${i},${i * 7},${i}`)}`,
      ['country', '2020-01-31', '2020-02-29'],
    ],
    [
      'that are times',
      `sensor;00:00;01:00\n${lines(9, (i) => `s${i};${i}.5;3`)}`,
      ['sensor', '00:00', '01:00'],
    ],
    [
      'that are dates, above words',
      `who,01/02/2024,01/03/2024\n${lines(9, (i) => `p${i},${i % 2 ? 'here' : 'ill'},here`)}`,
      ['who', '01/02/2024', '01/03/2024'],
    ],
    [
      'that are numbers in quotes, above numbers without',
      `"region","2019","2020"\n${lines(9, (i) => `"r${i}",${i * 7},${i + 90}`)}`,
      ['region', '2019', '2020'],
    ],
    ['of which one is a year', `state,2022\nAlpha,-29.1\nBeta,-14.6\n`, ['state', '2022']],
    [
      'of which one is a year, above whole numbers',
      `town,1999\n${lines(6, (i) => `Town ${'abcdef'[i]},${i * 11}`)}`,
      ['town', '1999'],
    ],
    [
      'that are questions',
      '"What is your age, if any?",Do you pray?,Sex\nResponse,Response,Response\nNone,Never,Male\nx,,Male\nNone,Daily,Female\n',
      ['What is your age, if any?', 'Do you pray?', 'Sex'],
    ],
    [
      'that is there twice',
      'Day,Shop,Qty\nDay,Shop,Qty\n2019-01-02,Berlin,3\n2019-01-03,Paris,2\n',
      ['Day', 'Shop', 'Qty'],
    ],
    ...['', '\ufeff'].map((mark): [string, string, string[]] => [
      `that comes again behind a byte order mark${mark && ', as it came first'}`,
      `${mark}id,name\n1,joe\n2,bob\n\ufeffid,name\n4,x\n`,
      ['id', 'name'],
    ]),
    [
      'above texts with digits',
      `plane,icao\n${lines(9, (i) => `A${i}0 x,B${i}4`)}`,
      ['plane', 'icao'],
    ],
  ])('%s is a header', async (_, text, fields) => {
    const { description, fields: found } = await read(text);
    expect(found).toEqual(fields);
    expect(description.detection.hasHeader).toBe(true);
  });

  it.each<[string, text: string]>([
    [
      'texts with digits, as those below',
      '"Alpha (N) 262","ND2","N262"\n"Alpha (S) 210","CRV","S210"\n"Agu A109","AGH","A109"\n"Air A310","310","\\N"\n"Air A318","318","A318"\n',
    ],
    ['dates above dates', lines(9, (i) => `x${i},2024-01-0${i + 1}`)],
    ['JSON above JSON', lines(9, (i) => `[${i}],{"a":${i}}`)],
    ['a year above years', lines(9, (i) => `Town ${i},${1990 + i}`)],
    ['a number above whole numbers', 'Rome,2022\nOslo,5\n'],
    ['codes above codes', lines(9, (i) => `AB-${10 + i},K${i}X`)],
  ])('is a record: %s', async (_, text) => {
    const { description, rows } = await read(text);
    expect(description.detection.hasHeader).toBe(false);
    expect(rows.length).toBe(text.split('\n').length - 1);
  });

  it('is told to be a guess where little speaks for it', async () => {
    const { description } = await read('Anna,Rome\nBob,Oslo\nCarl,Bonn\n');
    expect(listCsvOddities(description).join()).toMatch(/--(no-)?header/);
    const sure = await read('id,name\n1,Anna\n2,Bob\n');
    expect(listCsvOddities(sure.description)).toEqual([]);
  });
});

describe('a header that does not fit the records', () => {
  it.each<[string, text: string, fields: readonly string[], oddity: string | undefined]>([
    ['a delimiter behind it', 'a,b,c,\n1,x,3.5\n2,y,4.5\n', ['a', 'b', 'c'], 'delimiters too many'],
    ['several', 'a;b;;;\n1;x\n2;y\n3;z\n', ['a', 'b'], 'delimiters too many'],
    ['one in its middle', 'id,,name,n\n1,x,3.5\n2,y,4.5\n', ['id', 'name', 'n'], 'too many'],
    ['a quote in it', 'id,"name,v\n1,a,5\n2,b,6\n3,c,7\n', ['id', 'name', 'v'], '--columns'],
    [
      'names of rows without a name',
      'mpg,cyl\nMazda RX4,21,6\nDatsun 710,22.8,4\nValiant,18.1,6\n',
      ['column_1', 'mpg', 'cyl'],
      'one field short',
    ],
    [
      'numbers of rows without a name',
      'name,town\n1,Anna,Rome\n2,Bob,Oslo\n3,Carl,Bonn\n',
      ['column_1', 'name', 'town'],
      'one field short',
    ],
  ])('%s', async (_, text, fields, oddity) => {
    const { description, fields: found, rows, rejects } = await read(text);
    expect(found).toEqual(fields);
    expect([rows.length, rejects]).toEqual([text.split('\n').length - 2, 0]);
    expect(listCsvOddities(description).join()).toContain(oddity);
  });

  it.each([
    ['in its middle', 'code;kind;name\nABJ;A;0.06;Port\nLON;C;1.0;London\nPAR;C;0.83;Paris\n'],
    ['where the first field is a key', 'id,a,b\nx7,p,q,1\nx9,r,s,2\nx8,t,u,3\n'],
  ])('a name that is missing %s never shifts the others', async (_, text) => {
    const { description, fields, rows, rejects } = await read(text);
    expect(fields).toEqual(text.split('\n')[0]!.split(/[,;]/));
    expect([rows.length, rejects]).toEqual([0, 3]);
    expect(listCsvOddities(description).join()).toContain('--columns');
  });

  const BROKEN = 'id,"name,v\n1,a,5\n2,b,6\n3,c,7\n';
  it.each<CsvSettings>([{ header: true }, {}])(
    'that is broken does no harm with names: %j',
    async (settings) => {
      const { fields, rows } = await read(BROKEN, { ...settings, columns: ['id', 'name', 'v'] });
      expect(fields).toEqual(['id', 'name', 'v']);
      expect(rows).toEqual([
        ['1', 'a', '5'],
        ['2', 'b', '6'],
        ['3', 'c', '7'],
      ]);
    },
  );

  it('that is broken is an error where the user says that it is a header', async () => {
    await expect(read(BROKEN, { header: true })).rejects.toMatchObject({
      code: 'not_csv',
      hint: expect.stringContaining('--columns'),
    });
  });

  it('a last field that is empty in all records of a file without names is a field', async () => {
    const { description, rows } = await read(lines(9, (i) => `${i},x,`));
    expect(summarizeCsv(description)).toMatchObject({ header: false, trailingDelimiter: false });
    expect(rows[0]).toEqual(['0', 'x', null]);
  });
});

describe('lines before the header', () => {
  const table = `Day,Shop,Qty,Price\n${lines(4, (i) => `2019-01-0${i + 1},Berlin,${i},4.5`)}`;
  it.each<[string, before: string, count: number]>([
    ['filled up with delimiters', 'Sales report 2019,,,\n,,,\n', 2],
    ['of which one has two texts', 'Sales,2019,,\nfrom,Anna,,\n,,,\n', 3],
    ['filled up, and blank ones', 'PREAMBLE,,,\n\n', 2],
  ])('%s', async (_, before, count) => {
    const { description, fields, rows } = await read(before + table);
    expect(fields).toEqual(['Day', 'Shop', 'Qty', 'Price']);
    expect([rows.length, description.detection.skippedLines]).toEqual([4, count]);
  });

  it('are not a header with few names, nor records with few values', async () => {
    const named = await read(`name,,,\n${lines(9, (i) => `x${i},${i},2,3`)}`);
    expect(named.fields).toEqual(['name', 'column_2', 'column_3', 'column_4']);
    const sparse = await read(`1,,,\n2,,,\n${lines(9, (i) => `${i},5,6,7`)}`);
    expect(sparse.rows.length).toBe(11);
  });
});

describe('a header whose records have more or fewer fields is none of the lines before a table', () => {
  const ann = '1,Ann';
  const bob = '2,Bob,Rome,x';
  it.each<[string, records: readonly string[], rows: number]>([
    ['one record with fewer, one with more', [ann, bob], 0],
    ['most records with more', [ann, bob, bob.replace('2', '3')], 0],
    ['a good one first', ['1,Ann,Oslo', bob, bob], 1],
    ['two more', [ann, `${bob},y`, `${bob},z`], 0],
  ])('%s', async (_, records, rows) => {
    const found = await read(`id,name,city\n${records.join('\n')}\n`);
    expect(found.fields).toEqual(['id', 'name', 'city']);
    expect(found.description.detection.skippedLines).toBe(0);
    expect([found.rows.length, found.rejects]).toEqual([rows, records.length - rows]);
  });

  it('but a title above a table without a header is', async () => {
    const { rows, description } = await read(`Sales,2019\n${lines(4, (i) => `${i},1.5,Oslo,3`)}`);
    expect([rows.length, description.detection.skippedLines]).toEqual([4, 1]);
  });
});

it.each([
  ['one column', '"1"\r\n1\r\n', 2],
  ['beside a text', '"1",x\n1,x\n', 2],
])('a number in quotes that occurs below is no name: %s', async (_, text, count) => {
  const { rows } = await read(text);
  expect(rows.length).toBe(count);
});

describe('blanks beside quotes do not count', () => {
  it.each<[string, text: string, row: Row]>([
    ['in the header', '"id", "name", "city"\n0,"n0","x, y"\n1,"n1","x, y"\n', ['0', 'n0', 'x, y']],
    ['behind them', '"id" ,"name" ,"city"\n0,"n0","x"\n1,"n1","x"\n', ['0', 'n0', 'x']],
    [
      'in some records',
      lines(6, (i) => (i ? `${i}, "n, 0",b` : 'id,name,note')),
      ['1', 'n, 0', 'b'],
    ],
    ['between semicolons', `id;name\n${lines(9, (i) => `${i};  "a;b" `)}`, ['0', 'a;b']],
    [
      'with doubled quotes',
      `id,note\n${lines(9, (i) => `${i}, "say ""a, b"""`)}`,
      ['0', 'say "a, b"'],
    ],
    [
      'padded to a width',
      `id,name,n\n${lines(20, (i) => `${`${i}`.padStart(4)},${`"x${i}, y"`.padStart(11)},${`${i}`.padStart(5)}`)}`,
      ['   0', 'x0, y', '    0'],
    ],
    ['part of the delimiter', `id,  name\n${lines(9, (i) => `${i},  "a,  b"`)}`, ['0', 'a,  b']],
  ])('%s', async (_, text, row) => {
    const { description, rows, rejects } = await read(text);
    expect([rows[0], rejects]).toEqual([row, 0]);
    expect(description.detection.hasHeader).toBe(true);
    expect(description.fields[0]).toBe('id');
  });
});

describe('quotes', () => {
  it('that are text late in a file are text', async () => {
    const text = `id;name;x\n${lines(800, (i) => `${i};Airport;1`)}${lines(10, (i) => `${i};Al "M" ${i};1`)}`;
    for (const columns of [undefined, { id: 'text', name: 'text', x: 'text' } as const]) {
      const { rows, rejects } = await read(text, {}, columns);
      expect([rows.length, rejects]).toEqual([810, 0]);
      expect(rows.at(-1)).toEqual(['9', 'Al "M" 9', '1']);
    }
  });

  it('that are few among many are damage', async () => {
    const text = `id,name\n${lines(900, (i) => `${i},"a, ${i}"`)}${lines(20, (i) => `${i},"a"b`)}`;
    const { rows, rejects } = await read(text);
    expect([rows.length, rejects]).toEqual([900, 20]);
  });

  it('that nobody escaped in JSON leave the header in quotes as it is', async () => {
    const text = `"at","name","gid","val"\n${lines(5, (i) => `"2021-09-13","roster",${i},"{"pos": "Exec / A", "val": "0800"}"`)}`;
    const { fields, rows, rejects } = await read(text);
    expect(fields).toEqual(['at', 'name', 'gid', 'val']);
    expect([rows.length, rejects]).toEqual([0, 5]);
  });
});

describe('comments', () => {
  /** Records whose last field has lines that begin with a sign; one record does so itself. */
  function writeNotes(sign: string, lineEnd: string, records: number): string {
    const body = (i: number) =>
      Array.from({ length: 1 + ((i * 7) % 50) }, (_, j) =>
        j % 3 === 0
          ? `${sign} note ${j}: of, it`
          : j % 3 === 1
            ? ''
            : `text, ""quoted"", of ${j} `.repeat(3),
      ).join('\n');
    return Array.from({ length: records }, (_, i) =>
      i === Math.floor(records * 0.4)
        ? `${sign}Spoilers${sign} here,5,short`
        : `t ${i},${i},"${body(i)}"`,
    )
      .toSpliced(0, 0, 'title,score,body')
      .map((line) => line + lineEnd)
      .join('');
  }

  it.each([
    ['*', '\r\n'],
    ['#', '\n'],
    ['--', '\n'],
    ['%', '\r\n'],
  ])('are not lines of quoted texts that begin with %s', async (sign, lineEnd) => {
    const text = writeNotes(sign, lineEnd, 2000);
    expect(text.length).toBeGreaterThan(1024 * 1024);
    const { description, rows, rejects } = await read(text);
    expect(description.recordForm.dialect.comment).toBe('');
    expect([rows.length, rejects]).toEqual([2000, 0]);
  });

  it.each([
    [
      'late in the file',
      `a,b\n${lines(900, (i) => `${i},x`)}# by hand\n${lines(9, (i) => `${i},y`)}`,
    ],
    ['beyond the first megabyte', `a,b\n${lines(150_000, (i) => `${i},xx`)}# the end\n`],
  ])('%s are found', async (_, text) => {
    const { description, rejects } = await read(text);
    expect([description.recordForm.dialect.comment, rejects]).toEqual(['#', 0]);
  });
});

describe('line ends', () => {
  const text = 'show,season,id\rLIST,SEASON,ID\rBach,13,B_A\rBach,13,P_K\rBach,12,J_R\r';
  it.each([
    ['an LF at the very end', `${text}\n`],
    ['an LF at the end of a line', `${text.slice(0, -1)}\n`],
  ])('CR, and %s', async (_, bytes) => {
    for (const columns of [undefined, { show: 'text', season: 'text', id: 'text' } as const]) {
      const { fields, rows, rejects } = await read(bytes, {}, columns);
      expect(fields).toEqual(['show', 'season', 'id']);
      expect([rows.length, rejects]).toEqual([4, 0]);
    }
  });
});

describe('one column', () => {
  it.each<[string, text: string, count: number]>([
    ['of texts with commas', 'comment\nhello, world\ngood\nwell, yes, fine\nno\n', 4],
    ['of sentences', 'note\nit is good\nthis is a longer one\nyes\nso it is\n', 4],
    ['of quoted texts', 'note\n"a, b"\n"c"\n"d, e, f"\n', 3],
    ['of whole numbers', 'n\n1\n2\n3\n', 3],
    ['of numbers with decimal commas', 'amount\n1,5\n2,75\n10,25\n', 3],
    ['of times', 'at\n10:00\n10:30\n11:15\n', 3],
    ['of addresses', 'url\nhttp://a.example/x?y=1&z=2\nhttp://b.example/u?y=3&z=4\n', 2],
  ])('%s', async (_, text, count) => {
    const { fields, rows, rejects } = await read(text);
    expect([fields.length, rows.length, rejects]).toEqual([1, count, 0]);
  });
});
