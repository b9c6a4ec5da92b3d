/** Small dbt projects, and what becomes of them. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { convertDbt } from '../../src/from-dbt/from-dbt.js';
import { withInferencePool } from '../../src/infer/infer-pool.js';
import { makeDirectory } from '../support/cli.js';

type Files = Readonly<Record<string, string>>;

async function convert(files: Files) {
  const folder = await makeDirectory();
  for (const [name, text] of Object.entries({ 'dbt_project.yml': 'name: shop\n', ...files })) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  const { signal } = new AbortController();
  const made = await withInferencePool(1, 0, (pool) => convertDbt(folder, [], { pool, signal }));
  const { taken, notTaken } = made.findings;
  return {
    made,
    yaml: parse(made.texts.get('edp.yaml')!) as Record<string, unknown>,
    taken: taken.map(({ kind, name, became }) => `${kind} ${name}: ${became}`),
    notTaken: notTaken.map(
      ({ kind, name, place, reason }) => `${place.file}:${place.line} ${kind} ${name}: ${reason}`,
    ),
  };
}

/** A model of each name with a key. */
const schemaOf = (...names: readonly string[]) =>
  `models:\n${names.map((name) => `  - { name: ${name}, columns: [{ name: id, tests: [unique, not_null] }] }\n`).join('')}`;

const TABLE = 'models: { shop: { +materialized: table } }\nname: shop\n';

