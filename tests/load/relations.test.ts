/** What no load can go into, and what a role may not do, is said before anything is read, with what helps. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const ROLE = `edp_bob_${randomBytes(4).toString('hex')}`;
const runAs = <const A extends readonly string[]>(cwd: string, ...args: A) => {
  const url = database.url.replace('user=edp', `user=${ROLE}`);
  return edp([...args, '--json', '--database-url', url], { cwd });
};
beforeAll(() => database.query(`CREATE ROLE ${ROLE} LOGIN`));
afterAll(async () => {
  await database.query(`DROP OWNED BY ${ROLE}`);
  await database.query(`DROP ROLE ${ROLE}`);
});

const model = (name: string) =>
  `tables:\n  ${name}: { columns: { id: int, v: text }, key: id }\n  base: { columns: { id: int, v: text }, key: id }\n`;
const CSV = 'id,v\n1,a\n2,b\n2,b\n';
const BASE = 'CREATE TABLE base (id int PRIMARY KEY, v text, load_id bigint);';

describe('relations', () => {
  it.each([
    {
      name: 'seen',
      setup: 'CREATE VIEW seen AS SELECT * FROM base',
      says: /"seen" is a view.*\s+→ load the table that it selects from/,
    },
    {
      name: 'guarded',
      setup: `CREATE VIEW guarded AS SELECT * FROM base; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER i INSTEAD OF INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION f()`,
      says: /"guarded" is a view.*INSTEAD OF trigger/,
    },
    {
      name: 'kept',
      setup: 'CREATE MATERIALIZED VIEW kept AS SELECT * FROM base',
      says: /materialized view[\s\S]*REFRESH MATERIALIZED VIEW/,
    },
    {
      name: 'far',
      setup: `CREATE EXTENSION IF NOT EXISTS file_fdw; CREATE SERVER s FOREIGN DATA WRAPPER file_fdw;
        CREATE FOREIGN TABLE far (id int, v text, load_id bigint) SERVER s OPTIONS (filename '/dev/null')`,
      says: /"far" is a foreign table[\s\S]*INSERT … SELECT/,
    },
    { name: 'numbers', setup: 'CREATE SEQUENCE numbers', says: /"numbers" is a sequence/ },
    {
      name: 'pair',
      setup: 'CREATE TYPE pair AS (id int, v text)',
      says: /"pair" is a composite type/,
    },
    { name: 'by_v', setup: 'CREATE INDEX by_v ON base (v)', says: /"by_v" is an index/ },
    { name: 'pg_class', setup: '', says: /"pg_class" is a system table/ },
  ])('$name is refused', async ({ name, setup, says }) => {
    await database.query(BASE + setup);
    const cwd = await makeProject(model(name), { 'x.csv': CSV });
    for (const extra of [[], ['--dry-run'], ['--replace']]) {
      const result = await run(cwd, 'ingest', 'x.csv', '--table', name, ...extra);
      expect(result.status).toBe(1);
      expect(result.stderr).toMatch(says);
    }
    expect(await database.query('SELECT count(*) FROM edp.loads')).toEqual([[0]]);
    const mended = await run(cwd, 'ingest', 'x.csv', '--table', 'base');
    expect(mended.json.rows, mended.stderr).toMatchObject({ loaded: 2, duplicate: 1 });
  });

  it.each([
    {
      name: 'plain',
      setup: 'CREATE UNLOGGED TABLE plain (id int PRIMARY KEY, v text, load_id bigint)',
    },
    {
      name: 'low',
      setup: `CREATE TABLE whole (id int PRIMARY KEY, v text, load_id bigint) PARTITION BY RANGE (id);
        CREATE TABLE low PARTITION OF whole FOR VALUES FROM (0) TO (100)`,
    },
    { name: 'child', setup: `${BASE} CREATE TABLE child (PRIMARY KEY (id)) INHERITS (base)` },
    {
      name: 'typed',
      setup:
        'CREATE TYPE row_type AS (id int, v text, load_id bigint); CREATE TABLE typed OF row_type (PRIMARY KEY (id))',
    },
  ])('$name loads; what its constraints refuse is a reject', async ({ name, setup }) => {
    await database.query(setup);
    const isPartition = name === 'low';
    const cwd = await makeProject(model(name), { 'x.csv': `${CSV}100,c\n` });
    const result = await run(cwd, 'ingest', 'x.csv', '--table', name);
    expect(result.json.rows, result.stderr).toMatchObject({
      loaded: isPartition ? 2 : 3,
      rejected: isPartition ? 1 : 0,
      duplicate: 1,
    });
  });
});

/** The owner makes ledger and table; the role gets what it needs for loads, except what a case takes away. */
async function prepareRole(): Promise<string> {
  await database.query(BASE);
  const cwd = await makeProject(model('t'), { 'x.csv': CSV, 'y.csv': 'id,v\n3,c\n' });
  await run(cwd, 'ingest', 'y.csv', '--table', 'base');
  await database.query(`GRANT USAGE ON SCHEMA public, edp TO ${ROLE};
    GRANT SELECT ON edp.migrations, edp.promotions, edp.inferred_members TO ${ROLE};
    GRANT SELECT, INSERT, UPDATE ON edp.loads, edp.runs TO ${ROLE};
    GRANT SELECT, INSERT ON edp.receipts, edp.rejects, edp.changes TO ${ROLE};
    GRANT SELECT, INSERT ON base TO ${ROLE}`);
  return cwd;
}

const INGEST = ['ingest', 'x.csv', '--table', 'base'] as const;

