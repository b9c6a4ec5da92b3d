/** Random projects: edp.yaml as plain data, and files of SQL. */
import type { Random } from '../faults/random.js';
import { BRONZE, type BronzeTable } from './bronze.js';

export interface SilverSpec {
  from: string;
  key: string[];
  columns: Record<string, string | SilverColumnSpec>;
  where?: string;
  'latest-by'?: string;
  history?: { by: string; timezone?: string };
}

export interface SilverColumnSpec {
  from?: string;
  sql?: string;
  type?: string;
  timezone?: string;
  truncate?: string;
  values?: Record<string, string[]>;
}

export interface DimensionSpec {
  from?: string;
  'natural-key'?: string[];
  attributes?: string[];
  'type-2'?: string[];
  'changed-at'?: string;
  id?: string;
  calendar?: { from: string; to: string };
}

export interface LookUpSpec {
  dimension: string;
  by: Record<string, string>;
  'as-of'?: string;
}

export interface FactSpec {
  from: string;
  date: string;
  slice?: string;
  timezone?: string;
  dimensions?: Record<string, LookUpSpec>;
  columns?: string[];
  measures?: Record<string, string | { value: string; round: number }>;
  key?: string[];
  'partition-by'?: string;
  'partition-range'?: { from: string };
}

export interface ModelSpec {
  key: string[];
  date?: string;
  sql: string;
}

export interface ViewSpec {
  materialized: boolean;
  unique?: string[];
  sql: string;
}

/** Name → declaration. */
export interface Project {
  silver: Record<string, SilverSpec>;
  dimensions: Record<string, DimensionSpec>;
  facts: Record<string, FactSpec>;
  models: Record<string, ModelSpec>;
  views: Record<string, ViewSpec>;
}

type Maker = (random: Random) => unknown;

const maybe = <T>(random: Random, chance: number, value: T): T | undefined =>
  random.next() < chance ? value : undefined;

function subset<T>(random: Random, items: readonly T[]): T[] {
  return items.filter(() => random.next() < 0.5);
}

/** Without what is undefined. */
function tidy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

const PLAN = (random: Random): string | SilverColumnSpec =>
  random.next() < 0.5 ? 'plan' : { from: 'plan', values: { pro: ['Pro', 'PRO'], none: [''] } };