describe('a model', () => {
  it.each<[string, Files, object]>([
    ['is a view by default', { 'models/a.sql': 'select 1 as id' }, { views: { a: {} } }],
    [
      'is a model where a table has a key',
      { 'dbt_project.yml': TABLE, 'models/a.sql': 'select 1 as id', 'models/s.yml': schemaOf('a') },
      { models: { a: { key: 'id' } } },
    ],
    [
      'is a materialized view where a table has none',
      { 'dbt_project.yml': TABLE, 'models/a.sql': 'select 1 as id' },
      { views: { a: { materialized: true } } },
    ],
    [
      'has the key that config names',
      {
        'models/a.sql':
          "{{ config(materialized='incremental', unique_key=['id', 'DAY']) }} select 1 as id, 2 as day",
      },
      { models: { a: { key: ['id', 'day'] } } },
    ],
    [
      'has no key that its SQL does not give',
      {
        'models/a.sql': "{{ config(materialized='incremental', unique_key='no') }} select 1 as id",
      },
      { views: { a: { materialized: true } } },
    ],
    [
      'has the key of a primary key',
      {
        'models/a.sql': "{{ config(materialized='table') }} select 1 as id",
        'models/s.yml':
          'models: [{ name: a, columns: [{ name: id, constraints: [{ type: primary_key }] }] }]',
      },
      { models: { a: { key: 'id' } } },
    ],
    [
      'has no key by a test that only warns',
      {
        'models/a.sql': "{{ config(materialized='table') }} select 1 as id",
        'models/s.yml':
          'models: [{ name: a, columns: [{ name: id, tests: [not_null, unique: { severity: warn }] }] }]',
      },
      { views: { a: { materialized: true } } },
    ],
    [
      'is configured by its folder, its properties and its file, in this order',
      {
        'dbt_project.yml':
          'name: shop\nmodels: { shop: { +tags: one, deep: { +materialized: table, +meta: { owner: us } } } }\n',
        'models/deep/a.sql': "{{ config(materialized='view', tags=['three']) }} select 1 as id",
        'models/s.yml': 'models: [{ name: a, description: A, config: { tags: two } }]',
      },
      { views: { a: { description: 'A', owner: 'us', tags: ['one', 'two', 'three'] } } },
    ],
    [
      'goes by its alias',
      {
        'models/a.sql': "{{ config(alias='b') }} select 1 as id",
        'models/c.sql': "select * from {{ ref('a') }}",
      },
      { views: { b: {}, c: {} } },
    ],
    [
      'keeps the columns that it has in dbt, where others take all of them',
      {
        'dbt_project.yml': TABLE,
        'models/a.sql': 'select 1 as id',
        'models/b.sql': "select * from {{ ref('a') }}",
        'models/s.yml': schemaOf('a'),
      },
      { views: { a: { materialized: true, unique: 'id' }, b: { materialized: true } } },
    ],
  ])('%s', async (_, files, expected) => {
    expect((await convert(files)).yaml).toMatchObject(expected);
  });

  it.each<[string, Files, string[]]>([
    [
      'that is disabled',
      { 'models/a.sql': '{{ config(enabled=false) }} select 1' },
      ['models/a.sql:1 model a: it is disabled in dbt'],
    ],
    [
      'with SQL of another engine',
      { 'models/a.sql': 'select 1 as id,\n  b:c::string as x\nfrom t' },
      ['models/a.sql:2 model a: PostgreSQL does not read it: syntax error at or near ":"'],
    ],
    [
      'of another materialization',
      { 'models/a.sql': "{{ config(materialized='dynamic_table') }} select 1 as id" },
      ['models/a.sql:1 model a: edp has no materialization "dynamic_table"'],
    ],
    [
      'with two columns of one name',
      { 'models/a.sql': '{# x #}\nselect 1 as id, 2 as id' },
      [
        'models/a.sql:2 model a: edp does not take it: "id" is the name of two columns; give one of them another name (AS)',
      ],
    ],
    [
      'that reads what is not there, and what reads that',
      {
        'models/a.sql': "select * from {{ ref('gone') }}",
        'models/b.sql': "select 1 as id from {{ ref('a') }}",
      },
      [
        "models/a.sql:1 model a: ref('gone') is nothing that the project declares",
        'models/b.sql:1 model b: it reads the model a, which was not taken',
      ],
    ],
    [
      'of a package',
      { 'models/a.sql': "select * from {{ ref('other', 'x') }}" },
      [
        "models/a.sql:1 model a: ref('other', 'x') is a model of the package other, which is not read",
      ],
    ],
    [
      'that reads itself through another',
      {
        'models/a.sql': "select 1 as id from {{ ref('b') }}",
        'models/b.sql': "select 1 as id from {{ ref('a') }}",
      },
      [
        'models/a.sql:1 model a: edp does not take it: these tasks read each other in a circle: gold.a → gold.b → gold.a',
        'models/b.sql:1 model b: it reads the model a, which was not taken',
      ],
    ],
    [
      'with a column that what it reads does not have',
      { 'models/a.sql': 'select 1 as id', 'models/b.sql': "select a.ic\nfrom {{ ref('a') }} as a" },
      [
        'models/b.sql:1 model b: edp does not take it: "ic" is no column of what is read there; did you mean "id"?',
      ],
    ],
  ])('is not taken %s', async (_, files, expected) => {
    expect((await convert(files)).notTaken).toEqual(expected);
  });

  it('waits with its SQL for what it reads', async () => {
    const { made } = await convert({
      'models/a.sql': '{{ x() }}',
      'models/b.sql': "select 1 as id from {{ ref('a') }}",
    });
    expect(made.texts.get('sql/waiting/views/b.sql')).toBe('select 1 as id from gold.a\n');
    expect(made.findings.notTaken[1]).toMatchObject({
      waiting: 'sql/waiting/views/b.sql',
      instead:
        'when that is there, move sql/waiting/views/b.sql to sql/views/, and add to views: b: {}',
    });
  });
});

