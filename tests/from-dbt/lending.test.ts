/** A dbt project of a library → a project of edp that runs, and gives what the SQL of dbt gives. */
import { access, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { edp, makeDirectory } from '../support/cli.js';
import { useEmptyDatabase } from '../support/scratch.js';

const LENDING = fileURLToPath(new URL('lending', import.meta.url));
const database = useEmptyDatabase();

const VISITS = `
  CREATE SCHEMA door;
  CREATE TABLE door.visit_log AS
    SELECT i AS visit_id, CASE WHEN i % 3 = 0 THEN 'north' ELSE 'south' END AS branch,
           timestamp '2024-05-01' + i * interval '5 hours' AS at
    FROM generate_series(1, 20) AS i`;

const LOANS = `(SELECT loan_id, book_id, reader_id, lent_on, returned_on, branch, lent_on + 21 AS due_on,
  coalesce(returned_on > lent_on + 21, true) AS is_late FROM public.loans)`;
const FEES = `(SELECT loan_id, reader_id, (coalesce(returned_on, date '2024-06-01') - due_on) * 25 AS cents
  FROM ${LOANS} AS l WHERE is_late AND coalesce(returned_on, date '2024-06-01') > due_on)`;
const TOTALS = `(SELECT r.reader_id, r.name, count(DISTINCT l.loan_id) AS loans, coalesce(sum(f.cents), 0) AS cents
  FROM public.readers AS r LEFT JOIN ${LOANS} AS l USING (reader_id)
  LEFT JOIN ${FEES} AS f ON f.loan_id = l.loan_id GROUP BY r.reader_id, r.name)`;
const BUSY = `(SELECT reader_id, loans FROM ${TOTALS} AS t WHERE loans >= 2)`;

/** Table of edp → the SQL of its model as dbt compiles it, with what it reads inside. */
const COMPILED: Readonly<Record<string, string>> = {
  stg_books:
    "SELECT book_id, title, pages, CASE WHEN pages > 200 THEN 'long' ELSE 'short' END AS size FROM public.books",
  stg_loans: `SELECT * FROM ${LOANS} AS l`,
  stg_visits: 'SELECT visit_id, branch, at::date AS day FROM door.visit_log',
  late_fees: `SELECT * FROM ${FEES} AS f`,
  reader_totals: `SELECT * FROM ${TOTALS} AS t`,
  loan_log: `SELECT loan_id, book_id, lent_on FROM ${LOANS} AS l`,
  busy_readers: `SELECT * FROM ${BUSY} AS b`,
  all_busy: `SELECT * FROM ${BUSY} AS b UNION ALL SELECT * FROM ${BUSY} AS c`,
  visits_by_day:
    'SELECT branch, at::date AS day, count(*) AS visits FROM door.visit_log GROUP BY 1, 2',
};

async function expectAsInDbt(): Promise<void> {
  for (const [table, sql] of Object.entries(COMPILED)) {
    const ordered = (from: string) =>
      database.query(
        `SELECT to_jsonb(t) - 'dw_created_at' - 'dw_updated_at' AS row FROM ${from} AS t ORDER BY 1`,
      );
    const rows = await ordered(`gold.${table}`);
    expect(rows.length, table).toBeGreaterThan(0);
    expect(rows, table).toEqual(await ordered(`(${sql})`));
  }
}

it('converts, loads, runs and checks', async () => {
  await database.query('DROP SCHEMA IF EXISTS gold, silver, town, door CASCADE');
  const cwd = await makeDirectory();
  const made = await edp(['init', '--from-dbt', LENDING, 'shelf', '--json'], { cwd });
  expect(made.status).toBe(0);
  const project = path.join(cwd, 'shelf');
  const run = (...args: string[]) =>
    edp(args, { cwd: project, env: { DATABASE_URL: database.url } });

  await database.query(`CREATE SCHEMA town; ${VISITS}`);
  expect((await run('ingest', 'data/*.csv')).status).toBe(0);
  const first = await run('run');
  expect([first.status, first.stderr]).toEqual([0, expect.stringContaining('nobody_owes_much')]);
  await expectAsInDbt();

  const checks = await run('check');
  expect(checks.status).toBe(0);
  expect(checks.stdout).toContain('25 checks, 2 failed');

  const loans = await readFile(path.join(project, 'data/loans.csv'), 'utf8');
  await writeFile(
    path.join(project, 'data/loans.csv'),
    `${loans.replace('102,3,11,2024-04-05,,south\n', '')}105,2,11,2024-05-09,,south\n`,
  );
  expect((await run('ingest', 'data/loans.csv', '--replace')).status).toBe(0);
  expect((await run('run')).status).toBe(0);
  await expectAsInDbt();
});

it('reports what it took, and what not', async () => {
  const cwd = await makeDirectory();
  const { json } = await edp(['init', '--from-dbt', LENDING, '--json'], { cwd });
  if (!('fromDbt' in json)) throw new Error('it is no conversion');
  const { taken, notTaken, tables, next } = json.fromDbt;
  expect(taken.filter(({ kind }) => kind === 'model').map(({ became }) => became)).toEqual([
    'view gold.all_busy (sql/views/all_busy.sql)',
    'materialized view gold.visits_by_day (sql/views/visits_by_day.sql)',
    'materialized view gold.busy_readers (sql/views/busy_readers.sql)',
    'model gold.loan_log, key loan_id (sql/models/loan_log.sql)',
    'model gold.reader_totals, key reader_id (sql/models/reader_totals.sql)',
    'view gold.late_fees (sql/views/late_fees.sql)',
    'view gold.stg_books (sql/views/stg_books.sql)',
    'view gold.stg_loans (sql/views/stg_loans.sql)',
    'view gold.stg_visits (sql/views/stg_visits.sql)',
  ]);
  const refused = notTaken.filter(({ kind }) => kind === 'model');
  expect(refused.map(({ file, line }) => `${file}:${line}`)).toEqual([
    'models/marts/fees_in_euro.sql:3',
    'models/marts/loans_by_year.sql:1',
    'models/marts/old_fees.sql:1',
    'models/marts/warehouse_only.sql:2',
    'models/marts/forecast.py:1',
    'models/marts/loans_by_decade.sql:1',
  ]);
  expect(notTaken.every(({ reason, instead }) => reason !== '' && instead !== '')).toBe(true);
  expect(tables).toEqual(['door.visit_log']);
  expect(next).toEqual([
    `edp db psql -c 'CREATE SCHEMA IF NOT EXISTS "town"'`,
    "edp ingest 'data/*.csv'",
    'edp run',
    'edp check',
  ]);
  const report = await readFile(path.join(cwd, 'FROM_DBT.md'), 'utf8');
  expect(report).toContain(`Taken: ${taken.length}, not taken: ${notTaken.length}.`);
  expect(report).toContain('| model `loans_by_year` | models/marts/loans_by_year.sql:1 |');
  for (const { waiting } of notTaken) {
    if (waiting !== null) await access(path.join(cwd, waiting));
  }
});

it.each<[string, string[], string]>([
  ['a folder without dbt_project.yml', ['--from-dbt', '.'], 'is no dbt project'],
  ['a folder that is not there', ['--from-dbt', 'gone'], 'gone cannot be read'],
  ['two words', ['--from-dbt', LENDING, 'a', 'b'], '"b" is one word too many'],
  ['no project', [], 'no project is named'],
  ['an unknown project', ['shop'], '"shop" is no project'],
])('refuses %s', async (_, args, message) => {
  const cwd = await makeDirectory();
  const { status, stderr } = await edp(['init', ...args], { cwd });
  expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
});

it('refuses a directory in the dbt project', async () => {
  const cwd = await makeDirectory();
  const shop = path.join(cwd, 'shop');
  await mkdir(path.join(shop, 'models'), { recursive: true });
  await writeFile(path.join(shop, 'dbt_project.yml'), 'name: shop\n');
  await writeFile(path.join(shop, 'models/a.sql'), 'select 1 as id');
  await symlink(shop, path.join(cwd, 'link'));
  for (const [from, ...words] of [
    ['shop', 'shop'],
    ['shop', 'shop/models/../new/one'],
    ['shop', 'link'],
    ['link', 'shop/new'],
  ] as const) {
    const { status, stderr } = await edp(['init', '--from-dbt', from, ...words], { cwd });
    expect([status, stderr]).toEqual([2, expect.stringContaining('the dbt project')]);
  }
  const inside = await edp(['init', '--from-dbt', '.'], { cwd: shop });
  expect([inside.status, inside.stderr]).toEqual([
    2,
    expect.stringContaining('is the dbt project itself'),
  ]);
  expect((await readdir(shop)).sort()).toEqual(['dbt_project.yml', 'models']);
  const beside = await edp(['init', '--from-dbt', 'shop', "shop's edp"], { cwd });
  expect(beside.status, beside.stderr).toBe(0);
  expect(beside.stdout).toContain(`next: cd 'shop'\\''s edp' && edp run`);
  const above = await edp(['init', '--from-dbt', 'shop', '--json'], { cwd });
  expect(above.json).toMatchObject({ ok: true, directory: '.' });
});

it('writes over no file, and then writes nothing', async () => {
  const cwd = await makeDirectory();
  await writeFile(path.join(cwd, 'FROM_DBT.md'), 'mine');
  const { status, stderr } = await edp(['init', '--from-dbt', LENDING], { cwd });
  expect([status, stderr]).toEqual([
    2,
    expect.stringContaining('there is a file FROM_DBT.md already'),
  ]);
  expect(await readFile(path.join(cwd, 'FROM_DBT.md'), 'utf8')).toBe('mine');
  await expect(access(path.join(cwd, 'edp.yaml'))).rejects.toThrow();
});
