/** A check that is declared when the table is there already is asked of all its rows. */
import { describe, expect, it } from 'vitest';
import { useWarehouseFolder } from '../../support/warehouse-run.js';

const project = (checks: string) => `
tables:
  jobs: { columns: { id: int, usr: text, at: timestamp, seconds: int }, key: id }
silver:
  jobs: { from: jobs, key: id, columns: { id: id, usr: usr, at: at, seconds: seconds } }
facts:
  job_fact: { from: silver.jobs, date: at, columns: [usr], measures: { longest: max(seconds) } }
views:
  users: { materialized: true, unique: usr }
  all_users: {}
${checks}`;

const folder = useWarehouseFolder({
  'edp.yaml': project(''),
  'sql/views/users.sql':
    '-- question: Who?\nSELECT usr, max(longest) AS longest FROM gold.job_fact GROUP BY 1',
  'sql/views/all_users.sql': '-- question: Who?\nSELECT usr FROM gold.users',
});

const CHECKS = `checks:
  silver.jobs:
    - range: { column: seconds, max: 10 }
  gold.job_fact:
    - range: { column: longest, max: 10 }
    - not_null: usr
      severity: warn
  gold.users:
    - accepted_values: { column: usr, values: [a] }
`;

describe('a check that is new', () => {
  it('is asked of all rows, though nothing else is to be done, until it passes', async () => {
    await folder.load('jobs', 'id,usr,at,seconds\n1,a,2024-01-01,5\n2,b,2024-01-02,70\n');
    expect((await folder.edp('run')).status).toBe(0);
    await folder.write('edp.yaml', project(CHECKS));
    for (const time of ['first', 'second']) {
      const { status, json } = await folder.edp('run');
      expect([time, status, json.ok]).toEqual([time, 3, false]);
      const failed = json.tasks.flatMap(({ task, state, checks }) =>
        checks.filter(({ ok }) => !ok).map(({ name, failing }) => [task, state, name, failing]),
      );
      expect(failed).toEqual([
        ['silver.jobs', 'unchanged', 'range_seconds', 1],
        ['gold.job_fact', 'unchanged', 'range_longest', 1],
        ['gold.users', 'unchanged', 'accepted_values_usr', 1],
      ]);
    }
  });

  it('is asked of all rows beside those that changed, and is an ordinary one then', async () => {
    await folder.load('jobs', 'id,usr,at,seconds\n3,a,2024-01-03,6\n');
    const { status, json } = await folder.edp('run');
    expect(status).toBe(3);
    expect(
      json.tasks
        .filter(({ task }) => task === 'gold.job_fact')
        .map(({ date, state, checks }) => [date, state, checks.map(({ ok }) => ok)]),
    ).toEqual([
      ['2024-01-03', 'done', [true, true]],
      ['2024-01-02', 'unchanged', [false]],
    ]);
    await folder.load('jobs', 'id,usr,at,seconds\n2,a,2024-01-02,7\n', '--on-conflict', 'update');
    expect((await folder.edp('run')).status).toBe(0);
    const last = await folder.edp('run');
    expect(last.json.tasks.map(({ state, checks }) => [state, checks])).toEqual(
      last.json.tasks.map(() => ['unchanged', []]),
    );
  });
});

describe('a table that nobody says has changed', () => {
  it('is compared at each run, and says what its new checks and those of time find', async () => {
    await folder.database.query(
      'CREATE TABLE other (id int, n int); INSERT INTO other VALUES (1, 5), (2, 70)',
    );
    const declared = (checks: string) => `
silver:
  other: { from: public.other, key: id, columns: { id: id, n: n } }
${checks}`;
    await folder.write('edp.yaml', declared(''));
    expect((await folder.edp('run')).status).toBe(0);
    await folder.write(
      'edp.yaml',
      declared('checks: { silver.other: [{ row_count: { min: 3 }, severity: warn }] }\n'),
    );
    const counted = await folder.edp('run');
    expect(counted.status).toBe(0);
    expect(counted.json.tasks.map(({ state, checks }) => [state, checks])).toEqual([
      ['unchanged', [{ name: 'row_count', ok: false, failing: 1, severity: 'warn' }]],
    ]);
  });
});
