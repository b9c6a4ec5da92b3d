/** A warehouse over realized tables: members that were deleted end, tables are there before their first event. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cloudEvent, toLines } from '../realize/event-lines.js';
import { loadFiles } from '../support/warehouse-project.js';
import { useWarehouseFolder } from '../support/warehouse-run.js';

const PROJECT = `
tables:
  members:
    key: number
    history: true
    columns: { number: int, plan: text, joined: date }
    indexes: [plan, [joined, plan]]
  visits:
    key: id
    version: 1
    columns: { id: int, member: int, day: date }
silver:
  people: { from: members, key: number, columns: { number: number, plan: plan } }
  everybody: { from: members, key: number, columns: { number: number, left: deleted_at } }
  leavers: { from: members, key: number, columns: { number: number }, where: deleted_at IS NOT NULL }
  versions:
    from: members_history
    key: number
    columns: { number: number, plan: plan }
    history: { by: valid_from }
  now: { from: members_history, key: number, columns: { number: number, since: valid_from } }
  states: { from: members_history, key: [number, began], columns: { number: number, began: valid_from } }
dimensions:
  member_dim: { from: members, natural-key: number, attributes: [plan] }
  known_dim: { from: members, natural-key: number, attributes: [plan, deleted_at] }
  default_dim: { from: members, natural-key: number }
  then_dim: { from: members_history, natural-key: number, type-2: plan }
  silver_dim: { from: silver.versions, natural-key: number, type-2: plan }
  now_dim: { from: members_history, natural-key: number }
facts:
  visit_fact:
    from: visits
    key: id
    date: day
    dimensions:
      member: { dimension: member_dim, by: { number: member } }
      then: { dimension: then_dim, by: { number: member }, as-of: day }
  join_fact: { from: members, date: joined, measures: { members: count(*) } }
  leave_fact: { from: members, date: deleted_at, measures: { members: count(*) } }
  change_fact: { from: members_history, date: valid_from, measures: { states: count(*) } }
  state_fact: { from: members_history, date: joined, measures: { members: count(*) } }
models:
  plans: { key: plan }
`;

const folder = useWarehouseFolder({
  'edp.yaml': PROJECT,
  'sql/models/plans.sql':
    'SELECT plan, count(*) AS members FROM members WHERE deleted_at IS NULL GROUP BY plan',
});
const query = (sql: string) => folder.database.query(sql);
const rows = (sql: string) => query(sql).then((all) => all.map((row) => JSON.stringify(row)));

let sequence = 0;
function member(
  op: 'create' | 'update' | 'delete' | 'read',
  id: number,
  day: number,
  after?: object,
): ReturnType<typeof cloudEvent> {
  return cloudEvent({
    table: 'members',
    op,
    sequence: ++sequence,
    time: `2026-11-0${day}T00:00:00.000000Z`,
    key: { number: id },
    ...(after === undefined ? {} : { after: { ...after } }),
  });
}
const create = (id: number, day: number, plan: string) =>
  member('create', id, day, { number: id, plan, joined: '2026-11-01' });

async function realize(name: string, events: readonly ReturnType<typeof cloudEvent>[]) {
  await folder.write(name, toLines(events));
  const { status, stderr } = await folder.edp('realize', name);
  expect(status, stderr).toBe(0);
}
async function run(...options: string[]) {
  const result = await folder.edp('run', ...options);
  expect(result.status, result.stderr).toBe(0);
  return result;
}

describe('before the first event', () => {
  it('a run says which command makes the tables', async () => {
    const failed = await folder.plain('run', 'silver.people');
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain('there is no table public.members');
    expect(failed.stderr).toContain('edp realize makes it');
    const model = await folder.plain('run', 'gold.plans');
    expect(model.stderr).toContain('edp realize makes it');
  });

  it('edp realize makes the declared tables with their indexes, and a run has no rows', async () => {
    const made = await folder.edp('realize');
    expect(made.status, made.stderr).toBe(0);
    expect(made.json).toMatchObject({ ok: true, tables: [] });
    expect(await query('SELECT count(*) FROM members, members_history, visits')).toEqual([[0]]);
    expect(
      await query(
        `SELECT indexdef FROM pg_indexes WHERE tablename = 'members' AND indexdef NOT LIKE '%UNIQUE%' ORDER BY 1`,
      ),
    ).toEqual([[expect.stringContaining('(joined, plan)')], [expect.stringContaining('(plan)')]]);
    await run();
    expect(await query('SELECT count(*) FROM silver.people')).toEqual([[0]]);
  });
});

describe('members that were deleted', () => {
  beforeAll(async () => {
    await realize('first.jsonl', [
      create(1, 1, 'free'),
      create(2, 1, 'free'),
      member('update', 1, 2, { plan: 'pro' }),
      create(3, 1, 'free'),
      ...[1, 4].map((day) =>
        cloudEvent({
          table: 'visits',
          op: 'create',
          sequence: ++sequence,
          key: { id: day },
          after: { id: day, member: 2, day: `2026-11-0${day}` },
        }),
      ),
    ]);
    await run();
    await realize('second.jsonl', [
      member('delete', 2, 3),
      member('delete', 3, 3),
      create(3, 5, 'free'),
    ]);
    await run();
  });

  it('are in no table of silver, dimension or fact that does not name the time of the delete', async () => {
    expect(await rows('SELECT number, plan FROM silver.people ORDER BY 1')).toEqual([
      '[1,"pro"]',
      '[3,"free"]',
    ]);
    expect(await rows('SELECT number FROM silver.everybody WHERE "left" IS NOT NULL')).toEqual([
      '[2]',
    ]);
    expect(await rows('SELECT number FROM silver.leavers')).toEqual(['[2]']);
    expect(await rows('SELECT number FROM silver.now ORDER BY 1')).toEqual(['[1]', '[3]']);
    expect(await query('SELECT count(*) FROM silver.states')).toEqual([[5]]);
    const ids = async (dimension: string) =>
      rows(`SELECT number FROM gold.${dimension} WHERE id <> 0`);
    expect(await ids('member_dim')).toHaveLength(2);
    expect(await ids('default_dim')).toHaveLength(2);
    expect(await ids('now_dim')).toHaveLength(2);
    expect(await ids('known_dim')).toHaveLength(3);
    expect(
      await query(
        `SELECT count(*) FROM information_schema.columns WHERE table_schema = 'gold' AND table_name = 'default_dim' AND column_name = 'deleted_at'`,
      ),
    ).toEqual([[0]]);
    expect(await rows('SELECT sum(members)::int FROM gold.join_fact')).toEqual(['[2]']);
    expect(
      await rows('SELECT date::text, members::int FROM gold.leave_fact WHERE date IS NOT NULL'),
    ).toEqual(['["2026-11-03",1]']);
    expect(await rows('SELECT sum(states)::int FROM gold.change_fact')).toEqual(['[5]']);
    expect(await rows('SELECT sum(members)::int FROM gold.state_fact')).toEqual(['[2]']);
  });

  const VERSIONS = [
    '[1,"free","2026-11-01","2026-11-02",false,null]',
    '[1,"pro","2026-11-02",null,true,"2026-11-02"]',
    '[2,"free","2026-11-01","2026-11-03",false,null]',
    '[3,"free","2026-11-01","2026-11-03",false,null]',
    '[3,"free","2026-11-05",null,true,"2026-11-03"]',
  ];
  const day = (name: string) => `to_char(${name} AT TIME ZONE 'UTC', 'YYYY-MM-DD')`;
  const columns = `plan, ${day('valid_from')}, ${day('valid_to')}, is_current, ${day('previous_to')}`;

  it.each(['silver.versions', 'gold.then_dim', 'gold.silver_dim'])('end in %s', async (table) => {
    expect(
      await rows(
        `SELECT number, ${columns} FROM ${table} WHERE number IS NOT NULL ORDER BY number, valid_from`,
      ),
    ).toEqual(VERSIONS);
  });

  it('are unknown to facts from then on', async () => {
    expect(
      await rows(
        `SELECT f.id, f.member = 0, d.plan FROM gold.visit_fact f JOIN gold.then_dim d ON d.id = f."then" ORDER BY 1`,
      ),
    ).toEqual(['[1,true,"free"]', '[4,true,null]']);
  });

  it('are what a rebuild gives', async () => {
    const all = () =>
      rows(
        `SELECT to_jsonb(t) - 'dw_created_at' - 'dw_updated_at' FROM gold.then_dim t ORDER BY 1`,
      );
    const before = await all();
    await run('--full');
    expect(await all()).toEqual(before);
  });
});

describe('a history of a realized table', () => {
  const refused = async (silver: string) => {
    await folder.write('edp.yaml', PROJECT.replace('history: { by: valid_from }', silver));
    const result = await folder.plain('run');
    await folder.write('edp.yaml', PROJECT);
    expect(result.status).toBe(2);
    return result.stderr;
  };

  it('is one by the moments of its states, and of its members', async () => {
    expect(await refused('history: { by: joined }')).toContain(
      'members of public.members_history end at moments of valid_from; name that (by: valid_from)',
    );
  });
});

describe('the examples of the pages', () => {
  const exampleOf = async (page: string, section: string) => {
    const text = await readFile(path.join(import.meta.dirname, '../../docs', page), 'utf8');
    return /```yaml\n(.*?)```/s.exec(text.slice(text.indexOf(section)))![1]!;
  };

  it('of histories declares a history, and a dimension, whose members end', async () => {
    const example = await exampleOf('history.md', '## Histories of realized tables');
    const { warehouse } = await loadFiles({ 'edp.yaml': example });
    expect(warehouse.tasks).toMatchObject([
      { name: 'silver.account_plans', history: { ends: 'states' } },
      { name: 'gold.account_dim', type2: { changedAt: 'valid_from', ends: 'gaps' } },
    ]);
  });

  it('of the warehouse declares who leaves deleted rows out, and who does not', async () => {
    const example = await exampleOf('warehouse.md', '### Realized tables');
    const tables =
      'tables: { accounts: { key: id, version: 1, columns: { id: int, owner_name: text } } }';
    const { warehouse } = await loadFiles({ 'edp.yaml': `${tables}\n${example}` });
    const sources = warehouse.tasks.map(
      (task) => 'source' in task && [task.name, task.source.goneBy],
    );
    expect(sources).toEqual([
      ['silver.accounts', 'deleted_at'],
      ['silver.all_accounts', undefined],
      ['gold.closing_fact', undefined],
    ]);
  });
});
