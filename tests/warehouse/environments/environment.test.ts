/** Environments: what they make, and that production is as it was. */
import { expect, it } from 'vitest';
import { withClient } from '../../../src/postgres/connection.js';
import { readProduction } from '../../support/production.js';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run, runIn } = useWarehouse();

const SQL = {
  'sql/models/plans.sql': 'SELECT u.plan, count(*) AS users FROM silver.users AS u GROUP BY u.plan',
  'sql/views/by_plan.sql':
    'SELECT gold.user_dim.plan, sum(f.n) AS n FROM "gold" . job_fact f /* of silver.jobs */ JOIN gold.user_dim ON gold.user_dim.id = f.user_id GROUP BY 1',
  'sql/views/top.sql': 'SELECT * FROM gold.by_plan ORDER BY n DESC LIMIT 3',
  'sql/views/days.sql': 'SELECT at, count(*) AS n FROM silver.jobs GROUP BY at',
};

const project = (plan: object | string = 'plan', more: object = {}) =>
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
      models: { plans: { key: 'plan' } },
      views: { by_plan: null, top: { materialized: true, unique: 'plan' }, days: null },
      checks: { 'silver.jobs': [{ relationships: { column: 'usr', to: 'silver.users.usr' } }] },
      ...more,
    },
    SQL,
  );

const UPPER = { sql: 'upper(plan)', type: 'text' };

async function begin(): Promise<void> {
  await database.query(
    'CREATE TABLE raw_jobs (id int PRIMARY KEY, usr text, at date, n int, load_id bigint)',
  );
  await database.query('CREATE TABLE raw_users (usr text PRIMARY KEY, plan text, load_id bigint)');
  await change(
    "INSERT INTO raw_users VALUES ('a', 'pro', 1), ('b', 'free', 1), ('c', 'pro', 1)",
    'public.raw_users',
    'inserted',
    1,
  );
  await change(
    "INSERT INTO raw_jobs VALUES (1, 'a', '2024-01-01', 5, 2), (2, 'b', '2024-01-02', 7, 2), (3, 'c', '2024-01-02', 1, 2)",
    'public.raw_jobs',
    'inserted',
    2,
  );
}

const production = () => withClient(database.config, 'test', readProduction);

/** What the schemas of the environment have, each with its kind. */
const listed = () =>
  database.query(
    `SELECT relnamespace::regnamespace::text || '.' || relname || ' ' || relkind::text FROM pg_class
     WHERE relnamespace::regnamespace::text ~ '__dev$' AND relkind IN ('r', 'v', 'm') ORDER BY 1`,
  );

it('makes what differs and what reads it, shows the rest, and leaves production as it was', async () => {
  await begin();
  await run(await project());
  const before = await production();
  expect(before.length).toBeGreaterThan(100);
  const changed = await project(UPPER);
  expect(statesOf(await runIn('dev', changed)).sort()).toEqual([
    'gold__dev.by_plan done',
    'gold__dev.job_fact 2024-01-01 done',
    'gold__dev.job_fact 2024-01-02 done',
    'gold__dev.plans done',
    'gold__dev.top done',
    'gold__dev.user_dim done',
    'silver__dev.users done',
  ]);
  expect((await listed()).flat()).toEqual([
    'gold__dev.by_plan v',
    'gold__dev.days v',
    'gold__dev.job_fact r',
    'gold__dev.plans r',
    'gold__dev.top m',
    'gold__dev.user_dim r',
    'silver__dev.jobs v',
    'silver__dev.users r',
  ]);
  const tops = 'SELECT plan, n::int FROM gold__dev.top ORDER BY 1';
  expect(await database.query(tops)).toEqual([
    ['FREE', 7],
    ['PRO', 6],
  ]);
  expect(await database.query('SELECT count(*) FROM gold__dev.days')).toEqual([[2]]);
  // Members have the ids of production.
  const ids = (schema: string) =>
    database.query(`SELECT usr, id FROM ${schema}.user_dim ORDER BY 1`);
  expect(await ids('gold__dev')).toEqual(await ids('gold'));
  const again = await runIn('dev', changed);
  expect(again.map(({ state }) => state)).toEqual(Array(6).fill('unchanged'));
  expect(await production()).toEqual(before);
});

