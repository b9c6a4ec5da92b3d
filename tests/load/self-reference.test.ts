/**
 * Tables that refer to themselves. What is loaded is what the server takes of records that are inserted one
 * after the other, each with a savepoint, into such a table, where those without a parent are tried again until
 * nothing more is loaded: for any sizes and any number of workers.
 */
import { describe, expect, it } from 'vitest';
import { withClient } from '../../src/postgres/connection.js';
import { edp } from '../support/cli.js';
import { expectBalanced, killDuring, slowLoads } from '../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

type Row = readonly (string | number | null)[];

interface Shape {
  readonly name: string;
  /** Creates the table, whose name is `%`. */
  readonly setup: string;
  /** Of the model; fields of the file in this order. */
  readonly columns: Readonly<Record<string, string>>;
  readonly key?: readonly string[];
  /** Makes a record: `some` is a number below a limit. */
  make(some: (limit: number) => number): Row;
}

const PEOPLE = { id: 'int', boss: 'int', v: 'text' };

const person = (some: (limit: number) => number): Row => [
  some(60),
  some(5) === 0 ? null : some(60),
  some(20) === 0 ? 'bad' : `v${some(3)}`,
];

/** One of several spellings of the same value, or another value. */
const spelled = (some: (limit: number) => number, spellings: readonly string[] | string) =>
  some(3) === 0 ? spellings[some(spellings.length)]! : String(some(40) + 2);

const SHAPES: readonly Shape[] = [
  {
    name: 'a key of one column',
    setup: 'CREATE TABLE % (id int PRIMARY KEY, boss int REFERENCES %, v text, load_id bigint)',
    columns: PEOPLE,
    key: ['id'],
    make: person,
  },
  {
    name: 'a reference that is deferred, and a check',
    setup: `CREATE TABLE % (id int PRIMARY KEY, boss int REFERENCES % DEFERRABLE INITIALLY DEFERRED,
      v text CHECK (v <> 'bad'), load_id bigint)`,
    columns: PEOPLE,
    key: ['id'],
    make: person,
  },
  {
    name: 'a key that the model does not know, and another that is deferred',
    setup: `CREATE TABLE % (id int PRIMARY KEY, boss int REFERENCES % DEFERRABLE, v text, load_id bigint,
      UNIQUE (boss, v) DEFERRABLE INITIALLY DEFERRED)`,
    columns: PEOPLE,
    make: person,
  },
  {
    name: 'a reference of two columns',
    setup: `CREATE TABLE % (firm int, id int, boss int, v text, load_id bigint, PRIMARY KEY (firm, id),
      FOREIGN KEY (firm, boss) REFERENCES % (firm, id))`,
    columns: { firm: 'int', id: 'int', boss: 'int', v: 'text' },
    key: ['firm', 'id'],
    make: (some) => [some(2), ...person((limit) => Math.ceil(some(limit) / 2))],
  },
  {
    name: 'a reference to another column than the key, which a trigger may refuse',
    setup: `CREATE TABLE % (id int PRIMARY KEY, code text UNIQUE, up text REFERENCES % (code), load_id bigint);
      CREATE FUNCTION refuse_%() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN IF NEW.id % 11 = 0 THEN RAISE ''never 11''; END IF; RETURN NEW; END';
      CREATE TRIGGER a BEFORE INSERT OR UPDATE ON % FOR EACH ROW EXECUTE FUNCTION refuse_%()`,
    columns: { id: 'int', code: 'text', up: 'text' },
    key: ['id'],
    make: (some) => [some(60), `c${some(50)}`, some(4) === 0 ? null : `c${some(50)}`],
  },
  {
    name: 'a table in partitions, one of which has a check',
    setup: `CREATE TABLE % (id int PRIMARY KEY, boss int REFERENCES %, v text, load_id bigint) PARTITION BY RANGE (id);
      CREATE TABLE %_1 PARTITION OF % FOR VALUES FROM (0) TO (20);
      CREATE TABLE %_2 PARTITION OF % FOR VALUES FROM (20) TO (55);
      ALTER TABLE %_2 ADD CHECK (v <> 'bad')`,
    columns: PEOPLE,
    key: ['id'],
    make: person,
  },
  {
    name: 'two references, one to another table, and a value that is missing',
    setup: `CREATE TABLE IF NOT EXISTS dims (id int PRIMARY KEY); INSERT INTO dims SELECT generate_series(0, 9) ON CONFLICT DO NOTHING;
      CREATE TABLE % (id int PRIMARY KEY, boss int REFERENCES %, peer int REFERENCES %, dim int NOT NULL REFERENCES dims,
        load_id bigint)`,
    columns: { id: 'int', boss: 'int', peer: 'int', dim: 'int' },
    key: ['id'],
    make: (some) => [
      some(60),
      some(3) === 0 ? null : some(60),
      some(3) === 0 ? null : some(60),
      some(12) === 0 ? null : some(11),
    ],
  },
  {
    name: 'doubles with two spellings of zero',
    setup:
      'CREATE TABLE % (id double precision PRIMARY KEY, boss double precision REFERENCES %, v text, load_id bigint)',
    columns: { id: 'double', boss: 'double', v: 'text' },
    key: ['id'],
    make: (some) => [spelled(some, ['0', '-0']), spelled(some, ['-0']), `v${some(3)}`],
  },
  {
    name: 'decimal numbers with zeros at their end',
    setup: 'CREATE TABLE % (id numeric PRIMARY KEY, boss numeric REFERENCES %, load_id bigint)',
    columns: { id: 'numeric', boss: 'numeric' },
    key: ['id'],
    make: (some) => [spelled(some, ['1', '1.00']), spelled(some, ['1.0'])],
  },
  {
    name: 'texts of a fixed length that refer to longer ones',
    setup:
      'CREATE TABLE % (id char(6) PRIMARY KEY, boss char(4) REFERENCES %, v text, load_id bigint)',
    columns: { id: 'text', boss: 'text', v: 'text' },
    key: ['id'],
    make: (some) => [spelled(some, ['a', 'a ']), spelled(some, ['a  ']), `v${some(3)}`],
  },
  {
    name: 'texts in any case',
    setup: `CREATE COLLATION IF NOT EXISTS any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE TABLE % (id text COLLATE any_case PRIMARY KEY, boss text COLLATE any_case REFERENCES %, v text,
        load_id bigint)`,
    columns: { id: 'text', boss: 'text', v: 'text' },
    key: ['id'],
    make: (some) => [spelled(some, 'abcdefgh'), spelled(some, 'ABCDEFGH'), `v${some(3)}`],
  },
];

