/** What a check holds back: tables whose definition changed, and columns that only the table has. */
import { describe, expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';

const project = (column: string) => `
tables:
  jobs: { columns: { id: int, usr: text, at: timestamp, seconds: int }, key: id }
silver:
  jobs:
    from: jobs
    key: job_id
    columns: { job_id: id, usr: usr, at: at, seconds: seconds${column} }
dimensions:
  user_dim: { from: silver.jobs, natural-key: usr, attributes: [] }
facts:
  job_fact:
    from: silver.jobs
    date: at
    dimensions: { user_id: { dimension: user_dim, by: [usr] } }
    measures: { mean: avg(seconds) }
checks:
  silver.jobs:
    - range: { column: seconds, max: 100 }
  gold.user_dim:
    - unique: id
    - not_null: [id, usr]
  gold.job_fact:
    - range: { column: mean, max: 10 }
      severity: warn
`;

const folder = useWarehouseFolder({ 'edp.yaml': project('') });
const HEAD = 'id,usr,at,seconds\n';

describe('a table that is made anew', () => {
  it('does not take the place of the one before while a check fails', async () => {
    await folder.load('jobs', `${HEAD}1,a,2024-01-01,5\n2,b,2024-01-01,7\n`);
    expect((await folder.edp('run')).status).toBe(0);
    await folder.load('jobs', `${HEAD}3,c,2024-01-02,101\n`);
    await folder.write('edp.yaml', project(', again: seconds'));
    const { status, json } = await folder.edp('run');
    expect(status).toBe(3);
    expect(json.tasks.map(({ task, state }) => [task, state])).toContainEqual([
      'silver.jobs',
      'failed',
    ]);
    expect(await folder.database.query('SELECT * FROM silver.jobs ORDER BY 1')).toHaveLength(2);
    const [[columns]] = (await folder.database.query(
      "SELECT count(*)::int FROM pg_attribute WHERE attrelid = 'silver.jobs'::regclass AND attnum > 0",
    )) as [[number]];
    expect(columns).toBe(5);
  });

  it('does once it passes', async () => {
    await folder.load('jobs', `${HEAD}3,c,2024-01-02,99\n`, '--on-conflict', 'update');
    const { status, json } = await folder.edp('run');
    expect(status).toBe(0);
    const rows = await folder.database.query('SELECT again FROM silver.jobs ORDER BY job_id');
    expect(rows).toEqual([[5], [7], [99]]);
    // An average, which the server computes in the table.
    const fact = json.tasks.find(
      ({ task, date }) => task === 'gold.job_fact' && date === '2024-01-02',
    );
    expect(fact?.checks).toEqual([{ name: 'range_mean', ok: false, failing: 1, severity: 'warn' }]);
  });

  it('is checked by columns that only the table has, without the unknown member', async () => {
    await folder.load('jobs', `${HEAD}4,d,2024-01-03,1\n`);
    const { status, json } = await folder.edp('run', 'user_dim');
    expect(status).toBe(0);
    expect(json.tasks.at(-1)?.checks).toEqual([
      { name: 'unique_id', ok: true, failing: 0, severity: 'error' },
      { name: 'not_null_id_usr', ok: true, failing: 0, severity: 'error' },
    ]);
    expect((await folder.edp('check', 'user_dim')).status).toBe(0);
  });
});
