/** What `edp run` and `edp status --runs` say to people: of faults, of failed checks, of what was undone. */
import { describe, expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';

const HEAD = 'id,usr,at,seconds\n';
const PROJECT = `
tables:
  jobs: { columns: { id: int, usr: text, at: timestamp, seconds: text }, key: id }
silver:
  jobs:
    from: jobs
    key: job_id
    columns: { job_id: id, usr: usr, at: at, seconds: { from: seconds, type: int } }
facts:
  job_fact: { from: silver.jobs, date: at, measures: { jobs: count(*) } }
models:
  users: { key: usr }
checks:
  silver.jobs:
    - range: { column: seconds, max: 100 }
`;
const MODEL = 'SELECT usr, count(*) AS jobs\nFROM silver.jobs\nGROUP BY 1\n';

const folder = useWarehouseFolder({ 'edp.yaml': PROJECT, 'sql/models/users.sql': MODEL });

const { plain: say } = folder;

const lastLoad = async () => {
  const [[load]] = (await folder.database.query('SELECT max(load_id)::int FROM edp.loads')) as [
    [number],
  ];
  return String(load);
};

describe('edp run says', () => {
  it('in which rows a check failed, and status shows all that are kept', async () => {
    await folder.load('jobs', `${HEAD}1,a,2024-01-01,5\n2,b,2024-01-01,700\n3,b,2024-01-02,800\n`);
    const { status, stderr } = await say('run');
    expect(status).toBe(3);
    expect(stderr).toContain(
      'error: silver.jobs: check range_seconds fails for 2 rows; it stays as it was\n  such as {"at": ',
    );
    const [, runId] = /→ edp status --runs (\d+) shows/.exec(stderr)!;
    const { stdout } = await say('status', '--runs', runId!);
    expect(stdout).toContain('silver.jobs range_seconds: 2 rows\n  {');
    expect(stdout).toContain('"seconds": 800');
    expect(stdout).not.toContain('tasks: []');
    const limited = await say('status', '--runs', runId!, '--limit', '1');
    expect(limited.stdout).toContain('range_seconds: 2 rows; the first 1\n');
    expect(limited.stdout).not.toContain('"seconds": 800');
  });

  it('which value cannot be cast: the one of the row that it names', async () => {
    const values = Array.from({ length: 40 }, (_, i) => `${i + 10},c,2024-01-03,bad${i}\n`).join(
      '',
    );
    await folder.load('jobs', HEAD + values);
    const { status, stderr } = await say('run');
    expect(status).toBe(1);
    const [, value, named] = /integer: "(\w+)": column seconds, of seconds "(\w+)"/.exec(stderr)!;
    expect(value).toBe(named);
    await say('undo', await lastLoad(), '--yes');
  });

  it('in which line of its SQL a model has a column that is not there', async () => {
    await folder.load(
      'jobs',
      `${HEAD}2,b,2024-01-01,7\n3,b,2024-01-02,8\n`,
      '--on-conflict',
      'update',
    );
    await folder.write('sql/models/users.sql', MODEL.replace('1\n', 'urs\n'));
    const { status, stderr } = await say('run');
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/sql\/models\/users\.sql:3: .*"urs"/);
  });

  it('which key several rows of a model have, not which index refused it', async () => {
    await folder.write('sql/models/users.sql', 'SELECT usr, job_id AS jobs FROM silver.jobs');
    const { stderr } = await say('run');
    expect(stderr).toContain(
      'error: gold.users: several rows have the key (usr) = (b)\n  → declare a longer key',
    );
    await folder.write('sql/models/users.sql', MODEL);
    expect((await say('run')).status).toBe(0);
  });

  it('of a dry run with --sql nothing but SQL and comments', async () => {
    await folder.load('jobs', `${HEAD}4,d,2024-01-04,9\n`);
    const { stdout } = await say('run', '--dry-run', '--sql');
    expect(stdout).toContain('\n-- silver.jobs ');
    expect(stdout).toMatch(/\n-- .*a dry run: nothing is written\n$/);
    await folder.database.query(stdout);
    expect(await folder.database.query('SELECT count(*)::int FROM silver.jobs')).toEqual([[3]]);
  });

  it('whose rows are gone', async () => {
    await folder.load('jobs', `${HEAD}5,e,2024-01-05,9\n`);
    const load = await lastLoad();
    expect((await say('run')).stdout).toMatch(new RegExp(`loads? .*${load}\\n`));
    await say('undo', load, '--yes');
    const { stdout } = await say('run');
    expect(
      stdout.split('\n').filter((line) => line.endsWith(`rows of load ${load} are gone`)),
    ).toHaveLength(3);
  });

  it('that there is nothing to do where a selector finds nothing', async () => {
    const { status, stdout } = await say('run', 'state:changed');
    expect(status).toBe(0);
    expect(stdout).toBe('nothing to do: no task is state:changed\n');
  });

  it('that --full is of all dates: of some, it would lose the others until the next run', async () => {
    const { status, stderr } = await say('run', 'job_fact', '--full', '--date', '2024-01-01');
    expect(status).toBe(2);
    expect(stderr).toContain('--full makes whole tables');
    expect(await folder.database.query('SELECT count(*)::int FROM gold.job_fact')).toEqual([[3]]);
  });

  it('which file of a check, and which table that is nearly there, is to be corrected', async () => {
    await folder.write('edp.yaml', PROJECT.replace('from: jobs', 'from: jbos'));
    const { stderr } = await say('run', 'silver');
    expect(stderr).toContain(
      'there is no table or view public.jbos\n  → did you mean "public.jobs"?',
    );
    await folder.write('sql/checks/late.sql', 'SELECT * FROM silver.jobs WHERE ta IS NULL');
    await folder.write('edp.yaml', `${PROJECT}    - sql: late\n`);
    const checked = await say('check', 'silver.jobs');
    expect(checked.stderr).toContain('"ta"');
    expect(checked.stderr).toContain('sql/checks/late.sql');
  });

  it('what a check of the table found, which is of no row', async () => {
    const checks = '    - fresh: { column: at, within: 1 day }\n    - row_count: { min: 50 }\n';
    await folder.write('edp.yaml', PROJECT + checks);
    const { stderr } = await say('run', 'silver.jobs');
    expect(stderr).toContain('error: silver.jobs: check fresh_at fails: the latest is 2024-01-04 ');
    expect(stderr).toMatch(/error: silver\.jobs: check row_count fails: \d+ rows/);
    expect(stderr).not.toContain('such as');
  });
});
