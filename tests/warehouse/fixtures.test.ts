/** Tests of tasks (`edp test`): what they find, what is refused, and that nothing of them stays. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { EdpError } from '../../src/base/errors.js';
import type { FixtureFault } from '../../src/warehouse/fixtures/fixture.js';
import { readFixtures } from '../../src/warehouse/fixtures/read-fixtures.js';
import { resolveFixture } from '../../src/warehouse/fixtures/resolve-fixtures.js';
import {
  type FixtureResult,
  refuseFixtures,
  runFixtures,
} from '../../src/warehouse/fixtures/run-fixtures.js';
import { useTestDatabase } from '../support/database.js';
import { loadFiles } from '../support/warehouse-project.js';

const database = useTestDatabase('empty');

const SILVER = {
  jobs: {
    from: 'raw_jobs',
    key: 'id',
    columns: { id: 'id', user_key: 'user_key', ran_at: 'ran_at', credits: 'credits', info: 'info' },
  },
  users: { from: 'raw_users', key: 'user_key', columns: { user_key: 'user_key', plan: 'plan' } },
  staff: {
    from: 'staff',
    key: 'member',
    columns: { member: 'member', plan: 'plan' },
    history: { by: 'updated' },
  },
  notes: { from: 'other.notes', key: 'id', columns: { id: 'id', words: 'words' } },
};
const PROJECT = {
  tables: {
    raw_jobs: {
      columns: {
        id: 'int',
        user_key: 'text',
        ran_at: 'timestamp',
        credits: 'numeric',
        info: 'jsonb',
      },
      key: 'id',
    },
    raw_users: { columns: { user_key: 'text', plan: 'text' }, key: 'user_key' },
    staff: {
      columns: { member: 'int', plan: 'text', updated: 'timestamp' },
      key: 'member',
      versions: true,
      snapshot: 'full',
    },
  },
  silver: SILVER,
  dimensions: {
    user_dim: { from: 'silver.users', 'natural-key': 'user_key' },
    staff_dim: { from: 'staff', 'natural-key': 'member', attributes: ['plan'], 'type-2': ['plan'] },
  },
  facts: {
    job_fact: {
      from: 'silver.jobs',
      date: 'ran_at',
      dimensions: { user_id: { dimension: 'user_dim', by: 'user_key' } },
      measures: { jobs: 'count(*)', credits: 'sum(credits)' },
      'partition-by': 'month',
    },
  },
  models: { slow: { key: 'n' }, plans: { key: 'plan' } },
  views: { by_plan: null },
  checks: { 'silver.jobs': [{ not_null: 'credits' }] },
};
const FILES = {
  'edp.yaml': JSON.stringify(PROJECT),
  'sql/models/slow.sql': 'SELECT id AS n, pg_sleep(60)::text AS slept FROM silver.jobs',
  'sql/models/plans.sql': 'SELECT plan, count(*) AS users FROM silver.users GROUP BY plan',
  'sql/views/by_plan.sql':
    'SELECT d.plan, sum(f.jobs) AS jobs FROM gold.job_fact f JOIN gold.user_dim d ON d.id = f.user_id GROUP BY 1',
};

async function runTests(
  text: string,
  { setup, signal }: { setup?: string; signal?: AbortSignal } = {},
): Promise<FixtureResult[]> {
  const { warehouse, model } = await loadFiles(FILES);
  const { fixtures, faults } = readFixtures('tests/a.yaml', text);
  const all: FixtureFault[] = [...faults];
  const resolved = fixtures.flatMap((each) => resolveFixture(each, warehouse, all) ?? []);
  refuseFixtures(all);
  return runFixtures(
    { client: database.config, label: 'the test' },
    resolved,
    { warehouse, model, setup },
    () => {},
    signal ?? new AbortController().signal,
  );
}

/** What differs, each in a line. */
async function differencesOf(text: string): Promise<string[]> {
  const [result] = await runTests(text);
  const { columns, compared, error } = result!;
  if (compared === undefined) return [error!.message];
  const { missing, unexpected, different, expected, actual } = compared;
  return [
    ...missing.map((i) => `missing ${expected[i]!.join()}`),
    ...unexpected.map((i) => `unexpected ${actual[i]!.join()}`),
    ...different.map(
      (pair) => `${expected[pair.expected]!.join()}: ${pair.columns.map((i) => columns[i]!.name)}`,
    ),
  ];
}

