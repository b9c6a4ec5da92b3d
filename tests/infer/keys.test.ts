/** Which column is offered as key, and what `--key` does, on the command line. */
import { beforeEach, describe, expect, it } from 'vitest';
import { chooseKey, type KeyEvidence } from '../../src/infer/choose-key.js';
import { classifyKeyName } from '../../src/infer/key-names.js';
import { edp } from '../support/cli.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);
const infer = (cwd: string, ...args: string[]) =>
  edp(['model', 'infer', ...args, '--json'], { cwd });

describe('the name of a field', () => {
  it.each([
    ['id', 'people', 'generic'],
    ['UUID', 'x', 'generic'],
    ['Order ID', 'sales', 'occurrence'],
    ['orderNumber', 'sales', 'occurrence'],
    ['transaction_id', 'x', 'occurrence'],
    ['InvoiceNo', 'x', 'occurrence'],
    ['eventid', 'x', 'occurrence'],
    ['order_id', 'order_lines', 'thing'],
    ['customer_id', 'customers', 'own'],
    ['Customer Number', 'customers', 'own'],
    ['box_id', 'boxes', 'own'],
    ['city_id', 'cities', 'own'],
    ['user_id', 'visits', 'thing'],
    ['sku', 'products', 'code'],
    ['product_sku', 'x', 'code'],
    ['ISBN', 'books', 'code'],
    ['paid', 'x', undefined],
    ['valid', 'x', undefined],
    ['price', 'x', undefined],
    ['phone_number', 'x', undefined],
    ['zip_code', 'x', undefined],
  ])('%s in %s is %s', (field, table, kind) => {
    expect(classifyKeyName(field, table)).toBe(kind);
  });
});

describe('of columns whose values all differ', () => {
  const column = (field: string, type = 'int', isSerial = false) =>
    ({ field, type, isSerial, uniqueness: 'unique', isComplete: true }) as KeyEvidence;
  it.each<[string, string, KeyEvidence[], string | undefined]>([
    ['a price is no key', 'sales', [column('price', 'numeric'), column('note', 'text')], undefined],
    ['the number of an order', 'sales', [column('day', 'date'), column('Order ID')], 'Order ID'],
    ['id before the number of an order', 'o', [column('order_no'), column('id')], 'id'],
    [
      'a reference behind a time',
      'visits',
      [column('at', 'timestamp'), column('user_id')],
      undefined,
    ],
    [
      'a thing with a time',
      'readings',
      [column('sensor_id'), column('at', 'timestamp')],
      undefined,
    ],
    ['a thing with gaps', 'visits', [column('user_id'), column('page', 'text')], undefined],
    ['a numbered thing', 'titanic', [column('PassengerId', 'int', true)], 'PassengerId'],
    ['a code', 'products', [column('name', 'text'), column('sku', 'text')], 'sku'],
    ['a code behind an id', 'lines', [column('order_id'), column('sku', 'text')], undefined],
    ['a code of a day', 'stock', [column('day', 'date'), column('sku', 'text')], undefined],
    ['an order of several lines', 'order_items', [column('order_id')], undefined],
  ])('%s', (_, table, columns, field) => {
    expect(chooseKey(columns, table, 7)?.fields).toEqual(field === undefined ? undefined : [field]);
  });
});