const CONFLICTS = ['reject', 'skip', 'update'] as const;
type Conflict = (typeof CONFLICTS)[number];

/**
 * Inserts records one after the other, and those without a parent again and again.
 *
 * @returns the number that the server took
 */
async function insertEach(shape: Shape, rows: readonly Row[], conflict: Conflict): Promise<number> {
  const names = Object.keys(shape.columns);
  const key = shape.key?.join(', ');
  const others = names.filter((name) => !shape.key?.includes(name));
  const update = `ON CONFLICT (${key}) DO UPDATE SET ${others.map((name) => `${name} = EXCLUDED.${name}`).join(', ')}`;
  const insert = `INSERT INTO o (${names.join(', ')}) VALUES (${names.map((_, i) => `$${i + 1}`).join(', ')})
    ${conflict === 'update' ? update : ''}`;
  return withClient(database.config, 'test', async (client) => {
    await client.query('BEGIN; SET CONSTRAINTS ALL IMMEDIATE');
    const { rows: references } = await client.query<{ own: string[]; referred: string[] }>(
      `SELECT array_agg(a.attname::text ORDER BY n) AS own, array_agg(r.attname::text ORDER BY n) AS referred
       FROM pg_constraint f, unnest(conkey, confkey) WITH ORDINALITY AS k (own, referred, n)
       JOIN pg_attribute a ON a.attnum = k.own AND a.attrelid = 'o'::regclass
       JOIN pg_attribute r ON r.attnum = k.referred AND r.attrelid = 'o'::regclass
       WHERE conrelid = 'o'::regclass AND confrelid = 'o'::regclass GROUP BY f.oid`,
    );
    const hasNoParent = async (row: Row) => {
      for (const { own, referred } of references) {
        const values = own.map((name) => row[names.indexOf(name)]!);
        if (values.some((value) => value === null)) continue;
        const isParent = referred.map((name, i) => `${name} = $${i + 1}`).join(' AND ');
        const { rowCount } = await client.query(
          `SELECT FROM o WHERE ${isParent}`,
          values.map(String),
        );
        if (rowCount === 0) return true;
      }
      return false;
    };
    let taken = 0;
    let left = rows;
    for (let before = -1; taken > before; ) {
      before = taken;
      const orphans: Row[] = [];
      for (const row of left) {
        await client.query('SAVEPOINT one');
        try {
          await client.query(insert, [...row]);
          taken++;
        } catch {
          await client.query('ROLLBACK TO one');
          if (await hasNoParent(row)) orphans.push(row);
        }
        await client.query('RELEASE one');
      }
      left = orphans;
    }
    await client.query('COMMIT');
    return taken;
  });
}