describe('a source', () => {
  const model = (source: string) => ({
    'models/s.yml': `sources: [${source}]`,
    'models/a.sql': "select 1 as id from {{ source('s', 't') }}",
  });
  it.each<[string, string, string]>([
    ['is in the schema of its name', '{ name: s, tables: [{ name: t }] }', 's.t'],
    ['is in the schema that it names', '{ name: s, schema: x, tables: [{ name: t }] }', 'x.t'],
    ['has another name there', '{ name: s, tables: [{ name: t, identifier: T 1 }] }', 's."T 1"'],
    [
      'is named by a variable',
      `{ name: s, schema: "{{ var('w', 'x') }}", tables: [{ name: t }] }`,
      'x.t',
    ],
    [
      'is in a schema with a name that SQL uses',
      '{ name: s, schema: order, tables: [{ name: t }] }',
      '"order".t',
    ],
  ])('%s', async (_, source, expected) => {
    const { made } = await convert(model(source));
    expect(made.texts.get('sql/views/a.sql')).toBe(`select 1 as id from ${expected}\n`);
    expect(made.next.tables).toHaveLength(1);
  });

  it('is the seed of its name', async () => {
    const { made, taken, yaml } = await convert({
      ...model('{ name: s, tables: [{ name: t, columns: [{ name: id, tests: [not_null] }] }] }'),
      'seeds/t.csv': 'id,day\n1,2024-01-31\n',
    });
    expect(made.texts.get('sql/views/a.sql')).toBe('select 1 as id from public.t\n');
    expect(taken).toContain('source s.t: tables: t, the seed of this name');
    expect(yaml.tables).toEqual({ t: { columns: { id: 'int', day: 'date' } } });
    expect(yaml.checks).toEqual({ t: [{ not_null: 'id' }] });
    expect(made.next.tables).toEqual([]);
  });

  it('may be in a schema that edp calls a layer', async () => {
    const { yaml, made } = await convert(
      model(
        '{ name: s, schema: gold, tables: [{ name: t }] }, { name: bronze, tables: [{ name: u }] }',
      ),
    );
    expect(yaml.layers).toEqual({ bronze: 'bronze', gold: 'marts' });
    expect(made.texts.get('sql/views/a.sql')).toBe('select 1 as id from gold.t\n');
  });

  it('is not taken where dbt alone knows its name', async () => {
    const { notTaken } = await convert(
      model("{ name: s, schema: '{{ target.name }}', tables: [{ name: t }] }"),
    );
    expect(notTaken).toEqual([
      'models/a.sql:1 model a: schema: the value of target.name is known to dbt alone',
      'models/s.yml:1 source s.t: schema: the value of target.name is known to dbt alone',
    ]);
  });

  it('has checks of how fresh it is', async () => {
    const { yaml } = await convert({
      'models/s.yml':
        'sources: [{ name: s, loaded_at_field: AT, freshness: { warn_after: { count: 6, period: hour }, error_after: { count: 2, period: day } }, tables: [{ name: t }, { name: u, freshness: null }] }]',
    });
    expect(yaml.checks).toEqual({
      's.t': [
        { fresh: { column: 'at', within: '2 days' } },
        { fresh: { column: 'at', within: '6 hours' }, severity: 'warn', name: 'fresh_at_warn' },
      ],
    });
  });
});

describe('a test', () => {
  it('keeps its severity, its condition and its name', async () => {
    const { yaml, notTaken } = await convert({
      'models/a.sql': 'select 1 as id, 2 as n',
      'models/s.yml': `models:
  - name: a
    data_tests:
      - dbt_utils.expression_is_true: { expression: n > 0, config: { where: id > 1 }, name: Positive! }
    columns:
      - name: id
        data_tests:
          - not_null: { config: { severity: WARN, where: "n > 1" } }
          - not_null
          - unique: { config: { error_if: ">10" } }
          - unique: { config: { enabled: false } }
          - accepted_values: { name: few, values: [1] }
`,
    });
    expect(yaml.checks).toEqual({
      'gold.a': [
        { sql: 'positive_' },
        { not_null: 'id', where: 'n > 1', severity: 'warn' },
        { not_null: 'id', name: 'not_null_id_2' },
        { accepted_values: { column: 'id', values: ['1'] }, name: 'few' },
      ],
    });
    expect(notTaken).toEqual([
      'models/s.yml:10 test unique a id: a check of edp fails with its first row, and has no error_if',
    ]);
  });

  it('in a file is a check of the table that is made of the others', async () => {
    const { yaml, made } = await convert({
      'models/a.sql': 'select 1 as id',
      'models/b.sql': "select id from {{ ref('a') }}",
      'tests/t.sql':
        "{{ config(severity='warn') }}\nselect * from {{ ref('a') }} join {{ ref('b') }} using (id)",
    });
    expect(yaml.checks).toEqual({ 'gold.b': [{ sql: 't', severity: 'warn' }] });
    expect(made.texts.get('sql/checks/t.sql')).toBe(
      'select * from gold.a join gold.b using (id)\n',
    );
  });

  it('of a column that is not there is not taken', async () => {
    const { notTaken, yaml } = await convert({
      'models/a.sql': 'select 1 as id',
      'models/s.yml': 'models: [{ name: a, columns: [{ name: ic, tests: [unique] }] }]',
    });
    expect(notTaken).toEqual([
      'models/s.yml:1 test unique a ic: edp does not take it: "ic" is no column of gold.a; did you mean "id"?',
    ]);
    expect(yaml.checks).toBeUndefined();
  });
});

