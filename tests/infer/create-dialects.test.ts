/** `edp ingest --create` of files that are written in unusual ways: what is then in the table. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { makeDirectory } from '../support/cli.js';
import { useTestDatabase } from '../support/database.js';
import { runnerFor } from '../support/scratch.js';

const database = useTestDatabase('empty');
const run = runnerFor(database);
let cwd: string;
beforeEach(async () => {
  cwd = await makeDirectory();
});

const ingest = (...args: string[]) => run(cwd, 'ingest', ...args, '--create');
const write = (name: string, content: string) => writeFile(path.join(cwd, name), content);

describe('a file', () => {
  it.each<[string, table: string, text: string, query: string, rows: readonly unknown[][]]>([
    [
      'with blanks beside quotes',
      'padded',
      'id,name,note\n0,n0, "said ""hi"" to, me"\n1,"n1" ,"a,b" \n2, "n2" , "x"\n',
      'SELECT id, name, note FROM padded ORDER BY id',
      [
        [0, 'n0', 'said "hi" to, me'],
        [1, 'n1', 'a,b'],
        [2, 'n2', 'x'],
      ],
    ],
    [
      'with lines before the header that are filled up',
      'report',
      'Sales report,,\n,,\nDay,Shop,Qty\n2019-01-02,Rome,3\n2019-01-03,Oslo,1\n',
      'SELECT day::text, shop, qty FROM report ORDER BY day',
      [
        ['2019-01-02', 'Rome', 3],
        ['2019-01-03', 'Oslo', 1],
      ],
    ],
    [
      'with lines that end in CR, and the last in LF',
      'old_mac',
      'show,season,id\rBach,SEASON,ID\rBach,13,x\rList,12,y\n',
      'SELECT show, season, id FROM old_mac ORDER BY 1, 2',
      [
        ['Bach', '13', 'x'],
        ['Bach', 'SEASON', 'ID'],
        ['List', '12', 'y'],
      ],
    ],
  ])('%s', async (_, table, text, query, rows) => {
    await write(`${table}.csv`, text);
    const { status, json, stderr } = await ingest(`${table}.csv`);
    expect(status, stderr).toBe(0);
    expect(json.rows).toMatchObject({ loaded: rows.length, rejected: 0 });
    expect(await database.query(query)).toEqual(rows);
  });

  it('with a broken header loads with the names that are specified', async () => {
    await write('broken.csv', 'id,"name,v\n1,a,5\n2,b,6\n3,c,7\n');
    const told = await ingest('broken.csv', '--header');
    expect(told.status).not.toBe(0);
    expect(JSON.stringify(told.json)).toContain('--columns');
    const { json } = await ingest('broken.csv', '--header', '--columns', 'id,name,v');
    expect(json.rows).toMatchObject({ loaded: 3, rejected: 0 });
  });

  it('with a quote in its header that is never closed is loaded, and so is the next one', async () => {
    const header = 'day,"city,amount,"note","url"\n';
    await write('towns.csv', `${header}1,Rome,5,"a, b",x\n2,Oslo,6,"c",y\n`);
    const first = await ingest('towns.csv');
    expect(first.json.rows, first.stderr).toMatchObject({ loaded: 2, rejected: 0 });
    await write('towns-2.csv', `${header}3,Bern,7,"d",z\n`);
    const next = await ingest('towns-2.csv');
    expect(next.json.rows, next.stderr).toMatchObject({ loaded: 1, rejected: 0 });
    expect(next.stderr).toContain('a header with a quote that is never closed');
    expect(await database.query('SELECT city, note FROM towns ORDER BY day')).toEqual([
      ['Rome', 'a, b'],
      ['Oslo', 'c'],
      ['Bern', 'd'],
    ]);
  });

  it('with one name less than fields is rejected, and the run says why', async () => {
    await write(
      'airports.csv',
      'code;kind;name\nABJ;A;0.06;Port\nLON;C;1.0;London\nPAR;C;0.8;Paris\n',
    );
    const { json, stderr } = await ingest('airports.csv');
    expect(json.rows).toMatchObject({ loaded: 0, rejected: 3 });
    expect(stderr).toContain('--columns');
  });

  it('of records whose JSON nobody escaped keeps its header', async () => {
    const record =
      '"2021-09-13 09:47:57","roster",0,"{"pos": "Exec / to: A", "val": "0800-1630"}"\n';
    await write('roster.csv', `"created_at","name","gid","val"\n${record.repeat(5)}`);
    const { json } = await ingest('roster.csv');
    expect(json.rows).toMatchObject({ loaded: 0, rejected: 5 });
    expect(await readFile(path.join(cwd, 'edp.yaml'), 'utf8')).toContain('created_at');
  });
});

describe('an empty file', () => {
  it('among others is reported, and the others are loaded', async () => {
    await write('good.csv', 'id,n\n1,a\n2,b\n');
    await write('void.csv', '');
    for (const loaded of [2, 2]) {
      const { status, json, stderr } = await ingest('void.csv', 'good.csv');
      expect(status, stderr).toBe(0);
      expect(stderr).toContain('void.csv');
      expect(json.files.map((file: { path: string }) => file.path)).toEqual(['good.csv']);
      expect(await database.query('SELECT count(*)::int FROM good')).toEqual([[loaded]]);
    }
  });

  it('of a series is a file of its table', async () => {
    await write('sales-1.csv', '');
    await write('sales-2.csv', 'id,n\n1,a\n2,b\n');
    const { status, json, stderr } = await ingest('sales-*.csv');
    expect(status, stderr).toBe(0);
    expect(json.rows).toMatchObject({ loaded: 2, rejected: 0 });
    expect(json.files).toHaveLength(2);
  });

  it('alone is an error', async () => {
    await write('void.csv', '');
    expect((await ingest('void.csv')).status).toBe(1);
  });
});
