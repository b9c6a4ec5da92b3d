/** What the server took and did not insert is a reject; what it put elsewhere below the table is loaded. */
import { describe, expect, it } from 'vitest';
import { expectBalanced } from '../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const model = (key: string) =>
  `tables:\n  t: { columns: { id: int, v: int }${key === '' ? '' : `, key: ${key}`} }\n`;

const DROP_NEGATIVE = `CREATE FUNCTION drop_negative() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN IF NEW.v < 0 THEN RETURN NULL; END IF; RETURN NEW; END';
  CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION drop_negative();`;
const PLAIN = 'CREATE TABLE t (id int, v int, load_id bigint);';
const KEYED = 'CREATE TABLE t (id int PRIMARY KEY, v int, load_id bigint);';
const ROUTED = `${PLAIN} CREATE TABLE t_low () INHERITS (t); CREATE TABLE t_high () INHERITS (t);`;

interface Case {
  readonly name: string;
  readonly setup: string;
  readonly key?: string;
  readonly csv: string;
  readonly args?: readonly string[];
  readonly rows: readonly (readonly [number, number])[];
  /** Raw bytes of the records that were left out, in order. */
  readonly leftOut: readonly string[];
  readonly counts: {
    readonly loaded: number;
    readonly rejected: number;
    readonly duplicate: number;
  };
}

const CASES: readonly Case[] = [
  {
    name: 'a trigger that returns NULL',
    setup: PLAIN + DROP_NEGATIVE,
    csv: 'id,v\n1,5\n2,-5\n3,7\n',
    rows: [
      [1, 5],
      [3, 7],
    ],
    leftOut: ['2,-5'],
    counts: { loaded: 2, rejected: 1, duplicate: 0 },
  },
  {
    name: 'a trigger that returns NULL for all',
    setup: PLAIN + DROP_NEGATIVE,
    csv: 'id,v\n1,-5\n2,-5\n',
    rows: [],
    leftOut: ['1,-5', '2,-5'],
    counts: { loaded: 0, rejected: 2, duplicate: 0 },
  },
  {
    name: 'beside duplicates and conflicts',
    setup: KEYED + DROP_NEGATIVE,
    key: 'id',
    csv: 'id,v\n1,5\n2,-5\n3,7\n3,7\n3,8\n4,-1\n',
    rows: [
      [1, 5],
      [3, 7],
    ],
    leftOut: ['2,-5', '4,-1'],
    counts: { loaded: 2, rejected: 3, duplicate: 1 },
  },
  {
    name: 'before a record with the same key that is not',
    setup: KEYED + DROP_NEGATIVE,
    key: 'id',
    csv: 'id,v\n3,-7\n3,7\n3,9\n',
    rows: [[3, 7]],
    leftOut: ['3,-7'],
    counts: { loaded: 1, rejected: 2, duplicate: 0 },
  },
  {
    name: 'with --on-conflict update',
    setup: KEYED + DROP_NEGATIVE,
    key: 'id',
    args: ['--on-conflict', 'update'],
    csv: 'id,v\n1,5\n2,-5\n1,6\n3,1\n',
    rows: [
      [1, 6],
      [3, 1],
    ],
    leftOut: ['2,-5'],
    counts: { loaded: 3, rejected: 1, duplicate: 0 },
  },
  {
    name: 'a trigger of a partition',
    setup: `CREATE TABLE t (id int, v int, load_id bigint) PARTITION BY LIST (id);
      CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t2 PARTITION OF t DEFAULT;
      ${DROP_NEGATIVE.replace('ON t ', 'ON t2 ')}`,
    csv: 'id,v\n1,-5\n2,-5\n3,7\n',
    rows: [
      [1, -5],
      [3, 7],
    ],
    leftOut: ['2,-5'],
    counts: { loaded: 2, rejected: 1, duplicate: 0 },
  },
  {
    name: 'a trigger that takes what is there already for done',
    setup: `${PLAIN} CREATE FUNCTION once() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN IF EXISTS (SELECT FROM t WHERE id = NEW.id) THEN RETURN NULL; END IF; RETURN NEW; END';
      CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION once()`,
    csv: 'id,v\n1,5\n1,6\n3,7\n',
    rows: [
      [1, 5],
      [3, 7],
    ],
    leftOut: ['1,6'],
    counts: { loaded: 2, rejected: 1, duplicate: 0 },
  },
  {
    name: 'a rule DO INSTEAD NOTHING',
    setup: `${PLAIN} CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING`,
    csv: 'id,v\n1,5\n',
    rows: [],
    leftOut: ['1,5'],
    counts: { loaded: 0, rejected: 1, duplicate: 0 },
  },
  {
    name: 'a rule with a condition',
    setup: `${PLAIN} CREATE RULE r AS ON INSERT TO t WHERE NEW.v < 0 DO INSTEAD NOTHING`,
    csv: 'id,v\n1,5\n2,-5\n3,7\n',
    rows: [
      [1, 5],
      [3, 7],
    ],
    leftOut: ['2,-5'],
    counts: { loaded: 2, rejected: 1, duplicate: 0 },
  },
  {
    name: 'a trigger that routes rows to children, and forgets some',
    setup: `${ROUTED} CREATE FUNCTION route() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.v BETWEEN 0 AND 9 THEN INSERT INTO t_low VALUES (NEW.*);
        ELSIF NEW.v > 9 THEN INSERT INTO t_high VALUES (NEW.*); END IF; RETURN NULL; END $$;
      CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION route()`,
    csv: 'id,v\n1,5\n2,-5\n3,70\n',
    rows: [
      [1, 5],
      [3, 70],
    ],
    leftOut: ['2,-5'],
    counts: { loaded: 2, rejected: 1, duplicate: 0 },
  },
  {
    name: 'one that forgets what a child refuses',
    setup: `${ROUTED} CREATE UNIQUE INDEX ON t_low (v);
      CREATE FUNCTION route() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        BEGIN INSERT INTO t_low VALUES (NEW.*); EXCEPTION WHEN unique_violation THEN NULL; END;
        RETURN NULL; END $$;
      CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION route()`,
    csv: 'id,v\n1,5\n2,5\n3,70\n',
    rows: [
      [1, 5],
      [3, 70],
    ],
    leftOut: ['2,5'],
    counts: { loaded: 2, rejected: 1, duplicate: 0 },
  },
  {
    name: 'a rule that routes rows to children',
    setup: `${ROUTED} CREATE RULE low AS ON INSERT TO t WHERE NEW.v < 10 DO INSTEAD INSERT INTO t_low VALUES (NEW.*);
      CREATE RULE high AS ON INSERT TO t WHERE NEW.v > 50 DO INSTEAD INSERT INTO t_high VALUES (NEW.*)`,
    csv: 'id,v\n1,5\n2,20\n3,70\n',
    rows: [
      [1, 5],
      [2, 20],
      [3, 70],
    ],
    leftOut: [],
    counts: { loaded: 3, rejected: 0, duplicate: 0 },
  },
  {
    name: 'a trigger that routes rows out of the table',
    setup: `${PLAIN} CREATE TABLE elsewhere (LIKE t); CREATE FUNCTION route() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF NEW.v > 0 THEN RETURN NEW; END IF; INSERT INTO elsewhere VALUES (NEW.*); RETURN NULL; END $$;
      CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION route()`,
    csv: 'id,v\n1,5\n2,-5\n3,70\n',
    rows: [
      [1, 5],
      [3, 70],
    ],
    leftOut: ['2,-5'],
    counts: { loaded: 2, rejected: 1, duplicate: 0 },
  },
];

