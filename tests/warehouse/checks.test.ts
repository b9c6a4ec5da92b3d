/** The checks of a task: what they find, and what they hold back. */
import { describe, expect, it } from 'vitest';
import { useWarehouseFolder, type WarehouseFolder } from '../support/warehouse-run.js';

const FACT = `
tables:
  groups:
    columns: { id: int, name: text }
    key: id
  jobs:
    columns: { id: int, grp: int, at: timestamp, seconds: int, outcome: text, code: text }
    key: id
silver:
  groups: { from: groups, key: group_id, columns: { group_id: id, name: name } }
  jobs:
    from: jobs
    key: job_id
    columns: { job_id: id, group_id: grp, at: at, seconds: seconds, outcome: outcome, code: code }
facts:
  job_fact: { from: silver.jobs, key: job_id, date: at, columns: [group_id, seconds, outcome, code] }
`;

type Tasks = Awaited<ReturnType<typeof runJson>>['json']['tasks'];

function runJson(folder: WarehouseFolder, ...args: string[]) {
  return folder.edp('run', ...args);
}

/** Slice → state and the checks that failed, with their counts. */
function failuresOf(tasks: Tasks, name: string): Record<string, unknown> {
  return Object.fromEntries(
    tasks
      .filter(({ task }) => task === name)
      .map(({ date = '', state, checks }) => [
        date,
        [state, Object.fromEntries(checks.filter(({ ok }) => !ok).map((c) => [c.name, c.failing]))],
      ]),
  );
}

const HEAD = 'id,grp,at,seconds,outcome,code\n';