const MAKERS: Readonly<Record<keyof Project, Readonly<Record<string, Maker>>>> = {
  silver: {
    m: (random) => ({
      from: 'members',
      key: ['member_id'],
      columns: {
        member_id: 'id',
        plan: PLAN(random),
        group_id: maybe(random, 0.7, 'grp'),
        joined_at: {
          from: 'joined',
          timezone: maybe(random, 0.6, 'Europe/Amsterdam'),
          truncate: maybe(random, 0.5, random.pick(['minute', 'hour', 'day', 'month', 'year'])),
        },
        birth: maybe(random, 0.6, { from: 'born', truncate: random.pick(['month', 'year']) }),
        score: maybe(random, 0.6, 'score'),
        label: maybe(random, 0.6, { sql: "upper(name) || coalesce('-' || grp, '')", type: 'text' }),
      },
      where: maybe(
        random,
        0.4,
        random.pick(['not coalesce(is_test, false)', 'grp is distinct from 2']),
      ),
    }),
    g: (random) => ({
      from: 'members',
      key: ['group_id'],
      'latest-by': random.pick(['updated', 'updated', 'score', 'is_test']),
      columns: { group_id: 'grp', plan: PLAN(random), admin: 'id', born: 'born', joined: 'joined' },
      where: maybe(random, 0.3, 'not coalesce(is_test, false)'),
    }),
    e: (random) => ({
      from: 'events',
      key: ['eid'],
      'latest-by': random.pick(['at', 'day', 'qty', 'kind']),
      columns: {
        eid: 'eid',
        member: 'member',
        plan: PLAN(random),
        kind: 'kind',
        at: { from: 'at', truncate: maybe(random, 0.4, random.pick(['minute', 'hour', 'month'])) },
        day: 'day',
        amount: 'amount',
        price: 'price',
        qty: 'qty',
      },
      where: maybe(random, 0.3, 'qty is distinct from 3'),
    }),
    r: (random) => ({
      from: 'rsvps',
      key: ['event_id', 'member_id'],
      columns: {
        event_id: 'event_id',
        member_id: 'member_id',
        response: 'response',
        answered: { from: 'answered', truncate: maybe(random, 0.5, 'minute') },
        guests: 'guests',
      },
    }),
    // A row for each version.
    h: (random) => ({
      from: 'events',
      key: ['member'],
      history: { by: random.pick(['at', 'at', 'day']) },
      columns: {
        member: 'member',
        plan: PLAN(random),
        kind: 'kind',
        day: 'day',
        price: 'price',
        qty: 'qty',
      },
      where: maybe(random, 0.3, 'qty is distinct from 3'),
    }),
    p: (random) => ({
      from: 'plans',
      key: ['member_id'],
      history: { by: 'changed', timezone: maybe(random, 0.4, 'Europe/Amsterdam') },
      columns: { member_id: 'member_id', plan: PLAN(random), grp: 'grp', score: 'score' },
      where: maybe(random, 0.3, 'grp is distinct from 2'),
    }),
    // Members of files that hold all of them: each version, the last one, the latest one, and groups of them.
    q: (random) => ({
      from: 'people',
      key: ['pid'],
      history: random.pick([
        { by: 'changed' },
        { by: 'changed', timezone: 'Europe/Amsterdam' },
        { by: 'day' },
        { by: 'seen' },
      ]),
      columns: { pid: 'pid', plan: PLAN(random), grp: 'grp', score: 'score', day: 'day' },
      where: maybe(random, 0.3, 'grp is distinct from 2'),
    }),
    n: (random) => ({
      from: 'people',
      key: ['pid'],
      'latest-by': random.pick([undefined, undefined, 'changed', 'score']),
      columns: { pid: 'pid', plan: PLAN(random), grp: 'grp', day: 'day' },
      where: maybe(random, 0.3, 'grp is distinct from 2'),
    }),
    k: (random) => ({
      from: 'people',
      key: ['grp'],
      'latest-by': random.pick(['changed', 'score']),
      columns: { grp: 'grp', pid: 'pid', plan: 'plan' },
      where: maybe(random, 0.3, 'grp is distinct from 2'),
    }),
    s: (random) => ({
      from: 'silver.e',
      key: ['member'],
      'latest-by': random.pick(['at', 'qty']),
      columns: { member: 'member', kind: 'kind', day: 'day' },
    }),
  },
  dimensions: {
    member_dim: (random) => ({
      from: 'silver.m',
      'natural-key': ['member_id'],
      attributes: random.pick([undefined, undefined, [], ['plan']]),
      id: random.pick(['int', 'bigint', 'uuid', undefined]),
    }),
    group_dim: (random) => ({
      from: 'members',
      'natural-key': ['grp', 'plan'],
      attributes: random.pick([[], ['name'], ['name', 'score']]),
      id: random.pick(['int', 'bigint', 'uuid']),
    }),
    plan_dim: (random) => ({
      from: random.pick(['silver.e', 'events']),
      'natural-key': ['plan', 'kind'],
      attributes: random.pick([[], ['qty'], ['day', 'qty'], undefined]),
      id: random.pick(['int', 'bigint']),
    }),
    then_dim: (random) => {
      const kept = random.pick([['plan'], ['plan'], ['plan', 'kind'], ['price']]);
      return {
        from: random.pick(['silver.h', 'events']),
        'natural-key': ['member'],
        attributes: maybe(random, 0.6, [...kept, 'qty']),
        'type-2': kept,
        'changed-at': maybe(random, 0.3, 'day'),
        id: random.pick(['int', 'bigint', 'uuid']),
      };
    },
    plan_then_dim: (random) => {
      const from = random.pick(['silver.p', 'silver.p', 'plans']);
      return {
        from,
        'natural-key': ['member_id'],
        attributes: maybe(random, 0.5, ['plan', 'grp']),
        'type-2': random.pick([['plan'], ['grp', 'plan']]),
        'changed-at': from === 'plans' ? 'changed' : undefined,
        id: random.pick(['bigint', 'uuid', undefined]),
      };
    },
    people_dim: (random) => ({
      from: random.pick(['people', 'silver.q', 'silver.n']),
      'natural-key': random.pick([['pid'], ['pid'], ['plan', 'grp']]),
      attributes: random.pick([undefined, [], ['day']]),
      id: random.pick(['int', 'uuid']),
    }),
    people_then_dim: (random) => {
      const from = random.pick(['silver.q', 'silver.q', 'people']);
      return {
        from,
        'natural-key': ['pid'],
        attributes: maybe(random, 0.5, ['plan', 'grp', 'score']),
        'type-2': random.pick([['plan'], ['grp', 'plan'], ['score']]),
        'changed-at':
          from === 'people' ? maybe(random, 0.6, random.pick(['changed', 'seen'])) : undefined,
        id: random.pick(['bigint', 'uuid', undefined]),
      };
    },
    now_dim: (random) => ({
      from: random.pick(['silver.h', 'silver.p', 'silver.q']),
      'natural-key': ['plan'],
      attributes: random.pick([[], undefined]),
    }),
    date_dim: (random) => ({
      calendar: { from: '2024-01-01', to: random.pick(['2024-02-10', '2024-03-01']) },
    }),
  },
  facts: {
    event_fact: (random) => {
      const date = random.pick(['at', 'day']);
      return {
        from: random.pick(['silver.e', 'silver.e', 'events']),
        date,
        slice: random.pick(date === 'at' ? ['day', 'hour', 'month'] : ['day', 'month']),
        timezone: date === 'at' ? maybe(random, 0.4, 'Europe/Amsterdam') : undefined,
        dimensions: lookUps(random),
        columns: random.pick([[], ['kind'], ['kind', 'price'], ['amount']]),
        ...divided(random),
        measures: Object.fromEntries([['n', 'count(*)'], ...subset(random, MEASURES)]),
      };
    },
    row_fact: (random) => ({
      from: random.pick(['silver.r', 'rsvps']),
      key: ['event_id', 'member_id'],
      date: 'answered',
      slice: random.pick(['day', 'hour', 'month', undefined]),
      timezone: maybe(random, 0.3, 'Europe/Amsterdam'),
      dimensions: { who: { dimension: 'member_dim', by: { member_id: 'member_id' } } },
      columns: random.pick([[], ['response'], ['response', 'guests']]),
    }),
    line_fact: (random) => ({
      from: 'silver.e',
      key: ['eid'],
      date: random.pick(['at', 'day']),
      dimensions: lookUps(random),
      columns: random.pick([['kind', 'price'], ['amount'], []]),
    }),
    version_fact: (random) => {
      const from = random.pick(['silver.h', 'silver.p', 'silver.q']);
      const member = { 'silver.h': 'member', 'silver.p': 'member_id', 'silver.q': 'pid' }[from]!;
      const key = random.pick([[member], [member, 'valid_from']]);
      return {
        from,
        key,
        ...(key.length === 2 ? divided(random) : {}),
        date: 'valid_from',
        slice: random.pick(['day', 'month']),
        timezone: maybe(random, 0.2, 'Europe/Amsterdam'),
        dimensions: {
          who: {
            dimension: 'plan_then_dim',
            by: { member_id: member },
            'as-of': maybe(random, 0.6, 'valid_from'),
          },
        },
        columns: random.pick([[], ['plan'], ['plan', 'is_current']]),
      };
    },
    now_fact: (random) => ({
      from: 'silver.h',
      date: random.pick(['day', 'valid_from']),
      dimensions: { plan_id: { dimension: 'now_dim', by: { plan: 'plan' } } },
      ...divided(random),
      measures: { n: 'count(*)', q: 'sum(qty)' },
    }),
    people_fact: (random) => ({
      from: random.pick(['silver.q', 'silver.n', 'people']),
      date: 'day',
      slice: random.pick(['day', 'month']),
      dimensions: {
        who: {
          dimension: 'people_then_dim',
          by: { pid: 'pid' },
          'as-of': maybe(random, 0.6, 'day'),
        },
      },
      columns: random.pick([[], ['plan']]),
      measures: { n: 'count(*)', q: 'sum(grp)' },
    }),
    total_fact: (random) => ({
      from: 'gold.event_fact',
      date: 'date',
      slice: random.pick(['day', 'month']),
      ...divided(random),
      measures: { rows: 'count(*)', total: 'sum(n)' },
    }),
  },
  models: {
    kind_model: (random) => ({
      key: ['kind'],
      sql: `SELECT kind, count(*) AS n${random.pick([', max(day) AS last', ', sum(price) AS last', ''])} FROM silver.e WHERE kind IS NOT NULL GROUP BY kind`,
    }),
    day_model: (random) => ({
      key: ['date'],
      date: 'date',
      sql: `SELECT CAST(date AS date) AS date, sum(n) AS n FROM gold.event_fact WHERE ${random.pick(['date IS NOT NULL', "date < '2024-03-01'"])} GROUP BY 1`,
    }),
    view_model: () => ({
      key: ['plan'],
      sql: 'SELECT plan, n FROM gold.plain_view WHERE plan IS NOT NULL',
    }),
  },
  views: {
    plain_view: (random) => ({
      materialized: false,
      sql: `SELECT plan, count(*) AS n FROM silver.m ${random.pick(['', "WHERE plan <> 'free' "])}GROUP BY plan`,
    }),
    star_view: (random) => ({ materialized: random.next() < 0.3, sql: 'SELECT * FROM silver.m' }),
    mat_view: (random) => ({
      materialized: true,
      unique: maybe(random, 0.5, ['plan']),
      sql: 'SELECT plan, n FROM gold.plain_view',
    }),
    raw_view: () => ({
      materialized: true,
      sql: 'SELECT kind, count(*) AS n FROM public.events GROUP BY kind',
    }),
  },
};

