/** What people who come from other tools write in edp.yaml and on the command line, and what edp says to it. */
import { describe, expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';

const PROJECT = `tables:
  jobs: { columns: { id: int, usr: text, at: timestamp, seconds: int } }
silver:
  jobs:
    from: jobs
    key: job_id
    columns: { job_id: id, usr: usr, at: at, seconds: seconds }
dimensions:
  user_dim: { from: silver.jobs, natural-key: usr, attributes: [] }
facts:
  job_fact: { from: silver.jobs, date: at, measures: { jobs: count(*) } }
models:
  users: { key: [usr] }
checks:
  silver.jobs:
    - range: { column: seconds, max: 100 }
`;
const MODEL = 'SELECT usr, count(*) AS jobs\nFROM silver.jobs\nWHERE usr IS NOT NULL\nGROUP BY 1\n';

const folder = useWarehouseFolder({ 'edp.yaml': PROJECT, 'sql/models/users.sql': MODEL });
const NAMES = 'edp has no templates and no ref()';

async function faultsOf(text: string): Promise<string> {
  await folder.write('edp.yaml', text);
  const { status, stderr } = await folder.plain('run');
  await folder.write('edp.yaml', PROJECT);
  expect(status).toBe(2);
  return stderr;
}

describe('edp.yaml with habits of other tools', () => {
  it.each([
    ['from: silver.jobs, date', "from: ref('jobs'), date", `11: facts.job_fact.from: ${NAMES}`],
    [
      'from: silver.jobs, date',
      `from: "{{ ref('jobs') }}", date`,
      `11: facts.job_fact.from: ${NAMES}`,
    ],
    [
      'key: job_id',
      'unique_key: job_id',
      '6: silver.jobs.unique_key: "unique_key" is not known here; key: names',
    ],
    ['key: job_id', 'unique_key: job_id', '4: silver.jobs.key: it is missing; write a column'],
    [
      'key: [usr]',
      'key: [usr], materialized: table',
      '"materialized" is not known here; a model is a table',
    ],
    ['checks:', 'tests:', '14: tests: "tests" is not known here; checks: has the checks'],
    [
      'range:',
      'not_empty:',
      '"not_empty" is not known here; there are unique, not_null, accepted_values',
    ],
    [
      'range: { column: seconds, max: 100 }',
      'relationships: { column: job_id, to: gold.users, field: usr }',
      '"field" is not known here; to: names table and column',
    ],
    [
      'range: { column: seconds, max: 100 }',
      'relationships: { column: usr, to: gold.users }',
      '"gold.users" is no column of a table; write it as gold.users.usr',
    ],
    ['count(*)', 'sum(seconds)/count(*)', 'a quotient of measures belongs in a view'],
  ])('%s → %s', async (right, wrong, message) => {
    expect(await faultsOf(PROJECT.replace(right, wrong))).toContain(message);
  });

  it('with a template that is no text, without a word of the parser', async () => {
    const stderr = await faultsOf(
      PROJECT.replace('from: silver.jobs, date', 'from: {{ x }}, date'),
    );
    expect(stderr).toMatch(/^edp: edp\.yaml has/);
  });

  it.each([
    ["SELECT usr FROM {{ ref('jobs') }}", `sql/models/users.sql:1: ${NAMES}`],
    ['SELECT usr\nFROM {% if x %} silver.jobs {% endif %}', `sql/models/users.sql:2: ${NAMES}`],
    ["SELECT usr FROM ref('jobs') AS r (usr)", `→ ${NAMES}`],
  ])('%s', async (sql, message) => {
    await folder.write('sql/models/users.sql', sql);
    const { status, stderr } = await folder.plain('run');
    await folder.write('sql/models/users.sql', MODEL);
    expect(status).not.toBe(0);
    expect(stderr).toContain(message);
  });
});

describe('edp run', () => {
  it('names files of SQL that nothing declares', async () => {
    await folder.write('sql/views/forgotten.sql', 'SELECT 1 AS one');
    const { stderr } = await folder.plain('run');
    expect(stderr).toMatch(
      /^warning: sql\/views\/forgotten\.sql is not used: edp\.yaml does not declare it\n/,
    );
  });

  it.each([
    [['--only'], '--only runs the named tasks'],
    [['user_dim', '--date', '2024-01-01'], 'user_dim has no dates\n  → facts have dates'],
    [['state:modified'], 'there is no "state:modified"\n  → state:changed'],
    [['tag:core'], 'no task has tags; a table, model or view takes tags: [core]'],
  ])('%s', async (args, message) => {
    const { status, stderr } = await folder.plain('run', ...args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });

  it('counts rows without a key, of a first build and of a later load', async () => {
    await folder.load('jobs', 'id,usr,at,seconds\n1,a,2024-01-01,5\n,b,2024-01-01,7\n');
    const first = await folder.plain('run', 'silver.jobs');
    expect(first.stdout).toMatch(
      / unknown {2}null key {2}reason\nsilver\.jobs .* 2 +1 +0 +0 +0 +1 /,
    );
    await folder.load('jobs', 'id,usr,at,seconds\n,a,2024-01-02,5\n,b,2024-01-02,7\n3,c,,1\n');
    const { json } = await folder.edp('run', 'silver.jobs');
    expect(json.tasks.map(({ rows }) => [rows.read, rows.nullKey])).toEqual([[3, 2]]);
    const { stdout } = await folder.plain('run', 'silver.jobs');
    expect(stdout).not.toContain('null key');
  });

  it('says how a model is mended whose key is NULL', async () => {
    await folder.write('sql/models/users.sql', MODEL.replace('WHERE usr IS NOT NULL\n', ''));
    await folder.load('jobs', 'id,usr,at,seconds\n4,,2024-01-01,5\n');
    const { status, stderr } = await folder.plain('run', 'users');
    await folder.write('sql/models/users.sql', MODEL);
    expect(status).toBe(1);
    expect(stderr).toContain('→ a key has no NULL: leave such rows out with WHERE');
  });
});

describe('what a check holds back', () => {
  it('is no task that failed, and fresh holds nothing back', async () => {
    const checks =
      '    - fresh: { column: at, within: 1 day }\n    - row_count: { change: 10% }\n      name: few\n';
    await folder.write('edp.yaml', PROJECT + checks);
    await folder.plain('run');
    await folder.load('jobs', 'id,usr,at,seconds\n11,a,,5\n12,a,,5\n13,a,,5\n');
    const { status, stdout, stderr } = await folder.plain('run', 'silver.jobs');
    expect(status).toBe(3);
    expect(stdout).toMatch(/^silver\.jobs .*held back .* load \d+$/m);
    expect(stdout).toMatch(/; 1 held back\n$/);
    expect(stderr).toContain(', not within 1 day\n');
    expect(stderr).toMatch(/few fails: 6 rows, 3 before: beyond change: 10%; it stays as it was/);
    const again = await folder.plain('run', 'silver.jobs');
    expect(again.stdout).toMatch(/held back by few$/m);
    const runs = (await folder.plain('status', '--runs', '--limit', '1')).stdout;
    const [, runId] = /failed checks .*\n +(\d+) +run +done +0 +0 +0 +0 +2 /.exec(runs)!;
    expect((await folder.plain('status', '--runs', runId!)).stdout).toContain(' held back ');
  });

  it('is no materialized view that is late', async () => {
    const views = 'views:\n  last: { materialized: true }\n';
    const checks = '  gold.last:\n    - fresh: { column: at, within: 1 day }\n';
    await folder.write(
      'sql/views/last.sql',
      'SELECT max(at) AS at, count(*) AS jobs FROM silver.jobs',
    );
    await folder.write('edp.yaml', PROJECT.replace('models:', `${views}models:`) + checks);
    await folder.plain('run');
    await folder.load('jobs', 'id,usr,at,seconds\n31,z,2024-01-05,5\n');
    const { status, json } = await folder.edp('run', 'last');
    expect(status).toBe(3);
    expect(json.tasks.find(({ task }) => task === 'gold.last')?.state).toBe('done');
    const [[jobs]] = (await folder.database.query('SELECT jobs::int FROM gold.last')) as [[number]];
    expect([[jobs]]).toEqual(await folder.database.query('SELECT count(*)::int FROM silver.jobs'));
  });
});

describe('edp sample', () => {
  it('says that a view has more rows than it shows', async () => {
    await folder.write('sql/views/each.sql', 'SELECT job_id FROM silver.jobs ORDER BY 1');
    await folder.write('edp.yaml', PROJECT.replace('models:', 'views:\n  each: {}\nmodels:'));
    await folder.plain('run', 'each');
    const { stdout } = await folder.plain('sample', 'each', '--limit', '1');
    expect(stdout).toContain('the first 1 row; --limit shows more\n');
    expect((await folder.plain('sample', 'each')).stdout).not.toContain('--limit');
  });
});

describe('a fact of a model whose columns are of the wrong type', () => {
  it.each([
    ['date: usr, measures: { jobs: count(*) }', '→ date: usr is to be a time in each row'],
    ['date: at, measures: { jobs: sum(usr) }', '→ one of its measures does not take values of'],
  ])('%s', async (fact, message) => {
    await folder.write(
      'sql/models/users.sql',
      'SELECT DISTINCT ON (usr) usr, at FROM silver.jobs WHERE usr IS NOT NULL',
    );
    await folder.write(
      'edp.yaml',
      PROJECT.replace(/from: silver.jobs, date: .* }/, `from: gold.users, ${fact} }`),
    );
    const { status, stderr } = await folder.plain('run', 'job_fact');
    expect(status, stderr).toBe(1);
    expect(stderr).toContain(message);
  });
});
