/** Promotion: an environment becomes production, and the next run goes on from there. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Warehouse } from '../../../src/model/warehouse/task.js';
import { connect, withClient, withTransaction } from '../../../src/postgres/connection.js';
import { dropEnvironment } from '../../../src/warehouse/environments/drop-environment.js';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run, runIn, promote } = useWarehouse();

const VIEW =
  'SELECT d.plan, sum(f.n) AS n FROM gold.job_fact f JOIN gold.user_dim d ON d.id = f.user_id GROUP BY 1';

const TOTALS = 'SELECT user_id, sum(n) AS n FROM gold.job_fact GROUP BY 1';

const project = (plan: object | string = 'plan', more: object = {}, totals = TOTALS) =>
  declare(
    {
      tables: {
        raw_jobs: { columns: { id: 'int', usr: 'text', at: 'date', n: 'int' }, key: 'id' },
        raw_users: { columns: { usr: 'text', plan: 'text' }, key: 'usr' },
      },
      silver: {
        jobs: { from: 'raw_jobs', key: 'id', columns: { id: 'id', usr: 'usr', at: 'at', n: 'n' } },
        users: { from: 'raw_users', key: 'usr', columns: { usr: 'usr', plan } },
      },
      dimensions: { user_dim: { from: 'silver.users', 'natural-key': 'usr' } },
      facts: {
        job_fact: {
          from: 'silver.jobs',
          date: 'at',
          dimensions: { user_id: { dimension: 'user_dim', by: 'usr' } },
          measures: { n: 'sum(n)' },
        },
      },
      models: { totals: { key: 'user_id' } },
      views: { by_plan: { materialized: true, unique: 'plan' } },
      checks: { 'silver.users': [{ not_null: 'plan' }] },
      ...more,
    },
    {
      'sql/views/by_plan.sql': VIEW,
      'sql/models/totals.sql': totals,
    },
  );

const UPPER = { sql: 'upper(plan)', type: 'text' };

async function begin(): Promise<void> {
  await database.query(
    'CREATE TABLE raw_jobs (id int PRIMARY KEY, usr text, at date, n int, load_id bigint)',
  );
  await database.query('CREATE TABLE raw_users (usr text PRIMARY KEY, plan text, load_id bigint)');
  await load('raw_users', "('a', 'pro', 1), ('b', 'free', 1)", 1);
  await load('raw_jobs', "(1, 'a', '2024-01-01', 5, 2), (2, 'b', '2024-01-02', 7, 2)", 2);
}

const load = (table: string, values: string, id: number) =>
  change(`INSERT INTO ${table} VALUES ${values}`, `public.${table}`, 'inserted', id);

/** A run has nothing to do, and neither has a rebuild. */
async function expectRight(warehouse: Warehouse): Promise<void> {
  expect((await run(warehouse)).filter(({ state }) => state !== 'unchanged')).toEqual([]);
  const before = await contents();
  await run(warehouse, { full: true });
  expect(await contents()).toEqual(before);
}

async function contents(): Promise<unknown[]> {
  const found: unknown[] = [];
  const queries = [
    'SELECT * FROM silver.users ORDER BY 1',
    'SELECT usr, plan, id FROM gold.user_dim ORDER BY 3',
    'SELECT date, user_id, n FROM gold.job_fact ORDER BY 1, 2',
    'SELECT user_id, n FROM gold.totals ORDER BY 1',
    'SELECT * FROM gold.by_plan ORDER BY 1',
  ];
  for (const sql of queries) found.push(await database.query(sql));
  return found;
}

const schemas = () =>
  database.query("SELECT nspname FROM pg_namespace WHERE nspname ~ '__' ORDER BY 1");

it('its tables are those of production, and a run has nothing to do', async () => {
  await begin();
  await run(await project());
  const changed = await project(UPPER);
  await runIn('dev', changed);
  const { tasks, swapSeconds, kept } = await promote('dev', changed);
  expect([...tasks].sort()).toEqual([
    'gold.by_plan',
    'gold.job_fact',
    'gold.totals',
    'gold.user_dim',
    'silver.users',
  ]);
  expect(swapSeconds).toBeLessThan(1);
  expect(kept).toEqual([]);
  expect(await schemas()).toEqual([]);
  expect(await database.query("SELECT task FROM edp.tasks WHERE task ~ '__'")).toEqual([]);
  await expectRight(changed);
  await load('raw_jobs', "(3, 'b', '2024-01-03', 1, 3)", 3);
  const next = await run(changed, { tasks: ['job_fact'] });
  expect(statesOf(next)).toContain('gold.job_fact 2024-01-03 done');
  expect(next.find(({ slice }) => slice === '2024-01-03')!.rows.read).toBe(1);
});