const MEASURES: [string, string | { value: string; round: number }][] = [
  ['q', 'sum(qty)'],
  ['lo', 'min(price)'],
  ['hi', 'max(amount)'],
  ['a', 'avg(price)'],
  ['av', { value: 'avg(amount)', round: 3 }],
  ['d', 'count(distinct member)'],
  ['s', 'sum(amount)'],
  ['p', 'sum(price * qty)'],
  ['w', { value: 'sum(amount)', round: 1 }],
  ['c', 'count(plan)'],
];

/** More than half of the facts have partitions. */
function divided(random: Random) {
  const every = random.pick(['none', undefined, 'day', 'month', 'month', 'year']);
  const isNone = every === undefined || every === 'none';
  const range = isNone
    ? undefined
    : maybe(random, 0.3, { from: random.pick(['2024-02-01', '1900-01-01']) });
  return { 'partition-by': every, 'partition-range': range };
}

function lookUps(random: Random) {
  const all = {
    member_id: { dimension: 'member_dim', by: { member_id: 'member' } },
    plan_id: { dimension: 'plan_dim', by: { plan: 'plan', kind: 'kind' } },
    group_id: { dimension: 'group_dim', by: { grp: 'member', plan: 'plan' } },
    date_id: { dimension: 'date_dim', by: { date: 'day' } },
    then_id: {
      dimension: 'then_dim',
      by: { member: 'member' },
      'as-of': maybe(random, 0.8, random.pick(['at', 'day'])),
    },
    people_then_id: {
      dimension: 'people_then_dim',
      by: { pid: 'member' },
      'as-of': maybe(random, 0.8, random.pick(['at', 'day'])),
    },
    plan_then_id: {
      dimension: 'plan_then_dim',
      by: { member_id: 'member' },
      'as-of': maybe(random, 0.8, random.pick(['at', 'day'])),
    },
  };
  return Object.fromEntries(subset(random, Object.entries(all)));
}

