/** Tables are known by schema and name, whatever the search path is. */
import { expect, it } from 'vitest';
import { edp } from '../support/cli.js';
import { makeProject, runnerFor, useEmptyDatabase } from '../support/scratch.js';

const database = useEmptyDatabase();
const run = runnerFor(database);

const TABLE = '{ columns: { id: int, v: text }, key: id }';
const FILE = 'id,v\n50,a\n';

/** A runner whose sessions have another search_path. */
function within(...schemas: string[]) {
  const options = encodeURIComponent(`-csearch_path=${schemas.join(',')}`);
  return <const A extends readonly string[]>(cwd: string, ...args: A) =>
    edp(
      [
        ...args,
        '--json',
        '--database-url',
        `${database.url}${database.url.includes('?') ? '&' : '?'}options=${options}`,
      ],
      { cwd },
    );
}

/** Schemas s1 and s2, and what else a test needs; all are dropped first. */
async function makeSchemas(...names: string[]): Promise<void> {
  for (const name of names) {
    const quoted = `"${name.replaceAll('"', '""')}"`;
    await database.query(`DROP SCHEMA IF EXISTS ${quoted} CASCADE`);
    await database.query(`CREATE SCHEMA ${quoted}`);
  }
}

it.each([
  ['sales.orders', 'sales', 'orders'],
  ['Sales Dept.Orders', 'Sales Dept', 'Orders'],
  ['"s.x"."o.y"', 's.x', 'o.y'],
  ['sales."orders"', 'sales', 'orders'],
  ['sales.say "hi"', 'sales', 'say "hi"'],
  ['"a.b"', 'public', 'a.b'],
  ['orders', 'public', 'orders'],
])('%s is table %s . %s: ingest, verify, replay, undo', async (text, schema, name) => {
  if (schema !== 'public') await makeSchemas(schema);
  const model = `tables:\n  ${JSON.stringify(text)}: ${TABLE}\n`;
  const cwd = await makeProject(model, { 'o.csv': `${FILE}x,b\n` });
  const loaded = await run(cwd, 'ingest', 'o.csv', '--table', text);
  expect(loaded.json, loaded.stderr).toMatchObject({ files: [{ schema, status: 'loaded' }] });
  const quoted = `"${schema}"."${name.replaceAll('"', '""')}"`;
  expect(await database.query(`SELECT id, v FROM ${quoted}`)).toEqual([[50, 'a']]);
  const known = await database.query('SELECT schema_name, table_name FROM edp.loads');
  expect(known).toEqual([[schema, name]]);
  const again = await run(cwd, 'ingest', 'o.csv', '--table', text);
  expect(again.json.files[0]).toMatchObject({ status: 'skipped', loadId: 1 });
  expect((await run(cwd, 'verify', '1')).json).toMatchObject({ ok: true, schema });
  expect((await run(cwd, 'replay', '1')).json).toMatchObject({ schema, remaining: 1 });
  expect((await run(cwd, 'status', '1')).json.load).toMatchObject({
    schema,
    table: again.json.files[0].table,
  });
  expect((await run(cwd, 'undo', '1', '--yes')).json).toMatchObject({ state: 'undone', schema });
  expect(await database.query(`SELECT count(*) FROM ${quoted}`)).toEqual([[0]]);
});

it('a schema that does not exist is told, with what to do', async () => {
  const cwd = await makeProject(`tables:\n  2024.orders: ${TABLE}\n`, { 'o.csv': FILE });
  const { json, status } = await run(cwd, 'ingest', 'o.csv', '--table', '2024.orders');
  expect(status).toBe(1);
  expect(json.error).toMatchObject({
    code: 'database_refused',
    message: 'table "2024.orders" cannot be made: there is no schema "2024" in the database',
    hint: `CREATE SCHEMA "2024"; or, if the name of the table has a dot in it, write '"2024.orders"'`,
  });
});

