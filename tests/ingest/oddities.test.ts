/** Single statements of docs/csv.md that no other test makes: one file and one table each, in one run. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { edp, withDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { utf16 } from '../support/packed.js';

interface Oddity {
  readonly name: string;
  readonly bytes: string | Buffer;
  readonly csv?: object;
  readonly rows: readonly (readonly [number, string | null])[];
  /** Codes of the rejects, in order; with the raw bytes where they matter. */
  readonly rejects?: readonly (readonly [code: string, raw?: string])[];
  readonly dialect?: object;
}

const LINES = Array.from({ length: 10 }, (_, i) => `${i + 10},"a ""b"" ${i}"\n`).join('');
const ROWS = Array.from({ length: 10 }, (_, i) => [i + 10, `a "b" ${i}`] as const);

const ODDITIES: readonly Oddity[] = [
  {
    name: 'one quote with a backslash before it among doubled ones is read',
    bytes: `id,name\n${LINES}1,"x \\"y\\" z"\n`,
    rows: [[1, 'x "y" z'], ...ROWS],
    dialect: { escape: 'backslash' },
  },
  {
    name: 'and is a reject where quotes are told to be doubled',
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
    name: 'a footer of a packed file is passed over where that is told',
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
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  const results: any[] = [];
  beforeAll(async () => {
    await withDirectory(async (cwd) => {
      const tables = ODDITIES.map(({ csv = {} }, i) => [
        `odd_${i}`,
        { columns: { id: 'int', name: 'text' }, csv },
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
    async ({ rows, rejects = [], dialect = {}, index }) => {
      const result = results[index];
      expect(result, result.reason).toMatchObject({ status: 'loaded', dialect });
      expect(await database.query(`SELECT id, name FROM odd_${index} ORDER BY id`)).toEqual(rows);
      const found = (await database.query(
        `SELECT code, raw FROM edp.rejects WHERE load_id = ${result.loadId} ORDER BY byte_offset`,
      )) as [string, Buffer][];
      expect(found.map(([code]) => code)).toEqual(rejects.map(([code]) => code));
      for (const [i, [, raw]] of rejects.entries()) {
        if (raw !== undefined) expect(found[i]![1].toString()).toBe(raw);
      }
    },
  );
});
