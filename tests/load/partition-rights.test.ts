/** Who may make partitions: a role that only loads, and the owner of the ledger in its name. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { withClient } from '../../src/postgres/connection.js';
import { edp } from '../support/cli.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const suffix = randomBytes(4).toString('hex');
const LOADER = `loader_${suffix}`;
const OWNER = `owner_${suffix}`;
const KEEPER = `keeper_${suffix}`;

const database = useEmptyDatabase();
const run = runnerFor(database);

const DIVIDED = `tables:
  d: { key: id, columns: { id: int } }
  t:
    key: id
    key-guard: true
    partition-by: { column: day, every: month }
    columns: { id: int, day: date, d: { type: int, references: d } }
`;
const FILES = {
  'd.csv': 'id\n1\n',
  'a.csv': 'id,day,d\n1,2020-01-01,1\n',
  'b.csv': 'id,day,d\n2,2020-02-01,1\n1,2020-02-01,1\n3,2020-03-01,9\n4,,1\n',
};

beforeEach(async () => {
  for (const role of [LOADER, OWNER, KEEPER]) {
    await database.query(
      `DO $$ BEGIN CREATE ROLE ${role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
    );
  }
});
afterAll(async () => {
  for (const role of [LOADER, OWNER, KEEPER]) {
    await database.query(`DROP OWNED BY ${role} CASCADE`);
    await database.query(`DROP ROLE ${role}`);
  }
});

const urlAs = (role: string) => database.url.replace('user=edp', `user=${role}`);
const runAs = <const A extends readonly string[]>(role: string, cwd: string, ...args: A) =>
  edp([...args, '--json', '--database-url', urlAs(role)], { cwd });

async function grantLoading(table = 't'): Promise<void> {
  await database.query(`GRANT USAGE ON SCHEMA public, edp TO ${LOADER};
    GRANT SELECT ON edp.migrations, edp.promotions, edp.inferred_members TO ${LOADER};
    GRANT SELECT, INSERT, UPDATE ON edp.loads, edp.runs TO ${LOADER};
    GRANT SELECT, INSERT ON edp.receipts, edp.rejects, edp.changes TO ${LOADER};
    GRANT SELECT, INSERT ON ${table} TO ${LOADER};
    GRANT SELECT ON d TO ${LOADER};`);
}

const partitions = async () =>
  (
    await database.query(
      "SELECT relid::regclass::text FROM pg_partition_tree('t') WHERE isleaf ORDER BY 1",
    )
  ).map(([name]) => name);

it('gives nobody a partition whose table shows each role rows of its own', async () => {
  const cwd = await makeProject(DIVIDED, FILES);
  await run(cwd, 'ingest', 'd.csv');
  await run(cwd, 'ingest', 'a.csv', '--table', 't');
  await database.query(`ALTER TABLE t ENABLE ROW LEVEL SECURITY;
    CREATE POLICY p ON t FOR SELECT USING (id = 1);
    GRANT SELECT ON t TO ${LOADER}; GRANT SELECT (id) ON t TO ${KEEPER};`);
  const later = await run(cwd, 'ingest', 'b.csv', '--table', 't');
  expect(later.json.rows, later.stderr).toMatchObject({ loaded: 2 });
  const readable = await database.query(
    `SELECT relid::regclass::text FROM pg_partition_tree('t')
     WHERE has_any_column_privilege('${LOADER}', relid, 'SELECT') OR has_any_column_privilege('${KEEPER}', relid, 'SELECT')
     ORDER BY 1`,
  );
  expect(readable).toEqual([['t']]);
});

describe('a role that owns nothing', () => {
  it('loads into partitions that do not exist yet, its rights given before or behind others', async () => {
    const cwd = await makeProject(DIVIDED, FILES);
    await run(cwd, 'ingest', 'd.csv');
    const first = await run(cwd, 'ingest', 'a.csv', '--table', 't');
    expect(first.json.rows, first.stderr).toMatchObject({ loaded: 1 });
    await grantLoading();
    const second = await runAs(LOADER, cwd, 'ingest', 'b.csv', '--table', 't');
    expect(second.json.rows, second.stderr).toMatchObject({ loaded: 2, rejected: 2 });
    expect(await partitions()).toEqual(['t_2020_01', 't_2020_02', 't_2020_03', 't_rest']);
    const [[owners]] = (await database.query(
      "SELECT count(DISTINCT relowner)::int FROM pg_class WHERE relname LIKE 't\\_%' OR relname = 't'",
    )) as [[number]];
    expect(owners).toBe(1);
    expect(await database.query('SELECT id FROM t_keys ORDER BY 1')).toEqual([[1], [2], [4]]);
    const verified = await runAs(LOADER, cwd, 'verify', String(second.json.files[0].loadId));
    expect(verified.status, verified.stderr).toBe(0);
    for (const statement of [
      'DROP TABLE t_2020_02',
      'TRUNCATE t_2020_02',
      'DELETE FROM t_2020_02',
      'INSERT INTO t_keys VALUES (77)',
      'ALTER TABLE t DETACH PARTITION t_2020_02',
      "SELECT edp.new_partition('t', '_x', '')",
      "SELECT edp.make_rest('t', 'day', '2020-01-01', '2021-01-01')",
      "SELECT edp.make_partitions('d', 'month', 'id', '2020-01-01', '2021-01-01', NULL, ARRAY[date '2020-01-01'])",
    ]) {
      const refused = database.query(`SET ROLE ${LOADER}; ${statement}`);
      await expect(refused, statement).rejects.toMatchObject({ code: '42501' });
      await database.query('ROLLBACK; RESET ROLE');
    }
  });

  it('needs the owner of the ledger to own the table, or to be a member of the role that does', async () => {
    const cwd = await makeProject(DIVIDED, FILES);
    await database.query(
      `GRANT CREATE ON DATABASE ${database.config.database} TO ${KEEPER}; GRANT ALL ON SCHEMA public TO ${OWNER}, ${KEEPER}`,
    );
    // The ledger is the keeper's, the tables are the owner's.
    await runAs(KEEPER, cwd, 'ingest', 'd.csv');
    await database.query('DROP TABLE d');
    await database.query(
      `GRANT USAGE ON SCHEMA edp TO ${OWNER}; GRANT ALL ON ALL TABLES IN SCHEMA edp TO ${OWNER}`,
    );
    const seeded = await runAs(OWNER, cwd, 'ingest', 'd.csv', '--force');
    expect(seeded.status, seeded.stderr).toBe(0);
    const made = await runAs(OWNER, cwd, 'ingest', 'a.csv', '--table', 't');
    expect(made.json.rows, made.stderr).toMatchObject({ loaded: 1 });
    await grantLoading();
    const refused = await runAs(LOADER, cwd, 'ingest', 'b.csv', '--table', 't');
    expect(refused.json).toMatchObject({
      ok: false,
      error: { code: 'database_refused', hint: `GRANT ${OWNER} TO ${KEEPER}` },
    });
    await database.query(`GRANT ${OWNER} TO ${KEEPER}`);
    const second = await runAs(LOADER, cwd, 'ingest', 'b.csv', '--table', 't');
    expect(second.json.rows, second.stderr).toMatchObject({ loaded: 2, rejected: 2 });
  });

  it('cannot let the owner of the ledger call its functions', async () => {
    const cwd = await makeProject(DIVIDED, FILES);
    await run(cwd, 'ingest', 'd.csv');
    await grantLoading('d');
    await database.query(`CREATE SCHEMA trap AUTHORIZATION ${LOADER}; SET ROLE ${LOADER};
      CREATE FUNCTION trap.note() RETURNS boolean LANGUAGE plpgsql VOLATILE AS
        $$ BEGIN INSERT INTO trap.callers VALUES (current_user); RETURN true; END $$;
      CREATE FUNCTION trap.check(n int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN PERFORM trap.note(); RETURN true; END $$;
      CREATE TABLE trap.callers (name text);
      CREATE TABLE trap.t (day date, CHECK (trap.check(1))) PARTITION BY RANGE (day);
      CREATE TABLE trap.rest PARTITION OF trap.t DEFAULT;
      GRANT ALL ON ALL TABLES IN SCHEMA trap TO edp; GRANT ALL ON SCHEMA trap TO edp; RESET ROLE`);
    await expect(
      withClient({ ...database.config, user: LOADER }, 'test', (client) =>
        client.query(
          "SELECT edp.make_partitions('trap.t', 'month', 'day', '2020-01-01', '2021-01-01', NULL, ARRAY[date '2020-01-01'])",
        ),
      ),
    ).rejects.toMatchObject({ code: '42501', message: expect.stringContaining('no member') });
    expect(await database.query("SELECT name FROM trap.callers WHERE name = 'edp'")).toEqual([]);
    await database.query('DROP SCHEMA trap CASCADE');
  });

  it('without a right to one partition, loads through the whole table', async () => {
    const cwd = await makeProject(DIVIDED, FILES);
    await run(cwd, 'ingest', 'd.csv');
    await run(cwd, 'ingest', 'a.csv', '--table', 't');
    await grantLoading();
    await database.query(
      `CREATE TABLE t_2020_02 PARTITION OF t FOR VALUES FROM ('2020-02-01') TO ('2020-03-01')`,
    );
    const second = await runAs(LOADER, cwd, 'ingest', 'b.csv', '--table', 't');
    expect(second.json.rows, second.stderr).toMatchObject({ loaded: 2, rejected: 2 });
  });
});
