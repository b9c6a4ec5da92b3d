/** Code that users made for a table sees the rows before a record, as if each were inserted alone. */
import { describe, expect, it } from 'vitest';
import { withClient } from '../../src/postgres/connection.js';
import { looksAtRows } from '../../src/postgres/looks-at-rows.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const trigger = (body: string, when = 'BEFORE', each = 'ROW') => `
  CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN ${body} RETURN NEW; END $f$;
  CREATE TRIGGER f ${when} INSERT ON t FOR EACH ${each} EXECUTE FUNCTION f()`;
const count = (attributes: string) =>
  `CREATE FUNCTION f(int) RETURNS bigint ${attributes} AS 'SELECT count(*) FROM t WHERE a = $1'`;
const T = 'CREATE TABLE t (a int, n int, load_id bigint)';

const RECORDS = Array.from({ length: 60 }, (_, i) => [(i * 37) % 7, i] as const);
const FILE = `a,n\n${RECORDS.map((record) => record.join(',')).join('\n')}\n`;

describe('records of a table whose code looks at rows', () => {
  const cases: readonly { readonly name: string; readonly sql: string; readonly also?: string }[] =
    [
      {
        name: 'a CHECK with a function that counts rows',
        sql: `${T}; ${count('LANGUAGE sql STABLE')}; ALTER TABLE t ADD CHECK (f(a) < 2)`,
      },
      {
        name: 'a CHECK whose function calls another one',
        sql: `${T}; ${count('LANGUAGE sql')};
        CREATE FUNCTION g(i int) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN f (i); END';
        ALTER TABLE t ADD CHECK (g(a) < 2)`,
      },
      {
        name: 'a default that numbers rows',
        sql: `${T}; CREATE FUNCTION f() RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM t; END;
        ALTER TABLE t ADD b int DEFAULT f()`,
      },
      {
        name: 'a trigger that numbers rows',
        sql: `${T}; ${trigger('NEW.n := (SELECT coalesce(max(n), 0) + 1 FROM t WHERE a = NEW.a);')}`,
      },
      {
        name: 'a trigger that closes the version before',
        sql: `${T}; ALTER TABLE t ADD is_last boolean DEFAULT true;
        ${trigger('UPDATE t SET is_last = false WHERE a = NEW.a AND n <> NEW.n;', 'AFTER')}`,
      },
      {
        name: 'a trigger that keeps a balance',
        sql: `${T}; CREATE TABLE log (n int);
        ${trigger("IF (SELECT sum(3 - a) FROM t) < 0 THEN RAISE EXCEPTION 'below'; END IF;", 'AFTER')}`,
      },
      {
        name: 'a trigger for each statement',
        sql: `${T}; CREATE TABLE log (n int);
        ${trigger('INSERT INTO log SELECT count(*) FROM t;', 'AFTER', 'STATEMENT')}`,
        also: 'SELECT n FROM log ORDER BY n',
      },
      {
        name: 'a rule that looks for the row',
        sql: `${T}; CREATE RULE r AS ON INSERT TO t
        WHERE EXISTS (SELECT FROM t o WHERE o.a = NEW.a) DO INSTEAD NOTHING`,
      },
    ];
  it.each(cases)('$name', async ({ sql, also = 'SELECT' }) => {
    const make = async () => {
      await database.query(
        'DROP TABLE IF EXISTS t, log CASCADE; DROP FUNCTION IF EXISTS f(), f(int), g CASCADE',
      );
      await database.query(sql);
    };
    const look = async () => [
      await database.query("SELECT to_jsonb(t) - 'load_id' FROM t ORDER BY a, n, 1"),
      await database.query(also),
    ];
    await make();
    for (const record of RECORDS) {
      await database
        .query(`INSERT INTO t (a, n) VALUES (${record.join(', ')})`)
        .catch(() => undefined);
    }
    const expected = await look();
    const loaded = expected[0]!.length;
    const cwd = await makeProject('tables:\n  t:\n    columns: { a: int, n: int }\n', {
      't.csv': FILE,
    });
    for (const size of ['2', '100000']) {
      await make();
      const own = ['--read-batch-size', size, '--process-count', '3', '--force'] as const;
      const result = await run(cwd, 'ingest', 't.csv', ...own);
      expect(result.json.rows, `${size}: ${result.stderr}`).toMatchObject({ loaded });
      expect(await look(), size).toEqual(expected);
    }
    const replaced = await run(cwd, 'ingest', 't.csv', '--replace');
    expect(replaced.json.rows, replaced.stderr).toMatchObject({ read: RECORDS.length });
  });

  it('names the column of a reference that is missing', async () => {
    await database.query(`CREATE TABLE log (n int PRIMARY KEY); ${T};
      ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES log; ${trigger('PERFORM 1 FROM t;')}`);
    const cwd = await makeProject('tables:\n  t:\n    columns: { a: int, n: int }\n', {
      't.csv': 'a,n\n5,1\n',
    });
    const { status, stderr } = await run(cwd, 'ingest', 't.csv');
    expect(status, stderr).toBe(3);
    expect(await database.query('SELECT code, column_name FROM edp.rejects')).toEqual([
      ['missing_dimension', 'a'],
    ]);
  });

  const texts: readonly (readonly [code: string, looks: boolean])[] = [
    ['NEW.n := lower(NEW.a::text)::int;', false],
    ["IF TG_OP = 'UPDATE' THEN NEW.n := 0; END IF;", false],
    ["PERFORM pg_notify('rows', NEW.a::text); -- no SELECT FROM\n", false],
    ['INSERT INTO log VALUES (NEW.a); /* UPDATE */', false],
    ["EXECUTE format('INSERT INTO %I SELECT $1.*', 't_' || NEW.a) USING NEW;", false],
    ["EXECUTE 'SELECT count(*) FROM ' || TG_TABLE_NAME INTO NEW.n;", true],
    ['PERFORM 1 FROM t WHERE a = NEW.a; IF FOUND THEN RETURN NULL; END IF;', true],
    ['INSERT INTO log VALUES (NEW.a) ON CONFLICT DO NOTHING;', true],
  ];
  it.each(texts)('%s: %s', async (code, looks) => {
    await database.query('DROP TABLE IF EXISTS t CASCADE; DROP FUNCTION IF EXISTS f()');
    await database.query(`${T}; ${trigger(code)}`);
    const [[oid]] = (await database.query("SELECT 't'::regclass::oid")) as [[number]];
    const found = await withClient(database.config, 'test', (client) => looksAtRows(client, oid));
    expect(found).toBe(looks);
  });
});