describe('ingest --create', () => {
  const NO_KEY = /no key was found; the same record loaded twice cannot be noticed; --key NAME/;

  it.each([
    ['orders.csv', 'Order ID,total\nA-7,5\nA-3,6\nA-9,7\n', 'order_id'],
    ['stock.csv', 'sku,price\nx1,1.5\nx2,2.5\nx3,3.5\n', 'sku'],
    ['trades.jsonl', '{"transaction_id":9,"v":1}\n{"transaction_id":4,"v":1}\n', 'transaction_id'],
    ['prices.csv', 'name,price\na,1.5\nb,2.5\nc,3.5\n', undefined],
    ['visits.csv', 'user_id,page\n17,a\n4,b\n29,c\n', undefined],
    ['twice.csv', 'id,price\n1,1.5\n1,2.5\n', undefined],
    ['gaps.csv', 'id,price\n1,1.5\n,2.5\n', undefined],
  ])('says what the key of %s is', async (file, content, key) => {
    const cwd = await makeProject(null, { [file]: content });
    const { status, json, stderr } = await run(cwd, 'ingest', file, '--create');
    expect(status, stderr).toBe(0);
    expect(json.created?.[0].key).toEqual(key ?? null);
    expect(stderr).toMatch(key === undefined ? NO_KEY : new RegExp(`key ${key}: its name is`));
  });

  it('--key takes names of columns and of the header', async () => {
    const cwd = await makeProject(null, {
      'a.csv': 'Order No,Line,x\n1,1,5\n1,2,6\n2,1,5\n',
    });
    const { status, json, stderr } = await run(
      cwd,
      'ingest',
      'a.csv',
      '--create',
      '--key',
      'order_no,Line',
    );
    expect(status, stderr).toBe(0);
    expect(json.created?.[0]).toMatchObject({ key: ['order_no', 'line'] });
    const again = await run(cwd, 'ingest', 'a.csv', '--force', '--key', 'Order No,line');
    expect(again.json.rows).toMatchObject({ read: 3, duplicate: 3 });
  });

  it.each([
    ['two records', 'a,b\n1,x\n2,y\n1,z\n2,q\n', 'a', /a\.csv:2 and a\.csv:4 both have a = 1/],
    ['quotes', 'a,b\n"1,""x",x\n2,y\n"1,""x",z\n', 'a', /a\.csv:2 and a\.csv:4 both have a = 1,"x/],
    ['two columns', 'a,b\n1,x\n1,y\n1,y\n', 'a,b', /a\.csv:3 and a\.csv:4 both have a = 1, b = y/],
    ['no value', 'a,b\n1,x\n,y\n', 'a', /no value in a: see a\.csv:3/],
    ['an empty number', 'a,b\n1,7\n2,""\n', 'b,a', /no value in b: see a\.csv:3/],
    ['a long value', `a,b\n1,${'x'.repeat(3000)}\n`, 'b', /too long for an index: see a\.csv:2/],
    ['no such column', 'a,b\n1,x\n', 'c', /a\.csv has no column "c"/],
    ['a column twice', 'A b,c\n1,x\n', 'A b,a_b', /names column "a_b" twice/],
  ])('--key is refused for %s', async (_, content, key, message) => {
    const cwd = await makeProject(null, { 'a.csv': content });
    for (const { status, json } of [
      await run(cwd, 'ingest', 'a.csv', '--create', '--key', key),
      await infer(cwd, 'a.csv', '--key', key),
    ]) {
      expect(status).toBe(2);
      expect(json.error.message).toMatch(message);
    }
  });

  it('--key does not concern an empty file among others', async () => {
    const cwd = await makeProject(null, { 'a-1.csv': 'id,v\n1,x\n2,y\n', 'a-2.csv': '' });
    const { status, json, stderr } = await run(
      ...([cwd, 'ingest', 'a-1.csv', 'a-2.csv', '--create', '--key', 'id'] as const),
    );
    expect(status, stderr).toBe(0);
    expect(json.created).toMatchObject([{ key: 'id' }]);
    expect(json.rows).toMatchObject({ loaded: 2 });
  });

  it('--key tells records apart whose values only look alike when joined', async () => {
    const cwd = await makeProject(null, { 'a.csv': 'a,b\n1,23\n12,3\n' });
    const { status, stderr } = await run(cwd, 'ingest', 'a.csv', '--create', '--key', 'a,b');
    expect(status, stderr).toBe(0);
  });

  it('--key finds records of several files and of many stretches', async () => {
    const rows = (from: number) =>
      Array.from({ length: 60_000 }, (_, i) => `${from + i},${'x'.repeat(30)}\n`).join('');
    const cwd = await makeProject(null, {
      'big-1.csv': `n,v\n${rows(0)}`,
      'big-2.csv': `n,v\n${rows(60_000)}59999,y\n`,
    });
    const { status, json } = await infer(cwd, 'big-1.csv', 'big-2.csv', '--key', 'n');
    expect(status).toBe(2);
    expect(json.error.message).toMatch(/big-1\.csv:60001 and big-2\.csv:60002 both have n = 59999/);
  });
});

describe('--key for a declared table', () => {
  const model = (key: string) =>
    `tables: { t: { columns: { a: int, b: { type: int, field: B b } }${key} } }\n`;
  beforeEach(async () => {
    await database.query('DROP TABLE IF EXISTS t');
  });
  it.each([
    ['the key itself', ', key: [a, b]', 'B b,a', 0, undefined],
    ['another key', ', key: a', 'b', 2, /the key of table "t" is a/],
    [
      'a table without key',
      '',
      'a',
      2,
      /declares table "t" without a key[\s\S]*key: \[a\][\s\S]*ADD PRIMARY KEY/,
    ],
  ])('%s', async (_, key, given, expected, message) => {
    const cwd = await makeProject(model(key), { 't.csv': 'a,B b\n1,2\n' });
    for (const flags of [[], ['--create']]) {
      const { status, json } = await run(cwd, 'ingest', 't.csv', '--key', given, ...flags);
      expect(status).toBe(expected);
      if (message !== undefined)
        expect(`${json.error.message}\n${json.error.hint}`).toMatch(message);
    }
  });
});
