/** `edp lineage`: what tables and columns are made of, by edp.yaml alone. */
import { describe, expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';

const folder = useWarehouseFolder({
  'edp.yaml': `
tables:
  users: { columns: { id: int, first: text, last: text }, key: id }
  jobs: { columns: { id: int, usr: int, at: timestamp, seconds: int }, key: id }
silver:
  users:
    from: users
    key: user_id
    columns: { user_id: id, name: { sql: "first || ' ' || last", type: text } }
  jobs: { from: jobs, key: job_id, columns: { job_id: id, user_id: usr, at: at, seconds: seconds } }
dimensions:
  user_dim: { from: silver.users, natural-key: user_id }
facts:
  job_fact:
    from: silver.jobs
    date: at
    dimensions: { user_key: { dimension: user_dim, by: [user_id] } }
    measures: { jobs: count(*), minutes: sum(seconds / 60) }
views:
  top: {}
  people: {}
`,
  'sql/views/top.sql':
    '-- question: Who?\nSELECT user_key, sum(jobs) AS jobs FROM gold.job_fact GROUP BY 1',
  'sql/views/people.sql': `-- question: What do they do?
WITH RECURSIVE busy (who, much) AS (
  SELECT user_key, sum(f.jobs) FROM gold.job_fact AS f GROUP BY 1
  UNION ALL SELECT who, much FROM busy WHERE false
), named AS (SELECT d.*, u.first FROM gold.user_dim d JOIN users u ON u.id = d.user_id)
SELECT n.name, first || '!' AS loud, coalesce(b.much, 0) AS "how much", count(*) AS records,
  (SELECT max(seconds) FROM silver.jobs j WHERE j.user_id = n.user_id) AS longest,
  CASE WHEN minutes > 5 THEN upper(last) END AS late
FROM named n LEFT JOIN busy AS b ON b.who = n.id
CROSS JOIN (SELECT sum(minutes) AS minutes FROM gold.job_fact) AS every
JOIN public.users AS again (number, called) ON again.number = n.user_id
GROUP BY 1, 2, 3, n.user_id, minutes, last`,
});

/** Column → what it is made of, in all tables. */
async function columnsOf(...args: string[]) {
  const { status, json } = await folder.edp('lineage', ...args);
  expect(status).toBe(0);
  return Object.fromEntries(
    json.nodes.flatMap(({ name, columns }) =>
      columns.map((column) => [`${name}.${column.name}`, column.from]),
    ),
  );
}

describe('edp lineage', () => {
  it('knows the columns of loaded tables that nothing reads, and names those that there are', async () => {
    const { json } = await folder.edp('lineage', 'bronze.jobs');
    expect(json.nodes[0]?.columns.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['id', 'usr', 'at', 'seconds']),
    );
    const { status, stderr } = await folder.plain('lineage', 'silver.jobs.nope');
    expect(status).toBe(2);
    expect(stderr).toBe(
      'edp: silver.jobs has no column "nope"\n  → its columns are job_id, user_id, at, seconds\n',
    );
    expect((await folder.plain('lineage', 'gold.top.jobs')).stdout).toContain(
      'is in:\n  no value; what only joins, filters or sorts by it is not followed\n',
    );
  });

  it('shows what a table reads and what reads it', async () => {
    const { json } = await folder.edp('lineage', 'silver.jobs');
    expect([json.of, json.nodes.map(({ name }) => name)]).toEqual([
      'silver.jobs',
      ['bronze.jobs', 'silver.jobs', 'gold.job_fact', 'gold.people', 'gold.top'],
    ]);
  });

  it('knows the columns', async () => {
    expect(await columnsOf()).toMatchObject({
      'silver.users.name': ['bronze.users.first', 'bronze.users.last'],
      'gold.user_dim.name': ['silver.users.name'],
      'gold.job_fact.date': ['silver.jobs.at'],
      'gold.job_fact.user_key': ['silver.jobs.user_id', 'gold.user_dim.user_id'],
      'gold.job_fact.minutes': ['silver.jobs.seconds'],
      'gold.job_fact.jobs': [],
      'gold.user_dim.id': ['silver.users.user_id'],
      'gold.top.user_key': ['gold.job_fact.user_key'],
      'gold.top.jobs': ['gold.job_fact.jobs'],
    });
  });

  it('reads SQL: queries of WITH, stars, sub-selects, other names', async () => {
    const columns = await columnsOf();
    const ofPeople = Object.entries(columns).filter(([name]) => name.startsWith('gold.people.'));
    expect(Object.fromEntries(ofPeople)).toEqual({
      'gold.people.name': ['gold.user_dim.name'],
      'gold.people.loud': ['bronze.users.first'],
      'gold.people.how much': ['gold.job_fact.jobs'],
      'gold.people.records': [],
      'gold.people.longest': ['silver.jobs.seconds'],
      'gold.people.late': ['gold.job_fact.minutes', 'bronze.users.last'],
    });
  });

  it('follows a column in both directions', async () => {
    expect(Object.keys(await columnsOf('silver.users.user_id'))).toEqual([
      'bronze.users.id',
      'silver.users.user_id',
      'gold.user_dim.id',
      'gold.user_dim.user_id',
      'gold.job_fact.user_key',
      'gold.top.user_key',
    ]);
  });

  it('draws, and prints', async () => {
    const { stdout: drawn } = await folder.plain('lineage', 'top', '--format', 'mermaid');
    expect(drawn).toContain('flowchart LR\n');
    expect(drawn).toContain('["gold.top"]');
    const { stdout: printed } = await folder.plain('lineage', 'job_fact.minutes');
    expect(printed).toBe(
      'gold.job_fact.minutes\nis made of:\n  bronze.jobs.seconds\n  silver.jobs.seconds\nis in:\n  gold.people.late\n',
    );
    const { stdout: json } = await folder.plain('lineage', '--format', 'json');
    expect(JSON.parse(json)).toMatchObject({ command: 'lineage', of: null });
  });

  it('suggests the name that was meant', async () => {
    const { status, json } = await folder.edp('lineage', 'silver.users.nam');
    expect([status, json.error.hint]).toEqual([
      2,
      expect.stringContaining('did you mean "silver.users.name"?'),
    ]);
  });
});