function toCsv(shape: Shape, rows: readonly Row[]): string {
  const lines = rows.map((row) => row.map((value) => value ?? '').join(','));
  return [Object.keys(shape.columns).join(','), ...lines, ''].join('\n');
}

function modelOf({ columns, key }: Pick<Shape, 'columns' | 'key'>): string {
  const list = Object.entries(columns).map(([name, type]) => `${name}: ${type}`);
  const keys = key === undefined ? '' : `, key: [${key.join(', ')}]`;
  return `tables:\n  t: { columns: { ${list.join(', ')} }${keys} }\n`;
}

const create = async ({ setup }: Pick<Shape, 'setup'>, ...tables: readonly string[]) => {
  for (const table of tables) {
    await database.query(setup.replaceAll(/%(?! \d)/g, table));
  }
};

function randomFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const contentOf = async ({ columns }: Pick<Shape, 'columns'>, table: string) => {
  const names = Object.keys(columns).join(', ');
  return database.query(`SELECT ${names} FROM ${table} ORDER BY ${names}`);
};

describe.each(SHAPES)('$name', (shape) => {
  const rules = shape.key === undefined ? (['reject'] as const) : CONFLICTS;
  it.each(rules.map((conflict, i) => ({ conflict, seed: i + SHAPES.indexOf(shape) })))(
    'is loaded as the server takes records one by one: $conflict, seed $seed',
    async ({ conflict, seed }) => {
      await create(shape, 't', 'o');
      const some = randomFrom(seed + 1);
      const rows = Array.from({ length: 150 }, () => shape.make(some));
      const taken = await insertEach(shape, rows, conflict);
      const cwd = await makeProject(modelOf(shape), { 't.csv': toCsv(shape, rows) });
      const load = ['ingest', 't.csv', '--on-conflict', conflict] as const;
      const sizes = ['--read-batch-size', String([7, 23, 1000][seed % 3])] as const;
      const tried = await run(cwd, ...load, ...sizes, '--dry-run');
      const workers = String(1 + some(4));
      const result = await run(cwd, ...load, ...sizes, '--process-count', workers);
      expect(await contentOf(shape, 't'), result.stderr).toEqual(await contentOf(shape, 'o'));
      expect(tried.json.rows, tried.stderr).toEqual(result.json.rows);
      const { read, loaded } = result.json.rows;
      expect(read).toBe(150);
      if (conflict === 'update') return;
      expect(loaded).toBe(taken);
      await expectBalanced(database, 't');
    },
  );
});

const EMPLOYEES = {
  setup: 'CREATE TABLE % (id int PRIMARY KEY, boss int REFERENCES %, v text, load_id bigint)',
  columns: PEOPLE,
  key: ['id'],
};
const MODEL = modelOf(EMPLOYEES);

/** Employees, each of whom reports to the one before. */
const chain = (from: number, to: number, first: number | '' = '') =>
  Array.from(
    { length: to - from + 1 },
    (_, i) => `${from + i},${i > 0 ? from + i - 1 : first},v\n`,
  );
const file = (lines: readonly string[]) => `id,boss,v\n${lines.join('')}`;
const ids = async () =>
  (await database.query('SELECT id FROM t ORDER BY id')).map(([id]) => id as number);
/** A number by which lines get mixed. */
const orderOf = (line: string) => (Number.parseInt(line, 10) * 7919) % 3001;
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