it.each([
  ['a.b.c', 'a table is written name or schema.name'],
  ['.a', 'a table is written name or schema.name'],
  ['a.', 'a table is written name or schema.name'],
  ['edp.mine', 'schema "edp" belongs to edp itself'],
  ['pg_catalog.mine', 'schema "pg_catalog" belongs to the server'],
])('%s is no name of a table', async (text, message) => {
  const cwd = await makeProject(`tables:\n  ${JSON.stringify(text)}: ${TABLE}\n`, {
    'o.csv': FILE,
  });
  const { json, status } = await run(cwd, 'ingest', 'o.csv', '--table', text);
  expect(status).toBe(2);
  expect(json.error.message).toContain(message);
});

it('one name written in two ways is a fault', async () => {
  const model = `tables:\n  orders: ${TABLE}\n  '"orders"': ${TABLE}\n`;
  const cwd = await makeProject(model, { 'orders.csv': FILE });
  const { json } = await run(cwd, 'ingest', 'orders.csv');
  expect(json.error.message).toContain('orders and "orders" are the same table');
});

it('the same file goes into a table of each schema, and an undo finds its own', async () => {
  await makeSchemas('s1', 's2');
  const cwd = await makeProject(`tables:\n  facts: ${TABLE}\n`, { 'facts.csv': FILE });
  const first = within('s1');
  const second = within('s2');
  expect((await first(cwd, 'ingest', 'facts.csv')).json.files[0]).toMatchObject({
    status: 'loaded',
    schema: 's1',
    table: 'facts',
  });
  expect((await second(cwd, 'ingest', 'facts.csv')).json.files[0]).toMatchObject({
    status: 'loaded',
    schema: 's2',
    table: 'facts',
  });
  expect((await first(cwd, 'status')).json.loads).toMatchObject([
    { schema: 's2', table: 's2.facts' },
    { schema: 's1', table: 'facts' },
  ]);
  expect((await second(cwd, 'verify', '1')).json).toMatchObject({ ok: true, table: 's1.facts' });
  expect((await second(cwd, 'undo', '1', '--yes')).json).toMatchObject({
    state: 'undone',
    table: 's1.facts',
    removed: { rows: 1 },
  });
  expect(await database.query('SELECT count(*) FROM s1.facts')).toEqual([[0]]);
  expect(await database.query('SELECT count(*) FROM s2.facts')).toEqual([[1]]);
  expect((await first(cwd, 'ingest', 'facts.csv')).json.files[0].status).toBe('loaded');
});

it('a table that is found behind the first schema is known by its own', async () => {
  await makeSchemas('s1', 's2');
  await database.query('CREATE TABLE s2.facts (id int PRIMARY KEY, v text, load_id bigint)');
  const cwd = await makeProject(`tables:\n  facts: ${TABLE}\n`, { 'facts.csv': FILE });
  const loaded = await within('s1', 's2')(cwd, 'ingest', 'facts.csv');
  expect(loaded.json.files[0]).toMatchObject({ schema: 's2', table: 's2.facts' });
  const skipped = await within('s2')(cwd, 'ingest', 'facts.csv');
  expect(skipped.json.files[0]).toMatchObject({ status: 'skipped', table: 'facts' });
  const changes = await database.query('SELECT DISTINCT relation FROM edp.changes');
  expect(changes).toEqual([['s2.facts']]);
});

const TWO = `tables:\n  s1.facts: ${TABLE}\n  s2.facts: ${TABLE}\n`;

it('two tables of one name in one command, and a name that both could take', async () => {
  await makeSchemas('s1', 's2');
  const files = { 's1.facts.csv': FILE, 's2.facts-7.csv': FILE, 'facts.csv': FILE };
  const cwd = await makeProject(TWO, files);
  const loaded = await run(cwd, 'ingest', 's1.facts.csv', 's2.facts-7.csv');
  expect(loaded.json.files, loaded.stderr).toMatchObject([
    { schema: 's1', table: 's1.facts', status: 'loaded' },
    { schema: 's2', table: 's2.facts', status: 'loaded' },
  ]);
  const unsure = await run(cwd, 'ingest', 'facts.csv');
  expect(unsure.status).toBe(2);
  expect(unsure.json.error.message).toContain('several tables go by the name');
});

