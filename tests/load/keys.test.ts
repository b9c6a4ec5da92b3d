/** Which unique indexes are the key of the model. */
import { describe, expect, it } from 'vitest';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const model = (key: string) => `tables:\n  t: { columns: { id: int, name: text }, key: ${key} }\n`;
const CSV = 'id,name\n1,a\n2,b\n2,b\n2,c\n';
const AGAIN = 'id,name\n1,a\n2,zz\n2,zz\n2,c\n';

describe('a key that may be deferred', () => {
  const REMEDY = /NOT DEFERRABLE/;

  it.each([
    'id int PRIMARY KEY DEFERRABLE',
    'id int UNIQUE DEFERRABLE INITIALLY DEFERRED',
    'id int PRIMARY KEY, UNIQUE (id) DEFERRABLE',
  ])('is refused with --on-conflict update before anything is read: %s', async (columns) => {
    await database.query(`CREATE TABLE t (${columns}, name text, load_id bigint)`);
    const cwd = await makeProject(model('id'), { 't.csv': CSV, 'u.csv': AGAIN });
    const first = await run(cwd, 'ingest', 't.csv');
    expect(first.json.rows, first.stderr).toMatchObject({ loaded: 2, rejected: 1, duplicate: 1 });
    const args = ['--table', 't', '--on-conflict', 'update'];
    for (const extra of [[], ['--dry-run']]) {
      const result = await run(cwd, 'ingest', 'u.csv', ...args, ...extra);
      expect(result.status).toBe(1);
      expect(result.stderr).toMatch(REMEDY);
    }
    expect(await database.query('SELECT count(*) FROM edp.loads')).toEqual([[1]]);
    const replayed = await run(cwd, 'replay', '1', '--on-conflict', 'update');
    expect(replayed.status).toBe(1);
    expect(replayed.stderr).toMatch(REMEDY);
    const skipped = await run(cwd, 'ingest', 'u.csv', '--table', 't', '--on-conflict', 'skip');
    expect(skipped.json.rows, skipped.stderr).toMatchObject({ loaded: 0, duplicate: 4 });
  });

  it('and works with the remedy', async () => {
    await database.query(
      'CREATE TABLE t (id int PRIMARY KEY DEFERRABLE, name text, load_id bigint)',
    );
    const cwd = await makeProject(model('id'), { 't.csv': CSV, 'u.csv': AGAIN });
    await run(cwd, 'ingest', 't.csv');
    const args = ['ingest', 'u.csv', '--table', 't', '--on-conflict', 'update'] as const;
    const sql = /ALTER TABLE[^;]*;/.exec((await run(cwd, ...args)).stderr)![0];
    for (const statement of [sql]) await database.query(statement);
    const result = await run(cwd, ...args);
    expect(result.json.rows, result.stderr).toMatchObject({ rejected: 0 });
    expect(await database.query('SELECT id, name FROM t ORDER BY id')).toEqual([
      [1, 'a'],
      [2, 'c'],
    ]);
  });
});

describe('the key of an index', () => {
  it.each([
    { columns: 'id int PRIMARY KEY, name text, up int REFERENCES t (id)', key: 'id', fits: true },
    { columns: 'id int, name text, PRIMARY KEY (id) INCLUDE (name)', key: 'id', fits: true },
    {
      columns: 'id int, name text, UNIQUE (name, id) INCLUDE (load_id)',
      key: '[id, name]',
      fits: true,
    },
    { columns: 'id int, name text, UNIQUE (id, name)', key: 'id', fits: false },
  ])('$columns is $key: $fits', async ({ columns, key, fits }) => {
    await database.query(`CREATE TABLE t (load_id bigint, ${columns})`);
    await expectFit(key, fits);
  });

  it('is no expression, no part of the rows, and no index that is not valid', async () => {
    await database.query(`CREATE TABLE t (load_id bigint, id int, name text);
      CREATE UNIQUE INDEX ON t (id, lower(name)); CREATE UNIQUE INDEX ON t (id) WHERE id > 5;
      CREATE UNIQUE INDEX i ON t (id); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass`);
    await expectFit('id', false);
  });

  async function expectFit(key: string, fits: boolean) {
    const cwd = await makeProject(model(key), { 't.csv': 'id,name\n1,a\n2,b\n2,b\n' });
    const result = await run(cwd, 'ingest', 't.csv');
    if (!fits) {
      expect(result.stderr).toContain('it has no primary key or unique index');
      return;
    }
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 2, rejected: 0, duplicate: 1 });
  }
});