const passing = {
  'values are read by the type of their column, whatever they look like': `
    t:
      task: silver.jobs
      given: { raw_jobs: [{ id: 007, credits: 1.50, ran_at: 2025-05-01, info: { a: [1] } }] }
      expect: [{ id: 7, credits: 1.5, ran_at: 2025-05-01 00:00:00, info: { "a": [1] } }]`,
  'neither order of rows nor order of columns matters, and a row counts as often as it is there': `
    t:
      task: silver.users
      given: { raw_users: [{ user_key: a, plan: x }, { user_key: b, plan: x }, { user_key: c }] }
      expect: [{ plan: null }, { plan: x }, { plan: x }]`,
  'an id is named by its member, or is unknown': `
    t:
      task: job_fact
      given:
        silver.jobs: [{ user_key: a, ran_at: 2025-05-01, credits: 1 }, { user_key: b, ran_at: 2025-05-01 }]
        user_dim: [{ user_key: a, plan: pro }]
      expect:
        - { date: 2025-05-01, user_id: unknown, jobs: 1 }
        - { date: 2025-05-01, user_id: { user_key: a, plan: pro }, jobs: 1 }`,
  'an id can be left out, and given': `
    t:
      task: job_fact
      given:
        silver.jobs: [{ user_key: a, ran_at: 2025-05-01, credits: 1 }]
        gold.user_dim: [{ id: 7, user_key: a }]
      expect: [{ user_id: 7, jobs: 1 }]`,
  'what is not given is made of what is': `
    t:
      task: by_plan
      given:
        raw_jobs: [{ id: 1, user_key: a, ran_at: 2025-05-01 }, { id: 2, user_key: a, ran_at: 2025-05-02 }]
        raw_users: [{ user_key: a, plan: pro }]
      expect: [{ plan: pro, jobs: 2 }]`,
  'a dimension has an unknown member, which no test expects': `
    t:
      task: user_dim
      given: { silver.users: [{ user_key: a }] }
      expect: [{ user_key: a }]`,
  'nothing comes of nothing': `
    t: { task: plans, expect: [] }`,
  'a table that edp does not load has its columns in the test': `
    t:
      task: notes
      given: { other.notes: { columns: { id: int, words: "text[]" }, rows: [{ id: 1, words: [a, "b c"] }] } }
      expect: [{ id: 1, words: [a, b c] }]`,
  'checks of the task are not asked': `
    t:
      task: jobs
      given: { raw_jobs: [{ id: 1 }] }
      expect: [{ id: 1, credits: null }]`,
  'a member ends when its load took effect, and returns behind that': `
    t:
      task: silver.staff
      given:
        staff:
          - { member: 2, plan: free, updated: 2025-01-01, load_id: 1 }
          - { member: 2, plan: free, updated: 2025-01-01, load_id: 3, is_ended: true }
          - { member: 2, plan: pro, updated: 2025-05-01, load_id: 4 }
          - { member: 2, plan: free, updated: 2025-06-01, load_id: 4, source_offset: 9 }
        edp.loads: [{ load_id: 3, effective_at: 2025-03-01 }]
      expect:
        - { plan: free, valid_from: 2025-01-01, valid_to: 2025-03-01, is_current: false, previous_to: null }
        - { plan: pro, valid_from: 2025-05-01, valid_to: 2025-06-01, is_current: false, previous_to: 2025-03-01 }
        - { plan: free, valid_from: 2025-06-01, valid_to: null, is_current: true, previous_to: 2025-06-01 }`,
  'a version is valid from the moment of its load': `
    t:
      task: staff_dim
      given:
        edp.loads: [{ load_id: 1, effective_at: 2025-01-01 }, { load_id: 2, effective_at: 2025-02-01 }]
        staff:
          - { member: 1, plan: a, load_id: 1 }
          - { member: 1, plan: a, load_id: 2, is_ended: true }
      expect: [{ member: 1, plan: a, valid_from: 2025-01-01, valid_to: 2025-02-01 }]`,
  'a row may be empty': `
    t:
      task: by_plan
      given: { gold.job_fact: [{}, { user_id: 1, jobs: 2 }], user_dim: [{}] }
      expect: [{ plan: null, jobs: 2 }]`,
};

it.each(Object.entries(passing))('%s', async (_, text) => {
  expect(await differencesOf(text)).toEqual([]);
});

const failing: Readonly<Record<string, readonly [string, string[]]>> = {
  'where none is expected, the key of each shows it': [
    `
    t:
      task: silver.staff
      given: { staff: [{ member: 2, plan: a, updated: 2025-01-01 }] }
      expect: []`,
    ['unexpected 2,2025-01-01 00:00:00'],
  ],
  'rows of one key are compared column by column': [
    `
    t:
      task: silver.users
      given: { raw_users: [{ user_key: a, plan: x }, { user_key: b, plan: y }, { user_key: d }] }
      expect: [{ user_key: a, plan: z }, { user_key: b, plan: y }, { user_key: c, plan: null }]`,
    ['missing c,', 'unexpected d,', 'a,z: plan'],
  ],
  'a member is another one than expected': [
    `
    t:
      task: job_fact
      given:
        silver.jobs: [{ user_key: a, ran_at: 2025-05-01 }]
        user_dim: [{ user_key: a, plan: pro }]
      expect: [{ date: 2025-05-01, user_id: { plan: free }, jobs: 1 }]`,
    ['missing 2025-05-01,plan free,1', 'unexpected 2025-05-01,plan pro,1'],
  ],
  'a task that cannot be made says why': [
    `
    t:
      task: silver.users
      given: { raw_users: [{ user_key: a, plan: x }, { user_key: a, plan: y }] }
      expect: []`,
    ['public.raw_users has several rows with the key user_key "a", of load 1'],
  ],
};

