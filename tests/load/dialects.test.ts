/** Files of every dialect into a table: with nothing said about them, and with the dialect told. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { CsvSettings } from '../../src/model/csv-settings.js';
import { edp, makeDirectory, withDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { DIALECT_FILES, NAMES, namesIn, ROWS } from '../support/dialect-files.js';
import type { LoadedFile } from '../support/json.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('empty');
});

/** Settings as a person writes them into edp.yaml. */
function toSection(settings: CsvSettings): object {
  const words: Readonly<Record<string, string>> = {
    '\t': 'tab',
    '\x1f': '\\x1f',
    '\x01': 'ctrl-a',
  };
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      name === 'quote' && value === '' ? 'none' : (words[String(value)] ?? value),
    ]),
  );
}

/** A table for each file, whose fields are those of the file. */
function modelFor(isTold: boolean): object {
  const types = { id: 'int', name: 'text', day: 'date', price: 'numeric' };
  const tables = DIALECT_FILES.map(({ told, names = NAMES }, i) => {
    const fields = (isTold ? told.columns : undefined) ?? names;
    const columns = Object.entries(types).map(([name, type], n) => [
      name,
      { type, field: fields[n] },
    ]);
    return [
      `${tableFor(isTold)}${i}`,
      { columns: Object.fromEntries(columns), ...(isTold ? { csv: toSection(told) } : {}) },
    ];
  });
  return { tables: Object.fromEntries(tables) };
}

const tableFor = (isTold: boolean) => (isTold ? 'told_' : 'found_');

describe.each([
  { how: 'with nothing said', isTold: false },
  { how: 'with its dialect told', isTold: true },
])('a file $how', ({ isTold }) => {
  const results = new Map<string, LoadedFile>();
  beforeAll(async () => {
    await withDirectory(async (cwd) => {
      const files = DIALECT_FILES.map((_, i) => `${tableFor(isTold)}${i}.csv`);
      for (const [i, { bytes }] of DIALECT_FILES.entries()) {
        await writeFile(path.join(cwd, files[i]!), bytes);
      }
      await writeFile(path.join(cwd, 'edp.yaml'), stringify(modelFor(isTold)));
      const result = await edp(
        // Splits of three records or so: what is found out must hold in each of them.
        ['ingest', ...files, '--json', '--read-batch-size', '3', '--database-url', database.url],
        { cwd },
      );
      expect([0, 3], result.stderr).toContain(result.status);
      for (const file of result.json.files) results.set(file.table, file);
    });
  });

  it.each(DIALECT_FILES.map((one, index) => ({ ...one, index })))('of $name loads', async (one) => {
    const table = `${tableFor(isTold)}${one.index}`;
    const result = results.get(table)!;
    const rejected = isTold && one.told.skipFooter !== undefined ? 0 : (one.rejected ?? 0);
    expect(result, result.reason).toMatchObject({ status: 'loaded' });
    expect(result.rows).toEqual({
      read: ROWS.length + rejected,
      loaded: ROWS.length,
      rejected,
      duplicate: 0,
    });
    if (!isTold) {
      const { lineEnd, ...dialect } = one.dialect;
      expect(result.dialect).toMatchObject(dialect);
    }
    const rows = await database.query(
      `SELECT id, name, day::text, price::text FROM ${table} ORDER BY id`,
    );
    const names = namesIn(one);
    expect(rows).toEqual(ROWS.map(([id, , day, price], i) => [Number(id), names[i], day, price]));
  });
});

