/** Columns that the server numbers (GENERATED … AS IDENTITY), by what of them the file gives. */
import { describe, expect, it } from 'vitest';
import { expectBalanced } from '../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const KINDS = ['ALWAYS', 'BY DEFAULT'] as const;
const RULES = ['reject', 'skip', 'update'] as const;

const everyRule = KINDS.flatMap((kind) => RULES.map((rule) => ({ kind, rule })));

describe('a key that is an identity column', () => {
  const MODEL = 'tables:\n  t: { columns: { nr: int, v: text }, key: nr }\n';
  // An exact duplicate, and a key that comes again with other values.
  const FIRST = 'v,nr\na,1\nb,2\nb,2\nc,2\n';
  const AGAIN = 'nr,v\n2,z\n3,d\n1,a\n';

  it.each(everyRule)('GENERATED $kind, --on-conflict $rule', async ({ kind, rule }) => {
    await database.query(
      `CREATE TABLE t (nr int GENERATED ${kind} AS IDENTITY PRIMARY KEY, v text, load_id bigint)`,
    );
    const cwd = await makeProject(MODEL, { 't-1.csv': FIRST, 't-2.csv': AGAIN });
    const args = ['t-1.csv', 't-2.csv', '--table', 't', '--on-conflict', rule];
    const tried = await run(cwd, 'ingest', ...args, '--dry-run');
    const result = await run(cwd, 'ingest', ...args);
    const rows = {
      reject: { loaded: 3, duplicate: 2, rejected: 2 },
      skip: { loaded: 3, duplicate: 4, rejected: 0 },
      update: { loaded: 5, duplicate: 2, rejected: 0 },
    }[rule];
    expect(result.json.rows, result.stderr).toMatchObject(rows);
    expect(tried.json.rows, tried.stderr).toMatchObject(rows);
    expect(await database.query('SELECT nr, v FROM t ORDER BY nr')).toEqual([
      [1, 'a'],
      [2, rule === 'update' ? 'z' : 'b'],
      [3, 'd'],
    ]);
  });

  it.each(KINDS)('GENERATED %s: the sequence stays where it was', async (kind) => {
    await database.query(
      `CREATE TABLE t (nr int GENERATED ${kind} AS IDENTITY PRIMARY KEY, v text, load_id bigint)`,
    );
    const cwd = await makeProject(MODEL, { 't.csv': FIRST });
    await run(cwd, 'ingest', 't.csv');
    expect(await database.query("SELECT nextval(pg_get_serial_sequence('t', 'nr'))")).toEqual([
      [1],
    ]);
  });
});