describe('a seed', () => {
  it('has the types and the place that are configured', async () => {
    const { yaml, made } = await convert({
      'dbt_project.yml':
        "name: shop\nseeds: { shop: { +schema: it's, codes: { +delimiter: ';', +alias: places, +column_types: { zip: varchar(5), n: hstore } } } }\n",
      'seeds/codes.csv': 'zip;n\n123;4\n',
      'seeds/empty.csv': '',
    });
    expect(yaml.tables).toMatchObject({ "it's.places": { columns: { zip: 'text', n: 'int' } } });
    expect(made.findings.taken[0]!.note).toBe('n is no hstore');
    expect(made.next.commands[0]).toBe(`edp db psql -c 'CREATE SCHEMA IF NOT EXISTS "it'\\''s"'`);
    expect(made.findings.notTaken.map(({ name }) => name)).toEqual(['empty']);
  });

  it('hands no number of its load on', async () => {
    const { yaml } = await convert({
      'seeds/a.csv': 'id\n1\n',
      'seeds/b.csv': 'id\n1\n',
      'models/m.sql': "with a as (select * from {{ ref('a') }}) select a.id from a",
      'models/n.sql': "select * from {{ ref('b') }}",
    });
    expect(yaml.tables).toEqual({
      a: { columns: { id: 'int' } },
      b: { columns: { id: 'int' }, lineage: false },
    });
  });
});

it('says of a model in Python what it is, where another one reads it', async () => {
  const { notTaken } = await convert({
    'dbt_project.yml': 'name: shop\n',
    'models/marts/a.py': 'x',
    'models/b.sql': "select id from {{ ref('a') }}",
    'models/c.sql': "select id from {{ ref('d') }}",
  });
  expect(notTaken).toContain('models/b.sql:1 model b: it reads the model a, which was not taken');
  expect(notTaken).toContain(
    "models/c.sql:1 model c: ref('d') is nothing that the project declares",
  );
});

it('lists what edp has nothing for', async () => {
  const { notTaken } = await convert({
    'dbt_project.yml': 'name: shop\non-run-end: ["select 1"]\n',
    'packages.yml': 'packages:\n  - { package: a/b, version: 1 }\n',
    'models/a.py': 'x',
    'models/broken.yml': 'a: [',
    'models/s.yml':
      'exposures: [{ name: e }]\nmetrics: [{ name: m }]\nunit_tests: [{ name: u }]\nsnapshots: [{ name: y, relation: ref(1), config: { strategy: check } }]\n',
    'macros/m.sql': '\n{% macro m() %}{% endmacro %}',
    'snapshots/s.sql': '{% snapshot s %}select 1{% endsnapshot %}',
    'analyses/n.sql': 'select 1',
  });
  expect(notTaken.map((line) => line.split(': ')[0])).toEqual([
    'models/broken.yml:1 setting models/broken.yml',
    'models/a.py:1 model a',
    'models/s.yml:1 exposure e',
    'models/s.yml:2 metric m',
    'models/s.yml:3 unit test u',
    'snapshots/s.sql:1 snapshot s',
    'models/s.yml:4 snapshot y',
    'macros/m.sql:2 macro m',
    'analyses/n.sql:1 analysis n',
    'packages.yml:2 package a/b',
    'dbt_project.yml:2 setting on-run-end',
  ]);
});
