/** Single statements of docs/csv.md that no other test makes: one file and one table each, in one run. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { edp, withDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import type { LoadedFile } from '../support/json.js';
import { utf16 } from '../support/packed.js';

interface Oddity {
  readonly name: string;
  readonly bytes: string | Buffer;
  readonly csv?: object;
  /** Of its table; `id: int` and `name: text` unless said. */
  readonly columns?: Readonly<Record<string, string>>;
  /** In order of the first column. */
  readonly rows: readonly (readonly (number | string | null)[])[];
  /** Codes of the rejects, in order; with the raw bytes where they matter. */
  readonly rejects?: readonly (readonly [code: string, raw?: string])[];
  readonly dialect?: object;
}

const LINES = Array.from({ length: 10 }, (_, i) => `${i + 10},"a ""b"" ${i}"\n`).join('');
const ROWS = Array.from({ length: 10 }, (_, i) => [i + 10, `a "b" ${i}`] as const);

const COLUMNS = { id: 'int', name: 'text' };

/** Some records, of which those in `odd` are written otherwise. */
const recordsWith = (count: number, odd: Readonly<Record<number, string>>) =>
  Array.from({ length: count }, (_, i) => `${i},${odd[i] ?? `text ${i}`}\n`).join('');
const rowsWith = (count: number, odd: Readonly<Record<number, string | undefined>>) =>
  Array.from({ length: count }, (_, i) => [i, i in odd ? odd[i] : `text ${i}`] as const).filter(
    (row): row is readonly [number, string] => row[1] !== undefined,
  );
const FEW_QUOTES = { 5: 'te"xt', 20: '"text' };
const MANY_QUOTES = { 5: '"text', 12: 'te"xt', 20: '"te"xt', 26: '5" pipe' };
const withoutAny = (odd: object) => Object.fromEntries(Object.keys(odd).map((i) => [i, undefined]));

const REMARKS: readonly Oddity[] = ['#', '//', '--', '%', '!', ';', '*'].map((prefix) => ({
  name: `lines among the records that begin with ${prefix} and are not records are skipped`,
  bytes: `id,name\n1,a\n${prefix} a remark, or two, of it\n2,b\n${prefix}\n3,c\n4,d\n`,
  rows: [
    [1, 'a'],
    [2, 'b'],
    [3, 'c'],
    [4, 'd'],
  ],
  dialect: { comment: prefix },
}));

const RECORD_ENDS: readonly Oddity[] = [
  ['LF', '\n', 'lf'] as const,
  ['CR LF', '\r\n', 'lf'] as const,
  ['CR', '\r', 'cr'] as const,
].map(([name, end, lineEnd]) => ({
  name: `line ends inside of quotes belong to the field, where lines end in ${name}`,
  bytes: ['id,name', '1,"a\nb"', '2,"c\r\nd"', '3,"e\rf"', '4,"\n"', ''].join(end),
  rows: [
    [1, 'a\nb'],
    [2, 'c\r\nd'],
    [3, 'e\rf'],
    [4, '\n'],
  ],
  dialect: { lineEnd },
}));

/** Text as Windows-1252 has it, with a letter beyond ASCII in so many of a hundred lines. */
const withAccents = (count: number) =>
  Buffer.from(
    `id,name\n${recordsWith(
      100,
      Object.fromEntries(Array.from({ length: count }, (_, i) => [i * 9, 'caf\xe9'])),
    )}`,
    'latin1',
  );
const accentedRows = (count: number) =>
  rowsWith(100, Object.fromEntries(Array.from({ length: count }, (_, i) => [i * 9, 'café'])));