describe('checks of a fact, by slice', () => {
  const folder = useWarehouseFolder({
    'edp.yaml': `${FACT}
checks:
  gold.job_fact:
    - unique: code
    - not_null: [group_id, outcome]
    - accepted_values: { column: outcome, values: [ok, bad] }
    - range: { column: seconds, min: 0, max: 100 }
    - matches: { column: code, pattern: "^[a-z]+$" }
    - relationships: { column: group_id, to: silver.groups.group_id }
    - range: { column: seconds, max: 10 }
      name: long_good_job
      where: outcome = 'ok'
      severity: warn
`,
  });

  it('counts each in each slice, and holds back the slices that fail', async () => {
    await folder.load('groups', 'id,name\n1,a\n2,b\n');
    await folder.load(
      'jobs',
      `${HEAD}1,1,2024-01-01,5,ok,a
2,1,2024-01-01,50,ok,b
3,,2024-01-02,-1,odd,c
4,9,2024-01-02,101,,D
5,2,2024-01-02,7,ok,a
6,2,2024-01-03,,ok,
7,2,2024-01-03,50,bad,
`,
    );
    const { status, json, stderr } = await runJson(folder);
    expect(stderr).not.toMatch(/Error:|edp:/);
    expect(failuresOf(json.tasks, 'gold.job_fact')).toEqual({
      '2024-01-01': ['done', { long_good_job: 1 }],
      '2024-01-02': [
        'failed',
        {
          unique_code: 1,
          not_null_group_id_outcome: 2,
          accepted_values_outcome: 1,
          range_seconds: 2,
          matches_code: 1,
          relationships_group_id: 1,
        },
      ],
      '2024-01-03': ['done', {}],
    });
    expect([status, json.ok]).toEqual([3, false]);
    expect(json.tasks.at(-1)?.checks).toHaveLength(7);
    expect(await folder.database.query('SELECT job_id FROM gold.job_fact ORDER BY 1')).toEqual([
      [1],
      [2],
      [6],
      [7],
    ]);
  });

  it('keeps the count and the rows in the ledger', async () => {
    const found = await folder.database.query(
      `SELECT slice, check_name, (failing->>'count')::int, jsonb_path_query_array(failing, '$.rows[*].job_id')
       FROM edp.check_failures ORDER BY 1, 2`,
    );
    expect(found).toEqual([
      ['2024-01-01', 'long_good_job', 1, [2]],
      ['2024-01-02', 'accepted_values_outcome', 1, [3]],
      ['2024-01-02', 'matches_code', 1, [4]],
      ['2024-01-02', 'not_null_group_id_outcome', 2, [3, 4]],
      ['2024-01-02', 'range_seconds', 2, [3, 4]],
      ['2024-01-02', 'relationships_group_id', 1, [4]],
      ['2024-01-02', 'unique_code', 1, [5]],
    ]);
  });

  it('tries the slice again, and publishes it once it is right', async () => {
    const again = await runJson(folder);
    expect(again.status).toBe(3);
    expect(Object.keys(failuresOf(again.json.tasks, 'gold.job_fact'))).toEqual(['2024-01-02']);
    await folder.load(
      'jobs',
      `${HEAD}3,1,2024-01-02,1,bad,c
4,2,2024-01-02,10,ok,d
5,2,2024-01-02,7,ok,e
`,
      '--on-conflict',
      'update',
    );
    const { status, json } = await runJson(folder);
    expect(failuresOf(json.tasks, 'gold.job_fact')).toEqual({ '2024-01-02': ['done', {}] });
    expect([status, json.ok]).toEqual([0, true]);
  });

  it('finds the keys of a slice in other slices, and in its own before', async () => {
    await folder.load('jobs', `${HEAD}8,1,2024-01-04,1,ok,a\n9,1,2024-01-04,1,ok,z\n`);
    const taken = await runJson(folder);
    expect(failuresOf(taken.json.tasks, 'gold.job_fact')).toEqual({
      '2024-01-04': ['failed', { unique_code: 1 }],
    });
    await folder.load('jobs', `${HEAD}8,1,2024-01-04,1,ok,y\n`, '--on-conflict', 'update');
    expect((await runJson(folder)).status).toBe(0);
    await folder.load('jobs', `${HEAD}9,1,2024-01-04,2,ok,z\n`, '--on-conflict', 'update');
    expect((await runJson(folder)).status).toBe(0);
  });

  it('keeps the rows of a slice that fails', async () => {
    await folder.load('jobs', `${HEAD}1,1,2024-01-01,999,ok,a\n`, '--on-conflict', 'update');
    const { status, json } = await runJson(folder);
    expect(failuresOf(json.tasks, 'gold.job_fact')['2024-01-01']).toEqual([
      'failed',
      { range_seconds: 1, long_good_job: 2 },
    ]);
    expect(status).toBe(3);
    const rows = 'SELECT seconds FROM gold.job_fact WHERE job_id = 1';
    expect(await folder.database.query(rows)).toEqual([[5]]);
    const full = await runJson(folder, 'job_fact', '--full');
    expect(full.status).toBe(3);
    expect(await folder.database.query(rows)).toEqual([[5]]);
    await folder.load('jobs', `${HEAD}1,1,2024-01-01,6,ok,a\n`, '--on-conflict', 'update');
    expect((await runJson(folder)).status).toBe(0);
    expect(await folder.database.query(rows)).toEqual([[6]]);
  });

  it('writes nothing in a dry run', async () => {
    await folder.load('jobs', `${HEAD}1,1,2024-01-01,998,ok,a\n`, '--on-conflict', 'update');
    const before = await folder.database.query('SELECT count(*) FROM edp.check_failures');
    const { status, json } = await runJson(folder, '--dry-run');
    expect(status).toBe(3);
    expect(failuresOf(json.tasks, 'gold.job_fact')['2024-01-01']).toEqual([
      'failed',
      { range_seconds: 1, long_good_job: 2 },
    ]);
    expect(await folder.database.query('SELECT count(*) FROM edp.check_failures')).toEqual(before);
  });
});

