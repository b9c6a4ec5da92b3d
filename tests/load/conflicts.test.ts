/** Keys that meet: within a file, across splits and files, and with what is in the table. */
import { describe, expect, it } from 'vitest';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const MODEL = `
tables:
  items:
    columns: { id: int, body: text, doc: json }
    key: id
`;

const database = useEmptyDatabase();
const run = runnerFor(database);

async function ingest(files: Record<string, string>, ...args: string[]) {
  const cwd = await makeProject(MODEL, files);
  return run(cwd, 'ingest', ...Object.keys(files), ...args);
}

const items = () => database.query('SELECT id, body FROM items ORDER BY id');

describe('--on-conflict', () => {
  const FILE = 'id,body,doc\n1,a,{}\n2,b,{}\n1,a,{}\n1,c,{}\n3,d,{}\n1,a,{}\n';

  it.each([
    {
      mode: 'reject',
      rows: [
        [1, 'a'],
        [2, 'b'],
        [3, 'd'],
      ],
      loaded: 3,
      rejected: 1,
      duplicate: 2,
    },
    {
      mode: 'skip',
      rows: [
        [1, 'a'],
        [2, 'b'],
        [3, 'd'],
      ],
      loaded: 3,
      rejected: 0,
      duplicate: 3,
    },
    {
      mode: 'update',
      rows: [
        [1, 'a'],
        [2, 'b'],
        [3, 'd'],
      ],
      loaded: 5,
      rejected: 0,
      duplicate: 1,
    },
  ])('$mode within one file', async ({ mode, rows, ...counts }) => {
    const result = await ingest({ 'items.csv': FILE }, '--on-conflict', mode);
    expect(result.json.rows).toEqual({ read: 6, ...counts });
    expect(result.status).toBe(counts.rejected > 0 ? 3 : 0);
    expect(await items()).toEqual(rows);
  });

  it.each([
    { mode: 'reject', body: 'old', loaded: 1, rejected: 1, duplicate: 1 },
    { mode: 'skip', body: 'old', loaded: 1, rejected: 0, duplicate: 2 },
    { mode: 'update', body: 'new', loaded: 2, rejected: 0, duplicate: 1 },
  ])('$mode against the table', async ({ mode, body, ...counts }) => {
    await ingest({ 'items-1.csv': 'id,body,doc\n1,old,{}\n2,same,"{""a"": 1}"\n' });
    const result = await ingest(
      { 'items-2.csv': 'id,body,doc\n1,new,{}\n2,same,"{""a"": 1}"\n3,x,{}\n' },
      '--on-conflict',
      mode,
    );
    expect(result.json.rows).toEqual({ read: 3, ...counts });
    expect(await items()).toEqual([
      [1, body],
      [2, 'same'],
      [3, 'x'],
    ]);
  });

  it('the order of the file decides, whatever the workers', async () => {
    // Every key occurs six times, far apart, so that it meets itself across splits.
    const lines = Array.from({ length: 600 }, (_, i) => `${i % 100},v${i},{}`);
    const result = await ingest(
      { 'items.csv': `id,body,doc\n${lines.join('\n')}\n` },
      '--process-count',
      '4',
      '--read-batch-size',
      '20',
    );
    expect(result.json.rows).toEqual({ read: 600, loaded: 100, rejected: 500, duplicate: 0 });
    expect(await items()).toEqual(Array.from({ length: 100 }, (_, i) => [i, `v${i}`]));
  });

  it('with update, the last record of the file remains', async () => {
    const lines = Array.from({ length: 600 }, (_, i) => `${i % 100},v${i},{}`);
    const result = await ingest(
      { 'items.csv': `id,body,doc\n${lines.join('\n')}\n` },
      '--process-count',
      '4',
      '--read-batch-size',
      '20',
      '--on-conflict',
      'update',
    );
    expect(result.json.rows).toEqual({ read: 600, loaded: 600, rejected: 0, duplicate: 0 });
    expect(await items()).toEqual(Array.from({ length: 100 }, (_, i) => [i, `v${500 + i}`]));
  });

  it('across files, the order of the command line decides', async () => {
    const file = (value: string) =>
      `id,body,doc\n${Array.from({ length: 50 }, (_, i) => `${i},${value},{}`).join('\n')}\n`;
    const result = await ingest(
      { 'items-1.csv': file('first'), 'items-2.csv': file('second') },
      '--process-count',
      '4',
      '--read-batch-size',
      '10',
    );
    expect(result.json.files.map((f) => f.rows.loaded)).toEqual([50, 0]);
    expect((await items()).every(([, body]) => body === 'first')).toBe(true);
  });
});