describe('an identity column beside the key', () => {
  const MODEL = 'tables:\n  t: { columns: { code: text, nr: bigint, v: text }, key: code }\n';

  const create = (kind: string) =>
    database.query(
      `CREATE TABLE t (code text PRIMARY KEY, load_id bigint, v text, nr bigint GENERATED ${kind} AS IDENTITY (START 500))`,
    );

  it.each(everyRule)(
    'GENERATED $kind, --on-conflict $rule: the file does not give it',
    async ({ kind, rule }) => {
      await create(kind);
      const cwd = await makeProject(MODEL, { 't.csv': 'v,code\nx,a\ny,b\ny,b\nz,b\n' });
      const result = await run(cwd, 'ingest', 't.csv', '--on-conflict', rule);
      expect(result.json.rows, result.stderr).toMatchObject({
        loaded: rule === 'update' ? 3 : 2,
        duplicate: rule === 'skip' ? 2 : 1,
      });
      const numbers = await database.query('SELECT code, v, nr >= 500 FROM t ORDER BY code');
      expect(numbers).toEqual([
        ['a', 'x', true],
        ['b', rule === 'update' ? 'z' : 'y', true],
      ]);
    },
  );

  it.each(everyRule)(
    'GENERATED $kind, --on-conflict $rule: the file gives it',
    async ({ kind, rule }) => {
      await create(kind);
      const cwd = await makeProject(MODEL, {
        't-1.csv': 'code,nr,v\na,10,x\nb,20,y\nb,20,y\n',
        // One with the number that it had, one with another, one that is new and comes twice.
        't-2.csv': 'code,nr,v\na,10,new\nb,21,new\nc,30,y\nc,30,z\nc,31,w\n',
      });
      const args = ['t-1.csv', 't-2.csv', '--table', 't', '--on-conflict', rule];
      const tried = await run(cwd, 'ingest', ...args, '--dry-run');
      const result = await run(cwd, 'ingest', ...args);
      const isFixed = kind === 'ALWAYS';
      const rows = {
        reject: { loaded: 3, duplicate: 1, rejected: 4 },
        skip: { loaded: 3, duplicate: 5, rejected: 0 },
        update: isFixed
          ? { loaded: 5, duplicate: 1, rejected: 2 }
          : { loaded: 7, duplicate: 1, rejected: 0 },
      }[rule];
      expect(result.json.rows, result.stderr).toMatchObject(rows);
      expect(tried.json.rows, tried.stderr).toMatchObject(rows);
      const updated = isFixed
        ? [
            ['a', 10, 'new'],
            ['b', 20, 'y'],
            ['c', 30, 'z'],
          ]
        : [
            ['a', 10, 'new'],
            ['b', 21, 'new'],
            ['c', 31, 'w'],
          ];
      expect(await database.query('SELECT code, nr, v FROM t ORDER BY code')).toEqual(
        rule === 'update'
          ? updated
          : [
              ['a', 10, 'x'],
              ['b', 20, 'y'],
              ['c', 30, 'y'],
            ],
      );
      if (rule === 'update' && isFixed) {
        const rejects = await database.query(
          'SELECT code, column_name, reason FROM edp.rejects ORDER BY byte_offset',
        );
        expect(rejects).toEqual([
          ['conflict', 'nr', expect.stringMatching(/never changes.*: 20$/)],
          ['conflict', 'nr', expect.stringMatching(/never changes.*: 30$/)],
        ]);
      }
    },
  );

  it.each(KINDS)(
    'GENERATED %s: a record without a number is a reject, as in COPY',
    async (kind) => {
      await create(kind);
      const cwd = await makeProject(MODEL, { 't.csv': 'code,nr,v\na,1,x\nb,,y\nc,3,\n' });
      const result = await run(cwd, 'ingest', 't.csv', '--on-conflict', 'update');
      expect(result.json.rows, result.stderr).toMatchObject({ loaded: 2, rejected: 1 });
      expect(await database.query('SELECT code, raw FROM edp.rejects')).toEqual([
        ['null_value', Buffer.from('b,,y')],
      ]);
      await expectBalanced(database, 't');
    },
  );

  it('a record that was refused is replayed', async () => {
    await create('ALWAYS');
    await database.query("ALTER TABLE t ADD CONSTRAINT good CHECK (v <> 'y')");
    const cwd = await makeProject(MODEL, { 't.csv': 'code,nr,v\na,7,x\nb,8,y\n' });
    const result = await run(cwd, 'ingest', 't.csv');
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 1, rejected: 1 });
    await database.query('ALTER TABLE t DROP CONSTRAINT good');
    const replayed = await run(cwd, 'replay', '1', '--on-conflict', 'update');
    expect(replayed.json.rows, replayed.stderr).toMatchObject({ loaded: 1, rejected: 0 });
    expect(await database.query('SELECT code, nr FROM t ORDER BY nr')).toEqual([
      ['a', 7],
      ['b', 8],
    ]);
  });
});

it('a dimension whose key is an identity column gets inferred members, and their values later', async () => {
  await database.query(`
    CREATE TABLE shops (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, load_id bigint);
    CREATE TABLE sales (n int, shop int REFERENCES shops, load_id bigint)`);
  const cwd = await makeProject(
    'tables:\n  shops: { columns: { id: int, name: text }, key: id }\n  sales: { columns: { n: int, shop: { type: int, references: shops } } }\n',
    { 'sales.csv': 'n,shop\n1,5\n2,6\n3,5\n', 'shops.csv': 'id,name\n5,five\n7,seven\n' },
  );
  const sales = await run(cwd, 'ingest', 'sales.csv', '--missing-dimensions', 'infer');
  expect(sales.json.rows, sales.stderr).toMatchObject({ loaded: 3, rejected: 0 });
  const shops = await run(cwd, 'ingest', 'shops.csv');
  expect(shops.json.rows, shops.stderr).toMatchObject({ loaded: 2, rejected: 0 });
  expect(await database.query('SELECT id, name FROM shops ORDER BY id')).toEqual([
    [5, 'five'],
    [6, null],
    [7, 'seven'],
  ]);
});

it('a late member keeps the number that the server never changes', async () => {
  await database.query(`
    CREATE TABLE shops (code text PRIMARY KEY, nr int GENERATED ALWAYS AS IDENTITY, name text, load_id bigint);
    CREATE TABLE sales (n int, shop text REFERENCES shops, load_id bigint)`);
  const cwd = await makeProject(
    'tables:\n  shops: { columns: { code: text, nr: int, name: text }, key: code }\n  sales: { columns: { n: int, shop: { type: text, references: shops } } }\n',
    { 'sales.csv': 'n,shop\n1,a\n2,b\n', 'shops.csv': 'code,nr,name\na,1,A\nb,99,B\n' },
  );
  await run(cwd, 'ingest', 'sales.csv', '--missing-dimensions', 'infer');
  const shops = await run(cwd, 'ingest', 'shops.csv', '--on-conflict', 'update');
  expect(shops.json.rows, shops.stderr).toMatchObject({ loaded: 1, rejected: 1 });
  expect(await database.query('SELECT code, nr, name FROM shops ORDER BY code')).toEqual([
    ['a', 1, 'A'],
    ['b', 2, null],
  ]);
});
