/** Facts whose tables are divided by their dates. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { withClient } from '../../../src/postgres/connection.js';
import { statesOf, useWarehouse } from '../../support/warehouse-place.js';

const { database, declare, change, run } = useWarehouse();

const project = (more: object = {}, { isByRow = false, from = 'jobs' } = {}) =>
  declare({
    tables: { jobs: { columns: { id: 'int', at: 'timestamp', n: 'int' }, key: 'id' } },
    dimensions: { n_dim: { from: 'jobs', 'natural-key': 'n', attributes: [] } },
    facts: {
      job_fact: {
        from,
        date: 'at',
        dimensions: { n_id: { dimension: 'n_dim', by: 'n' } },
        ...(isByRow
          ? { key: ['id', 'at'], columns: ['n'] }
          : { measures: { total: 'sum(n)', mean: 'avg(n)', jobs: 'count(*)' } }),
        ...more,
      },
    },
  });

const MONTHS = { 'partition-by': 'month' };

let nextId = 1;
let nextLoad = 1;

/** Loads rows of one load, each with a time. */
async function load(...times: (string | null)[]): Promise<void> {
  const id = nextLoad++;
  const rows = times.map((time, i) => `(${nextId + i}, ${time && `'${time}'`}, ${i % 3}, ${id})`);
  nextId += times.length;
  await change(`INSERT INTO jobs VALUES ${rows.join()}`, 'public.jobs', 'inserted', id);
}

async function begin(...times: (string | null)[]): Promise<void> {
  nextId = 1;
  await database.query('CREATE TABLE jobs (id int, at timestamp, n int, load_id bigint)');
  if (times.length > 0) await load(...times);
}

/** Each partition with its number of rows. */
async function partsOf(table = 'gold.job_fact'): Promise<string[]> {
  const rows = await database.query(
    `SELECT c.relname::text, (SELECT count(*)::int FROM ${table} WHERE tableoid = c.oid)
     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = '${table}'::regclass ORDER BY 1`,
  );
  return rows.map((row) => row.join(' '));
}

const ROWS = 'SELECT date::text, n_id, total, mean, jobs FROM gold.job_fact ORDER BY 1, 2';

it('rows are in partitions of their dates; those of no month, and of none that there is one for, in the rest', async () => {
  await begin(
    '2024-01-31 23:59',
    '2024-02-01',
    '2024-02-29',
    null,
    'infinity',
    '-infinity',
    '1969-12-31',
  );
  await run(await project(MONTHS));
  expect(await partsOf()).toEqual(['job_fact_2024_01 1', 'job_fact_2024_02 2', 'job_fact_rest 4']);
  await load('2024-02-01 10:00', '2024-03-01', '9999-12-31', null);
  const warehouse = await project(MONTHS);
  expect(statesOf(await run(warehouse))).toContain('gold.job_fact 2024-03-01 done');
  expect(await partsOf()).toEqual([
    'job_fact_2024_01 1',
    'job_fact_2024_02 3',
    'job_fact_2024_03 1',
    'job_fact_rest 5',
  ]);
  expect(statesOf(await run(warehouse))).toEqual([
    'gold.n_dim unchanged',
    'gold.job_fact unchanged',
  ]);
});

it('a change of partition-by changes no row and no id, and leaves no name of the table before', async () => {
  await begin('2024-01-31', '2024-02-01', '2024-02-01', '2025-02-01', null);
  await run(await project());
  const before = await database.query(ROWS);
  const seen: string[][] = [];
  for (const every of ['month', 'day', 'year', 'none', 'month']) {
    const results = statesOf(await run(await project({ 'partition-by': every })));
    expect(results.filter((state) => !/ (done|unchanged)$/.test(state))).toEqual([]);
    expect(await database.query(ROWS)).toEqual(before);
    seen.push((await partsOf()).map((part) => part.replace('job_fact_', '')));
    const names = await database.query(
      "SELECT relname::text FROM pg_class WHERE relnamespace = 'gold'::regnamespace AND relname LIKE '%\\_\\_next%'",
    );
    expect(names).toEqual([]);
  }
  expect(seen).toEqual([
    ['2024_01 1', '2024_02 2', '2025_02 1', 'rest 1'],
    ['2024_01_31 1', '2024_02_01 2', '2025_02_01 1', 'rest 1'],
    ['2024 3', '2025 1', 'rest 1'],
    [],
    ['2024_01 1', '2024_02 2', '2025_02 1', 'rest 1'],
  ]);
  expect(
    await database.query(
      "SELECT indexname::text FROM pg_indexes WHERE tablename = 'job_fact_2024_02'",
    ),
  ).toEqual([['job_fact_2024_02_date_idx']]);
});