describe('an average', () => {
  const averages = useWarehouseFolder({
    'edp.yaml': `
tables: { jobs: { columns: { id: int, at: timestamp, seconds: int }, key: id } }
facts: { job_fact: { from: jobs, date: at, measures: { mean: avg(seconds) } } }
views: { means: {} }
`,
    'sql/views/means.sql': 'SELECT sum(mean_sum) / sum(mean_count) AS mean FROM gold.job_fact',
  });

  it('is also in the columns that it is kept in', async () => {
    const { stdout } = await averages.plain('lineage', 'gold.means.mean');
    expect(stdout).toContain(
      'is made of:\n  bronze.jobs.seconds\n  gold.job_fact.mean_sum\n  gold.job_fact.mean_count\n',
    );
  });
});

describe('captured tables', () => {
  const captured = useWarehouseFolder({
    'edp.yaml': `
tables:
  accounts:
    key: id
    columns: { id: int, owner: text, balance: numeric, region: int }
  regions: { key: id, columns: { id: int } }
silver:
  accounts: { from: accounts, key: id, columns: { id: id, who: owner } }
capture:
  source: { name: shop, database-url: "\${NOT_SET}" }
  tables:
    accounts:
      from: app.accounts
      columns:
        owner: { sql: "first_name || ' ' || last_name" }
        region: { from: region_id, reference: regions }
        balance: { calculation: "app.balance(id)" }
    regions: {}
`,
  });

  it('come from their tables in the source, column by column, though nobody can open that', async () => {
    const ofTable = await captured.edp('lineage', 'bronze.accounts');
    expect(ofTable.status, ofTable.stderr).toBe(0);
    const nodes = new Map(ofTable.json.nodes.map((node) => [node.name, node]));
    expect([...nodes.keys()]).toEqual(['shop:app.accounts', 'bronze.accounts', 'silver.accounts']);
    expect(nodes.get('shop:app.accounts')).toMatchObject({ kind: 'source', reads: [] });
    expect(nodes.get('bronze.accounts')!.reads).toEqual(['shop:app.accounts']);
    const from = Object.fromEntries(
      nodes.get('bronze.accounts')!.columns.map((column) => [column.name, column.from]),
    );
    expect(from).toMatchObject({
      id: ['shop:app.accounts.id'],
      owner: ['shop:app.accounts.first_name', 'shop:app.accounts.last_name'],
      balance: ['shop:app.accounts.id'],
      region: ['shop:app.accounts.region_id'],
      change_sequence: [],
    });
  });

  it('are above what is made of their columns, and are there though nothing reads them', async () => {
    const { json } = await captured.edp('lineage', 'silver.accounts.who');
    expect(
      json.nodes.flatMap(({ name, columns }) => columns.map((one) => `${name}.${one.name}`)),
    ).toEqual([
      'shop:app.accounts.first_name',
      'shop:app.accounts.last_name',
      'bronze.accounts.owner',
      'silver.accounts.who',
    ]);
    const plain = await captured.plain('lineage', 'regions');
    expect(plain.stdout).toContain('bronze.regions (table)');
    expect(plain.stdout).toContain('shop:regions (source)');
  });
});