describe('what the server leaves out', () => {
  it.each(CASES)('$name', async ({ setup, csv, key = '', args = [], rows, leftOut, counts }) => {
    await database.query(setup);
    const cwd = await makeProject(model(key), { 't.csv': csv });
    const tried = await run(cwd, 'ingest', 't.csv', '--dry-run', ...args);
    expect(tried.json.rows, tried.stderr).toMatchObject(counts);
    const result = await run(cwd, 'ingest', 't.csv', ...args);
    expect(result.json.rows, result.stderr).toMatchObject(counts);
    expect(await database.query('SELECT id, v FROM t ORDER BY id')).toEqual(rows);
    const rejects = await database.query(
      "SELECT convert_from(raw, 'utf8') FROM edp.rejects WHERE code = 'left_out' ORDER BY byte_offset",
    );
    expect(rejects.flat().map((raw) => String(raw).trim())).toEqual(leftOut);
    const verified = await run(cwd, 'verify', '1');
    expect(verified, verified.stdout + verified.stderr).toMatchObject({ status: 0 });
    if (!args.includes('update')) await expectBalanced(database, 't');
    const replayed = await run(cwd, 'replay', '1');
    expect(replayed.json.rows, replayed.stderr).toMatchObject({ loaded: 0 });
    const undone = await run(cwd, 'undo', '1', '--yes');
    expect(undone, undone.stderr).toMatchObject({ status: 0 });
    expect(await database.query('SELECT count(*) FROM t')).toEqual([[0]]);
  });

  it('what it routes elsewhere stays there', async () => {
    const { setup, csv } = CASES.at(-1)!;
    await database.query(setup);
    const cwd = await makeProject(model(''), { 't.csv': csv });
    await run(cwd, 'ingest', 't.csv');
    expect(await database.query('SELECT id, v FROM elsewhere')).toEqual([[2, -5]]);
  });

  it('loads them by a replay, once the trigger lets them', async () => {
    await database.query(PLAIN + DROP_NEGATIVE);
    const cwd = await makeProject(model(''), { 't.csv': 'id,v\n1,5\n2,-5\n' });
    await run(cwd, 'ingest', 't.csv');
    await database.query('DROP TRIGGER a ON t');
    expect((await run(cwd, 'replay', '1')).json).toMatchObject({
      rows: { loaded: 1, rejected: 0 },
      remaining: 0,
    });
    await expectBalanced(database, 't');
  });

  it('in files that share a transaction, and in many splits', async () => {
    await database.query(PLAIN + DROP_NEGATIVE);
    const lines = (from: number) =>
      Array.from({ length: 3000 }, (_, i) => `${from + i},${i % 1000 === 7 ? -1 : i}\n`).join('');
    const files = { 'a.csv': `id,v\n${lines(0)}`, 'b.csv': `id,v\n${lines(3000)}` };
    const cwd = await makeProject(model(''), files);
    const args = ['--table', 't', '--read-batch-size', '500'];
    const result = await run(cwd, 'ingest', 'a.csv', 'b.csv', ...args);
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 5994, rejected: 6 });
    await expectBalanced(database, 't');
  });
});
