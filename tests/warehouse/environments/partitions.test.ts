/** Facts with partitions in an environment, and their way to production. */
import { expect, it } from 'vitest';
import { withClient, withTransaction } from '../../../src/postgres/connection.js';
import { dropEnvironment } from '../../../src/warehouse/environments/drop-environment.js';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run, runIn, promote } = useWarehouse();

const project = (every: string, measures: object = { total: 'sum(n)' }) =>
  declare({
    tables: { jobs: { columns: { id: 'int', usr: 'text', at: 'date', n: 'int' }, key: 'id' } },
    dimensions: { user_dim: { from: 'jobs', 'natural-key': 'usr', attributes: [] } },
    facts: {
      job_fact: {
        from: 'jobs',
        date: 'at',
        dimensions: { user_id: { dimension: 'user_dim', by: 'usr' } },
        measures,
        'partition-by': every,
      },
    },
  });

const load = (values: string, id: number) =>
  change(`INSERT INTO jobs VALUES ${values}`, 'public.jobs', 'inserted', id);

async function begin(every: string): Promise<void> {
  await database.query('CREATE TABLE jobs (id int, usr text, at date, n int, load_id bigint)');
  await load("(1, 'a', '2024-01-01', 5, 1), (2, 'b', '2024-02-02', 7, 1), (3, 'c', NULL, 1, 1)", 1);
  await run(await project(every));
}

const ROWS = 'SELECT date::text, user_id, total FROM gold.job_fact ORDER BY 1, 2';

/** Tables of facts, with the partition that each row is in. */
const PLACES =
  "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname LIKE 'job\\_fact\\_%' AND c.relkind = 'r' ORDER BY 1";

const gold = (...names: string[]) => names.map((name) => [`gold.job_fact_${name}`]);

it.each([
  ['none', 'month', gold('2024_01', '2024_02', 'rest')],
  ['month', 'day', gold('2024_01_01', '2024_02_02', 'rest')],
  ['month', 'none', []],
])(
  'partitions of %s become those of %s, in the schema of production',
  async (before, after, places) => {
    await begin(before);
    const rows = await database.query(ROWS);
    await database.query('CREATE INDEX own_total ON gold.job_fact (total)');
    const warehouse = await project(after);
    expect(statesOf(await runIn('dev', warehouse))).toEqual([
      'gold__dev.job_fact 2024-01-01 done',
      'gold__dev.job_fact 2024-02-02 done',
      'gold__dev.job_fact null done',
    ]);
    expect(await database.query(ROWS)).toEqual(rows);
    expect((await promote('dev', warehouse)).kept).toEqual([]);
    expect(await database.query(ROWS)).toEqual(rows);
    expect(await database.query(PLACES)).toEqual(places);
    expect(await database.query("SELECT to_regnamespace('gold__dev')")).toEqual([[null]]);
    expect(
      await database.query('SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid'),
    ).toEqual([]);
    expect(
      await database.query(
        "SELECT count(*)::int FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE a.attname = 'total'",
      ),
    ).toEqual([[places.length + 1]]);
    expect(statesOf(await run(warehouse))).toEqual([
      'gold.user_dim unchanged',
      'gold.job_fact unchanged',
    ]);
    await load("(4, 'a', '2024-03-01', 5, 2)", 2);
    await run(warehouse);
    expect(await database.query(ROWS)).toHaveLength(4);
  },
);

it('a partition that was detached from production keeps its name', async () => {
  await begin('month');
  await database.query('ALTER TABLE gold.job_fact DETACH PARTITION gold.job_fact_2024_01');
  const warehouse = await project('month', { total: 'sum(n)', jobs: 'count(*)' });
  await runIn('dev', warehouse);
  await promote('dev', warehouse);
  expect(await database.query(PLACES)).toEqual(gold('2024_01', '2024_01_1', '2024_02', 'rest'));
  expect(
    await database.query(
      "SELECT tableoid::regclass::text FROM gold.job_fact WHERE date = '2024-01-01'",
    ),
  ).toEqual([['gold.job_fact_2024_01_1']]);
});

it('an environment goes with its partitions', async () => {
  await begin('none');
  const warehouse = await project('month');
  await runIn('dev', warehouse);
  await withClient(database.config, 'test', (client) =>
    withTransaction(client, () => dropEnvironment(client, 'dev', ['silver__dev', 'gold__dev'])),
  );
  expect(await database.query(PLACES)).toEqual([]);
});