const ODDITIES: readonly Oddity[] = [
  ...REMARKS,
  ...RECORD_ENDS,
  {
    name: 'a line that begins like a remark, and is a record, is one',
    bytes: 'name,id\n#a,1\nb,2\n#c,3\nd,4\n',
    rows: [
      [1, '#a'],
      [2, 'b'],
      [3, '#c'],
      [4, 'd'],
    ],
    dialect: { comment: null },
  },
  {
    name: 'if it is specified that there are no comments, such a line is a reject',
    bytes: 'id,name\n1,a\n# a remark\n2,b\n',
    csv: { comment: 'none' },
    rows: [
      [1, 'a'],
      [2, 'b'],
    ],
    rejects: [['wrong_field_count', '# a remark']],
  },
  {
    name: 'comments begin with the specified text',
    bytes: 'id,name\n1,a\nREM b,c\n2,b\n# d,e\n',
    csv: { comment: 'REM ' },
    rows: [
      [1, 'a'],
      [2, 'b'],
    ],
    rejects: [['bad_integer', '# d,e']],
    dialect: { comment: 'REM ' },
  },
  {
    name: 'a hint to a spreadsheet is skipped if another delimiter is specified',
    bytes: 'sep=;\nid,name\n1,a;b\n2,c;d\n',
    csv: { delimiter: ',' },
    rows: [
      [1, 'a;b'],
      [2, 'c;d'],
    ],
    dialect: { delimiter: ',', linesBeforeHeader: 1 },
  },
  {
    name: 'a few stray quotes are damage',
    bytes: `id,name\n${recordsWith(30, FEW_QUOTES)}`,
    rows: rowsWith(30, withoutAny(FEW_QUOTES)),
    rejects: [
      ['bad_quote', '5,te"xt'],
      ['unterminated_quote', '20,"text'],
    ],
    dialect: { quote: '"' },
  },
  {
    name: 'quotes are text where half of those records that have some cannot be read with them',
    bytes: `id,name\n${recordsWith(30, { ...MANY_QUOTES, 2: '"a b"' })}`,
    rows: rowsWith(30, { ...MANY_QUOTES, 2: '"a b"' }),
    dialect: { quote: null },
  },
  {
    name: 'and damage where more of them can',
    bytes: `id,name\n${recordsWith(30, { ...MANY_QUOTES, 0: '"a, b"', 2: '"a, b"', 8: '"a, b"', 15: '"a, b"', 17: '"a, b"', 23: '"a, b"' })}`,
    rows: rowsWith(30, {
      ...withoutAny(MANY_QUOTES),
      ...Object.fromEntries([0, 2, 8, 15, 17, 23].map((i) => [i, 'a, b'])),
    }),
    rejects: [
      ['unterminated_quote', '5,"text'],
      ['bad_quote', '12,te"xt'],
      ['bad_quote', '20,"te"xt'],
      ['bad_quote', '26,5" pipe'],
    ],
    dialect: { quote: '"' },
  },
  {
    name: 'and if quotes are specified',
    bytes: `id,name\n${recordsWith(30, MANY_QUOTES)}`,
    csv: { quote: 'double' },
    rows: rowsWith(30, withoutAny(MANY_QUOTES)),
    rejects: [['unterminated_quote'], ['bad_quote'], ['bad_quote'], ['bad_quote']],
    dialect: { quote: '"' },
  },
  {
    name: 'blank lines of a file of one column are records',
    bytes: 'name\nAnna\n\nBob\n',
    columns: { name: 'text' },
    rows: [['Anna'], ['Bob'], [null]],
  },
  {
    name: 'a first line like the others is a header if that is specified',
    bytes: '1,2\n3,4\n5,6\n',
    csv: { header: true, columns: 'id,name' },
    rows: [
      [3, '4'],
      [5, '6'],
    ],
    dialect: { header: true },
  },
  {
    name: 'and names in a first line are values if it is specified that there is no header',
    bytes: 'id,name\n3,4\n',
    csv: { header: false, columns: 'id,name' },
    rows: [[3, '4']],
    rejects: [['bad_integer', 'id,name']],
    dialect: { header: false },
  },
  {
    name: 'specified names are those of all fields, and a record with more fields is a reject',
    bytes: 'id,name,more\n1,a,x\n2,b\n',
    csv: { columns: 'id,name' },
    rows: [[2, 'b']],
    rejects: [['wrong_field_count', '1,a,x']],
  },
  {
    name: 'a header one field short of a table without `column_1`: the records are rejected',
    bytes: 'n,m\na,1,2\nb,3,4\nc,5,6\n',
    columns: { name: 'text', n: 'int', m: 'int' },
    rows: [],
    rejects: [['wrong_field_count'], ['wrong_field_count'], ['wrong_field_count']],
  },
  {
    name: 'unless all of its names are specified',
    bytes: 'n,m\na,1,2\nb,3,4\nc,5,6\n',
    columns: { name: 'text', n: 'int', m: 'int' },
    csv: { columns: ['name', 'n', 'm'] },
    rows: [
      ['a', 1, 2],
      ['b', 3, 4],
      ['c', 5, 6],
    ],
    dialect: { headerOneFieldShort: true },
  },
  {
    name: 'names twice are numbered, so that each is there once',
    bytes: 'id,name,name,\n1,a,b,c\n2,d,e,f\n',
    columns: { id: 'int', name: 'text', name_2: 'text', column_4: 'text' },
    rows: [
      [1, 'a', 'b', 'c'],
      [2, 'd', 'e', 'f'],
    ],
  },
  {
    name: 'bytes beyond ASCII that are never UTF-8 are letters of Windows-1252',
    bytes: withAccents(10),
    rows: accentedRows(10),
    dialect: { encoding: 'windows-1252' },
  },
  {
    name: 'in few lines, too',
    bytes: withAccents(3),
    rows: accentedRows(3),
    dialect: { encoding: 'windows-1252' },
  },
  {
    name: 'beside UTF-8, they are damage',
    bytes: Buffer.concat([withAccents(3), Buffer.from('500,café\n')]),
    rows: [...accentedRows(3).filter(([, name]) => name !== 'café'), [500, 'café']],
    rejects: [['invalid_utf8'], ['invalid_utf8'], ['invalid_utf8']],
    dialect: { encoding: 'utf-8' },
  },
  {
    name: 'unless the encoding is specified',
    bytes: withAccents(3),
    csv: { encoding: 'latin1' },
    rows: accentedRows(3),
    dialect: { encoding: 'latin1' },
  },
  {
    name: 'words for NULL are text, and rejects where no text can be',
    bytes: 'id,name\n1,NA\n2,NULL\n3,\\N\n4,-\nNA,x\n',
    rows: [
      [1, 'NA'],
      [2, 'NULL'],
      [3, '\\N'],
      [4, '-'],
    ],
    rejects: [['bad_integer', 'NA,x']],
  },
  {
    name: 'empty quotes are NULL where no text can be',
    bytes: 'id,name\n"",a\n2,b\n',
    rows: [
      [2, 'b'],
      [null, 'a'],
    ],
  },
  {
    name: 'blanks around a value belong to it',
    bytes: 'id,name\n1, a \n2,b\n 7,c\n',
    rows: [
      [1, ' a '],
      [2, 'b'],
    ],
    rejects: [['bad_integer', ' 7,c']],
  },
  {
    name: 'blanks around the names in a header do not count',
    bytes: ' id ,\tname\n1,a\n2,b\n',
    rows: [
      [1, 'a'],
      [2, 'b'],
    ],
  },
  {
    name: 'one quote with a backslash before it among doubled ones is read',
    bytes: `id,name\n${LINES}1,"x \\"y\\" z"\n`,
    rows: [[1, 'x "y" z'], ...ROWS],
    dialect: { escape: 'backslash' },
  },
  {
    name: 'and is a reject if it is specified that quotes are doubled',
    bytes: `id,name\n${LINES}1,"x \\"y\\" z"\n`,
    csv: { escape: 'doubling' },
    rows: ROWS,
    rejects: [['bad_quote', '1,"x \\"y\\" z"']],
  },
  {
    name: 'a backslash before anything else is text',
    bytes: 'id,name\n1,"C:\\new\\"\n2,"a\\"\n3,\\N\n',
    rows: [
      [1, 'C:\\new\\'],
      [2, 'a\\'],
      [3, '\\N'],
    ],
  },
  {
    name: 'a delimiter is taken from a hint to a spreadsheet',
    bytes: 'sep=;\nid;name\n1;a,b\n2;c,d\n',
    rows: [
      [1, 'a,b'],
      [2, 'c,d'],
    ],
    dialect: { delimiter: ';', linesBeforeHeader: 1 },
  },
  {
    name: 'remarks in front of the header are passed over',
    bytes: '# exported, by a program\n# for, you\nid,name\n1,#a\n2,b\n',
    rows: [
      [1, '#a'],
      [2, 'b'],
    ],
    dialect: { linesBeforeHeader: 2 },
  },
  {
    name: 'an empty file has no records',
    bytes: '',
    rows: [],
  },
  {
    name: 'an empty file that is packed has none, either',
    bytes: gzipSync(''),
    rows: [],
    dialect: { compression: 'gzip' },
  },
  {
    name: 'a header alone that is packed has none',
    bytes: gzipSync('id,name\n'),
    rows: [],
  },
  {
    name: 'the last record needs no line end, packed or not',
    bytes: gzipSync('id,name\n1,a\n2,b'),
    rows: [
      [1, 'a'],
      [2, 'b'],
    ],
  },
  {
    name: 'a footer of a compressed file is skipped if that is specified',
    bytes: gzipSync('id,name\n1,a\n2,b\nTotal\n\n'),
    csv: { 'skip-footer': 1 },
    rows: [
      [1, 'a'],
      [2, 'b'],
    ],
  },
  {
    name: 'half a character of UTF-16 is a reject',
    bytes: Buffer.concat([
      utf16(Buffer.from('id,name\n1,a\n2,x'), 'le', true),
      Buffer.from([0x00, 0xd8]),
      utf16(Buffer.from('y\n3,😀\n'), 'le', false),
    ]),
    rows: [
      [1, 'a'],
      [3, '😀'],
    ],
    rejects: [['invalid_utf8']],
    dialect: { encoding: 'utf-16le' },
  },
  {
    name: 'raw bytes of a reject in UTF-16 are UTF-8',
    bytes: utf16(Buffer.from('id,name\nx,é\n2,b\n'), 'be', true),
    rows: [[2, 'b']],
    rejects: [['bad_integer', 'x,é']],
  },
  {
    name: 'empty fields are NULL, empty quotes the empty string',
    bytes: 'id,name\n1,\n2,""\n',
    rows: [
      [1, null],
      [2, ''],
    ],
  },
];

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('empty');
});