it('where production moved meanwhile, the next run does what is left', async () => {
  await begin();
  await run(await project());
  const changed = await project(UPPER);
  await runIn('dev', changed);
  await load('raw_users', "('c', 'free', 3)", 3);
  await load('raw_jobs', "(3, 'c', '2024-01-02', 1, 4), (4, 'd', '2024-01-04', 2, 4)", 4);
  // Production sees both, by its old definition.
  await run(await project());
  await load('raw_users', "('d', 'pro', 5)", 5);
  await promote('dev', changed);
  const results = await run(changed);
  expect(results.filter(({ state }) => state === 'failed')).toEqual([]);
  expect(await database.query('SELECT usr, plan FROM gold.user_dim ORDER BY 1')).toEqual([
    ['a', 'PRO'],
    ['b', 'FREE'],
    ['c', 'FREE'],
    ['d', 'PRO'],
    [null, null],
  ]);
  await expectRight(changed);
});

it('members that came in both have the ids of production, and no id means two', async () => {
  await begin();
  await run(await project());
  const changed = await project(UPPER);
  await runIn('dev', changed);
  // In the environment c comes first, and in production d.
  await load('raw_users', "('c', 'free', 3)", 3);
  await load('raw_jobs', "(3, 'c', '2024-01-02', 1, 4), (4, 'e', '2024-01-02', 3, 4)", 4);
  await runIn('dev', changed);
  await change("DELETE FROM raw_users WHERE usr = 'c'", 'public.raw_users', 'deleted', 3);
  await load('raw_users', "('d', 'free', 5)", 5);
  await run(await project());
  await load('raw_users', "('c', 'free', 6), ('e', 'pro', 6)", 6);
  await run(await project());
  await runIn('dev', changed);
  const ids = () => database.query('SELECT usr, id FROM gold.user_dim WHERE id <> 0 ORDER BY 1');
  const before = await ids();
  const own = await database.query(
    'SELECT usr, id FROM gold__dev.user_dim WHERE id <> 0 ORDER BY 1',
  );
  expect(own).not.toEqual(before);
  await promote('dev', changed);
  expect(await ids()).toEqual(before);
  await run(changed);
  await expectRight(changed);
  await load('raw_users', "('f', 'pro', 7)", 7);
  await run(changed);
  expect(await database.query('SELECT count(*), count(DISTINCT id) FROM gold.user_dim')).toEqual([
    [7, 7],
  ]);
});

it('what people gave the tables of production stays', async () => {
  await begin();
  await run(await project());
  await database.query(`
    CREATE ROLE edp_promote_reader; GRANT USAGE ON SCHEMA gold TO edp_promote_reader;
    GRANT SELECT ON gold.job_fact, gold.by_plan TO edp_promote_reader;
    CREATE INDEX of_people ON gold.job_fact (n);
    ALTER TABLE gold.job_fact ADD CONSTRAINT in_between FOREIGN KEY (user_id) REFERENCES gold.user_dim;
    CREATE TABLE public.kept (id bigint CONSTRAINT kept_id REFERENCES gold.user_dim); INSERT INTO kept SELECT id FROM gold.user_dim;
    CREATE VIEW public.first AS SELECT plan FROM gold.user_dim;
    CREATE VIEW public.second AS SELECT f.n, v.plan FROM gold.job_fact f, public.first v`);
  try {
    const show = () =>
      database.query(`
        SELECT 'rights', relname::text, relacl::text FROM pg_class WHERE relname IN ('job_fact', 'by_plan') AND relkind IN ('r', 'm')
        UNION ALL SELECT 'index', indexname::text, indexdef FROM pg_indexes WHERE indexname = 'of_people'
        UNION ALL SELECT 'constraint', conname::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname IN ('in_between', 'kept_id')
        UNION ALL SELECT 'view', viewname::text, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1, 2`);
    const before = await show();
    expect(before).toHaveLength(7);
    const changed = await project(UPPER);
    await runIn('dev', changed);
    await promote('dev', changed);
    expect(await show()).toEqual(before);
    expect(await database.query('SELECT DISTINCT plan FROM public.second ORDER BY 1')).toEqual([
      ['FREE'],
      ['PRO'],
      [null],
    ]);
    expect((await run(changed)).filter(({ state }) => state !== 'unchanged')).toEqual([]);
  } finally {
    await database.query('DROP OWNED BY edp_promote_reader; DROP ROLE edp_promote_reader');
  }
});

