/** The commands of environments, as a user runs them: names, results, exit status, and a promotion that is killed. */
import { expect, it } from 'vitest';
import { useWarehouseFolder } from '../../support/warehouse-run.js';

const projectOf = (plan: string) => `
tables: { raw_users: { columns: { usr: text, plan: text }, key: usr } }
silver: { users: { from: raw_users, key: usr, columns: { usr: usr, plan: ${plan} } } }
dimensions: { user_dim: { from: silver.users, natural-key: usr } }
views: { plans: { materialized: true, unique: plan } }
`;
const OLD = projectOf('plan');
const NEW = projectOf('{ sql: upper(plan), type: text }');

const folder = useWarehouseFolder({
  'edp.yaml': OLD,
  'sql/views/plans.sql': 'SELECT plan, count(*) AS users FROM gold.user_dim GROUP BY plan',
});

it('tells what differs, and by the names of edp.yaml', async () => {
  await folder.load('raw_users', 'usr,plan\na,pro\nb,free\n');
  await folder.edp('run');
  await folder.write('edp.yaml', NEW);
  const { json, status } = await folder.edp('run', '--env', 'dev');
  expect(status).toBe(0);
  expect(json.tasks.map(({ task, state }) => `${task} ${state}`)).toEqual([
    'silver.users done',
    'gold.user_dim done',
    'gold.plans done',
  ]);
  expect(json.environment).toEqual({
    name: 'dev',
    schemas: ['silver__dev', 'gold__dev'],
    differing: ['silver.users', 'gold.user_dim', 'gold.plans'],
  });
  const again = await folder.plain('run', '--env', 'dev');
  expect(again.stdout).toContain('3 tasks differ from production; 0 views');
  const runs = await folder.edp('status', '--runs');
  expect(runs.json.runs.map(({ environment }) => environment)).toEqual(['dev', 'dev', null, null]);
  const one = await folder.edp('status', '--runs', String(runs.json.runs[1]!.runId));
  expect(one.json.run.tasks.map(({ task }) => task)).toEqual([
    'silver.users',
    'gold.user_dim',
    'gold.plans',
  ]);
  expect((await folder.plain('status', '--runs')).stdout).toContain('environment');
});

it('selects, tries and prints like any run', async () => {
  const { json } = await folder.edp('run', 'user_dim', '--env', 'dev', '--full', '--only');
  expect(json.tasks.map(({ task, reason }) => [task, reason])).toEqual([
    ['gold.user_dim', '--full'],
  ]);
  const changed = await folder.edp('run', 'state:changed', '--env', 'dev');
  expect(changed.json.tasks.map(({ task }) => task)).toEqual(['silver.users']);
  const sql = await folder.plain('run', '--env', 'dev', '--full', '--dry-run', '--sql');
  expect(sql.stdout).toContain('CREATE TABLE "gold__dev"."user_dim__next"');
  expect(sql.stdout).toContain('a dry run: nothing is written');
});

it('diff shows rows by their keys, and ends with 4', async () => {
  const { json, status } = await folder.edp('diff', 'user_dim', '--env', 'dev', '--limit', '1');
  expect(status).toBe(4);
  expect(json.counts).toEqual({ onlyProduction: 0, onlyEnvironment: 0, changed: 2 });
  expect(json.changed).toEqual([
    { key: { usr: 'a' }, columns: [{ column: 'plan', production: 'pro', environment: 'PRO' }] },
  ]);
  const { stdout } = await folder.plain('diff', 'user_dim', '--env', 'dev');
  expect(stdout).toBe(
    `gold.user_dim: 2 rows in production, 2 rows in dev; compared by usr
changed: 2 (plan in 2)
  usr a: plan pro → PRO
  usr b: plan free → FREE
`,
  );
});

