/** `edp check` and `edp ingest --check`, and what each kind of check makes of odd values. */
import { describe, expect, it } from 'vitest';
import { useWarehouseFolder } from '../support/warehouse-run.js';

const folder = useWarehouseFolder({
  'edp.yaml': `
tables:
  people:
    columns: { id: int, boss: int, name: text, age: text, score: double, born: date }
    key: id
silver:
  people:
    from: people
    key: id
    columns: { id: id, boss: boss, name: name, score: score }
views:
  by_boss: { }
checks:
  people:
    - unique: name
    - unique: [name, boss]
    - not_null: boss
    - accepted_values: { column: name, values: [a, "it's", ""] }
    - accepted_values: { column: id, values: [1, 2, x, 3.0] }
      name: ids
    - relationships: { column: boss, to: people.id }
    - range: { column: age, min: 0, max: 130 }
    - range: { column: score, min: 0 }
    - matches: { column: name, pattern: "^[a-z']+$" }
    - range: { column: born, min: 2000-01-01 }
      severity: warn
    - row_count: { min: 1, max: 5 }
    - fresh: { column: born, within: 1 day }
      severity: warn
  silver.people:
    - not_null: name
  by_boss:
    - unique: boss
`.replace('  by_boss:\n    - unique', '  gold.by_boss:\n    - unique'),
  'sql/views/by_boss.sql':
    '-- question: How many people has each boss?\nSELECT boss, count(*) AS people FROM silver.people WHERE boss IS NOT NULL GROUP BY boss ORDER BY boss',
});

const PEOPLE = `id,boss,name,age,score,born
1,,a,7,1.5,2001-01-01
2,1,a,130,NaN,1999-12-31
3,2,a,131,-0.5,infinity
4,9,,,,
5,1,it's,old,Infinity,2000-01-01
6,1,B,-1,0,2000-01-01
`;

describe('a table that edp loads', () => {
  it('is checked after a load', async () => {
    await folder.write('people.csv', PEOPLE);
    const { status, json, stdout } = await folder.edp('ingest', 'people.csv', '--check');
    expect(stdout).not.toBe('');
    expect([status, json.ok]).toEqual([3, false]);
    const found = Object.fromEntries(
      json.checks.map(({ name, column, ok, failing }) => [name, [column, ok, failing]]),
    );
    expect(found).toEqual({
      unique_name: ['name', false, 2],
      unique_name_boss: ['name, boss', true, 0],
      not_null_boss: ['boss', false, 1],
      accepted_values_name: ['name', false, 1],
      ids: ['id', false, 3],
      relationships_boss: ['boss', false, 1],
      range_age: ['age', false, 3],
      range_score: ['score', false, 2],
      matches_name: ['name', false, 1],
      range_born: ['born', false, 1],
      row_count: [null, false, 1],
      fresh_born: ['born', false, 1],
    });
  });
});

describe('edp check', () => {
  it('needs the tables of tasks', async () => {
    const { status, json } = await folder.edp('check');
    expect([status, json.error.code]).toEqual([1, 'missing_source']);
  });

  it('checks what is published', async () => {
    expect((await folder.edp('run')).status).toBe(3);
    const held = await folder.edp('check', 'silver.people');
    expect([held.status, held.json.checks[0]?.failing]).toEqual([0, 0]);
    await folder.load(
      'people',
      'id,boss,name,age,score,born\n4,2,d,1,1,2000-01-01\n',
      '--on-conflict',
      'update',
    );
    expect((await folder.edp('run')).status).toBe(0);
    const { status, json } = await folder.edp('check', 'silver.people', 'by_boss');
    expect([status, json.ok]).toEqual([0, true]);
    expect(json.checks).toEqual([
      {
        table: 'silver.people',
        name: 'not_null_name',
        column: 'name',
        severity: 'error',
        ok: true,
        failing: 0,
        sample: [],
      },
      {
        table: 'gold.by_boss',
        name: 'unique_boss',
        column: 'boss',
        severity: 'error',
        ok: true,
        failing: 0,
        sample: [],
      },
    ]);
  });

  it('shows rows that fail, and ends with 3', async () => {
    const { status, json } = await folder.edp('check', 'bronze.people');
    expect([status, json.ok]).toEqual([3, false]);
    const { sample } = json.checks.find(({ name }) => name === 'range_score')!;
    expect(sample).toMatchObject([
      { id: 2, score: 'NaN' },
      { id: 3, score: -0.5 },
    ]);
    const { stdout } = await folder.plain('check', 'bronze.people');
    expect(stdout).toContain('12 checks, 10 failed');
  });

  it('suggests the name that was meant', async () => {
    const { status, json } = await folder.edp('check', 'silver.peple');
    expect([status, json.error.code]).toEqual([2, 'unknown_task']);
    expect(json.error.hint).toContain('did you mean "silver.people"?');
  });
});

describe('edp sample', () => {
  it('shows the question and the first rows of each view', async () => {
    const { status, json } = await folder.edp('sample', '--limit', '1');
    expect(status).toBe(0);
    expect(json.views).toEqual([
      {
        view: 'gold.by_boss',
        title: null,
        question: 'How many people has each boss?',
        columns: ['boss', 'people'],
        rows: [{ boss: 1, people: 3 }],
      },
    ]);
    const { stdout } = await folder.plain('sample', 'by_boss');
    expect(stdout).toContain('gold.by_boss: How many people has each boss?');
    expect((await folder.edp('sample', 'by_bos')).json.error.hint).toContain('"by_boss"');
  });
});

describe('edp status --runs RUN', () => {
  it('lists what the run did to each task', async () => {
    const [[runId]] = (await folder.database.query(
      "SELECT min(run_id)::int FROM edp.runs WHERE command = 'run'",
    )) as [[number]];
    const { json } = await folder.edp('status', '--runs', String(runId));
    expect(json.run.tasks).toMatchObject([
      { task: 'silver.people', state: 'failed', checks: [{ name: 'not_null_name', ok: false }] },
      { task: 'gold.by_boss', state: 'done', reason: 'new', error: null },
    ]);
  });
});

describe('a value that cannot be cast', () => {
  it('is named, with its load and key', async () => {
    await folder.write(
      'edp.yaml',
      `
tables:
  people:
    columns: { id: int, boss: int, name: text, age: text, score: double, born: date }
    key: id
silver:
  ages: { from: people, key: id, columns: { id: id, age: { from: age, type: int } } }
  names: { from: people, key: name, columns: { name: name } }
`,
    );
    const { status, json } = await folder.edp('run');
    expect(status).toBe(1);
    const messages = new Map(json.tasks.map(({ task, error }) => [task, error?.message]));
    expect(messages.get('silver.ages')).toContain('column age, of age "old", load 1, key id "5"');
    expect(messages.get('silver.names')).toContain(
      'public.people has several rows with the key name "a", of load 1',
    );
  });
});
