/** Members that end: files that hold all of them, by the commands, and what is made of their versions. */
import { beforeEach, describe, expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';

const STAFF = 'columns: { member: int, plan: text, note: text, updated: timestamp }, key: member';
const folder = useWarehouseFolder({
  'edp.yaml': `
tables:
  staff: { ${STAFF}, versions: true, snapshot: full }
  kept: { ${STAFF}, versions: true }
  uses: { columns: { use_id: int, member: int, at: timestamptz }, key: use_id }
silver:
  staff_now: { from: staff, key: member, columns: { member: member, plan: plan }, where: "note is distinct from 'test'" }
  staff_latest: { from: staff, key: member, latest-by: updated, columns: { member: member, plan: plan } }
  plans: { from: staff, key: plan, latest-by: updated, columns: { plan: plan, member: member } }
  staff: { from: staff, key: member, columns: { member: member, plan: plan, note: note }, history: { by: updated } }
  kept_latest: { from: kept, key: member, latest-by: updated, columns: { member: member, plan: plan } }
  kept_now: { from: kept, key: member, columns: { member: member, plan: plan } }
dimensions:
  now_dim: { from: silver.staff, natural-key: member, attributes: [plan] }
  raw_now_dim: { from: staff, natural-key: member }
  then_dim: { from: silver.staff, natural-key: member, type-2: plan }
  raw_then_dim: { from: staff, natural-key: member, type-2: plan }
  raw_updated_dim: { from: staff, natural-key: member, type-2: plan, changed-at: updated }
facts:
  then_fact:
    from: uses
    key: use_id
    date: at
    dimensions:
      then: { dimension: then_dim, by: member, as-of: at }
      raw_then: { dimension: raw_then_dim, by: member, as-of: at }
  now_fact:
    from: uses
    key: use_id
    date: at
    dimensions:
      now: { dimension: then_dim, by: member }
      type_1: { dimension: now_dim, by: member }
  staff_fact: { from: staff, key: [member, load_id, source_offset], date: updated }
`,
});

const query = (sql: string) => folder.database.query(sql);

/** @returns months of the dates of then_fact that were made */
async function run(...options: string[]): Promise<number[]> {
  const { status, stderr, json } = await folder.edp('run', ...options);
  expect(status, stderr).toBe(0);
  return json.tasks
    .filter(({ task, date, state }) => task === 'gold.then_fact' && state === 'done' && date)
    .map(({ date }) => Number(date!.slice(5, 7)));
}

const monthStart = (month: number) => `2025-${String(month).padStart(2, '0')}-01`;

/** @param month in which the load takes effect. @param records `member plan month` of what was updated then */
async function load(month: number, ...records: string[]): Promise<number> {
  const lines = records.map((record) => {
    const [member, plan, updated, note = ''] = record.split(' ');
    return `${member},${plan},${note},${monthStart(Number(updated))}\n`;
  });
  const text = `member,plan,note,updated\n${lines.join('')}`;
  await folder.load('staff', text, '--effective-at', monthStart(month));
  return lastLoad();
}

const lastLoad = async () =>
  (
    await query("SELECT max(load_id)::int FROM edp.loads WHERE table_name ~ 'staff'")
  )[0]![0] as number;

async function undo(id: number): Promise<void> {
  const { status, stderr } = await folder.plain('undo', String(id), '--yes');
  expect(status, stderr).toBe(0);
}

/** `plan from-to` by months of the versions of a member; without an end, it is current. */
const versions = async (table: string, member = 2) =>
  (
    await query(
      `SELECT plan, extract(month FROM valid_from)::int, extract(month FROM valid_to)::int, is_current
       FROM ${table} WHERE member = ${member} ORDER BY valid_from`,
    )
  )
    .map(([plan, from, to, isCurrent]) => {
      expect(isCurrent).toBe(to === null);
      return `${plan} ${from}-${to ?? ''}`;
    })
    .join(', ');

/** What each use of member 2 found, in the middle of each month. */
const found = async (column: string, dimension = 'then_dim', fact = 'then_fact') =>
  (
    await query(
      `SELECT coalesce(d.plan, '-') FROM gold.${fact} f JOIN gold.${dimension} d ON d.id = f.${column} ORDER BY use_id`,
    )
  )
    .flat()
    .join(' ');

const silver = async (table: string) =>
  (await query(`SELECT member, plan FROM silver.${table} ORDER BY 1`)).map((row) => row.join(' '));

const EVERYWHERE = ['silver.staff', 'gold.then_dim', 'gold.raw_then_dim', 'gold.raw_updated_dim'];

const MOMENTS = ['silver.staff', 'gold.then_dim', 'gold.raw_updated_dim'];

const expectVersions = async (wanted: string, tables: readonly string[] = EVERYWHERE) => {
  for (const table of tables) expect([table, await versions(table)]).toEqual([table, wanted]);
};

/** A rebuild gives the same. */
async function expectStable(): Promise<void> {
  const all = async () => [
    ...(await query('SELECT * FROM silver.staff ORDER BY member, valid_from')),
    ...(await query(
      'SELECT id, member, plan, note, valid_from, valid_to, previous_to FROM gold.then_dim ORDER BY id',
    )),
    ...(await query('SELECT id, member, plan, note FROM gold.raw_now_dim ORDER BY id')),
    ...(await query('SELECT use_id, "then", raw_then FROM gold.then_fact ORDER BY use_id')),
  ];
  const before = await all();
  expect(await run()).toEqual([]);
  await run('--full');
  expect(await all()).toEqual(before);
}

const MONTHS = [1, 2, 3, 4, 5, 6, 7, 8];

beforeEach(async () => {
  await query('DROP SCHEMA IF EXISTS edp, silver, gold CASCADE');
  await query('DROP TABLE IF EXISTS staff, kept, uses CASCADE');
  const uses = MONTHS.map((n) => `${n},2,2025-0${n}-15T00:00:00Z`).join('\n');
  await folder.load('uses', `use_id,member,at\n${uses}\n`);
  await folder.load('kept', 'member,plan,note,updated\n9,a,,2025-01-01\n');
});

describe('a member that a file lacks', () => {
  it('is valid until its load took effect, and back from the version on that returns', async () => {
    await load(2, '1 free 2', '2 free 2');
    await run();
    await expectVersions('free 2-');
    expect(await found('then')).toBe('free free free free free free free free');

    const ending = await load(4, '1 free 2');
    expect(await run()).toEqual([4, 5, 6, 7, 8]);
    await expectVersions('free 2-4');
    expect(await silver('staff_now')).toEqual(['1 free']);
    expect(await silver('staff_latest')).toEqual(['1 free']);
    expect(await found('then')).toBe('free free free - - - - -');
    expect(await found('raw_then', 'raw_then_dim')).toBe('free free free - - - - -');
    expect(await found('now', 'then_dim', 'now_fact')).toBe('- - - - - - - -');
    expect(await found('type_1', 'now_dim', 'now_fact')).toBe('- - - - - - - -');
    expect(await query('SELECT member FROM gold.now_dim WHERE id <> 0')).toEqual([[1]]);
    expect(await query('SELECT member FROM gold.raw_now_dim WHERE id <> 0')).toEqual([[1]]);
    expect(await query('SELECT count(*) FROM gold.staff_fact')).toEqual([[2]]);
    await expectStable();

    const returning = await load(6, '1 free 2', '2 pro 6');
    expect(await run()).toEqual([6, 7, 8]);
    await expectVersions('free 2-4, pro 6-');
    expect(await silver('staff_now')).toEqual(['1 free', '2 pro']);
    expect(await silver('staff_latest')).toEqual(['1 free', '2 pro']);
    expect(await found('then')).toBe('free free free - - pro pro pro');
    expect(await found('type_1', 'now_dim', 'now_fact')).toBe('pro pro pro pro pro pro pro pro');
    await expectStable();

    // Undone: the member returns no more; it never ended.
    await undo(returning);
    expect(await run()).toEqual([6, 7, 8]);
    await expectVersions('free 2-4');
    await undo(ending);
    expect(await run()).toEqual([4, 5, 6, 7, 8]);
    await expectVersions('free 2-');
    expect(await silver('staff_latest')).toEqual(['1 free', '2 free']);
    expect(await found('then')).toBe('free free free free free free free free');
    await expectStable();
  });

  it('is back from the moment of the load where its own moment is not behind the end', async () => {
    await load(2, '1 free 2', '2 free 2');
    await load(4, '1 free 2');
    // A file with the content of the first one would be known, and not loaded again.
    await load(6, '1 free 2', '2 free 2', '3 free 6');
    await run();
    await expectVersions('free 2-4, free 6-');
    // The latest row counts among those since the end only.
    await load(7, '1 free 2', '4 free 7');
    await load(8, '1 free 2', '2 old 1');
    await run();
    await expectVersions('free 2-4, free 6-7, old 8-');
    expect(await silver('staff_latest')).toEqual(['1 free', '2 old']);
    expect(await silver('plans')).toEqual(['1 free', '2 old']);
  });

  it('has ended at its last version at the earliest, which does not count then', async () => {
    await load(2, '2 free 2');
    await load(3, '2 free 2', '2 pro 7');
    await load(4, '1 free 2');
    await run();
    await expectVersions('free 2-7', MOMENTS);
    // Its load took effect in March.
    await expectVersions('free 2-3, pro 3-4', ['gold.raw_then_dim']);
    await expectStable();
  });

  it('has a last version in the file that came last, whatever moment that has', async () => {
    await load(3, '2 free 3');
    await run();
    // A file of February that comes late.
    expect(await load(2, '2 trial 2')).toBeGreaterThan(0);
    await run();
    await expectVersions('trial 2-3, free 3-');
    expect(await silver('staff_now')).toEqual(['2 trial']);
    expect(await silver('staff_latest')).toEqual(['2 free']);
    // One of May ended the member, one of April that comes behind it has it.
    await load(5, '1 free 1');
    await load(4, '1 free 1', '2 back 4');
    await run();
    await expectVersions('trial 2-3, free 3-5, back 5-');
    expect(await found('then')).toBe('trial trial free free back back back back');
    await expectStable();
  });

  it('has ended whatever `where` says of its last version', async () => {
    await load(2, '1 free 2', '2 free 2');
    await load(3, '1 free 2', '2 free 3 test');
    await run();
    expect(await silver('staff_now')).toEqual(['1 free']);
    await load(4, '1 free 2');
    await run();
    expect(await silver('staff_now')).toEqual(['1 free']);
    await undo(await lastLoad());
    await load(4, '1 free 2', '2 free 4');
    await run();
    expect(await silver('staff_now')).toEqual(['1 free', '2 free']);
  });
});

it('of versions with equal moments, the last one in its file counts', async () => {
  await load(1);
  await folder.load(
    'kept',
    'member,plan,note,updated\n1,z,,2025-01-01\n1,a,,2025-01-01\n2,b,,2025-02-01\n2,c,,2025-01-01\n',
  );
  await run();
  expect(await silver('kept_latest')).toEqual(['1 a', '2 b', '9 a']);
  expect(await silver('kept_now')).toEqual(['1 a', '2 c', '9 a']);
});

describe('the database refuses', () => {
  const refused: readonly [string, string, RegExp][] = [
    [
      'two current versions',
      "INSERT INTO silver.staff (member, valid_from, is_current, previous_to) VALUES (2, '2030-01-01', true, '2025-04-01')",
      /unique/,
    ],
    [
      'a second beginning',
      "INSERT INTO silver.staff (member, valid_from, valid_to, is_current) VALUES (2, '2020-01-01', '2021-01-01', false)",
      /unique/,
    ],
    [
      'an overlap',
      "UPDATE silver.staff SET valid_from = '2025-03-01' WHERE member = 2 AND is_current",
      /edp_valid_behind/,
    ],
    [
      'an end that moves behind the return',
      "UPDATE silver.staff SET valid_to = '2025-07-01' WHERE member = 2 AND NOT is_current",
      /edp_no_overlap/,
    ],
    [
      'a version that is missing',
      'DELETE FROM gold.then_dim WHERE member = 2 AND NOT is_current',
      /edp_no_overlap/,
    ],
    [
      'an end before the beginning',
      "UPDATE silver.staff SET valid_to = '2020-01-01' WHERE member = 2 AND NOT is_current",
      /edp_valid_forward/,
    ],
    [
      'a current version that ended',
      'UPDATE silver.staff SET is_current = true WHERE member = 2 AND NOT is_current',
      /edp_current_is_last/,
    ],
  ];
  it('what is no chain of versions', async () => {
    await load(2, '2 free 2');
    await load(4, '1 free 1');
    await load(6, '2 pro 6');
    await run();
    for (const [name, sql, reason] of refused) {
      await expect(query(sql), name).rejects.toThrow(reason);
    }
  });
});

it('the other commands know of ends', async () => {
  await load(2, '1 free 2', '2 free 2');
  await run();
  await load(4, '1 free 2');
  const { stdout: sql } = await folder.plain('run', '--dry-run', '--sql');
  // Each task is a transaction that is rolled back.
  await query(sql);
  expect(await versions('silver.staff')).toBe('free 2-');
  await run();
  const { json } = await folder.edp('lineage', 'silver.staff');
  const columns = json.nodes.find(({ name }) => name === 'silver.staff')!.columns;
  expect(columns.find(({ name }) => name === 'valid_to')!.from).toEqual([
    'bronze.staff.updated',
    'bronze.staff.is_ended',
  ]);
  expect(columns.map(({ name }) => name)).toContain('previous_to');
  await folder.write(
    'tests/ends.yaml',
    `who ended is not there:
  task: silver.staff_now
  given:
    staff:
      - { member: 1, plan: a, load_id: 1, source_offset: 0 }
      - { member: 2, plan: b, load_id: 1, source_offset: 9 }
      - { member: 2, plan: b, load_id: 2, source_offset: 9, is_ended: true }
  expect:
    - { member: 1, plan: a }
`,
  );
  await folder.write(
    'tests/loads.yaml',
    `versions are those of loads:
  task: raw_then_dim
  given:
    edp.loads:
      - { load_id: 1, effective_at: 2025-01-01 }
      - { load_id: 2, effective_at: 2025-02-01 }
      - { load_id: 3, effective_at: 2025-03-01 }
    staff:
      - { member: 1, plan: a }
      - { member: 1, plan: b, load_id: 2, source_offset: 0 }
      - { member: 1, plan: b, load_id: 3, source_offset: 0, is_ended: true }
      - { member: 2, plan: c, load_id: 3, source_offset: 9 }
  expect:
    - { member: 1, plan: a, valid_from: 2025-01-01, valid_to: 2025-02-01, is_current: false }
    - { member: 1, plan: b, valid_from: 2025-02-01, valid_to: 2025-03-01, is_current: false }
    - { member: 2, plan: c, valid_from: 2025-03-01, valid_to: null, is_current: true }
a load that is not given took effect now:
  task: then_fact
  given:
    staff: [{ member: 1, plan: a }, { member: 2, plan: b, load_id: 7, updated: 2025-01-01 }]
    uses: [{ use_id: 1, member: 1, at: 2025-01-01 }, { use_id: 2, member: 2, at: 2025-01-01 }]
  expect:
    - { use_id: 1, raw_then: { member: 1, plan: a }, then: unknown }
    - { use_id: 2, raw_then: { member: 2, plan: b }, then: { member: 2, plan: b } }
`,
  );
  const { status, stdout, stderr } = await folder.plain('test');
  expect(status, stdout + stderr).toBe(0);
  await folder.write(
    'tests/loads.yaml',
    'wrong:\n  task: raw_then_dim\n  given:\n    edp.loads: [{ load_id: 1, path: x }]\n  expect: []\n',
  );
  const wrong = await folder.plain('test');
  expect(wrong.status).toBe(2);
  expect(wrong.stderr).toContain(
    'tests/loads.yaml:4: "path" is no column of loads; it has load_id, effective_at',
  );
});