describe('records and those they refer to', () => {
  it.each([1, 2, 4])('are in different splits: %i workers', async (workers) => {
    await create(EMPLOYEES, 't');
    const lines = [...chain(1, 3000), '9999,9998,v\n', '9998,9999,v\n', '7000,7000,v\n'];
    const cwd = await makeProject(MODEL, { 't.csv': file(lines) });
    const sizes = ['--read-batch-size', '200', '--process-count', String(workers)] as const;
    const result = await run(cwd, 'ingest', 't.csv', ...sizes);
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 3001, rejected: 2 });
    expect(await database.query('SELECT code, reason, column_name FROM edp.rejects')).toEqual([
      ['missing_dimension', '9998 is not in public.t', 'boss'],
      ['missing_dimension', '9999 is not in public.t', 'boss'],
    ]);
    await expectBalanced(database, 't');
  });

  it('are rejected with those they refer to', async () => {
    await create(EMPLOYEES, 't');
    const cwd = await makeProject(MODEL, { 't.csv': file([...chain(1, 500, 77777), '501,,v\n']) });
    const result = await run(cwd, 'ingest', 't.csv', '--read-batch-size', '60');
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 1, rejected: 500 });
    expect(await ids()).toEqual([501]);
  });

  it('are in different files of one command, in the order of the files', async () => {
    await create(EMPLOYEES, 't');
    const lines = chain(1, 200);
    const parts = upTo(40).map((n) => [`t${String(n).padStart(2, '0')}.csv`, n] as const);
    const files = parts.map(([name, n]) => [name, file(lines.slice(5 * n - 5, 5 * n))] as const);
    const cwd = await makeProject(MODEL, Object.fromEntries(files));
    const names = parts.map(([name]) => name);
    const tried = await run(cwd, 'ingest', ...names, '--table', 't', '--dry-run');
    expect(tried.json.rows, tried.stderr).toMatchObject({ loaded: 200, rejected: 0 });
    const result = await run(cwd, 'ingest', ...names, '--table', 't');
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 200, rejected: 0 });
    const again = await run(cwd, 'ingest', ...names.toReversed(), '--table', 't', '--replace');
    expect(again.json.rows, again.stderr).toMatchObject({ loaded: 5, rejected: 195 });
    expect(await ids()).toEqual(upTo(5));
  });

  it('are loaded after a kill as without one', async () => {
    await create(EMPLOYEES, 't');
    const hurry = await slowLoads(database);
    const lines = chain(1, 600);
    const parts = upTo(30).map((n) => [
      `t${String(n).padStart(2, '0')}.csv`,
      file(lines.slice(20 * n - 20, 20 * n).toReversed()),
    ]);
    const cwd = await makeProject(MODEL, Object.fromEntries(parts) as Record<string, string>);
    const names = parts.map(([name]) => name!);
    const args = ['ingest', ...names, '--table', 't', '--process-count', '2'] as const;
    const url = ['--database-url', database.url] as const;
    await killDuring(database, 'worker', [...args, ...url], { cwd }, 600);
    await hurry();
    const loaded = (await ids()).length;
    expect(loaded).toBeLessThan(600);
    expect(await ids()).toEqual(upTo(loaded));
    const result = await run(cwd, ...args);
    expect(result.json.rows, result.stderr).toMatchObject({ rejected: 0 });
    expect(await ids()).toEqual(upTo(600));
    await expectBalanced(database, 't');
  });

  it.each([
    ['behind their children', chain(1, 3000).toReversed()],
    ['anywhere', chain(1, 3000).toSorted((a, b) => orderOf(a) - orderOf(b))],
    ['of many', ['9,8,v\n', ...upTo(3000).map((n) => `${n + 10},9,v\n`), '8,,v\n']],
  ])('stand in whatever order: %s', async (_, lines) => {
    await create(EMPLOYEES, 't');
    const cwd = await makeProject(MODEL, { 't.csv': file([...lines, '9999,9998,v\n']) });
    const load = ['ingest', 't.csv', '--read-batch-size', '100'] as const;
    const tried = await run(cwd, ...load, '--dry-run');
    const result = await run(cwd, ...load, '--process-count', '3');
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: lines.length, rejected: 1 });
    expect(tried.json.rows).toEqual(result.json.rows);
    await expectBalanced(database, 't');
    const undone = await run(cwd, 'undo', '1', '--yes');
    expect(undone.status, undone.stderr).toBe(0);
    expect(await ids()).toEqual([]);
  });

  it('wait with their duplicates, of which the first is loaded', async () => {
    await create(EMPLOYEES, 't');
    const lines = ['1,2,a\n', '1,2,a\n', '1,2,b\n', '3,4,v\n', '2,,v\n', '5,6,v\n', '6,7,v\n'];
    const cwd = await makeProject(MODEL, { 't.csv': file(lines) });
    const result = await run(cwd, 'ingest', 't.csv');
    expect(result.json.rows, result.stderr).toEqual({
      read: 7,
      loaded: 2,
      rejected: 4,
      duplicate: 1,
    });
    expect(
      await database.query('SELECT code, reason FROM edp.rejects ORDER BY byte_offset'),
    ).toEqual([
      ['conflict', 'key (1) is already there, with other values'],
      ['missing_dimension', '4 is not in public.t'],
      ['missing_dimension', '6 is not in public.t'],
      ['missing_dimension', '7 is not in public.t'],
    ]);
    expect(await database.query('SELECT id, v FROM t ORDER BY id')).toEqual([
      [1, 'a'],
      [2, 'v'],
    ]);
    await expectBalanced(database, 't');
  });

  it('are in different splits of a large file, the parents first or, for a replay, last', async () => {
    await create(EMPLOYEES, 't');
    const cwd = await makeProject(MODEL, {
      'a.csv': file(chain(1, 900)),
      'b.csv': file(chain(901, 1800, 900).toReversed()),
    });
    const args = ['--table', 't', '--process-count', '2', '--database-url', database.url] as const;
    const ingest = (name: string) =>
      edp(['ingest', name, ...args, '--json'], {
        cwd,
        env: { EDP_FAILPOINTS: 'split.related_bytes:=1000' },
      });
    const first = await ingest('a.csv');
    expect(first.json.rows, first.stderr).toMatchObject({ loaded: 900, rejected: 0 });
    expect(first.stderr).not.toContain('edp replay');
    const second = await ingest('b.csv');
    const { loaded, rejected } = second.json.rows;
    expect(loaded + rejected).toBe(900);
    expect(rejected).toBeGreaterThan(500);
    expect(second.stderr).toContain(
      `${rejected} records of b.csv refer to rows that had not come yet. Where they came later in the file, edp replay 2 loads them`,
    );
    const replayed = await run(cwd, 'replay', '2');
    expect(replayed.json.rows, replayed.stderr).toMatchObject({ loaded: rejected, rejected: 0 });
    await expectBalanced(database, 't');
  });

  it('come in by a replay, in whatever order they stand', async () => {
    await create(EMPLOYEES, 't');
    const cwd = await makeProject(MODEL, {
      'a.csv': file(chain(2, 2500, 1).toReversed()),
      'b.csv': file(['1,,v\n']),
    });
    const result = await run(cwd, 'ingest', 'a.csv', 'b.csv', '--table', 't');
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 1, rejected: 2499 });
    const replayed = await run(cwd, 'replay', '1');
    expect(replayed.json, replayed.stderr).toMatchObject({ remaining: 0 });
    expect(replayed.json.rows).toEqual({ read: 2499, loaded: 2499, rejected: 0, duplicate: 0 });
    await expectBalanced(database, 't');
  });

  it('are inferred where their record comes later, and completed by it', async () => {
    await create(EMPLOYEES, 't');
    const cwd = await makeProject(MODEL, {
      't.csv': file([...chain(1, 30).toReversed(), '40,41,v\n', '50,50,v\n']),
    });
    const args = [
      'ingest',
      't.csv',
      '--missing-dimensions',
      'infer',
      '--read-batch-size',
      '7',
    ] as const;
    const tried = await run(cwd, ...args, '--dry-run');
    const result = await run(cwd, ...args);
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 32, rejected: 0 });
    expect(tried.json.rows).toEqual(result.json.rows);
    expect(await ids()).toEqual([...upTo(30), 40, 41, 50]);
    expect(await database.query("SELECT id FROM t WHERE v IS DISTINCT FROM 'v'")).toEqual([[41]]);
    expect(
      await database.query('SELECT member FROM edp.inferred_members WHERE arrived_at IS NULL'),
    ).toEqual([['41']]);
  });

  it('are judged by a trigger that leaves records out, and by one that looks at all of them', async () => {
    await create(EMPLOYEES, 't');
    await database.query(`
      CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN RETURN CASE WHEN NEW.v = ''out'' THEN NULL ELSE NEW END; END';
      CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION leave_out();
      CREATE FUNCTION balance() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN IF (SELECT count(*) FROM t) % 2 <> 0 THEN RAISE ''odd''; END IF; RETURN NULL; END';
      CREATE CONSTRAINT TRIGGER b AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION balance()`);
    const lines = ['1,,v\n', '2,1,v\n', '3,2,out\n', '4,3,v\n', '5,2,v\n', '6,5,v\n'];
    const cwd = await makeProject(MODEL, { 't.csv': file(lines) });
    const result = await run(cwd, 'ingest', 't.csv');
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 4, rejected: 2 });
    expect(await database.query('SELECT code FROM edp.rejects ORDER BY byte_offset')).toEqual([
      ['left_out'],
      ['missing_dimension'],
    ]);
    await expectBalanced(database, 't');
  });
});