it('a long name is cut, also when the table took the place of another', async () => {
  const name = `f${'x'.repeat(55)}`;
  await begin('2024-01-31', null);
  const warehouse = async (every: string) => {
    const { facts, ...rest } = {
      tables: { jobs: { columns: { id: 'int', at: 'timestamp', n: 'int' }, key: 'id' } },
      facts: {
        [name]: { from: 'jobs', date: 'at', measures: { jobs: 'count(*)' }, 'partition-by': every },
      },
    };
    return declare({ ...rest, facts });
  };
  await run(await warehouse('day'));
  await run(await warehouse('month'));
  expect(await partsOf(`gold.${name}`)).toEqual([
    `${name.slice(0, 55)}_2024_01 1`,
    `${name}_rest 1`,
  ]);
});

it.each([
  ['hour', 'day', ['job_fact_2024_02_01 2', 'job_fact_2024_02_02 1', 'job_fact_rest 1']],
  ['month', 'year', ['job_fact_2024 1', 'job_fact_rest 1']],
])('slices of an %s in partitions of a %s', async (slice, every, parts) => {
  await begin('2024-02-01 10:30', '2024-02-01 11:30', '2024-02-02', 'infinity');
  const warehouse = await declare({
    tables: { jobs: { columns: { id: 'int', at: 'timestamp', n: 'int' }, key: 'id' } },
    facts: {
      job_fact: {
        from: 'jobs',
        date: 'at',
        slice,
        measures: { jobs: 'count(*)' },
        'partition-by': every,
      },
    },
  });
  await run(warehouse);
  expect(await partsOf()).toEqual(parts);
  await load('2025-02-01 10:30');
  await run(warehouse);
  expect(await partsOf()).toHaveLength(parts.length + 1);
});

const EVERY = ['day', 'month', 'year'];
const TYPES = ['date', 'timestamp', 'timestamptz', 'timestamp(0)'];

it.each(TYPES.flatMap((type) => EVERY.map((every) => [type, every] as const)))(
  'dates of a %s are found by an index, too: partitions of a %s',
  async (type, every) => {
    await begin(
      '2023-12-31 23:59:59',
      '2024-01-01',
      '2024-02-29 12:00',
      null,
      '1960-01-01',
      'infinity',
    );
    await load('1970-01-01', '2024-12-31 23:30', '2030-05-05', '9999-12-31', '-infinity');
    await database.query(
      `SET timezone = 'UTC'; ALTER TABLE jobs ALTER at TYPE ${type} USING at::timestamp`,
    );
    const made: string[][] = [];
    for (const slice of ['day', 'month', 'day']) {
      if (made.length === 2) await database.query('DROP TABLE gold.job_fact; DROP INDEX by_time');
      await run(await project({ 'partition-by': every, slice }));
      made.push(await partsOf());
      if (made.length === 1)
        await database.query('DROP TABLE gold.job_fact; CREATE INDEX by_time ON jobs (at)');
    }
    const plain = await project({ 'partition-by': every });
    expect(statesOf(await run(plain)).filter((state) => !state.endsWith('unchanged'))).toEqual([]);
    expect(made[0]).toEqual(made[2]);
    await database.query('DROP TABLE gold.job_fact; CREATE INDEX by_time ON jobs (at)');
    await run(plain);
    expect(await partsOf()).toEqual(made[0]);
    expect(made[1]!.at(-1)).toBe('job_fact_rest 5');
  },
);

it('partition-range says which days have partitions, and another one makes the table anew', async () => {
  await begin('1890-05-05', '2024-02-01');
  const range = (from: string) => ({ ...MONTHS, 'partition-range': { from } });
  await run(await project(range('1890-01-01')));
  expect(await partsOf()).toEqual(['job_fact_1890_05 1', 'job_fact_2024_02 1', 'job_fact_rest 0']);
  await run(await project(range('2000-01-01')));
  expect(await partsOf()).toEqual(['job_fact_2024_02 1', 'job_fact_rest 1']);
});

it('a fact by row: the key of the server is that of the fact, and the date that follows from it', async () => {
  await begin('2024-01-31', '2024-02-01');
  const warehouse = await project(MONTHS, { isByRow: true });
  await run(warehouse);
  expect(
    await database.query(
      "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'gold.job_fact'::regclass AND contype = 'p'",
    ),
  ).toEqual([['PRIMARY KEY (id, at, date)']]);
  await change(
    "UPDATE jobs SET at = '2024-03-05', load_id = 99 WHERE n = 0",
    'public.jobs',
    'updated',
    99,
  );
  await run(warehouse);
  expect(await partsOf()).toEqual([
    'job_fact_2024_01 0',
    'job_fact_2024_02 1',
    'job_fact_2024_03 1',
    'job_fact_rest 0',
  ]);
  expect(statesOf(await run(warehouse)).filter((state) => !state.includes('unchanged'))).toEqual(
    [],
  );
});

