/** Columns that the server computes (GENERATED ALWAYS AS): never written, whatever the file has. */
import { describe, expect, it } from 'vitest';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const MODEL =
  'tables:\n  t: { columns: { net: int, gross: int, id: int, label: text }, key: id }\n';
const NOTE = /column "gross" left to the server, which computes it/;

/** Computed columns first, between and last, of types that the model need not know. */
const create = (kind: 'STORED' | 'VIRTUAL') =>
  database.query(`CREATE TABLE t (
    label varchar(20) GENERATED ALWAYS AS ('n' || net::text) ${kind}, load_id bigint, id int PRIMARY KEY,
    gross numeric(8,1) GENERATED ALWAYS AS (net * 1.2) ${kind}, net int)`);

const ROWS = [
  [1, 10, '12.0', 'n10'],
  [2, 20, '24.0', 'n20'],
];
const rows = () => database.query('SELECT id, net, gross::text, label FROM t ORDER BY id');

describe.each(['STORED', 'VIRTUAL'] as const)('%s', (kind) => {
  it('a dump of the table loads again, and is said to be read without them', async () => {
    await create(kind);
    // Values of their own, and none: they are not looked at.
    const cwd = await makeProject(MODEL, {
      't.csv': 'id,gross,net,label\n1,12.0,10,n10\n2,what,20,\n2,,20,x\n',
    });
    const tried = await run(cwd, 'ingest', 't.csv', '--dry-run');
    const result = await run(cwd, 'ingest', 't.csv');
    for (const { json, stderr } of [tried, result]) {
      expect(json.rows, stderr).toMatchObject({ loaded: 2, duplicate: 1, rejected: 0 });
      expect(stderr).toMatch(NOTE);
    }
    expect(await rows()).toEqual(ROWS);
    const verified = await run(cwd, 'verify', '1');
    expect(verified, verified.stderr).toMatchObject({ status: 0 });
    const replayed = await run(cwd, 'ingest', 't.csv', '--replace');
    expect(replayed.json.rows, replayed.stderr).toMatchObject({ loaded: 2, duplicate: 1 });
    expect(await rows()).toEqual(ROWS);
  });

  it('a file without them loads, also with --on-conflict update', async () => {
    await create(kind);
    const cwd = await makeProject(MODEL, {
      't-1.csv': 'net,id\n1,1\n20,2\n',
      't-2.csv': 'gross,label,net,id\n0,n,10,1\n',
    });
    const args = ['--table', 't', '--on-conflict', 'update'] as const;
    const result = await run(cwd, 'ingest', 't-1.csv', 't-2.csv', ...args);
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 3, rejected: 0 });
    expect(await rows()).toEqual(ROWS);
  });

  it('JSON lines, and rejects that are replayed', async () => {
    await create(kind);
    await database.query('ALTER TABLE t ADD CHECK (net < 15)');
    const cwd = await makeProject(MODEL, {
      't.jsonl': '{"id":1,"net":10,"gross":[1]}\n{"gross":24,"net":20,"id":2,"label":{}}\n',
    });
    const result = await run(cwd, 'ingest', 't.jsonl');
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 1, rejected: 1 });
    await database.query('ALTER TABLE t DROP CONSTRAINT t_net_check');
    const replayed = await run(cwd, 'replay', '1');
    expect(replayed.json.rows, replayed.stderr).toMatchObject({ loaded: 1, rejected: 0 });
    expect(await rows()).toEqual(ROWS);
  });
});

it('a foreign key on a computed column is checked by the server', async () => {
  await database.query(`CREATE TABLE d (id int PRIMARY KEY); INSERT INTO d VALUES (2), (4);
    CREATE TABLE t (id int, twice int GENERATED ALWAYS AS (id * 2) STORED REFERENCES d, load_id bigint)`);
  const cwd = await makeProject('tables:\n  t: { columns: { id: int, twice: int } }\n', {
    't.csv': 'id,twice\n1,2\n2,2\n3,2\n',
  });
  const result = await run(cwd, 'ingest', 't.csv');
  expect(result.json.rows, result.stderr).toMatchObject({ loaded: 2, rejected: 1 });
  expect(await database.query('SELECT raw FROM edp.rejects')).toEqual([[Buffer.from('3,2')]]);
});

describe('what cannot be done is said before anything is read', () => {
  const refuse = async (columns: string, model: string, message: RegExp) => {
    await database.query(`CREATE TABLE t (${columns})`);
    const cwd = await makeProject(model, { 't.csv': 'id,twice\n1,2\n' });
    for (const extra of [[], ['--dry-run']]) {
      const result = await run(cwd, 'ingest', 't.csv', ...extra);
      expect(result.status).toBe(1);
      expect(result.stderr).toMatch(message);
    }
    expect(await database.query('SELECT count(*) FROM edp.loads')).toEqual([[0]]);
  };

  it('a computed key; without it the server keeps the rows unique', async () => {
    await refuse(
      'id int, twice int GENERATED ALWAYS AS (id * 2) STORED PRIMARY KEY, load_id bigint',
      'tables:\n  t: { columns: { id: int, twice: int }, key: twice }\n',
      /computes its column "twice".*leave `key` out/,
    );
    const mended = await makeProject('tables:\n  t: { columns: { id: int, twice: int } }\n', {
      't.csv': 'id,twice\n1,2\n1,2\n2,4\n',
    });
    const result = await run(mended, 'ingest', 't.csv');
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 2, rejected: 1 });
  });

  it('a computed column for the load', () =>
    refuse(
      'id int, twice int, load_id bigint GENERATED ALWAYS AS (id * 2) STORED',
      'tables:\n  t: { columns: { id: int, twice: int } }\n',
      /computes its column "load_id"/,
    ));

  it('a file of which nothing is left', () =>
    refuse(
      'twice int GENERATED ALWAYS AS (7) STORED, id int GENERATED ALWAYS AS (8) STORED',
      'tables:\n  t: { columns: { id: int, twice: int }, lineage: false }\n',
      /only for columns of table "t" that the server computes/,
    ));
});