it('waits for a long query, and lets others read meanwhile', async () => {
  await begin();
  await run(await project());
  const changed = await project(UPPER);
  await runIn('dev', changed);
  const reader = await connect(database.config, 'test');
  await reader.query('BEGIN; SELECT FROM gold.job_fact LIMIT 1');
  const promoted = promote('dev', changed);
  await delay(1500);
  const startedAt = performance.now();
  expect(await database.query('SELECT sum(n) FROM gold.job_fact')).toEqual([['12']]);
  expect(performance.now() - startedAt).toBeLessThan(900);
  await reader.end();
  expect((await promoted).tasks).toHaveLength(5);
  await expectRight(changed);
});

it('refuses what is not made as edp.yaml says now, and what is incomplete', async () => {
  await begin();
  await run(await project());
  const changed = await project(UPPER);
  await expect(promote('dev', await project())).rejects.toThrow('nothing in edp.yaml differs');
  await runIn('dev', changed, { tasks: ['user_dim'] });
  await expect(promote('dev', changed)).rejects.toThrow(
    /gold.job_fact is not made there \(and 2 more\)/,
  );
  await runIn('dev', changed);
  const other = await project({ sql: 'lower(plan)', type: 'text' });
  await expect(promote('dev', other)).rejects.toThrow(
    'silver.users is made there by another definition',
  );
  const held = await project(UPPER, {
    checks: { 'gold.job_fact': [{ range: { column: 'n', max: 6 } }] },
  });
  await runIn('dev', held, { full: true });
  await expect(promote('dev', held)).rejects.toThrow(
    'gold.job_fact is incomplete there: held back by range_n',
  );
  expect(await database.query('SELECT DISTINCT plan FROM silver.users ORDER BY 1')).toEqual([
    ['free'],
    ['pro'],
  ]);
});

it('another environment is made anew where it read what is another table now', async () => {
  await begin();
  await run(await project());
  const most = 'SELECT user_id, max(n) AS n FROM gold.job_fact GROUP BY 1';
  await runIn('two', await project('plan', {}, most));
  await runIn('dev', await project(UPPER));
  await promote('dev', await project(UPPER));
  const results = await runIn('two', await project(UPPER, {}, most));
  expect(results.map(({ task, state, reason }) => [task, state, reason])).toEqual([
    ['gold__two.totals', 'done', 'its definition changed'],
  ]);
  expect(await database.query('SELECT DISTINCT plan FROM gold__two.user_dim ORDER BY 1')).toEqual([
    ['FREE'],
    ['PRO'],
    [null],
  ]);
  await database.query('DROP SCHEMA silver__two, gold__two CASCADE');
  await expectRight(await project(UPPER));
});

it('an environment goes without a trace, and waits for nobody', async () => {
  await begin();
  await run(await project());
  await runIn('dev', await project(UPPER));
  const drop = () =>
    withClient(database.config, 'test', (client) =>
      withTransaction(client, () => dropEnvironment(client, 'dev', ['silver__dev', 'gold__dev'])),
    );
  await database.query('CREATE VIEW public.reader AS SELECT * FROM gold__dev.user_dim');
  await expect(drop()).rejects.toThrow(
    'view public.reader reads gold__dev.user_dim of environment dev',
  );
  await database.query('DROP VIEW public.reader; CREATE TABLE gold__dev.of_people (a int)');
  expect(await drop()).toEqual({ relations: 6, kept: ['gold__dev'] });
  expect(await database.query("SELECT task FROM edp.tasks WHERE task ~ '__'")).toEqual([]);
  expect((await run(await project())).filter(({ state }) => state !== 'unchanged')).toEqual([]);
});

it('may be the first to make anything in production', async () => {
  await begin();
  const warehouse = await project(UPPER);
  expect(statesOf(await runIn('dev', warehouse)).join('\n')).not.toContain('failed');
  await promote('dev', warehouse);
  expect(await database.query('SELECT plan FROM silver.users ORDER BY usr')).toEqual([
    ['PRO'],
    ['FREE'],
  ]);
  await expectRight(warehouse);
});