it('rows at one place of two partitions are two rows', async () => {
  await begin('2024-01-01', '2024-02-01', '2024-03-01');
  const warehouse = await project(MONTHS);
  await run(warehouse);
  await change(
    "UPDATE jobs SET n = 2, load_id = 99 WHERE at = '2024-02-01'",
    'public.jobs',
    'updated',
    99,
  );
  await change("DELETE FROM jobs WHERE at = '2024-03-01'", 'public.jobs', 'deleted', 1);
  await load('2024-04-01');
  await run(warehouse);
  const made = await database.query(ROWS);
  await run(warehouse, { full: true });
  expect(await database.query(ROWS)).toEqual(made);
  expect(made.map(([date]) => date)).toEqual(['2024-01-01', '2024-02-01', '2024-04-01']);
});

/** Each statement about the table, with the partitions that its plan reads. */
async function planOf(statements: readonly string[]): Promise<Map<string, string[]>> {
  const plans = new Map<string, string[]>();
  await withClient(database.config, 'test', async (client) => {
    await client.query('BEGIN');
    for (const statement of statements) {
      const words = /^\s*(DELETE|UPDATE|CREATE TEMP TABLE edp_delta|INSERT INTO "?gold)/.exec(
        statement,
      );
      if (words !== null) {
        const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${statement}`);
        const text = rows.map((row) => row['QUERY PLAN']).join('\n');
        const parts = [...text.matchAll(/ on (job_fact\w*)/g)].map(([, part]) => part!);
        plans.set(words[1]!, [...new Set(parts)].sort());
      }
      await client.query(statement);
    }
    await client.query('ROLLBACK');
  });
  return plans;
}

it('a day reads and writes its partition alone; psql can run what --sql shows', async () => {
  const days = Array.from(
    { length: 60 },
    (_, i) => `2024-${String(1 + (i % 6)).padStart(2, '0')}-10`,
  );
  await begin(...days, null);
  const warehouse = await project(MONTHS);
  await run(warehouse);
  await load('2024-03-10');
  await change("DELETE FROM jobs WHERE at = '2024-03-10' AND n = 2", 'public.jobs', 'deleted', 1);
  await change("UPDATE jobs SET load_id = 1 WHERE at = '2024-03-10'", 'public.jobs', 'updated', 1);
  const orders = { dates: ['2024-03-10', '2024-03-10'], dryRun: true, withSql: true } as const;
  const [result] = (await run(warehouse, orders)).filter(({ task }) => task === 'gold.job_fact');
  expect(result?.rows.deleted).toBe(1);
  const plans = await planOf(result?.sql ?? []);
  expect([...plans]).toEqual([
    ['CREATE TEMP TABLE edp_delta', ['job_fact_2024_03']],
    ['DELETE', ['job_fact', 'job_fact_2024_03']],
    ['UPDATE', ['job_fact', 'job_fact_2024_03']],
    ['INSERT INTO "gold', ['job_fact']],
  ]);
});

it('--dry-run --sql shows how a table is divided; a dry run leaves nothing', async () => {
  await begin('2024-01-31', null);
  const warehouse = await project(MONTHS);
  const results = await run(warehouse, { dryRun: true, withSql: true });
  expect(
    await database.query("SELECT to_regclass('gold.job_fact'), to_regnamespace('gold')"),
  ).toEqual([[null, null]]);
  await database.query('CREATE SCHEMA gold');
  await withClient(database.config, 'test', async (client) => {
    for (const statement of results.flatMap(({ sql = [] }) => sql))
      await client.query(`BEGIN; ${statement}; COMMIT`).catch(() => client.query('ROLLBACK'));
  });
  const all = results.flatMap(({ sql = [] }) => sql).join(';\n');
  await database.query('DROP SCHEMA gold CASCADE; CREATE SCHEMA gold');
  await database.query(`BEGIN; ${all}; COMMIT`);
  expect(await partsOf()).toEqual(['job_fact_2024_01 1', 'job_fact_rest 1']);
  await run(warehouse, { full: true }).catch(() => {});
});

it('a new partition waits for a report over all partitions, and nobody waits behind it', async () => {
  await begin('2024-01-31', null);
  const warehouse = await project(MONTHS);
  await run(warehouse);
  await load('2024-05-05');
  await withClient(database.config, 'test', async (report) => {
    await report.query('BEGIN');
    await report.query('SELECT count(*) FROM gold.job_fact');
    let isDone = false;
    const going = run(warehouse).finally(() => {
      isDone = true;
    });
    await delay(700);
    const since = performance.now();
    await database.query('SELECT count(*) FROM gold.job_fact');
    expect(performance.now() - since).toBeLessThan(600);
    expect(isDone).toBe(false);
    // Nor do both wait for each other.
    await report.query('SELECT count(*) FROM gold.job_fact');
    await report.query('COMMIT');
    expect(statesOf(await going)).toContain('gold.job_fact 2024-05-05 done');
  });
  expect(await partsOf()).toContain('job_fact_2024_05 1');
});

it('two runs at once make a partition once', async () => {
  await begin('2024-01-31', null);
  const warehouse = await project(MONTHS);
  await run(warehouse);
  await load('2024-05-05', '2024-06-05');
  const both = await Promise.all([run(warehouse), run(warehouse)]);
  expect(both.flat().filter(({ state }) => state === 'failed')).toEqual([]);
  expect(await partsOf()).toEqual([
    'job_fact_2024_01 1',
    'job_fact_2024_05 1',
    'job_fact_2024_06 1',
    'job_fact_rest 1',
  ]);
});

it('a partition that was dropped stays away; a day that changes comes back, and --full brings all', async () => {
  await begin('2024-01-30', '2024-01-31', '2024-02-01');
  const warehouse = await project(MONTHS);
  await run(warehouse);
  await database.query('DROP TABLE gold.job_fact_2024_01');
  expect(statesOf(await run(warehouse))).toEqual([
    'gold.n_dim unchanged',
    'gold.job_fact unchanged',
  ]);
  await load('2024-02-01');
  await run(warehouse);
  expect(await partsOf()).toEqual(['job_fact_2024_02 2', 'job_fact_rest 0']);
  await load('2024-01-31');
  await run(warehouse);
  expect((await database.query(ROWS)).map(([date]) => date)).toEqual([
    '2024-01-31',
    '2024-01-31',
    '2024-02-01',
    '2024-02-01',
  ]);
  await run(warehouse, { full: true });
  expect((await database.query(ROWS)).map(([date]) => date)).toContain('2024-01-30');
});

it('a partition that was detached keeps its name and its rows, also when the table is made anew', async () => {
  await begin('2024-01-30', '2024-02-01');
  await run(await project(MONTHS));
  await database.query('ALTER TABLE gold.job_fact DETACH PARTITION gold.job_fact_2024_01');
  await load('2024-01-30');
  await run(await project(MONTHS));
  expect(await partsOf()).toEqual([
    'job_fact_2024_01_1 1',
    'job_fact_2024_02 1',
    'job_fact_rest 0',
  ]);
  await run(await project({ ...MONTHS, columns: ['n'] }));
  expect(await partsOf()).toEqual([
    'job_fact_2024_01_1 1',
    'job_fact_2024_02 1',
    'job_fact_rest 0',
  ]);
  expect(await database.query('SELECT count(*)::int FROM gold.job_fact_2024_01')).toEqual([[1]]);
});

it('a rest partition that was dropped is made again with the next rows', async () => {
  await begin('2024-01-30');
  const warehouse = await project(MONTHS);
  await run(warehouse);
  await database.query('DROP TABLE gold.job_fact_rest');
  await load(null);
  expect(statesOf(await run(warehouse))).toContain('gold.job_fact null done');
  expect(await partsOf()).toEqual(['job_fact_2024_01 1', 'job_fact_rest 1']);
});

it('more partitions than the server has locks for are refused, and the remedy is named', async () => {
  await begin();
  await change(
    "INSERT INTO jobs SELECT i, date '1990-01-01' + i, 1, 1 FROM generate_series(1, 10) AS i",
    'public.jobs',
    'inserted',
    1,
  );
  // What edp.divide raises beyond 10,000, and the server where a transaction has too many locks.
  await database.query(`ALTER FUNCTION edp.divide(regclass, text, text, date, date, text[], date[]) RENAME TO divided;
    CREATE FUNCTION edp.divide(parent regclass, every text, divisor text, since date, upto date, list_values text[], days date[])
    RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE out_of_memory USING MESSAGE = 'out of shared memory'; END $$`);
  const results = await run(await project({ 'partition-by': 'day' }));
  const failed = results.find(({ state }) => state === 'failed');
  expect(failed?.error?.message).toContain('too many partitions: out of shared memory');
  expect(failed?.error?.hint).toContain('partition-by: month');
});