describe('where the dialect is told', () => {
  const text = 'id;name\n1;a,b\n2;\n';
  const columns = 'columns: { id: int, name: text }';
  it.each<[string, string, string[], Record<string, string>]>([
    [
      'in the section of the project',
      `csv: { delimiter: semicolon }\ntables: { told: { ${columns} } }\n`,
      [],
      {},
    ],
    [
      'in the section of the table',
      `csv: { delimiter: tab }\ntables: { told: { ${columns}, csv: { delimiter: ";" } } }\n`,
      [],
      {},
    ],
    [
      'in the environment',
      `csv: { delimiter: tab }\ntables: { told: { ${columns} } }\n`,
      [],
      { EDP_DELIMITER: ';' },
    ],
    [
      'on the command line',
      `tables: { told: { ${columns}, csv: { delimiter: tab } } }\n`,
      ['--delimiter', ';'],
      { EDP_DELIMITER: 'tab' },
    ],
    ['as an option of the project', `delimiter: ";"\ntables: { told: { ${columns} } }\n`, [], {}],
  ])('%s, it is taken', async (_, yaml, args, env) => {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, 'edp.yaml'), yaml);
    await writeFile(path.join(cwd, 'told.csv'), text);
    const result = await edp(
      ['ingest', 'told.csv', '--json', '--force', '--database-url', database.url, ...args],
      { cwd, env },
    );
    expect(result, result.stderr).toMatchObject({ status: 0 });
    expect(await database.query('SELECT id, name FROM told ORDER BY id')).toEqual([
      [1, 'a,b'],
      [2, null],
    ]);
    await database.query('TRUNCATE told');
  });

  it('wrongly, it is still taken', async () => {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, 'edp.yaml'), `tables: { told: { ${columns} } }\n`);
    await writeFile(path.join(cwd, 'told.csv'), text);
    const result = await edp(
      ['ingest', 'told.csv', '--json', '--delimiter', 'tab', '--database-url', database.url],
      { cwd },
    );
    expect(result.status).toBe(1);
    expect(result.json.files[0].reason).toContain('"id;name"');
  });
});

describe('what cannot be', () => {
  const columns = 'columns: { id: int, name: text, day: date }';
  it('a file without a header, for a table whose fields are known by name', async () => {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, 'edp.yaml'), `tables: { days: { ${columns} } }\n`);
    await writeFile(path.join(cwd, 'days.csv'), '1,a,2024-01-01\n2,b,2024-01-02\n');
    const args = ['ingest', 'days.csv', '--json', '--database-url', database.url] as const;
    const refused = await edp(args, { cwd });
    expect(refused.status).toBe(1);
    expect(refused.json.files[0].reason).toMatch(/does not name the fields.*--columns/s);
    const told = await edp([...args, '--columns', 'id,name,day'], { cwd });
    expect(told, told.stderr).toMatchObject({ status: 0 });
    expect(told.json.rows.loaded).toBe(2);
  });

  it('a footer, unless it is told: a reject that says what it looks like', async () => {
    const cwd = await makeDirectory();
    await writeFile(path.join(cwd, 'edp.yaml'), `tables: { days: { ${columns} } }\n`);
    await writeFile(
      path.join(cwd, 'days.csv'),
      'id,name,day\n1,a,2024-01-01\n2,b,2024-01-02\nTotal,2\n\n',
    );
    const { json } = await edp(
      ['ingest', 'days.csv', '--json', '--force', '--database-url', database.url],
      { cwd },
    );
    expect(json.rows).toMatchObject({ loaded: 2, rejected: 1 });
    const [[code, reason]] = (await database.query(
      `SELECT code, reason FROM edp.rejects WHERE load_id = ${json.files[0].loadId}`,
    )) as [[string, string]];
    expect(code).toBe('wrong_field_count');
    expect(reason).toMatch(/^2 fields instead of 3; .*--skip-footer/);
  });
});

describe('ragged records', () => {
  const text =
    'id,name,day\n1,a\n2,b,2024-01-02,,\n3\n4,d,2024-01-04,x\n5,e,2024-01-05\n\n6,"f\nf"\n';
  it.each<[string, string[], unknown[][], number]>([
    ['are rejected', [], [[5, 'e', '2024-01-05']], 5],
    [
      'are padded, if that is asked for',
      ['--ragged', 'pad'],
      [
        [1, 'a', null],
        [2, 'b', '2024-01-02'],
        [3, null, null],
        [5, 'e', '2024-01-05'],
        [6, 'f\nf', null],
      ],
      1,
    ],
  ])('%s', async (_, args, rows, rejected) => {
    const cwd = await makeDirectory();
    await writeFile(
      path.join(cwd, 'edp.yaml'),
      'tables: { ragged: { columns: { id: int, name: text, day: date } } }\n',
    );
    await writeFile(path.join(cwd, 'ragged.csv'), text);
    const result = await edp(
      ['ingest', 'ragged.csv', '--json', '--force', '--database-url', database.url, ...args],
      { cwd },
    );
    expect(result.json.rows).toMatchObject({ read: 6, loaded: rows.length, rejected });
    expect(await database.query('SELECT id, name, day::text FROM ragged ORDER BY id')).toEqual(
      rows,
    );
    await database.query('TRUNCATE ragged');
  });
});