it('goes on like any run: with what changed', async () => {
  await begin();
  await run(await project());
  const changed = await project(UPPER);
  await runIn('dev', changed);
  await change("INSERT INTO raw_users VALUES ('d', 'x', 3)", 'public.raw_users', 'inserted', 3);
  const results = await runIn('dev', changed, { tasks: ['user_dim'] });
  expect(statesOf(results)).toEqual(['silver__dev.users done', 'gold__dev.user_dim done']);
  expect(results.map(({ rows }) => [rows.read, rows.inserted])).toEqual([
    [1, 1],
    [1, 1],
  ]);
  // Production has not seen the load yet, and does so by itself.
  expect(await database.query('SELECT count(*) FROM silver.users')).toEqual([[3]]);
  await run(changed, { tasks: ['silver.users'], only: true });
  expect(await database.query('SELECT count(*) FROM silver.users')).toEqual([[4]]);
});

it('makes all of it where production has nothing yet', async () => {
  await begin();
  await runIn('dev', await project());
  expect((await listed()).flat().filter((name) => String(name).endsWith(' r'))).toHaveLength(5);
  expect(await database.query("SELECT to_regnamespace('gold'), to_regnamespace('silver')")).toEqual(
    [[null, null]],
  );
});

it('shows a table again that does not differ any more, and makes one that did not', async () => {
  await begin();
  await run(await project());
  await runIn('dev', await project(UPPER));
  await runIn('dev', await project());
  expect((await listed()).flat().every((name) => String(name).endsWith(' v'))).toBe(true);
  await runIn('dev', await project(UPPER));
  const ids = (schema: string) =>
    database.query(`SELECT usr, id FROM ${schema}.user_dim ORDER BY 1`);
  expect(await ids('gold__dev')).toEqual(await ids('gold'));
});

it('does not keep production from its own changes', async () => {
  await begin();
  await run(await project());
  await runIn('dev', await project('plan', { models: {}, views: { days: null, by_plan: null } }));
  const narrow = await project(
    { from: 'plan', values: { pro: ['PRO'] } },
    { models: {}, views: { days: null, by_plan: null } },
  );
  expect((await run(narrow)).filter(({ state }) => state === 'failed')).toEqual([]);
  const renamed = await declare({
    tables: { raw_users: { columns: { usr: 'text', plan: 'text' }, key: 'usr' } },
    silver: { users: { from: 'raw_users', key: 'usr', columns: { usr: 'usr', level: 'plan' } } },
  });
  expect(statesOf(await run(renamed))).toEqual(['silver.users done']);
  await runIn('dev', renamed);
  expect(await database.query('SELECT level FROM silver__dev.users ORDER BY usr LIMIT 1')).toEqual([
    ['pro'],
  ]);
});

it('a dry run leaves nothing, and dates are made alone', async () => {
  await begin();
  await run(await project());
  const changed = await project(UPPER);
  const tried = await runIn('dev', changed, { dryRun: true });
  expect(tried.every(({ state }) => state === 'would-change')).toBe(true);
  expect(await listed()).toEqual([]);
  const made = await runIn('dev', changed, {
    tasks: ['job_fact'],
    dates: ['2024-01-02', '2024-01-02'],
  });
  expect(statesOf(made)).toContain('gold__dev.job_fact 2024-01-02 done');
  expect(await database.query('SELECT DISTINCT date::text FROM gold__dev.job_fact')).toEqual([
    ['2024-01-02'],
  ]);
  await runIn('dev', changed);
  expect(await database.query('SELECT count(DISTINCT date) FROM gold__dev.job_fact')).toEqual([
    [2],
  ]);
});

it('has schemas by the names of layers, also where they are one', async () => {
  await begin();
  const layers = { layers: { silver: 'dw', gold: 'dw' }, models: {}, views: {} };
  await run(await project('plan', layers));
  await runIn('dev', await project(UPPER, layers));
  expect(await database.query('SELECT DISTINCT plan FROM dw__dev.user_dim ORDER BY 1')).toEqual([
    ['FREE'],
    ['PRO'],
    [null],
  ]);
  await database.query('DROP SCHEMA dw, dw__dev CASCADE');
});

it('leaves tables of others alone', async () => {
  await begin();
  await run(await project());
  await database.query('CREATE SCHEMA gold__dev; CREATE TABLE gold__dev.job_fact (a int)');
  const results = await runIn('dev', await project(UPPER));
  const failed = results.filter(({ state }) => state === 'failed');
  expect(statesOf(failed)).toEqual([
    'gold__dev.job_fact failed: there is a table "gold__dev"."job_fact" that edp run did not make',
  ]);
});
