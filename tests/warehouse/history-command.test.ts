/** Histories by the commands: loads that take effect at a moment, plans of a run, what the database refuses, lineage. */
import { beforeAll, describe, expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';

const folder = useWarehouseFolder({
  'edp.yaml': `
tables:
  plans: { columns: { member: int, plan: text, note: text } }
  moves: { columns: { member: int, city: text, at: timestamptz }, key: [member, at] }
  uses: { columns: { use_id: int, member: int, at: timestamptz }, key: use_id }
silver:
  moves: { from: moves, key: member, columns: { member: member, city: city }, history: { by: at } }
dimensions:
  plan_dim: { from: plans, natural-key: member, type-2: plan }
  city_dim: { from: silver.moves, natural-key: member, type-2: [city] }
facts:
  use_fact:
    from: uses
    key: use_id
    date: at
    dimensions:
      plan: { dimension: plan_dim, by: member, as-of: at }
      city: { dimension: city_dim, by: member, as-of: at }
`,
});

const query = (sql: string) => folder.database.query(sql);
const run = async (...args: string[]) => {
  const { status, stderr, stdout } = await folder.plain('run', ...args);
  expect(status, stderr).toBe(0);
  return stdout;
};

const plans = () =>
  query(`SELECT plan, note, valid_from::text, valid_to::text FROM gold.plan_dim
    WHERE id <> 0 ORDER BY valid_from`);
const plansOfUses = async () =>
  (
    await query(`SELECT string_agg(d.plan, ' ' ORDER BY use_id)
      FROM gold.use_fact f JOIN gold.plan_dim d ON d.id = f.plan`)
  )[0]![0];

beforeAll(async () => {
  await folder.load('plans', 'member,plan,note\n1,free,first\n', '--effective-at', '2025-01-01');
  await folder.load(
    'uses',
    `use_id,member,at\n${[1, 2, 3, 4].map((n) => `${n},1,2025-0${n}-15T00:00:00Z`).join('\n')}\n`,
  );
  await folder.load('moves', 'member,city,at\n1,Delft,2025-01-01T00:00:00Z\n');
  await run();
}, 60_000);

describe('--effective-at', () => {
  it('says from when versions of a table without moments are valid', async () => {
    await folder.load(
      'plans',
      'member,plan,note\n1,pro,second\n',
      '--effective-at',
      '2025-03-01T00:00:00+01:00',
    );
    await run();
    expect(await plans()).toEqual([
      ['free', 'second', '2025-01-01 00:00:00+00', '2025-02-28 23:00:00+00'],
      ['pro', 'second', '2025-02-28 23:00:00+00', null],
    ]);
    expect(await plansOfUses()).toBe('free free pro pro');

    // A file that comes late.
    await folder.load('plans', 'member,plan,note\n1,trial,late\n', '--effective-at', '2025-02-01');
    await run();
    expect(await plansOfUses()).toBe('free trial pro pro');
    expect((await plans()).map(([, note]) => note)).toEqual(['second', 'second', 'second']);
  });

  it('comes back with the content of a load that was undone', async () => {
    const [[id, path]] = (await query(
      "SELECT load_id, path FROM edp.loads WHERE effective_at = '2025-02-01'",
    )) as [[number, string]];
    expect((await folder.plain('undo', String(id), '--yes')).status).toBe(0);
    await run();
    expect(await plansOfUses()).toBe('free free pro pro');
    expect((await folder.plain('ingest', path, '--table', 'plans')).status).toBe(0);
    await run();
    expect(await plansOfUses()).toBe('free trial pro pro');
    const { json } = await folder.edp('status');
    const effective = json.loads
      .filter((load) => load.path === path)
      .map((load) => load.effectiveAt);
    expect(new Set(effective)).toEqual(new Set(['2025-02-01 00:00:00+00']));
  });

  it('moves with a load that was interrupted, and goes on', async () => {
    const [[id, path]] = (await query(
      "SELECT load_id, path FROM edp.loads WHERE effective_at = '2025-02-01' AND state = 'loaded'",
    )) as [[number, string]];
    await query(`UPDATE edp.loads SET state = 'loading', finished_at = NULL WHERE load_id = ${id}`);
    const go = ['ingest', path, '--table', 'plans', '--effective-at', '2025-04-01'];
    expect((await folder.plain(...go)).status).toBe(0);
    await run();
    expect(await plansOfUses()).toBe('free free pro trial');
    // A load that is complete keeps it.
    go[5] = '2025-02-01';
    expect((await folder.plain(...go)).status).toBe(0);
    await run();
    expect(await plansOfUses()).toBe('free free pro trial');
  });

  it('is a time', async () => {
    for (const wrong of ['yesterday', '2025-02-30', '2025-01-01 25:00']) {
      const { status, stderr } = await folder.plain('ingest', 'x.csv', '--effective-at', wrong);
      expect(status).toBe(2);
      expect(stderr).toContain('expected a date such as 2024-01-31');
    }
  });
});

describe('a run', () => {
  it('tells its statements, which psql can run', async () => {
    await folder.load('moves', 'member,city,at\n1,Gouda,2025-02-01T00:00:00Z\n');
    const sql = await run('--dry-run', '--sql');
    expect(sql).toContain('INSERT INTO "silver"."moves"');
    expect(sql).toContain('INSERT INTO "gold"."city_dim"');
    // Each task is a transaction that is rolled back.
    await query(sql);
    const cities = () =>
      query('SELECT city, is_current FROM gold.city_dim WHERE id <> 0 ORDER BY 1');
    expect(await cities()).toEqual([['Delft', true]]);
    await run('--full');
    expect(await cities()).toEqual([
      ['Delft', false],
      ['Gouda', true],
    ]);
  });

  it('makes only the dates between', async () => {
    await folder.load(
      'moves',
      'member,city,at\n1,Breda,2025-03-01T00:00:00Z\n1,Delft,2025-04-01T00:00:00Z\n',
    );
    const { json } = await folder.edp('run');
    expect(
      json.tasks.filter(({ task }) => task === 'gold.use_fact').map(({ date }) => date),
    ).toEqual(['2025-03-15', '2025-04-15']);
    expect(
      await query('SELECT member, city, valid_to FROM gold.city_dim WHERE is_current AND id <> 0'),
    ).toEqual([[1, 'Delft', null]]);
  });
});

describe('the database refuses', () => {
  const refused: readonly [string, string, RegExp][] = [
    [
      'two current versions',
      "INSERT INTO silver.moves VALUES (1, '2030-01-01', 'x', 1, NULL, true)",
      /unique/,
    ],
    [
      'a gap',
      "UPDATE silver.moves SET valid_to = valid_to - interval '1 day' WHERE NOT is_current",
      /edp_no_gap/,
    ],
    [
      'an overlap',
      "INSERT INTO silver.moves VALUES (1, '2025-01-10', 'x', 1, '2025-02-01', false)",
      /unique/,
    ],
    [
      'an end before the beginning',
      "UPDATE silver.moves SET valid_to = valid_from - interval '1 day' WHERE NOT is_current",
      /edp_valid_forward/,
    ],
    [
      'a current version that ended',
      'UPDATE silver.moves SET is_current = true',
      /edp_current_is_last|unique/,
    ],
    ['no current version', 'DELETE FROM gold.city_dim WHERE is_current AND id <> 0', /edp_no_gap/],
  ];
  it.each(refused)('%s', async (_, sql, reason) => {
    await expect(query(sql)).rejects.toThrow(reason);
  });
});

it('edp lineage knows the columns of versions', async () => {
  const { json } = await folder.edp('lineage');
  const columns = Object.fromEntries(
    json.nodes.flatMap(({ name, columns: own }) =>
      own.map((column) => [`${name}.${column.name}`, column.from]),
    ),
  );
  expect(columns).toMatchObject({
    'silver.moves.valid_from': ['bronze.moves.at'],
    'silver.moves.valid_to': ['bronze.moves.at'],
    'silver.moves.is_current': ['bronze.moves.at'],
    'gold.city_dim.valid_from': ['silver.moves.valid_from'],
    'gold.city_dim.id': ['silver.moves.member', 'silver.moves.valid_from'],
    'gold.use_fact.city': [
      'bronze.uses.member',
      'bronze.uses.at',
      'gold.city_dim.member',
      'gold.city_dim.valid_from',
      'gold.city_dim.valid_to',
    ],
  });
});