describe('of a CSV file', () => {
  const results: LoadedFile[] = [];
  beforeAll(async () => {
    await withDirectory(async (cwd) => {
      const tables = ODDITIES.map(({ csv = {}, columns = COLUMNS }, i) => [
        `odd_${i}`,
        { columns, csv },
      ]);
      await writeFile(
        path.join(cwd, 'edp.yaml'),
        stringify({ tables: Object.fromEntries(tables) }),
      );
      const files = ODDITIES.map((_, i) => `odd_${i}.csv`);
      for (const [i, { bytes }] of ODDITIES.entries()) {
        await writeFile(path.join(cwd, files[i]!), bytes);
      }
      const result = await edp(['ingest', ...files, '--json', '--database-url', database.url], {
        cwd,
      });
      expect(result, result.stderr).toMatchObject({ status: 3 });
      results.push(...result.json.files);
    });
  });

  it.each(ODDITIES.map((one, index) => ({ ...one, index })))(
    '$name',
    async ({ columns = COLUMNS, rows, rejects = [], dialect = {}, index }) => {
      const result = results[index];
      expect(result, result.reason).toMatchObject({ status: 'loaded', dialect });
      const names = Object.keys(columns).join(', ');
      const found = await database.query(`SELECT ${names} FROM odd_${index} ORDER BY 1`);
      expect(found).toEqual(rows);
      const rejected = (await database.query(
        `SELECT code, raw FROM edp.rejects WHERE load_id = ${result.loadId} ORDER BY byte_offset`,
      )) as [string, Buffer][];
      expect(rejected.map(([code]) => code)).toEqual(rejects.map(([code]) => code));
      for (const [i, [, raw]] of rejects.entries()) {
        if (raw !== undefined) expect(rejected[i]![1].toString()).toBe(raw);
      }
    },
  );
});