export const SECTIONS = Object.keys(MAKERS) as (keyof Project)[];

/** Some of the tasks, with all that they read. @param share of the tasks that are wanted themselves */
export function makeProject(random: Random, share = 0.3): Project {
  const all = Object.fromEntries(
    SECTIONS.map((section) => [
      section,
      Object.fromEntries(
        Object.entries(MAKERS[section]).map(([name, make]) => [name, tidy(make(random))]),
      ),
    ]),
  ) as unknown as Project;
  const wanted = new Set<string>();
  const want = (task: string) => {
    wanted.add(task);
    for (const read of readsOf(specOf(all, task))) want(read);
  };
  for (const task of namesOf(all)) if (random.next() < share) want(task);
  if (wanted.size === 0) want('silver.e');
  return Object.fromEntries(
    SECTIONS.map((section) => [
      section,
      Object.fromEntries(
        Object.entries(all[section]).filter(([name]) => wanted.has(nameOf(section, name))),
      ),
    ]),
  ) as unknown as Project;
}

function nameOf(section: keyof Project, name: string): string {
  return `${section === 'silver' ? 'silver' : 'gold'}.${name}`;
}

export function namesOf(project: Project): string[] {
  return SECTIONS.flatMap((section) =>
    Object.keys(project[section]).map((name) => nameOf(section, name)),
  );
}

