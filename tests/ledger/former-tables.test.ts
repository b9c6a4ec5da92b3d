/** Another table under an old name: what was loaded before went with the former one. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const COLUMNS = 'id int PRIMARY KEY, v text';
const model = (lineage = 'load_id') =>
  `tables:\n  orders: { columns: { id: int, v: text }, key: id, lineage: ${lineage} }\n`;
const FILES = { 'orders.csv': 'id,v\n50,a\nx,b\n' };

async function load(...args: string[]) {
  const cwd = await makeProject(model(), FILES);
  const first = await run(cwd, 'ingest', 'orders.csv', ...args);
  expect(first.json, first.stderr).toMatchObject({ rows: { loaded: 1, rejected: 1 } });
  return cwd;
}

const countRows = async () => (await database.query('SELECT count(*) FROM orders'))[0]![0];

it('dropped: the load is gone, and its file loads again into the table that edp makes', async () => {
  const cwd = await load();
  await database.query('DROP TABLE orders');
  expect((await run(cwd, 'status', '1')).json.load).toMatchObject({ state: 'gone' });
  expect((await run(cwd, 'verify', '1')).json.error).toMatchObject({ code: 'load_gone' });
  const again = await run(cwd, 'ingest', 'orders.csv');
  expect(again.json.files[0], again.stderr).toMatchObject({ status: 'loaded', loadId: 2 });
  expect(again.stderr).toContain('is a new one: the rows of one load went with the former one');
  expect(await countRows()).toBe(1);
  expect((await run(cwd, 'ingest', 'orders.csv')).json.files[0]).toMatchObject({ loadId: 2 });
  expect((await run(cwd, 'status')).json.loads).toMatchObject([
    { loadId: 2, state: 'loaded' },
    { loadId: 1, state: 'gone' },
  ]);
  expect((await run(cwd, 'replay', '1')).json.error).toMatchObject({ code: 'load_gone' });
  expect((await run(cwd, 'undo', '1', '--yes')).json).toMatchObject({
    state: 'undone',
    removed: { rows: 0, rejects: 1 },
  });
  expect(await countRows()).toBe(1);
});

it.each([
  ['load_id', 'load_id bigint'],
  ['false', 'w int'],
])('made anew by hand, with lineage: %s', async (lineage, column) => {
  const cwd = await makeProject(model(lineage), FILES);
  await run(cwd, 'ingest', 'orders.csv');
  await database.query('DROP TABLE orders');
  await database.query(`CREATE TABLE orders (${COLUMNS}, ${column})`);
  expect((await run(cwd, 'status', '1')).json.load).toMatchObject({ state: 'gone' });
  const tried = await run(cwd, 'ingest', 'orders.csv', '--dry-run');
  expect(tried.json.files[0]).toMatchObject({ status: 'loaded', rows: { loaded: 1 } });
  const again = await run(cwd, 'ingest', 'orders.csv');
  expect(again.json.files[0], again.stderr).toMatchObject({ status: 'loaded', loadId: 2 });
  expect(await countRows()).toBe(1);
});

it('made anew by hand without the lineage column: that is said first', async () => {
  const cwd = await load();
  await database.query(
    `DROP TABLE orders; CREATE TABLE orders (${COLUMNS}); INSERT INTO orders VALUES (1)`,
  );
  const { json } = await run(cwd, 'ingest', 'orders.csv');
  expect(json.error).toMatchObject({ code: 'table_mismatch' });
  expect(json.error.message).toContain('it has no column "load_id"');
});

it('a load that was interrupted does not go on in another table', async () => {
  const cwd = await load();
  await database.query("UPDATE edp.loads SET state = 'loading', finished_at = NULL");
  await database.query('DROP TABLE orders');
  const again = await run(cwd, 'ingest', 'orders.csv');
  expect(again.json.files[0]).toMatchObject({ status: 'loaded', loadId: 2, rows: { loaded: 1 } });
});

it('a table that was rebuilt with its rows is the same', async () => {
  const cwd = await load();
  await database.query('CREATE TABLE fresh AS SELECT * FROM orders');
  await database.query('ALTER TABLE fresh ADD PRIMARY KEY (id)');
  await database.query('DROP TABLE orders');
  await database.query('ALTER TABLE fresh RENAME TO orders');
  expect((await run(cwd, 'status', '1')).json.load).toMatchObject({ state: 'loaded' });
  const again = await run(cwd, 'ingest', 'orders.csv');
  expect(again.json.files[0]).toMatchObject({ status: 'skipped', loadId: 1 });
  expect((await run(cwd, 'verify', '1')).json).toMatchObject({ ok: true });
});

it('where nothing shows whether the rows are there, the file is skipped with a warning', async () => {
  const cwd = await makeProject(model('false'), FILES);
  await run(cwd, 'ingest', 'orders.csv');
  await database.query('CREATE TABLE fresh AS SELECT * FROM orders');
  await database.query('ALTER TABLE fresh ADD PRIMARY KEY (id)');
  await database.query('DROP TABLE orders');
  await database.query('ALTER TABLE fresh RENAME TO orders');
  const again = await run(cwd, 'ingest', 'orders.csv');
  expect(again.json.files[0]).toMatchObject({ status: 'skipped', loadId: 1 });
  expect(again.stderr).toContain('nothing shows whether their rows are in it');
});

it('after a restore, other oids mean nothing, and a table dropped later is noticed', async () => {
  const cwd = await load();
  // A restore gives the ledger another oid, too.
  await database.query("UPDATE edp.loads SET table_oid = 1, table_database = '7 8 9'");
  expect((await run(cwd, 'status', '1')).json.load).toMatchObject({ state: 'loaded' });
  const skipped = await run(cwd, 'ingest', 'orders.csv');
  expect(skipped.json.files[0]).toMatchObject({ status: 'skipped', loadId: 1 });
  const oids = await database.query("SELECT table_oid = 'orders'::regclass FROM edp.loads");
  expect(oids).toEqual([[true]]);
  await database.query('DROP TABLE orders');
  expect((await run(cwd, 'status', '1')).json.load).toMatchObject({ state: 'gone' });
});

const hasDump = spawnSync('pg_dump', ['--version']).status === 0;

it.runIf(hasDump)('pg_dump and psql into the same database', async () => {
  const cwd = await load();
  const dump = spawnSync('pg_dump', ['--clean', database.url], { encoding: 'utf8' });
  const restored = spawnSync('psql', ['-q', database.url], {
    input: dump.stdout,
    encoding: 'utf8',
  });
  expect(restored.status, restored.stderr).toBe(0);
  const again = await run(cwd, 'ingest', 'orders.csv');
  expect(again.json.files[0], again.stderr).toMatchObject({ status: 'skipped', loadId: 1 });
  expect((await run(cwd, 'verify', '1')).json).toMatchObject({ ok: true });
});

it('a table that was renamed, or moved to another schema, keeps its loads', async () => {
  await load();
  await database.query('DROP SCHEMA IF EXISTS archive CASCADE');
  await database.query('CREATE SCHEMA archive');
  await database.query('ALTER TABLE orders RENAME TO purchases');
  await database.query('ALTER TABLE purchases SET SCHEMA archive');
  const cwd = await makeProject(model().replace('orders', 'archive.purchases'), FILES);
  const again = await run(cwd, 'ingest', 'orders.csv', '--table', 'purchases');
  expect(again.json.files[0]).toMatchObject({ status: 'skipped', schema: 'archive', loadId: 1 });
  expect((await run(cwd, 'verify', '1')).json).toMatchObject({ ok: true });
  expect((await run(cwd, 'undo', '1', '--yes')).json).toMatchObject({ removed: { rows: 1 } });
});

it('a table that is set aside while another one has its name', async () => {
  const cwd = await load();
  await database.query('ALTER TABLE orders RENAME TO orders_old');
  const other = await run(cwd, 'ingest', 'orders.csv');
  expect(other.json.files[0], other.stderr).toMatchObject({ status: 'loaded', loadId: 2 });
  await database.query('DROP TABLE orders');
  await database.query('ALTER TABLE orders_old RENAME TO orders');
  const back = await run(cwd, 'ingest', 'orders.csv');
  expect(back.json.files[0], back.stderr).toMatchObject({ status: 'skipped', loadId: 1 });
  expect((await run(cwd, 'verify', '1')).json).toMatchObject({ ok: true });
});

it('a reader who may not enter the schema sees the loads', async () => {
  const cwd = await load();
  await database.query('DROP SCHEMA IF EXISTS closed CASCADE; CREATE SCHEMA closed');
  await database.query('ALTER TABLE orders SET SCHEMA closed');
  await database.query("UPDATE edp.loads SET schema_name = 'closed', table_oid = 1");
  await database.query('DROP ROLE IF EXISTS edp_sees_loads; CREATE ROLE edp_sees_loads');
  try {
    await database.query('GRANT USAGE ON SCHEMA edp TO edp_sees_loads');
    await database.query('GRANT SELECT ON ALL TABLES IN SCHEMA edp TO edp_sees_loads');
    const env = { PGOPTIONS: '-c role=edp_sees_loads' };
    const args = ['status', '1', '--json', '--database-url', database.url] as const;
    expect((await edp(args, { cwd, env })).json).toMatchObject({ load: { state: 'loaded' } });
  } finally {
    await database.query('DROP OWNED BY edp_sees_loads');
    await database.query('DROP ROLE edp_sees_loads');
  }
});

it('undo of a table that was renamed says so', async () => {
  const cwd = await load();
  await database.query('ALTER TABLE orders RENAME TO orders_old');
  const { json, status } = await run(cwd, 'undo', '1', '--yes');
  expect(status).toBe(1);
  expect(json.error.message).toContain('which is called public.orders_old now');
  expect(await database.query('SELECT count(*) FROM orders_old')).toEqual([[1]]);
});