it.each(Object.entries(failing))('%s', async (_, [text, differences]) => {
  expect(await differencesOf(text)).toEqual(differences);
});

const refused: Readonly<Record<string, readonly [string, string[]]>> = {
  'names and forms': [
    `
t: { task: silver.user, expect: [] }
u: { taks: jobs, expect: 1 }
v: { task: jobs, given: { raw_jbs: [], jobs: [], raw_jobs: { rows: [] } }, expect: [] }
w: 1`,
    [
      '2: edp.yaml declares no task "silver.user"; did you mean "silver.users"?',
      '3: "taks" is not known here; did you mean "task"?',
      '3: expect is a list of rows, each { column: value }; [] for none',
      '3: u has no task:; a test is { task, given, expect }',
      '4: silver.jobs does not read "raw_jbs"; did you mean "raw_jobs"?',
      '4: silver.jobs is what the test makes; give what it reads: raw_jobs',
      '5: w: a test is { task, given, expect }',
    ],
  ],
  'columns and values': [
    `
t:
  task: jobs
  given: { raw_jobs: [{ id: one, credit: 1 }] }
  expect:
    - { id: 1, credits: many }
    - { id: 2 }
    - { id: 3, credits: 1, when: 2 }`,
    [
      '4: "credit" is no column of raw_jobs; did you mean "credits"?',
      '4: id: invalid input syntax for type integer: "one"',
      '6: credits: invalid input syntax for type numeric: "many"',
      '7: the row has no credits, and other rows do; write credits: null for NULL',
      '8: "when" is no column of silver.jobs; it has id, user_key, ran_at, credits, info, load_id',
    ],
  ],
  'columns and values of loads, and loads that nothing asks for': [
    `
t:
  task: staff_dim
  given: { edp.loads: [{ load_id: x, efective_at: 2025-01-01 }] }
  expect: []`,
    [
      '4: "efective_at" is no column of loads; did you mean "effective_at"?',
      '4: load_id: invalid input syntax for type bigint: "x"',
    ],
  ],
  'a table whose columns nobody says': [
    '\nt: { task: notes, expect: [] }',
    [
      '2: silver.notes reads other.notes, which edp.yaml does not declare; say its columns: given: { other.notes: { columns: { id: int }, rows: [] } }',
    ],
  ],
  'members in two forms': [
    `
t:
  task: job_fact
  expect:
    - { user_id: { plan: pro } }
    - { user_id: { plann: pro } }
    - { user_id: unknown }`,
    ['6: user_id: line 5 expects { plan: … }; write this one in the same form, or unknown'],
  ],
  'a text that is no YAML': [
    't: {',
    ['1: Flow map in block collection must be sufficiently indented and end with a }'],
  ],
};

it.each(Object.entries(refused))('refuses %s', async (_, [text, faults]) => {
  const error = (await runTests(text).catch((thrown) => thrown)) as EdpError;
  expect(error.code).toBe('config');
  const lines = error.message.split('\n').slice(1);
  expect(lines.map((line) => line.trim().replace('tests/a.yaml:', '')).sort()).toEqual(faults);
});

async function listScratch(): Promise<unknown[][]> {
  return database.query("SELECT datname FROM pg_database WHERE datname ~ '^edp_test_'");
}

it('tests/setup.sql makes what tasks need', async () => {
  const text = 't: { task: plans, expect: [] }';
  const [result] = await runTests(text, { setup: 'CREATE TYPE plan_name AS ENUM ()' });
  expect(result!.error).toBeUndefined();
  await expect(runTests(text, { setup: 'CREATE TYPO x' })).rejects.toThrow('tests/setup.sql:');
  expect(await listScratch()).toEqual([]);
});

it('leaves no database, also when it is stopped, and removes what a killed command left', async () => {
  await database.query('CREATE DATABASE edp_test_1_00000000');
  const stop = new AbortController();
  const text = `
t: { task: plans, expect: [] }
slow: { task: slow, given: { raw_jobs: [{ id: 1 }] }, expect: [] }
u: { task: plans, expect: [] }`;
  const running = runTests(text, { signal: stop.signal });
  await delay(3000);
  expect(await listScratch()).toHaveLength(1);
  stop.abort();
  expect((await running).map(({ fixture }) => fixture.name)).toEqual(['t']);
  expect(await listScratch()).toEqual([]);
});

it('two at once do not meet', async () => {
  const text =
    't: { task: plans, given: { raw_users: [{ user_key: a, plan: x }] }, expect: [{ users: 1 }] }';
  const [one, two] = await Promise.all([runTests(text), runTests(text)]);
  for (const [result] of [one, two]) expect(result!.compared!.missing).toEqual([]);
  expect(await listScratch()).toEqual([]);
});
