/** No check of the server is switched off unless edp makes exactly that check itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startEdp } from '../support/cli.js';
import { slowLoads, waitForIdle } from '../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const DIMS = 'CREATE TABLE dims (id int PRIMARY KEY); INSERT INTO dims VALUES (1), (2);';

interface Case {
  readonly name: string;
  readonly setup: string;
  /** Columns of the model's table `t`, and its key. */
  readonly columns: string;
  readonly key?: string;
  readonly csv: string;
  /** Loaded, rejected, duplicate. */
  readonly counts: readonly [number, number, number];
  readonly codes?: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

const CASES: readonly Case[] = [
  {
    name: 'a primary key that is deferred',
    setup: `${DIMS} CREATE TABLE t (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED,
      d int REFERENCES dims (id), v text, load_id bigint)`,
    columns: 'id: int, d: int, v: text',
    key: 'id',
    csv: 'id,d,v\n1,1,a\n2,1,b\n2,1,c\n3,2,d\n3,2,d\n',
    counts: [3, 1, 1],
    codes: ['conflict'],
    rows: [
      [1, 1, 'a'],
      [2, 1, 'b'],
      [3, 2, 'd'],
    ],
  },
  {
    name: 'a deferred primary key that the model does not know',
    setup: `${DIMS} CREATE TABLE t (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED,
      d int REFERENCES dims (id), v text, load_id bigint)`,
    columns: 'id: int, d: int, v: text',
    csv: 'id,d,v\n1,1,a\n2,1,b\n2,1,c\n3,2,d\n3,2,d\n',
    counts: [3, 2, 0],
    codes: ['conflict', 'conflict'],
    rows: [
      [1, 1, 'a'],
      [2, 1, 'b'],
      [3, 2, 'd'],
    ],
  },
  {
    name: 'a unique constraint that may be deferred, in a table without references',
    setup:
      'CREATE TABLE t (id int, mail text UNIQUE DEFERRABLE INITIALLY DEFERRED, load_id bigint)',
    columns: 'id: int, mail: text',
    csv: 'id,mail\n1,a\n2,b\n3,a\n4,c\n',
    counts: [3, 1, 0],
    codes: ['conflict'],
    rows: [
      [1, 'a'],
      [2, 'b'],
      [4, 'c'],
    ],
  },
  {
    name: 'an exclusion constraint that is deferred',
    setup: `${DIMS} CREATE TABLE t (id int PRIMARY KEY, d int REFERENCES dims (id), a int, load_id bigint,
      EXCLUDE USING btree (a WITH =) DEFERRABLE INITIALLY DEFERRED)`,
    columns: 'id: int, d: int, a: int',
    key: 'id',
    csv: 'id,d,a\n1,1,7\n2,1,8\n3,1,7\n',
    counts: [2, 1, 0],
    codes: ['refused_by_server'],
    rows: [
      [1, 1, 7],
      [2, 1, 8],
    ],
  },
  {
    name: 'a unique constraint of a partition of a partition',
    setup: `${DIMS} CREATE TABLE t (id int, d int REFERENCES dims (id), v int, load_id bigint) PARTITION BY RANGE (id);
      CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id);
      CREATE TABLE t11 PARTITION OF t1 FOR VALUES FROM (0) TO (50);
      ALTER TABLE t11 ADD UNIQUE (v) DEFERRABLE`,
    columns: 'id: int, d: int, v: int',
    csv: 'id,d,v\n1,1,5\n2,1,5\n3,2,6\n',
    counts: [2, 1, 0],
    codes: ['conflict'],
    rows: [
      [1, 1, 5],
      [3, 2, 6],
    ],
  },
  {
    name: 'a foreign key that only a partition has',
    setup: `${DIMS} CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (7);
      CREATE TABLE t (id int, d int REFERENCES dims (id), x int, load_id bigint) PARTITION BY RANGE (id);
      CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (200);
      ALTER TABLE t1 ADD FOREIGN KEY (x) REFERENCES other (id)`,
    columns: 'id: int, d: int, x: int',
    csv: 'id,d,x\n1,1,7\n2,2,8\n3,3,7\n',
    counts: [1, 2, 0],
    codes: ['missing_dimension', 'missing_dimension'],
    rows: [[1, 1, 7]],
  },
  {
    name: 'a foreign key to a partitioned table',
    setup: `CREATE TABLE dims (id int PRIMARY KEY) PARTITION BY RANGE (id);
      CREATE TABLE dims1 PARTITION OF dims FOR VALUES FROM (0) TO (10);
      CREATE TABLE dims2 PARTITION OF dims FOR VALUES FROM (10) TO (20);
      INSERT INTO dims VALUES (1), (11);
      CREATE TABLE t (id int PRIMARY KEY, d int REFERENCES dims (id), load_id bigint)`,
    columns: 'id: int, d: int',
    key: 'id',
    csv: 'id,d\n1,1\n2,11\n3,2\n',
    counts: [2, 1, 0],
    codes: ['missing_dimension'],
    rows: [
      [1, 1],
      [2, 11],
    ],
  },
  {
    name: 'a reference of a padded type',
    setup: `CREATE TABLE dims (code char(2) PRIMARY KEY); INSERT INTO dims VALUES ('A'), ('DE');
      CREATE TABLE t (id int, d char(2) REFERENCES dims (code), load_id bigint)`,
    columns: 'id: int, d: text',
    csv: 'id,d\n1,AB\n2,A\n3,DE\n4,D\n',
    counts: [2, 2, 0],
    codes: ['missing_dimension', 'missing_dimension'],
    rows: [
      [2, 'A '],
      [3, 'DE'],
    ],
  },
  {
    name: 'a reference to a column of another type',
    setup: `CREATE TABLE dims (code text PRIMARY KEY); INSERT INTO dims VALUES ('A'), ('DE');
      CREATE TABLE t (id int, d char(4) REFERENCES dims (code), e varchar(3) REFERENCES dims (code), load_id bigint)`,
    columns: 'id: int, d: text, e: text',
    csv: 'id,d,e\n1,A,DE\n2,DE,A\n3,A,B\n4,DEF,A\n5,A,ABCD\n',
    counts: [2, 3, 0],
    codes: ['missing_dimension', 'missing_dimension', 'refused_by_server'],
    rows: [
      [1, 'A   ', 'DE'],
      [2, 'DE  ', 'A'],
    ],
  },
  {
    name: 'a reference to a numeric column',
    setup: `CREATE TABLE dims (code numeric PRIMARY KEY); INSERT INTO dims VALUES (1.0), (2.5);
      CREATE TABLE t (id int, d int REFERENCES dims (code), load_id bigint)`,
    columns: 'id: int, d: int',
    csv: 'id,d\n1,1\n2,2\n',
    counts: [1, 1, 0],
    codes: ['missing_dimension'],
    rows: [[1, 1]],
  },
  {
    name: 'a reference whose collation calls other texts equal',
    setup: `CREATE COLLATION anycase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE TABLE dims (code text COLLATE anycase PRIMARY KEY); INSERT INTO dims VALUES ('Abc');
      CREATE TABLE t (id int, d text COLLATE anycase REFERENCES dims (code), load_id bigint)`,
    columns: 'id: int, d: text',
    csv: 'id,d\n1,abc\n2,ABC\n3,abd\n',
    counts: [2, 1, 0],
    codes: ['missing_dimension'],
    rows: [
      [1, 'abc'],
      [2, 'ABC'],
    ],
  },
  {
    name: 'a reference to a row that only a child of the table has',
    setup: `CREATE TABLE dims (d text PRIMARY KEY); INSERT INTO dims VALUES ('new');
      CREATE TABLE dims_old () INHERITS (dims); INSERT INTO dims_old VALUES ('old');
      CREATE TABLE t (id int, d text REFERENCES dims (d), load_id bigint)`,
    columns: 'id: int, d: text',
    csv: 'id,d\n1,new\n2,old\n',
    counts: [1, 1, 0],
    codes: ['missing_dimension'],
    rows: [[1, 'new']],
  },
  {
    name: 'a reference that the file does not bring, from a default of the column',
    setup: `${DIMS} CREATE TABLE t (id int, d int DEFAULT 9 REFERENCES dims (id), load_id bigint)`,
    columns: 'id: int, d: int',
    csv: 'id\n1\n2\n',
    counts: [0, 2, 0],
    codes: ['missing_dimension', 'missing_dimension'],
    rows: [],
  },
  {
    name: 'a reference that is a generated column',
    setup: `${DIMS} CREATE TABLE t (id int, v int, d int GENERATED ALWAYS AS (v + 1) STORED REFERENCES dims (id), load_id bigint)`,
    columns: 'id: int, v: int',
    csv: 'id,v\n1,0\n2,7\n',
    counts: [1, 1, 0],
    codes: ['missing_dimension'],
    rows: [[1, 0, 1]],
  },
  {
    name: 'a reference whose check somebody switched off',
    setup: `${DIMS} CREATE TABLE t (id int, d int REFERENCES dims (id), load_id bigint);
      ALTER TABLE t DISABLE TRIGGER ALL`,
    columns: 'id: int, d: int',
    csv: 'id,d\n1,1\n2,9\n',
    counts: [2, 0, 0],
    rows: [
      [1, 1],
      [2, 9],
    ],
  },
  {
    name: 'a trigger that always fires',
    setup: `${DIMS} CREATE TABLE t (id int, d int REFERENCES dims (id), w int, load_id bigint);
      CREATE FUNCTION double() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.w := 2 * NEW.id; RETURN NEW; END';
      CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION double();
      ALTER TABLE t ENABLE ALWAYS TRIGGER a`,
    columns: 'id: int, d: int',
    csv: 'id,d\n1,1\n2,9\n',
    counts: [1, 1, 0],
    codes: ['missing_dimension'],
    rows: [[1, 1, 2]],
  },
  {
    name: 'a trigger that fires only on a replica',
    setup: `${DIMS} CREATE TABLE t (id int, d int REFERENCES dims (id), w int, load_id bigint);
      CREATE FUNCTION double() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.w := 2 * NEW.id; RETURN NEW; END';
      CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION double();
      ALTER TABLE t ENABLE REPLICA TRIGGER a`,
    columns: 'id: int, d: int',
    csv: 'id,d\n1,1\n2,9\n',
    counts: [1, 1, 0],
    codes: ['missing_dimension'],
    rows: [[1, 1, null]],
  },
];