const refused: readonly (readonly [readonly string[], number, string])[] = [
  [['run', '--env', 'Dev'], 2, '"Dev" can be no environment'],
  [['run', '--env', 'a__b'], 2, 'single underscores'],
  [['run', '--env', 'x'.repeat(60)], 2, 'silver__xx'],
  [['diff', 'user_dim'], 2, '--env NAME'],
  [['diff', 'user_dim', '--env', 'dve'], 2, 'there is no environment "dve"'],
  [['diff', 'user', '--env', 'dev'], 2, 'declares no task "user"'],
  [['promote-env', 'dve', '--yes'], 2, 'there are dev'],
  [['promote-env', 'gone', '--drop', '--yes'], 2, 'there is no environment "gone"'],
];

it.each(refused)('edp %j ends with %i', async (args, status, text) => {
  const result = await folder.plain(...args);
  expect(result.status).toBe(status);
  expect(result.stderr).toContain(text);
});

const plans = () =>
  folder.database.query('SELECT plan FROM gold.user_dim WHERE id <> 0 ORDER BY 1');

it.each(['environment.prepared', 'environment.swapped', 'environment.moved'])(
  'a promotion that is killed at %s leaves production as it was',
  async (failpoint) => {
    const before = await folder.database.query(
      "SELECT oid, relname FROM pg_class WHERE relnamespace::regnamespace::text ~ '^(silver|gold)' ORDER BY 1",
    );
    const { status } = await folder.killed(['promote-env', 'dev', '--yes'], `${failpoint}=kill`);
    expect(status).toBe(null);
    expect(
      await folder.database.query(
        "SELECT oid, relname FROM pg_class WHERE relnamespace::regnamespace::text ~ '^(silver|gold)' ORDER BY 1",
      ),
    ).toEqual(before);
    expect(await plans()).toEqual([['free'], ['pro']]);
  },
);

it('diff says where the rows of a new table are', async () => {
  const view = 'views: { plans: { materialized: true, unique: plan } }';
  await folder.write('edp.yaml', NEW.replace(view, `${view}\nmodels: { sizes: { key: plan } }`));
  await folder.write(
    'sql/models/sizes.sql',
    'SELECT plan, users FROM gold.plans WHERE plan IS NOT NULL',
  );
  const made = await folder.plain('run', '--env', 'dev');
  expect(made.status, made.stderr + made.stdout).toBe(0);
  const { status, stderr } = await folder.plain('diff', 'sizes', '--env', 'dev');
  expect(status).toBe(1);
  expect(stderr).toContain('its rows are in gold__dev.sizes');
  await folder.write('edp.yaml', NEW);
  await folder.edp('run', '--env', 'dev');
});

it('is refused while edp.yaml says something else, and then goes', async () => {
  await folder.write('edp.yaml', projectOf('{ sql: lower(plan), type: text }'));
  const refusedNow = await folder.plain('promote-env', 'dev', '--yes');
  expect(refusedNow.status).toBe(1);
  expect(refusedNow.stderr).toContain('edp run --env dev, then promote it');
  await folder.write('edp.yaml', NEW);
  // The view has not seen yet that one of its tables was made anew.
  await folder.edp('run', '--env', 'dev');
  const { json, status } = await folder.edp('promote-env', 'dev', '--yes');
  expect(status).toBe(0);
  expect(json).toMatchObject({ action: 'promoted', environment: 'dev', keptSchemas: [] });
  expect(json.swapSeconds).toBeLessThan(1);
  expect(await plans()).toEqual([['FREE'], ['PRO']]);
  const { stdout } = await folder.plain('run');
  expect(stdout).toContain('nothing changed');
});

it('an environment is dropped', async () => {
  await folder.write('edp.yaml', OLD);
  await folder.edp('run', '--env', 'dev');
  const { json } = await folder.edp('promote-env', 'dev', '--drop', '--yes');
  expect(json).toMatchObject({ action: 'dropped', dropped: 3, tasks: [] });
  expect(await plans()).toEqual([['FREE'], ['PRO']]);
});
