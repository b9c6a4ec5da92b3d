/** What the server refuses of one record costs that record; what it refuses of all stops the file. */
import { describe, expect, it } from 'vitest';
import { expectBalanced } from '../support/ledger.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const MODEL = 'tables:\n  t: { columns: { id: int, v: text } }\n';
const CSV = 'id,v\n1,a\n2,bad\n3,c\n4,bad\n5,d\n';

const raising = (condition: string, raise: string) =>
  database.query(`CREATE TABLE t (id int, v text, load_id bigint);
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $f$
      BEGIN IF ${condition} THEN ${raise}; END IF; RETURN NEW; END $f$;
    CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION refuse()`);

describe('one record that the server refuses is one reject', () => {
  it.each([
    ...['U0001', '42622', '55000', '0A000', '42501', '42P01', 'P0004', '21000', '02000', '3F000'],
    ...['XX000', '38000', '27000', 'ABCDE', 'P0002'],
  ])('with SQLSTATE %s', async (code) => {
    await raising("NEW.v = 'bad'", `RAISE EXCEPTION 'not %', NEW.v USING ERRCODE = '${code}'`);
    const cwd = await makeProject(MODEL, { 't.csv': CSV });
    const tried = await run(cwd, 'ingest', 't.csv', '--dry-run');
    expect(tried.json.rows, tried.stderr).toMatchObject({ loaded: 3, rejected: 2 });
    const result = await run(cwd, 'ingest', 't.csv');
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 3, rejected: 2 });
    expect(await database.query('SELECT id FROM t ORDER BY id')).toEqual([[1], [3], [5]]);
    expect(
      await database.query('SELECT code, reason FROM edp.rejects ORDER BY byte_offset'),
    ).toEqual([
      ['refused_by_server', 'not bad'],
      ['refused_by_server', 'not bad'],
    ]);
    await expectBalanced(database, 't');
    const replayed = await run(cwd, 'replay', '1');
    expect(replayed.json, replayed.stderr).toMatchObject({ remaining: 2 });
  });

  it('where a value is too long for a name', async () => {
    await database.query('CREATE TABLE t (id int, v name, load_id bigint)');
    const cwd = await makeProject(MODEL, { 't.csv': `id,v\n1,${'x'.repeat(70)}\n2,ok\n` });
    const result = await run(cwd, 'ingest', 't.csv');
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 1, rejected: 1 });
    expect(await database.query('SELECT reason FROM edp.rejects')).toEqual([
      ['identifier too long: Identifier must be less than 64 characters.'],
    ]);
  });

  it('where a trigger objects at the commit', async () => {
    await database.query(`CREATE TABLE t (id int, v text, load_id bigint);
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $f$
        BEGIN IF NEW.v = 'bad' THEN RAISE EXCEPTION 'not %', NEW.v; END IF; RETURN NULL; END $f$;
      CREATE CONSTRAINT TRIGGER a AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION refuse()`);
    const cwd = await makeProject(MODEL, { 't.csv': CSV, 'u.csv': CSV.replace('1,a', '9,e') });
    const result = await run(cwd, 'ingest', 't.csv', 'u.csv', '--table', 't');
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 6, rejected: 4 });
    await expectBalanced(database, 't');
    const tried = await run(cwd, 'ingest', 't.csv', '--force', '--dry-run');
    expect(tried.json.rows, tried.stderr).toMatchObject({ loaded: 3, rejected: 2 });
  });

  it('but a trigger may also object to what all records are together', async () => {
    await database.query(`CREATE TABLE t (id int, v int, load_id bigint);
      CREATE FUNCTION balance() RETURNS trigger LANGUAGE plpgsql AS $f$
        BEGIN IF (SELECT sum(v) FROM t) <> 0 THEN RAISE EXCEPTION 'not balanced'; END IF; RETURN NULL; END $f$;
      CREATE CONSTRAINT TRIGGER a AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION balance()`);
    const cwd = await makeProject(MODEL.replace('text', 'int'), {
      't.csv': 'id,v\n1,5\n2,-3\n3,-2\n',
    });
    const result = await run(cwd, 'ingest', 't.csv');
    expect(result.json.rows, result.stderr).toMatchObject({ loaded: 3, rejected: 0 });
  });
});

describe('a refusal that has nothing to do with a record', () => {
  it.each(['42P01', '42501', '0A000'])('of all records stops the file: %s', async (code) => {
    await raising('true', `RAISE EXCEPTION 'broken' USING ERRCODE = '${code}'`);
    const cwd = await makeProject(MODEL, { 't.csv': CSV });
    const result = await run(cwd, 'ingest', 't.csv');
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('broken');
    expect(await database.query('SELECT count(*) FROM edp.rejects')).toEqual([[0]]);
  });

  it.each(['57014', '53200', '55006'])('stops the file: %s', async (code) => {
    await raising("NEW.v = 'bad'", `RAISE EXCEPTION 'broken' USING ERRCODE = '${code}'`);
    const cwd = await makeProject(MODEL, { 't.csv': CSV });
    const result = await run(cwd, 'ingest', 't.csv');
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('broken');
    expect(await database.query('SELECT count(*) FROM t')).toEqual([[0]]);
    expect(await database.query('SELECT count(*) FROM edp.rejects')).toEqual([[0]]);
  });
});