const model = ({ columns, key }: Pick<Case, 'columns' | 'key'>) =>
  `tables:\n  t: { columns: { ${columns} }${key === undefined ? '' : `, key: ${key}`} }\n`;

describe('the server, and a load by a role that may skip triggers, agree about', () => {
  it.each(CASES)('$name', async ({ setup, csv, counts, codes = [], rows, ...own }) => {
    await database.query(setup);
    const cwd = await makeProject(model(own), { 't.csv': csv });
    const [loaded, rejected, duplicate] = counts;
    const tried = await run(cwd, 'ingest', 't.csv', '--dry-run');
    expect(tried.json.rows, tried.stderr).toMatchObject({ loaded, rejected, duplicate });
    const result = await run(cwd, 'ingest', 't.csv');
    expect(result.json.rows, result.stderr).toMatchObject({ loaded, rejected, duplicate });
    const stored = (await database.query('SELECT * FROM t ORDER BY 1')) as unknown[][];
    expect(stored.map((row) => row.slice(0, -1))).toEqual(rows);
    expect(
      (await database.query('SELECT code FROM edp.rejects ORDER BY byte_offset')).flat(),
    ).toEqual(codes);
    const verified = await run(cwd, 'verify', '1');
    expect(verified, verified.stdout + verified.stderr).toMatchObject({ status: 0 });
    const undone = await run(cwd, 'undo', '1', '--yes');
    expect(undone, undone.stderr).toMatchObject({ status: 0 });
    expect(await database.query('SELECT count(*) FROM t')).toEqual([[0]]);
  });
});

