/** A whole declaration → its tasks. */
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import type { Task, Warehouse } from '../../../src/model/warehouse/task.js';
import { loadFiles } from '../../support/warehouse-project.js';
import { EXAMPLE, SECTIONS, SQL_FILES } from './example-project.js';

let warehouse: Warehouse;
beforeAll(async () => {
  warehouse = (await loadFiles(EXAMPLE)).warehouse;
});

const task = (name: string): Task | undefined => warehouse.tasks.find((one) => one.name === name);

it('puts each task behind what it reads', () => {
  expect(warehouse.tasks.map(({ name }) => name)).toEqual([
    'silver.groups',
    'silver.jobs',
    'silver.members',
    'silver.rsvps',
    'gold.date_dim',
    'gold.member_dim',
    'gold.resource_dim',
    'gold.user_dim',
    'gold.job_ran_fact',
    'gold.signup_fact',
    'gold.team_activity',
    'gold.signup_rate',
  ]);
});

it('knows the lineage and the key of declared tables, and nothing of others', () => {
  expect(task('silver.members')).toMatchObject({
    kind: 'silver',
    relation: { schema: 'silver', name: 'members' },
    source: {
      relation: { schema: 'public', name: 'raw_members' },
      lineageColumn: 'load_id',
      key: ['id'],
    },
    key: ['member_id'],
    where: 'not is_test',
    columns: [
      { name: 'member_id', from: { column: 'id' }, onError: 'fail' },
      { name: 'joined_at', timezone: 'Europe/Amsterdam', truncate: 'minute' },
      { name: 'birth_year', truncate: 'year' },
      { name: 'country_code', from: { sql: 'upper(country)' }, type: 'text' },
      { name: 'plan', values: { pro: ['Pro', 'PRO'] }, onError: 'null' },
    ],
  });
  expect(task('gold.user_dim')).toMatchObject({
    source: { relation: { schema: 'crm', name: 'users' } },
    idType: 'uuid',
  });
  expect(task('gold.user_dim')).not.toHaveProperty('attributes');
  expect(task('silver.groups')).toMatchObject({ latestBy: 'updated' });
});

it('takes dimensions, look-ups and measures', () => {
  expect(task('gold.date_dim')).toMatchObject({
    calendar: { from: '2015-01-01', to: '2040-12-31' },
  });
  expect(task('gold.member_dim')).toMatchObject({
    naturalKey: ['member_id'],
    attributes: ['country_code', 'plan'],
    idType: 'bigint',
  });
  expect(task('gold.job_ran_fact')).toMatchObject({
    kind: 'fact',
    source: { task: 'silver.jobs' },
    date: 'ran_at',
    slice: 'day',
    columns: ['outcome'],
    lookUps: [
      {
        column: 'user_id',
        dimension: 'gold.user_dim',
        idType: 'uuid',
        by: [{ dimension: 'analytics_id', source: 'user_analytics_id' }],
      },
      {
        column: 'resource_id',
        by: ['resource_class', 'operating_system', 'executor'].map((column) => ({
          dimension: column,
          source: column,
        })),
      },
    ],
    measures: [
      {
        name: 'jobs_ran',
        aggregate: 'sum',
        isDistinct: false,
        of: { kind: 'field', name: 'jobs' },
      },
      { name: 'credits_used', aggregate: 'sum' },
      { name: 'longest', aggregate: 'max' },
    ],
  });
  expect(task('gold.signup_fact')).toMatchObject({ key: ['event_id', 'member_id'] });
  expect(task('gold.signup_fact')).not.toHaveProperty('measures');
});

it('finds what SQL of the project reads, and not the names of WITH', () => {
  expect(task('gold.team_activity')).toMatchObject({
    file: 'sql/models/team_activity.sql',
    key: ['team_id', 'date'],
    sources: [{ task: 'gold.job_ran_fact', relation: { schema: 'gold', name: 'job_ran_fact' } }],
  });
  expect(task('gold.signup_rate')).toMatchObject({
    title: 'Signups by event',
    question: 'What part of those who were asked came?',
    isMaterialized: true,
    unique: ['event_id'],
    indexes: [['event_id']],
    sources: [{ task: 'gold.signup_fact' }, { task: 'silver.members' }],
  });
});

it('has the checks of each table', () => {
  expect(task('silver.rsvps')?.checks.map(({ name, severity }) => [name, severity])).toEqual([
    ['unique_event_id_member_id', 'error'],
    ['not_null_member_id_answered_at', 'error'],
    ['accepted_values_response', 'error'],
    ['relationships_member_id', 'error'],
    ['fresh_answered_at', 'error'],
    ['row_count', 'error'],
    ['groups_without_admins', 'warn'],
  ]);
  expect(task('silver.rsvps')?.checks).toMatchObject([
    {},
    {},
    { values: ['yes', 'no', 'waitlist'] },
    { to: { schema: 'silver', name: 'members', column: 'member_id', task: 'silver.members' } },
    { within: '2 days' },
    { min: 1, change: 50 },
    { file: 'sql/checks/groups_without_admins.sql', sources: [{ task: 'silver.groups' }] },
  ]);
  expect([...warehouse.bronzeChecks]).toMatchObject([
    [
      'bronze.raw_members',
      {
        relation: { schema: 'public', name: 'raw_members' },
        checks: [{ kind: 'range', min: '0', max: '130' }, { kind: 'matches' }],
      },
    ],
  ]);
});

it('gives the same tasks whatever the order of sections and files', async () => {
  const names = Object.keys(SECTIONS);
  const orders = fc.shuffledSubarray(names, { minLength: names.length });
  await fc.assert(
    fc.asyncProperty(orders, fc.nat(names.length), async (order, inFirst) => {
      const text = (some: readonly string[]) => some.map((name) => SECTIONS[name]).join('');
      const loaded = await loadFiles({
        ...SQL_FILES,
        'edp.yaml': `include: more/*.yaml\n${text(order.slice(0, inFirst))}`,
        'more/others.yaml': text(order.slice(inFirst)) || '{}',
      });
      expect(loaded.warehouse).toEqual(warehouse);
    }),
    { numRuns: 20 },
  );
});

it('is empty where a project declares none, or there is no edp.yaml', async () => {
  const text = 'tables: {a: {columns: {id: int}}}\nfiles: 3\n';
  const { warehouse: none, model } = await loadFiles({ 'edp.yaml': text });
  expect(none).toEqual({
    layers: { bronze: 'public', silver: 'silver', gold: 'gold' },
    tasks: [],
    bronzeChecks: new Map(),
  });
  expect(model.tables.map(({ name }) => name)).toEqual(['a']);
  const builtin = await loadFiles({});
  expect(builtin.warehouse.tasks).toEqual([]);
  expect(builtin.model.tables.length).toBeGreaterThan(2);
});