/** Tries without and with --dry-run; what the error names is run, and the load works. */
async function expectMend(cwd: string, says: RegExp, ...args: string[]): Promise<void> {
  let hint = '';
  for (const extra of [['--dry-run'], []]) {
    const refused = await runAs(cwd, ...INGEST, ...args, ...extra);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(says);
    hint = refused.json.error?.hint ?? /→ (.*)/.exec(refused.stderr)![1]!;
  }
  expect(await database.query('SELECT count(*) FROM edp.loads')).toEqual([[1]]);
  for (const [statement] of hint.matchAll(/(?:GRANT|ALTER)[^;]*;/g)) {
    await database.query(statement);
    if (statement.startsWith('ALTER')) break;
  }
  const mended = await runAs(cwd, ...INGEST, ...args);
  expect(mended.json.rows, mended.stderr).toMatchObject({ loaded: 2, duplicate: 1, rejected: 0 });
}

describe('row-level security', () => {
  const POLICY =
    'ALTER TABLE base ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON base USING (id < 3) WITH CHECK (true)';

  it('that applies to the role is refused; verify, replay and undo do not look through it either', async () => {
    const cwd = await prepareRole();
    await database.query(POLICY);
    for (const args of [
      ['verify', '1'],
      ['undo', '1', '--yes'],
    ]) {
      const refused = await runAs(cwd, ...args);
      expect(refused.status, args[0]).not.toBe(0);
      expect(refused.stderr).toMatch(/row-level security/);
    }
    await expectMend(cwd, /row-level security, which applies to role[\s\S]*BYPASSRLS/);
    await database.query(`ALTER ROLE ${ROLE} NOBYPASSRLS`);
  });

  it('does not concern the owner, unless it is forced', async () => {
    const cwd = await prepareRole();
    await database.query(
      `${POLICY}; GRANT ${ROLE} TO CURRENT_USER; ALTER TABLE base OWNER TO ${ROLE}`,
    );
    const own = await runAs(cwd, ...INGEST);
    expect(own.json.rows, own.stderr).toMatchObject({ loaded: 2, duplicate: 1 });
    await database.query('DELETE FROM base WHERE id < 3; TRUNCATE edp.loads CASCADE');
    await database.query('ALTER TABLE base FORCE ROW LEVEL SECURITY');
    const forced = await runAs(cwd, ...INGEST);
    expect(forced.status).toBe(1);
    expect(forced.stderr).toMatch(/→ ALTER TABLE public.base NO FORCE ROW LEVEL SECURITY/);
    await database.query('ALTER TABLE public.base NO FORCE ROW LEVEL SECURITY');
    const mended = await runAs(cwd, ...INGEST);
    expect(mended.json.rows, mended.stderr).toMatchObject({ loaded: 2, duplicate: 1 });
  });
});

describe('privileges', () => {
  it.each([
    {
      revoke: 'REVOKE INSERT ON base FROM',
      says: /lacks INSERT\s+→ GRANT INSERT ON public.base TO/,
    },
    {
      revoke: 'REVOKE ALL ON base FROM',
      says: /lacks SELECT; INSERT\s+→ GRANT SELECT, INSERT ON public.base TO/,
    },
    { revoke: 'REVOKE SELECT ON base FROM', says: /→ GRANT SELECT ON public.base TO/ },
    {
      revoke: 'REVOKE INSERT ON edp.rejects FROM',
      says: /INSERT on edp.rejects\s+→ GRANT SELECT, INSERT ON edp.rejects TO/,
    },
    { revoke: 'REVOKE UPDATE ON edp.loads FROM', says: /UPDATE on edp.loads\s+→ GRANT/ },
  ])('$revoke', async ({ revoke, says }) => {
    const cwd = await prepareRole();
    await database.query(`${revoke} ${ROLE}`);
    await expectMend(cwd, says);
  });

  it('of single columns', async () => {
    const cwd = await prepareRole();
    await database.query(
      `REVOKE ALL ON base FROM ${ROLE}; GRANT SELECT, INSERT (id, v) ON base TO ${ROLE}`,
    );
    await expectMend(cwd, /lacks INSERT on load_id\s+→ GRANT INSERT \("load_id"\) ON public.base/);
    // Rows of single columns are settled with care, too.
    const again = await runAs(cwd, ...INGEST, '--force');
    expect(again.json.rows, again.stderr).toMatchObject({ loaded: 0, duplicate: 3 });
  });

  it('UPDATE, where rows are replaced', async () => {
    const cwd = await prepareRole();
    await expectMend(
      cwd,
      /lacks UPDATE\s+→ GRANT UPDATE ON public.base/,
      '--on-conflict',
      'update',
    );
  });

  it('a schema that the role may not look into', async () => {
    const cwd = await prepareRole();
    await database.query(`REVOKE ALL ON SCHEMA public FROM PUBLIC, ${ROLE}`);
    await expectMend(
      cwd,
      /table "base" is in schema public, which role[\s\S]*GRANT USAGE ON SCHEMA public TO/,
    );
  });

  it('the schema of the ledger', async () => {
    const cwd = await prepareRole();
    await database.query(`REVOKE ALL ON SCHEMA edp FROM ${ROLE}`);
    const refused = await runAs(cwd, ...INGEST);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(
      /lacks a privilege.*schema edp[\s\S]*edp doctor prints[\s\S]*GRANT USAGE ON SCHEMA edp TO/,
    );
  });

  it('no ledger, and no right to make one', async () => {
    await database.query(
      `${BASE} GRANT SELECT, INSERT ON base TO ${ROLE}; GRANT USAGE ON SCHEMA public TO ${ROLE}`,
    );
    const cwd = await makeProject(model('t'), { 'x.csv': CSV });
    const refused = await runAs(cwd, ...INGEST);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/the ledger cannot be set up[\s\S]*GRANT CREATE ON DATABASE/);
  });
});