describe('--on-conflict update of what others refer to', () => {
  const setup = (action: string) =>
    database.query(`${DIMS} CREATE TABLE t (id int PRIMARY KEY, code text UNIQUE, d int REFERENCES dims (id), load_id bigint);
      CREATE TABLE c (code text REFERENCES t (code) ${action})`);

  it.each([
    { action: '', code: 'aa', child: 'aa', counts: { loaded: 0, rejected: 1 } },
    { action: 'ON UPDATE CASCADE', code: 'zz', child: 'zz', counts: { loaded: 1, rejected: 0 } },
    { action: 'ON UPDATE SET NULL', code: 'zz', child: null, counts: { loaded: 1, rejected: 0 } },
  ])('does what the foreign key says: $action', async ({ action, code, child, counts }) => {
    await setup(action);
    const cwd = await makeProject(model({ columns: 'id: int, code: text, d: int', key: 'id' }), {
      'p.csv': 'id,code,d\n1,aa,1\n2,bb,2\n',
      'p2.csv': 'id,code,d\n1,zz,1\n',
    });
    await run(cwd, 'ingest', 'p.csv', '--table', 't');
    await database.query("INSERT INTO c VALUES ('aa')");
    const result = await run(cwd, 'ingest', 'p2.csv', '--table', 't', '--on-conflict', 'update');
    expect(result.json.rows, result.stderr).toMatchObject(counts);
    expect(await database.query('SELECT code FROM t WHERE id = 1')).toEqual([[code]]);
    expect(await database.query('SELECT code FROM c')).toEqual([[child]]);
  });
});