describe('what only the server can refuse', () => {
  it('costs exactly the records concerned', async () => {
    await database.query(`CREATE TABLE items (
      id int PRIMARY KEY, body varchar(5) UNIQUE, doc json, load_id bigint, CHECK (id <> 13))`);
    const lines = Array.from({ length: 40 }, (_, i) => `${i},b${i},{}`);
    lines[20] = '20,toolong,{}';
    lines[30] = '30,b7,{}';
    const result = await ingest({ 'items.csv': `id,body,doc\n${lines.join('\n')}\n` });
    expect(result.json.rows).toEqual({ read: 40, loaded: 37, rejected: 3, duplicate: 0 });
    const rejects = await database.query(
      'SELECT byte_offset, code, raw FROM edp.rejects ORDER BY byte_offset',
    );
    expect(rejects.map(([, code, raw]) => [code, (raw as Buffer).toString()])).toEqual([
      ['refused_by_server', '13,b13,{}'],
      ['refused_by_server', '20,toolong,{}'],
      ['conflict', '30,b7,{}'],
    ]);
    expect(await database.query('SELECT count(*) FROM items')).toEqual([[37]]);
  });

  it('a refused record does not take the place of a later good one with its key', async () => {
    await database.query(`CREATE TABLE items (
      id int PRIMARY KEY, body text, doc json, load_id bigint, CHECK (body <> 'bad'))`);
    const result = await ingest({ 'items.csv': 'id,body,doc\n1,bad,{}\n1,good,{}\n1,good,{}\n' });
    expect(result.json.rows).toEqual({ read: 3, loaded: 1, rejected: 1, duplicate: 1 });
    expect(await items()).toEqual([[1, 'good']]);
  });
});

describe('with --on-conflict update each record is judged by itself', () => {
  it.each([
    {
      name: 'a refused one between two good ones',
      table: "id int PRIMARY KEY, body text, doc json, load_id bigint, CHECK (body <> 'bad')",
      bodies: ['1,a', '1,bad', '1,c', '2,bad', '2,d', '3,bad'],
      rows: [
        [1, 'c'],
        [2, 'd'],
      ],
      counts: { loaded: 3, rejected: 3, duplicate: 0 },
    },
    {
      name: 'one that is only fit because of one before it',
      table: 'id int PRIMARY KEY, body text UNIQUE, doc json, load_id bigint',
      bodies: ['1,a', '1,b', '2,a', '3,b', '3,c'],
      rows: [
        [1, 'b'],
        [2, 'a'],
        [3, 'c'],
      ],
      counts: { loaded: 4, rejected: 1, duplicate: 0 },
    },
    {
      name: 'a duplicate of a refused one',
      table: "id int PRIMARY KEY, body text, doc json, load_id bigint, CHECK (body <> 'bad')",
      bodies: ['1,bad', '1,bad', '1,a', '1,a', '1,b', '1,a'],
      rows: [[1, 'a']],
      counts: { loaded: 3, rejected: 2, duplicate: 1 },
    },
  ])('$name', async ({ table, bodies, rows, counts }) => {
    await database.query(`CREATE TABLE items (${table})`);
    const csv = `id,body,doc\n${bodies.map((body) => `${body},{}\n`).join('')}`;
    const args = ['--on-conflict', 'update'];
    const tried = await ingest({ 'items.csv': csv }, ...args, '--dry-run');
    expect(tried.json.rows, tried.stderr).toMatchObject(counts);
    const result = await ingest({ 'items.csv': csv }, ...args);
    expect(result.json.rows, result.stderr).toMatchObject(counts);
    expect(await items()).toEqual(rows);
  });

  it('in many records of few keys', async () => {
    await database.query(`CREATE TABLE items (id int PRIMARY KEY, body text, doc json, load_id bigint,
      CHECK (body <> 'b7'))`);
    const lines = Array.from({ length: 2000 }, (_, i) => `${i % 40},b${i % 13},{}\n`);
    const csv = `id,body,doc\n${lines.join('')}`;
    const result = await ingest({ 'items.csv': csv }, '--on-conflict', 'update');
    const bad = lines.filter((line) => line.includes(',b7,')).length;
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 2000 - bad, rejected: bad });
    const last = new Map(
      lines.filter((line) => !line.includes(',b7,')).map((line) => line.split(',', 2)) as [
        string,
        string,
      ][],
    );
    expect(await items()).toEqual(
      [...last].map(([id, body]) => [Number(id), body]).sort(([a], [b]) => Number(a) - Number(b)),
    );
  });
});
