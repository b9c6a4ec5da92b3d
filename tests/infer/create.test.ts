/** `edp ingest --create`, through the built command line. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { expectBalanced } from '../support/ledger.js';

let database: TestDatabase;
let cwd: string;
beforeAll(async () => {
  database = await createTestDatabase('empty');
});
beforeEach(async () => {
  cwd = await makeDirectory();
});

const ingest = (...args: string[]) =>
  edp(['ingest', ...args, '--json', '--database-url', database.url], { cwd });
const write = (name: string, content: string) => writeFile(path.join(cwd, name), content);
const readYaml = () => readFile(path.join(cwd, 'edp.yaml'), 'utf8');

async function listColumns(table: string): Promise<Record<string, string>> {
  const rows = await database.query(
    `SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
     WHERE attrelid = to_regclass(quote_ident($1)) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  return Object.fromEntries(rows) as Record<string, string>;
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('a file that no table goes by the name of', () => {
  it('fails without --create, and the message says what the tables are', async () => {
    await write('visits.csv', 'a,b\n1,2\n');
    const { status, json } = await ingest('visits.csv');
    expect(status).toBe(2);
    expect(json.error).toMatchObject({ code: 'unknown_table' });
    expect(json.error.hint).toContain('--create');
  });

  it('gets a table of its own, is loaded, and so is the next one without an option', async () => {
    await write(
      'orders-2024-01.csv',
      `id,Order Date,amount,zip,note\n${numbers(0, 20)
        .map((i) => `${i},2024-01-${String(i + 1).padStart(2, '0')},${i}.50,0${i},\n`)
        .join('')}`,
    );
    const first = await ingest('orders-2024-01.csv', '--create');
    expect(first.status, first.stderr).toBe(0);
    expect(first.json).toMatchObject({
      command: 'ingest',
      ok: true,
      rows: { read: 20, loaded: 20, rejected: 0, duplicate: 0 },
      files: [{ path: 'orders-2024-01.csv', table: 'orders', status: 'loaded' }],
      created: [{ name: 'orders', key: 'id', timeColumn: 'order_date', records: 20 }],
    });
    expect(await listColumns('orders')).toEqual({
      id: 'integer',
      order_date: 'date',
      amount: 'numeric',
      zip: 'text',
      note: 'text',
      load_id: 'bigint',
    });
    expect(await readYaml()).toContain('order_date: { type: date, field: Order Date }');
    await write('orders-2024-02.csv', 'id,Order Date,amount,zip,note\n20,2024-02-01,7.00,00,x\n');
    const second = await ingest('orders-2024-02.csv');
    expect(second.status, second.stderr).toBe(0);
    expect(second.json.created).toBeUndefined();
    expect(await database.query('SELECT count(*)::int, sum(amount)::text FROM orders')).toEqual([
      [21, '207.00'],
    ]);
    await expectBalanced(database, 'orders');
  });

  it('is not touched by a dry run, which says what would be', async () => {
    await write('trial.csv', 'a,b\n1,x\n2,y\n');
    const { status, json } = await ingest('trial.csv', '--create', '--dry-run');
    expect(status).toBe(0);
    expect(json).toMatchObject({
      dryRun: true,
      rows: { read: 2, loaded: 2, rejected: 0 },
      created: [{ name: 'trial', declaration: { columns: { a: 'int', b: 'text' } } }],
    });
    await expect(readYaml()).rejects.toThrow(/ENOENT/);
    expect(await listColumns('trial')).toEqual({});
  });

  it('may come from a pipe, into a table that is named', async () => {
    const { status, json, stderr } = await edp(
      ['ingest', '-', '--create', '--table', 'piped', '--json', '--database-url', database.url],
      { cwd, input: 'a;b\n1;2,5\n' },
    );
    expect(status, stderr).toBe(0);
    expect(json.rows.loaded).toBe(1);
    expect(await listColumns('piped')).toEqual({ a: 'integer', b: 'numeric', load_id: 'bigint' });
  });

  it('is read by what was said of its form, and so is the next one', async () => {
    await write('odd.csv', '1~x\n2~y\n');
    const first = await ingest('odd.csv', '--create', '--delimiter', '~', '--columns', 'n,word');
    expect(first.status, first.stderr).toBe(0);
    expect(await readYaml()).toContain('delimiter: tilde');
    await write('odd-2.csv', '3~z\n');
    const second = await ingest('odd-2.csv');
    expect(second.status, second.stderr).toBe(0);
    expect(await database.query('SELECT n, word FROM odd ORDER BY 1')).toEqual([
      [1, 'x'],
      [2, 'y'],
      [3, 'z'],
    ]);
  });

  it('need not have a header', async () => {
    await write('bare.csv', '1,2024-01-01,x\n2,2024-01-02,y\n');
    const { status, stderr } = await ingest('bare.csv', '--create');
    expect(status, stderr).toBe(0);
    expect(await listColumns('bare')).toMatchObject({ column_1: 'integer', column_2: 'date' });
    await write('bare-2.csv', 'k,2024-01-01,x\n');
    // A record whose first field is not of the type is a reject, and no header.
    expect((await ingest('bare-2.csv')).json.rows).toMatchObject({ read: 1, rejected: 1 });
  });
});

describe('a file of one record, and no header', () => {
  it.each(['\t', ';', '|'])('between %j is loaded as it was inferred', async (delimiter) => {
    const file = `single${delimiter.charCodeAt(0)}.csv`;
    await write(file, `${['7', 'x', '2024-01-31', '2,5'].join(delimiter)}\n`);
    const { status, json, stderr } = await ingest(file, '--create');
    expect(status, stderr).toBe(0);
    expect(json.rows).toMatchObject({ read: 1, loaded: 1, rejected: 0 });
    expect(await database.query(`SELECT * FROM ${json.files[0].table}`)).toEqual([
      [7, 'x', expect.anything(), '2.5', expect.anything()],
    ]);
  });
});

describe('a file that is not plain text', () => {
  const lines = numbers(0, 100_000).map((i) => `${i},${i === 99_999 ? 'é' : i}\n`);
  const text = `id,value\n${lines.join('')}`;
  const FILES: readonly [name: string, bytes: () => Buffer][] = [
    ['packed.csv.gz', () => gzipSync(text)],
    ['wide.csv', () => Buffer.from(`\ufeff${text}`, 'utf16le')],
  ];

  it.each(FILES)('%s is inferred to its last record', async (name, bytes) => {
    await writeFile(path.join(cwd, name), bytes());
    const { status, json, stderr } = await ingest(name, '--create', '--process-count', '3');
    expect(status, stderr).toBe(0);
    const { table } = json.files[0];
    expect(json.rows).toMatchObject({ read: 100_000, loaded: 100_000 });
    expect(json.created[0]).toMatchObject({ key: 'id', records: 100_000 });
    expect(await listColumns(table)).toMatchObject({ id: 'integer', value: 'text' });
    expect(json.created[0].columns[1].why).toContain('"é" (line 100001) is no whole number');
  });

  it('that is broken is told by inspect as far as it goes, and makes no table', async () => {
    const whole = gzipSync(numbers(0, 500_000).join('\n'));
    await writeFile(path.join(cwd, 'torn.csv.gz'), whole.subarray(0, whole.length - 1000));
    const { json } = await edp(['inspect', 'torn.csv.gz', '--json'], { cwd });
    expect(json).toMatchObject({ ok: true, sample: { isWhole: false } });
    const created = await ingest('torn.csv.gz', '--create');
    expect(created.status).toBe(1);
    expect(created.json.error).toMatchObject({ code: 'corrupt_file' });
    expect(await listColumns('torn')).toEqual({});
  });
});

describe('several files', () => {
  it('of one series make one table with types that all of them fit', async () => {
    await write('meter-1.csv', 'id,value,only_here\n1,5,x\n2,6,y\n');
    await write('meter-2.csv', 'id,value\n3,7.5\n4,\n');
    await write('meter-3.csv', 'value,id\nn/a,5\n');
    const { status, json, stderr } = await ingest('meter-*.csv', '--create');
    expect(status, stderr).toBe(0);
    expect(json.rows).toEqual({ read: 5, loaded: 5, rejected: 0, duplicate: 0 });
    expect(await listColumns('meter')).toMatchObject({ id: 'integer', value: 'text' });
    const value = json.created[0].columns.find(({ name }) => name === 'value');
    expect(value).toMatchObject({ typeWithoutNullTokens: 'numeric', nullTokens: { 'n/a': 1 } });
    expect(await readYaml()).toContain(
      'value: text # 1 × n/a; else { type: numeric, nulls: ["n/a"] }',
    );
  });

  it('that have nothing but their name in common make no table together', async () => {
    await mkdir(path.join(cwd, 'shop'));
    await write('export.csv', 'x,y\n1,2\n');
    await write('shop/export.csv', 'p,q\na,b\n');
    const { status, json } = await ingest('export.csv', 'shop/export.csv', '--create');
    expect(status).toBe(1);
    expect(json.error.message).toBe(
      'shop/export.csv has other fields than export.csv, and the tables of both would be named "export"',
    );
    expect(json.error.hint).toContain('--table');
    await expect(readYaml()).rejects.toThrow('ENOENT');
  });

  it('that only have the beginning of a name in common make tables of their own', async () => {
    await write('price.csv', 'symbol,price\nA,1.5\nB,2.5\n');
    await write('price-2000.csv', 'day,open,high,low\n2000-01-01,1,2,3\n');
    const both = await ingest('price-2000.csv', 'price.csv', '--create');
    expect(both.status, both.stderr).toBe(0);
    expect(both.json.files.map(({ table }) => table)).toEqual(['price_2000', 'price']);
    await write('price-targets.csv', 'year,target\n2024,x\n');
    const third = await ingest('price-targets.csv', '--create');
    expect(third.status, third.stderr).toBe(0);
    expect(third.json.files[0].table).toBe('price_targets');
  });

  it('go into a table that is named, whatever they are called', async () => {
    await write('north.csv', 'a\n1\n');
    await write('south.csv', 'a\n3000000000\n');
    const { status } = await ingest('north.csv', 'south.csv', '--create', '--table', 'regions');
    expect(status).toBe(0);
    expect(await listColumns('regions')).toMatchObject({ a: 'bigint' });
    await write('north-2.csv', 'a\n2\n');
    expect((await ingest('north-2.csv')).json.files[0]).toMatchObject({ table: 'regions' });
  });
});

describe('what is there already', () => {
  it('of edp.yaml stays as it is', async () => {
    const before = [
      '# our project',
      'process-count: 2',
      'tables:',
      '    # the stations',
      '    stations:',
      '        columns: {code: text}   # codes',
      '        key: code',
      '',
      'max-rejects: 5%  # enough',
      '',
    ].join('\n');
    await write('edp.yaml', before);
    await write('weatherlog.csv', 'a\n1\n');
    expect((await ingest('weatherlog.csv', '--create')).status).toBe(0);
    const after = await readYaml();
    const added = after.split('\n').filter((line) => !before.split('\n').includes(line));
    expect(added).toEqual(['    weatherlog:', '      columns:', '        a: int']);
    expect(after.replace(/\n {4}weatherlog:\n.*\n.*\n/, '')).toContain('key: code');
    for (const line of before.split('\n')) expect(after).toContain(line);
  });

  it('of built-in tables stays declared where edp.yaml has none of its own', async () => {
    await write('edp.yaml', 'process-count: 2\n');
    await write('clicks.csv', 'a\n1\n');
    expect((await ingest('clicks.csv', '--create')).status).toBe(0);
    const yaml = await readYaml();
    expect(yaml).toMatch(/^process-count: 2\n/);
    expect(yaml).toMatch(/^ {2}events:/m);
    expect(yaml).toMatch(/^ {2}clicks:/m);
  });

  it('of a table in the database that nobody declared is somebody else’s', async () => {
    await database.query('CREATE TABLE theirs (a text)');
    await write('theirs.csv', 'a\n1\n');
    const { status, json } = await ingest('theirs.csv', '--create');
    expect(status).toBe(1);
    expect(json.error).toMatchObject({ code: 'table_mismatch' });
    expect(json.error.hint).toContain('--table');
    await expect(readYaml()).rejects.toThrow(/ENOENT/);
  });

  it('of a table by the name, in other letters, is not taken for another', async () => {
    await write('edp.yaml', 'tables: { my_log: { columns: { a: int } } }\n');
    await write('My Log.csv', 'a\n1\n');
    const { status, json } = await ingest('My Log.csv', '--create');
    expect(status).toBe(2);
    expect(json.error.hint).toContain('--table my_log');
  });

  it('of edp.yaml in braces stays as it is, too', async () => {
    await write('edp.yaml', 'tables: { my_log: { columns: { a: int } } } # mine\n');
    await write('flows.csv', 'a\n1\n');
    expect((await ingest('flows.csv', '--create')).status).toBe(0);
    const yaml = await readYaml();
    expect(yaml).toContain('tables: { my_log: { columns: { a: int } }, flows: {');
    expect(yaml).toContain('# mine');
    expect((await ingest('flows.csv')).json.files[0].status).toBe('skipped');
  });
});

describe('damage and oddities', () => {
  it('in a record costs that record, and says nothing of types', async () => {
    await write('dented.csv', 'a,b\n1,2\nx,y,z\n3,4\n5,"6\n7,8\n');
    const { status, json, stderr } = await ingest('dented.csv', '--create');
    expect(status).toBe(3);
    expect(json.rows).toMatchObject({ read: 5, loaded: 3, rejected: 2 });
    expect(await listColumns('dented')).toMatchObject({ a: 'integer', b: 'integer' });
    expect(stderr).toContain('would be rejected (wrong_field_count)');
  });

  it('in names make other names, and the fields are still found', async () => {
    const header = '"a b",a_b,A B,1990,"über größe",load_id,"",select,"x""y"';
    await write('names.csv', `${header}\n1,2,3,4,5,6,7,8,9\n`);
    const { status, stderr } = await ingest('names.csv', '--create');
    expect(status, stderr).toBe(0);
    const columns = Object.keys(await listColumns('names'));
    expect(columns).toEqual([
      'a_b_2',
      'a_b',
      'a_b_3',
      '_1990',
      'über_größe',
      'load_id',
      'column_7',
      'select',
      'x_y',
      'edp_load_id',
    ]);
    const list = columns.slice(0, 9).map((name) => `"${name}"`);
    expect(await database.query(`SELECT ${list} FROM names`)).toEqual([
      [1, 2, 3, 4, 5, 6, 7, 8, 9],
    ]);
  });

  it('of the columns that every table has do no harm', async () => {
    await write('boxes.csv', 'id,xmin,ymin,XMAX,ymax,_xmin\n1,0.5,1.5,2.5,3.5,4.5\n');
    const { status, stderr } = await ingest('boxes.csv', '--create');
    expect(status, stderr).toBe(0);
    const columns = Object.keys(await listColumns('boxes'));
    expect(columns).toEqual(['id', '_xmin_2', 'ymin', '_xmax', 'ymax', '_xmin', 'load_id']);
    expect(await database.query('SELECT _xmin_2, _xmax, _xmin FROM boxes')).toEqual([
      ['0.5', '2.5', '4.5'],
    ]);
  });

  it('an empty file makes no table', async () => {
    await write('hollow.csv', '');
    const { status, json } = await ingest('hollow.csv', '--create');
    expect(status).toBe(1);
    expect(json.error).toMatchObject({ code: 'not_csv' });
  });

  it('a header alone makes a table of text', async () => {
    await write('heads.csv', 'alpha,beta\n');
    expect((await ingest('heads.csv', '--create')).status).toBe(0);
    expect(await listColumns('heads')).toMatchObject({ alpha: 'text', beta: 'text' });
  });

  it('a column called like a key is none if a value is too long for an index', async () => {
    const long = randomBytes(2048).toString('hex');
    await write(
      'long-keys.csv',
      `id,key\n${numbers(0, 20)
        .map((i) => `${i},${i}${i === 19 ? long : ''}\n`)
        .join('')}`,
    );
    expect((await ingest('long-keys.csv', '--create')).json.created[0]).toMatchObject({
      key: 'id',
    });
    await write(
      'urls.csv',
      `key,n\n${numbers(0, 20)
        .map((i) => `${i}${long},${i}\n`)
        .join('')}`,
    );
    const { json } = await ingest('urls.csv', '--create');
    expect(json.rows).toMatchObject({ loaded: 20, rejected: 0 });
    expect(json.created[0].key).toBeNull();
  });

  it('a column called like a key is none if a value is there twice, or missing', async () => {
    const records = numbers(0, 50).map((i) => `${i % 49},${i},${i === 7 ? '' : i}\n`);
    await write('keys.csv', `id,uuid,guid\n${records.join('')}`);
    const { json } = await ingest('keys.csv', '--create');
    expect(json.created[0]).toMatchObject({ key: 'uuid' });
    expect(json.created[0].columns).toMatchObject([
      { name: 'id', uniqueness: 'not_unique' },
      { name: 'uuid', uniqueness: 'unique' },
      { name: 'guid', uniqueness: 'not_unique' },
    ]);
    expect(json.rows).toMatchObject({ loaded: 50, rejected: 0 });
  });
});

describe('a file of two million records', () => {
  it('in which the last one alone is no integer is loaded whole', async () => {
    const body = numbers(0, 1_999_999).join('\n');
    await write('long.csv', `n\n${body}\n0.5\n`);
    const { status, json, stderr } = await ingest('long.csv', '--create');
    expect(status, stderr).toBe(0);
    expect(json.rows).toEqual({ read: 2_000_000, loaded: 2_000_000, rejected: 0, duplicate: 0 });
    expect(await listColumns('long')).toMatchObject({ n: 'numeric' });
    await write('longer.csv', `n\n${body}\nlast\n`);
    const told = await edp(['model', 'infer', 'longer.csv'], { cwd });
    expect(told.stdout).toContain(
      '"n": text # "last" (line 2000001) is no whole number, as are the 1999999 values before it',
    );
  });

  it('has records that span lines wherever it is cut, and each counts once', async () => {
    const records = numbers(0, 60_000).map(
      (i) => `${i},"${'1,2\n'.repeat(i % 40)}","{""a"": ${i}}"\n`,
    );
    await write('lines.csv', `id,text,payload\n${records.join('')}`);
    const { status, json, stderr } = await ingest('lines.csv', '--create', '--process-count', '8');
    expect(status, stderr).toBe(0);
    expect(json.rows).toMatchObject({ read: 60_000, loaded: 60_000 });
    expect(json.created[0]).toMatchObject({ records: 60_000, key: 'id' });
    expect(await listColumns('lines')).toMatchObject({
      id: 'integer',
      text: 'text',
      a: 'integer',
      extra_metrics: 'jsonb',
    });
  });
});