describe('what is made while a load runs', () => {
  const COUNT = 20_000;
  const csv = `id,d\n${Array.from({ length: COUNT }, (_, i) => `${i},${1 + (i % 2)}\n`).join('')}`;

  async function during(change: string) {
    await database.query(`${DIMS} CREATE TABLE fired (id int);
      CREATE TABLE t (id int, d int REFERENCES dims (id), load_id bigint);
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO fired VALUES (NEW.id); RETURN NULL; END'`);
    const cwd = await makeProject(model({ columns: 'id: int, d: int' }), { 't.csv': csv });
    const hurry = await slowLoads(database);
    const args = ['--read-batch-size', '1000', '--database-url', database.url];
    const child = startEdp(['ingest', 't.csv', ...args], { cwd });
    let text = '';
    child.stderr?.on('data', (chunk) => {
      text += chunk;
    });
    child.stdout?.resume();
    let hasEnded = false;
    const ended = new Promise<void>((resolve) => {
      child.once('close', () => {
        hasEnded = true;
        resolve();
      });
    });
    const count = async (table: string) =>
      (await database.query(`SELECT count(*) FROM ${table}`))[0]![0] as number;
    while (!hasEnded && (await count('t')) < 2000) await sleep(10);
    await database.query(change);
    const before = await count('t');
    await ended;
    await hurry();
    await waitForIdle(database);
    return { before, after: await count('t'), fired: await count('fired'), text };
  }

  it('is a trigger: it fires for all later rows', async () => {
    const { before, after, fired, text } = await during(
      'CREATE TRIGGER n AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note()',
    );
    expect(after, text).toBe(COUNT);
    expect(before).toBeLessThan(COUNT);
    expect(fired).toBe(after - before);
  });

  it('is another constraint: it holds', async () => {
    const { before, after } = await during(
      'ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES dims NOT VALID',
    );
    expect(before).toBeLessThan(COUNT);
    expect(after).toBe(before);
  });
});