describe('relationships to a parent that lost rows', () => {
  const folder = useWarehouseFolder({
    'edp.yaml': `${FACT}
checks:
  gold.job_fact:
    - relationships: { column: group_id, to: silver.groups.group_id }
  silver.jobs:
    - relationships: { column: group_id, to: silver.groups.group_id }
`,
  });

  it('are checked in rows that did not change', async () => {
    await folder.load('groups', 'id,name\n1,a\n');
    await folder.load('groups', 'id,name\n2,b\n');
    await folder.load('jobs', `${HEAD}1,1,2024-01-01,5,ok,a\n2,2,2024-01-02,5,ok,b\n`);
    expect((await runJson(folder)).status).toBe(0);
    expect((await folder.plain('undo', '2', '--yes')).status).toBe(0);
    const { status, json } = await runJson(folder);
    expect(status).toBe(3);
    expect(failuresOf(json.tasks, 'silver.jobs')).toEqual({
      '': ['unchanged', { relationships_group_id: 1 }],
    });
    expect(failuresOf(json.tasks, 'gold.job_fact')).toEqual({
      '': ['unchanged', { relationships_group_id: 1 }],
    });
    await folder.load('jobs', `${HEAD}3,1,2024-01-03,5,ok,c\n`);
    const next = await runJson(folder);
    expect(next.status).toBe(3);
    expect(failuresOf(next.json.tasks, 'gold.job_fact')).toEqual({
      '2024-01-02': ['unchanged', { relationships_group_id: 1 }],
      '2024-01-03': ['done', {}],
    });
    expect(await folder.database.query('SELECT count(*) FROM gold.job_fact')).toEqual([[3]]);
  });
});

describe('checks of the whole table', () => {
  const folder = useWarehouseFolder({
    'edp.yaml': `${FACT}
checks:
  silver.jobs:
    - row_count: { min: 1, change: 50% }
    - fresh: { column: at, within: 2 days }
      severity: warn
  gold.job_fact:
    - row_count: { max: 3 }
    - sql: groups_of_many_jobs
`,
    'sql/checks/groups_of_many_jobs.sql':
      'SELECT group_id, count(*) AS jobs FROM gold.job_fact GROUP BY 1 HAVING count(*) > 2',
  });

  it('hold all of a change back', async () => {
    await folder.load('groups', 'id,name\n1,a\n');
    await folder.load('jobs', `${HEAD}1,1,2024-01-01,5,ok,a\n2,1,2024-01-02,5,ok,b\n`);
    const first = await runJson(folder);
    expect(first.status).toBe(0);
    expect(failuresOf(first.json.tasks, 'silver.jobs')).toEqual({
      '': ['done', { fresh_at: 1 }],
    });
    await folder.load('jobs', `${HEAD}3,1,2024-01-02,5,ok,c\n`);
    const second = await runJson(folder);
    expect(second.status).toBe(3);
    expect(failuresOf(second.json.tasks, 'gold.job_fact')).toEqual({
      '2024-01-02': ['failed', { groups_of_many_jobs: 1 }],
    });
    expect(await folder.database.query('SELECT count(*) FROM gold.job_fact')).toEqual([[2]]);
    const failures = await folder.database.query(
      "SELECT slice, failing FROM edp.check_failures WHERE check_name = 'groups_of_many_jobs'",
    );
    expect(failures).toEqual([['', { count: 1, rows: [{ group_id: 1, jobs: 3 }] }]]);
  });

  it('find out at each run, also of what is unchanged', async () => {
    const { json } = await runJson(folder, 'silver.jobs');
    expect(failuresOf(json.tasks, 'silver.jobs')).toEqual({
      '': ['unchanged', { fresh_at: 1 }],
    });
    expect(json.tasks.at(-1)?.checks.map(({ name }) => name)).toEqual(['row_count', 'fresh_at']);
  });

  it('compare the number of rows with that of the last run', async () => {
    await folder.load(
      'jobs',
      `${HEAD}4,,2024-01-05,5,ok,d\n5,,2024-01-05,5,ok,e\n6,,2024-01-05,5,ok,f\n`,
    );
    const { status, json } = await runJson(folder);
    expect(status).toBe(3);
    expect(failuresOf(json.tasks, 'silver.jobs')).toEqual({
      '': ['failed', { row_count: 1, fresh_at: 1 }],
    });
    expect(await folder.database.query('SELECT count(*) FROM silver.jobs')).toEqual([[3]]);
  });
});
