/** What is found out about a file that nobody says anything about. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeCsv } from '../../src/formats/csv/describe-csv.js';
import { inspectFile } from '../../src/infer/inspect.js';
import type { CsvSettings } from '../../src/model/csv-settings.js';
import { parseModel } from '../../src/model/schema.js';
import { localVersion } from '../../src/source/local-files.js';
import { makeDirectory } from '../support/cli.js';
import { DIALECT_FILES, NAMES, ROWS } from '../support/dialect-files.js';

async function inspectBytes(bytes: Buffer | string, settings: CsvSettings = {}) {
  const file = path.join(await makeDirectory(), 'file.csv');
  await writeFile(file, bytes);
  const { description, ...inspection } = await inspectFile(
    { path: file, name: 'file.csv' },
    {
      settings: { csv: settings, text: {} },
      processCount: 1,
      isWhole: true,
      progress: { advance: () => {} },
      signal: new AbortController().signal,
    },
  );
  if (description.format !== 'csv') throw new Error('it is taken for something else than CSV');
  return { ...inspection, description };
}

describe('a file of', () => {
  it.each(DIALECT_FILES)('$name is read as that, and with it told', async (one) => {
    for (const settings of [{}, one.told]) {
      const { description, columns, sample, odd } = await inspectBytes(one.bytes, settings);
      const isTold = settings !== undefined && 'columns' in settings;
      expect(columns.map(({ name }) => name)).toEqual(isTold ? NAMES : (one.names ?? NAMES));
      const footer = 'skipFooter' in settings ? 0 : (one.rejected ?? 0);
      expect(sample.records).toBe(ROWS.length + footer);
      expect(odd).toEqual(footer === 0 ? {} : { wrong_field_count: footer });
      expect(description.recordForm.dialect.fieldCount).toBe(4);
      expect(columns.map(({ type }) => type)).toEqual(['int', 'text', 'date', 'numeric']);
    }
  });
});

interface Case {
  readonly name: string;
  readonly text: string;
  readonly header: boolean;
  readonly names: readonly string[];
  readonly delimiter?: string;
  readonly settings?: CsvSettings;
}

const lines = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => `${line(i)}\n`).join('');

const CASES: readonly Case[] = [
  {
    name: 'decimal commas between semicolons',
    text: `a;b;c\n${lines(9, (i) => `${i},5;${2 * i},25;${i}`)}`,
    delimiter: ';',
    header: true,
    names: ['a', 'b', 'c'],
  },
  {
    name: 'times, whose colons are no delimiters',
    text: lines(9, (i) => `10:0${i}:00,${i}.5`),
    header: false,
    names: ['column_1', 'column_2'],
  },
  {
    name: 'years as names',
    text: `country,1990,1991,1992\n${lines(9, (i) => `C${i},${i * 7},${i * 3},${i * 2}`)}`,
    header: true,
    names: ['country', '1990', '1991', '1992'],
  },
  {
    name: 'texts under names',
    text: 'first,last,city\nJohn,Doe,Rome\nAnn,Lee,Paris\nBo,Ek,Oslo\n',
    header: true,
    names: ['first', 'last', 'city'],
  },
  {
    name: 'texts, and no names',
    text: 'a,b\nc,d\ne,f\ng,h\n',
    header: false,
    names: ['column_1', 'column_2'],
  },
  {
    name: 'names twice, and none',
    text: `a,b,a,,b\n${lines(5, (i) => `${i},x,${i},y,z`)}`,
    header: true,
    names: ['a', 'b', 'a_2', 'column_4', 'b_2'],
  },
  {
    name: 'a name that looks like one made up',
    text: `a,a_2,a\n${lines(5, (i) => `${i},x,${i}`)}`,
    header: true,
    names: ['a', 'a_2', 'a_3'],
  },
  {
    name: 'JSON between tabs',
    text: `id\tdata\n${lines(8, (i) => `${i}\t{"a": ${i}, "b": "x,y"}`)}`,
    delimiter: '\t',
    header: true,
    names: ['id', 'data'],
  },
  {
    name: 'texts of several lines',
    text: `id,text,n\n${lines(8, (i) => `${i},"line one\nline, two ${i}\n",${i}`)}`,
    header: true,
    names: ['id', 'text', 'n'],
  },
  {
    name: 'minutes of arc, in a file without quotes',
    text: 'phone,place,city\n2095,37°36\'37.8"N 121°2\'17.9"W,Modesto\n',
    header: true,
    names: ['phone', 'place', 'city'],
  },
  {
    name: 'one column',
    text: 'name\nAnna\nBob\n',
    header: true,
    names: ['name'],
  },
  {
    name: 'a header alone',
    text: 'a;b;c\n',
    delimiter: ';',
    header: true,
    names: ['a', 'b', 'c'],
  },
  {
    name: 'a hint to a spreadsheet',
    text: `sep=;\nid;name\n${lines(5, (i) => `${i};x`)}`,
    delimiter: ';',
    header: true,
    names: ['id', 'name'],
  },
  {
    name: 'comments before the header only',
    text: `# exported 2024-01-01\n# by me; for you\nid;name\n${lines(5, (i) => `${i};#${i}`)}`,
    delimiter: ';',
    header: true,
    names: ['id', 'name'],
  },
  {
    name: 'two colons between fields, single quotes and times',
    text: `'at'::'name'\n${lines(4, (i) => `'10:0${i}:00'::'x'`)}`,
    delimiter: '::',
    header: true,
    names: ['at', 'name'],
  },
  {
    name: 'two bars between fields, a bar in some and few records below other lines',
    text: `Report\n\nid||tags||day\n${lines(2, (i) => `${i}||a|b||2024-01-0${i + 1}`)}`,
    delimiter: '||',
    header: true,
    names: ['id', 'tags', 'day'],
  },
  {
    name: 'signs of values on both sides of a colon',
    text: `share:price\n${lines(5, (i) => `${i}.5%:$${i}.25`)}`,
    delimiter: ':',
    header: true,
    names: ['share', 'price'],
  },
  {
    name: 'signs of values beside two colons',
    text: `share::n\n${lines(3, (i) => `${i}.5%::${i}`)}`,
    delimiter: '::',
    header: true,
    names: ['share', 'n'],
  },
  {
    name: 'texts of as many words each',
    text: 'note,day\nalpha beta gamma,1.2.2024\ndelta eta theta,2.2.2024\n',
    header: true,
    names: ['note', 'day'],
  },
  {
    name: 'blanks in numbers of phones and places',
    text: `phone,place\n${lines(9, (i) => `+49 30 ${i}45678,-${i}.25 1${i}.5`)}`,
    header: true,
    names: ['phone', 'place'],
  },
  {
    name: 'decimal commas between colons',
    text: `place:price:day\n${lines(9, (i) => `-${i}.25,1${i}.5:${i},50:2024-01-0${i + 1}`)}`,
    delimiter: ':',
    header: true,
    names: ['place', 'price', 'day'],
  },
  {
    name: 'no value in the first record',
    text: `,\n${lines(9, (i) => `,${i}`)}`,
    header: false,
    names: ['column_1', 'column_2'],
  },
  {
    name: 'CR alone, and inch marks',
    text: lines(40, (i) => `${i},${i === 0 ? '12"' : 'x'},2024-01-01`).replaceAll('\n', '\r'),
    header: false,
    names: ['column_1', 'column_2', 'column_3'],
  },
  {
    name: 'names that the user gives',
    text: lines(5, (i) => `${i},x,2024-01-01`),
    settings: { columns: ['n', 'c', 'd'] },
    header: false,
    names: ['n', 'c', 'd'],
  },
  {
    name: 'names that the user gives instead of others',
    text: `a,b\n${lines(5, (i) => `${i},x`)}`,
    settings: { columns: ['n', 'c'] },
    header: true,
    names: ['n', 'c'],
  },
];

describe('a file with', () => {
  it.each(CASES)('$name', async ({ text, header, names, delimiter = ',', settings }) => {
    const { description, columns, odd } = await inspectBytes(text, settings);
    expect(description.recordForm.dialect.delimiter).toBe(delimiter);
    expect(description.detection.hasHeader).toBe(header);
    expect(columns.map(({ name }) => name)).toEqual(names);
    expect(odd).toEqual({});
  });
});

describe('a file of one column', () => {
  const two = (i: number) => String(i % 60).padStart(2, '0');
  const VALUES: Readonly<Record<string, (i: number) => string>> = {
    times: (i) => `10:${two(i)}:00`,
    'quoted times': (i) => `'10:${two(i)}:00'`,
    'hours and minutes': (i) => `9:${two(i)}`,
    timestamps: (i) => `2024-01-01 10:${two(i)}:00`,
    'timestamps with a zone': (i) => `2024-01-01T10:${two(i)}:00Z`,
    'dates with slashes': (i) => `01/${two((i % 28) + 1)}/2024`,
    'e-mail addresses': (i) => `anna.${i}@example.com`,
    addresses: (i) => `https://example.org/${i}?a=${i}&b=1`,
    paths: (i) => `/var/log/${i}/a.log`,
  };
  const TEXTS: Readonly<Record<string, (i: number) => string>> = {
    'addresses of network cards': (i) => `0${i % 10}:1b:44:11:3a:b7`,
    'long addresses of hosts': (i) => `2001:db8::${i}:1`,
    'hosts and ports': (i) => `10.0.0.${i % 250}:80`,
    'first and last names': (i) => ['Anna Smith', 'Bob Jones', 'Carl Lee'][i % 3]!,
    'last and first names': (i) => ['Smith, Anna', 'Jones, Bob', 'Lee, Carl'][i % 3]!,
    sentences: (i) => ['This is it.', 'So be it', 'Well, what is this about?'][i % 3]!,
    'decimal commas': (i) => `${i},25`,
    amounts: (i) => `$${i},120.25`,
    tags: (i) => ['a', 'a|b', 'a|b|c'][i % 3]!,
    'texts with equals signs': (i) => `size=${i}`,
  };
  it.each(Object.entries({ ...VALUES, ...TEXTS }))('%s under a name', async (_, value) => {
    for (const count of [1, 2, 5, 100]) {
      const { description, columns, odd, sample } = await inspectBytes(
        `some_name\n${lines(count, value)}`,
      );
      expect(columns.map(({ name }) => name)).toEqual(['some_name']);
      expect(description.recordForm.dialect.fieldCount).toBe(1);
      expect(sample.records).toBe(count);
      expect(odd).toEqual({});
    }
  });

  it.each(Object.entries(VALUES))('%s without a name', async (_, value) => {
    const { columns, sample } = await inspectBytes(lines(20, value));
    expect(columns.map(({ name }) => name)).toEqual(['column_1']);
    expect(sample.records).toBe(20);
  });

  it('is told from records below a title', async () => {
    const { columns } = await inspectBytes(`Report\n${lines(9, (i) => `${i},x,${i}`)}`);
    expect(columns).toHaveLength(3);
    const named = await inspectBytes(`Report\nid name\n${lines(9, (i) => `${i} x`)}`);
    expect(named.columns.map(({ name }) => name)).toEqual(['id', 'name']);
  });
});

describe('what the table has for fields', () => {
  const [table] = parseModel({ t: { columns: { id: 'int', name: 'text', note: 'text' } } }).tables;
  it.each<[string, text: string, delimiter: string, dataLine: number]>([
    ['decides the delimiter', 'id,x;y\tname\tnote\n1,2;3\ta\tb\n', '\t', 2],
    ['decides where the header is', 'a,b,c\nmore,of,this\nnote,id,name\nx,1,a\n', ',', 4],
    ['and blanks around names do not count', ' id , name,note\n1,a,b\n', ',', 2],
    ['decides between delimiters of one file', 'id, name, note\n1, a, b\n2, c, d\n', ', ', 2],
  ])('%s', async (_, text, delimiter, dataLine) => {
    const file = path.join(await makeDirectory(), 'file.csv');
    await writeFile(file, text);
    const description = await describeCsv(await localVersion(file), 'file.csv', table, {});
    expect(description.recordForm.dialect.delimiter).toBe(delimiter);
    expect(description.dataLine).toBe(dataLine);
    expect(new Set(description.fields)).toEqual(
      new Set(delimiter === '\t' ? ['id,x;y', 'name', 'note'] : ['id', 'name', 'note']),
    );
  });
});

describe('a table of one column tells that its files have one', () => {
  const [table] = parseModel({ t: { columns: { order: 'text' } } }).tables;
  it.each([
    ['times', '"order"\n2024-02-29T10:11:12.5Z\n0001-01-01 00:00:00\n'],
    ['one time', 'order\n2024-02-29 10:11:12\n'],
    ['times between CR LF', 'order\r\n2024-02-29 10:11:12\r\n2024-02-29 10:11:13\r\n'],
    ['texts with commas', 'order\na, b\nc, d\ne, f\n'],
    ['texts with commas and without', 'order\na, b\nc\ne; f\n'],
    ['paths', 'order\n/a|b/c|d\n/e|f/g|h\n'],
  ])('%s', async (_, text) => {
    const file = path.join(await makeDirectory(), 'file.csv');
    await writeFile(file, text);
    const { fields, recordForm } = await describeCsv(
      await localVersion(file),
      'file.csv',
      table,
      {},
    );
    const { dialect } = recordForm;
    expect(fields).toEqual(['order']);
    expect(dialect.fieldCount).toBe(1);
    expect(text).not.toMatch(new RegExp(`\\n.*[${dialect.delimiter}].*\\n`));
  });
});

describe('a single damaged record', () => {
  const good = lines(30, (i) => `${i},text ${i},2024-01-0${1 + (i % 9)}`);
  it.each([
    ['a stray quote', '7,te"xt,2024-01-01'],
    ['an open quote', '7,"text,2024-01-01'],
    ['a stray byte', '7,te\xffxt,2024-01-01'],
    ['a missing field', '7,text'],
    ['an extra field', '7,text,x,2024-01-01'],
    ['a comment sign', '#7,text,2024-01-01'],
  ])('%s changes nothing', async (_, damaged) => {
    for (const at of [0, 15, 30]) {
      const all = good.split('\n').slice(0, -1);
      all.splice(at, 0, damaged);
      const bytes = Buffer.from(`id,name,day\n${all.join('\n')}\n`, 'latin1');
      const { description } = await inspectBytes(bytes);
      expect(description.recordForm.dialect).toMatchObject({
        delimiter: ',',
        quote: '"',
        comment: '',
        encoding: 'utf-8',
        fieldCount: 3,
        allowsBareQuotes: false,
      });
      expect(description.fields).toEqual(['id', 'name', 'day']);
    }
  });
});

describe('a large file', () => {
  it('is looked at in the middle and at the end, too', async () => {
    const plain = lines(60_000, (i) => `${i},some text of some length,2024-01-01`);
    const late = lines(2000, (i) => `${i},caf\xe9,2024-01-01`);
    const bytes = Buffer.from(`id,name,day\n${plain}${late}`, 'latin1');
    const { description, sample } = await inspectBytes(bytes);
    expect(description.form.encoding).toBe('windows-1252');
    // Types are those of all records, whatever the form was found by.
    expect(sample).toEqual({ records: 62_000, bytes: bytes.length, isWhole: true });
  });
});