function specOf(project: Project, task: string): unknown {
  const section = SECTIONS.find((each) =>
    Object.keys(project[each]).some((name) => nameOf(each, name) === task),
  );
  return section === undefined ? undefined : project[section][task.split('.')[1]!];
}

/** Tasks that a declaration names, in SQL or elsewhere. */
function readsOf(spec: unknown): string[] {
  const text = JSON.stringify(spec);
  return [
    ...[...text.matchAll(/\b(?:silver|gold)\.\w+/g)].map(([name]) => name),
    ...[...text.matchAll(/"dimension":"(\w+)"/g)].map(([, name]) => `gold.${name}`),
  ];
}

export interface Redeclared {
  readonly section: keyof Project;
  readonly name: string;
  readonly spec: unknown;
}

/** Another declaration of one task, which reads what is there. @returns undefined where none is found */
export function redeclare(random: Random, project: Project): Redeclared | undefined {
  const names = namesOf(project);
  for (let tries = 0; tries < 10; tries++) {
    const section = random.pick(SECTIONS);
    const own = Object.keys(project[section]);
    if (own.length === 0) continue;
    const name = random.pick(own);
    const spec = tidy(MAKERS[section][name]!(random));
    if (readsOf(spec).every((read) => names.includes(read))) return { section, name, spec };
  }
  return undefined;
}

/** JSON is YAML. */
export function filesOf(project: Project, extra: readonly string[] = []): Record<string, string> {
  const files: Record<string, string> = {};
  const bare = (section: 'models' | 'views') =>
    Object.fromEntries(
      Object.entries(project[section]).map(([name, { sql, ...spec }]) => {
        files[`sql/${section}/${name}.sql`] = `${sql}\n`;
        return [name, spec];
      }),
    );
  const models = bare('models');
  const views = bare('views');
  const tables = Object.fromEntries(
    Object.entries(BRONZE).map(([name, table]) => {
      const { columns, key, isSnapshot }: BronzeTable = table;
      const more =
        name === 'events' ? Object.fromEntries(extra.map((column) => [column, 'text'])) : {};
      return [
        name,
        {
          columns: { ...columns, ...more },
          ...(key.length === 0 ? {} : { key }),
          ...(isSnapshot ? { versions: true, snapshot: 'full' } : {}),
        },
      ];
    }),
  );
  const { silver, dimensions, facts } = project;
  files['edp.yaml'] = JSON.stringify(
    { tables, silver, dimensions, facts, models, views },
    undefined,
    1,
  );
  return files;
}