it('two tables of one name in two commands at once', async () => {
  await makeSchemas('s1', 's2');
  const cwd = await makeProject(TWO, { 'f.csv': FILE });
  const runs = ['s1.facts', 's2.facts', 's1.facts', 's2.facts'].map((table) =>
    run(cwd, 'ingest', 'f.csv', '--table', table),
  );
  const results = await Promise.all(runs);
  expect(results.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
  expect(results.map(({ json }) => json.files[0].status).sort()).toEqual([
    'loaded',
    'loaded',
    'skipped',
    'skipped',
  ]);
  expect(await database.query('SELECT count(*) FROM s1.facts')).toEqual([[1]]);
  expect(await database.query('SELECT count(*) FROM s2.facts')).toEqual([[1]]);
});

it('references lead into another schema', async () => {
  await makeSchemas('dims', 'facts');
  const model = `tables:
  dims.Shops: { columns: { id: int, name: text }, key: id }
  facts.sales:
    columns:
      id: int
      a: { type: int, references: dims.Shops }
      b: { type: int, references: dims.Shops.id }
      c: { type: int, references: 'dims."Shops".id' }
`;
  const cwd = await makeProject(model, {
    'dims.Shops.csv': 'id,name\n1,a\n',
    'sales.csv': 'id,a,b,c\n1,1,1,1\n2,7,1,1\n',
  });
  const loaded = await run(cwd, 'ingest', 'sales.csv', 'dims.Shops.csv');
  expect(loaded.json, loaded.stderr).toMatchObject({ rows: { loaded: 2, rejected: 1 } });
  const keys = await database.query(
    "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND confrelid = 'dims.\"Shops\"'::regclass",
  );
  expect(keys).toEqual([[3]]);
});

it('--create makes the table in its schema, and the dry run before it only says so', async () => {
  await makeSchemas('sales');
  const cwd = await makeProject(null, { 'o.csv': FILE });
  const create = ['ingest', 'o.csv', '--create', '--table', 'sales.orders'] as const;
  const tried = await run(cwd, ...create, '--dry-run');
  expect(tried.json.files[0], tried.stderr).toMatchObject({ schema: 'sales', status: 'loaded' });
  const loaded = await run(cwd, ...create);
  expect(loaded.json.files[0], loaded.stderr).toMatchObject({
    schema: 'sales',
    table: 'sales.orders',
    status: 'loaded',
  });
  expect(await database.query('SELECT count(*) FROM sales.orders')).toEqual([[1]]);
  const bare = await run(cwd, 'ingest', 'o.csv', '--table', 'orders');
  expect(bare.json.files[0]).toMatchObject({ status: 'skipped', table: 'sales.orders' });
});

it('--replace replaces the table of its schema, and the loads of that one', async () => {
  await makeSchemas('s1', 's2');
  const cwd = await makeProject(TWO, { 'f.csv': FILE, 'g.csv': 'id,v\n1,b\n' });
  for (const table of ['s1.facts', 's2.facts']) await run(cwd, 'ingest', 'f.csv', '--table', table);
  const replaced = await run(cwd, 'ingest', 'g.csv', '--replace', '--table', 's2.facts');
  expect(replaced.json, replaced.stderr).toMatchObject({
    files: [{ schema: 's2', status: 'loaded' }],
    replaced: { rows: 1, loads: [2] },
  });
  expect(await database.query('SELECT id FROM s1.facts')).toEqual([[50]]);
  expect((await run(cwd, 'verify', '1')).json).toMatchObject({ ok: true });
});
