/** Every fault of a warehouse that stands in edp.yaml, with its line and the mend. */
import { expect, it } from 'vitest';
import { faultsOf } from '../support/warehouse-project.js';

const TABLES = `tables:
  raw:
    columns: {id: int, name: text, at: timestamptz, day: date, amount: numeric, doc: jsonb, ok: boolean}
    key: id
`;
/** Silver begins in line 5 of the file. */
const SILVER = `silver:
  jobs: {from: raw, key: job_id, columns: {job_id: id, name: name, ran_at: at, day: day, amount: amount, ok: ok}}
`;

interface Case {
  readonly name: string;
  readonly text: string;
  readonly faults: readonly string[];
}

const check = async ({ text, faults }: Case) => {
  expect(await faultsOf({ 'edp.yaml': text })).toEqual(
    faults.map((fault) => expect.stringContaining(fault)),
  );
};

it.each<Case>([
  {
    name: 'a column that the source lacks',
    text: `${TABLES}silver:
  a:
    from: raw
    key: idd
    latest-by: att
    columns:
      id: id
      b: nam
      c: {from: dayy}
      d: {sql: "upper(nme)"}
    where: "amuont > 1"
`,
    faults: [
      '8: silver.a.key: "idd" is no column of silver.a; did you mean "id"?',
      '9: silver.a.latest-by: "att" is no column of public.raw; did you mean "at"?',
      '12: silver.a.columns.b: "nam" is no column of public.raw; did you mean "name"?',
      '13: silver.a.columns.c.from: "dayy" is no column of public.raw; did you mean "day"?',
      '14: silver.a.columns.d.sql: "nme" is no column of public.raw; did you mean "name"?',
      '15: silver.a.where: "amuont" is no column of public.raw; did you mean "amount"?',
    ],
  },
  {
    name: 'values that are none of the type of the column',
    text: `${TABLES}${SILVER}dimensions:
  name_dim: {from: silver.jobs, natural-key: name, attributes: []}
facts:
  f: {from: silver.jobs, date: day, dimensions: {n: {dimension: name_dim, by: {name: job_id}}}, measures: {n_jobs: count(*)}}
  g: {from: silver.jobs, date: day, measures: {mean: avg(amount), mean_sum: sum(amount)}}
checks:
  silver.jobs:
    - range: {column: amount, min: abc}
    - range: {column: job_id, min: 10, max: 9}
      name: upside_down
    - range: {column: day, min: 2024-02-01, max: 2024-01-31}
    - accepted_values: {column: amount, values: [many, none]}
    - accepted_values: {column: job_id, values: [1, many]}
    - fresh: {column: name, within: 2 days}
  gold.g:
    - range: {column: mean_count, min: 1}
`,
    faults: [
      '10: facts.f.dimensions.n.by: "job_id" is int, and name of name_dim is text; cast one of them in silver (type:)',
      '11: facts.g.measures.mean_sum: "mean_sum" is a part of the average mean, too',
      '14: checks.silver.jobs.0.range.min: "abc" is no number, and amount is numeric',
      '15: checks.silver.jobs.1.range.min: no value is from 10 to 9; min is above max',
      '17: checks.silver.jobs.2.range.min: no value is from 2024-02-01 to 2024-01-31; min is above max',
      '18: checks.silver.jobs.3.accepted_values.values: "many" is no number, and amount is numeric',
      '20: checks.silver.jobs.5.fresh.column: "name" is text, which is no time',
    ],
  },
  {
    name: 'SQL that is no expression',
    text: `${TABLES}silver:
  a:
    from: raw
    key: id
    columns:
      id: id
      b: {sql: "upper("}
      c: {sql: "id), (name"}
      d: {sql: "(SELECT max(id) FROM other)"}
      e: {sql: "raw.name"}
      f: {sql: "id FROM raw"}
      g: {sql: "max(id)"}
      h: {sql: "row_number() OVER (PARTITION BY name ORDER BY at)"}
    where: "ok; DROP TABLE raw"
`,
    faults: [
      '11: silver.a.columns.b.sql: syntax error',
      '12: silver.a.columns.c.sql: expected one expression of SQL',
      '13: silver.a.columns.d.sql: it reads another table; sql/models/ is the place for that',
      '14: silver.a.columns.e.sql: "raw.name": columns are written without a table',
      '15: silver.a.columns.f.sql: syntax error at or near "FROM"',
      '16: silver.a.columns.g.sql: max reads other rows; sql/models/ is the place for that',
      '17: silver.a.columns.h.sql: row_number reads other rows; sql/models/ is the place for that',
      '18: silver.a.where: syntax error at or near ";"',
    ],
  },
  {
    name: 'a column of silver',
    text: `${TABLES}silver:
  a:
    from: raw
    key: [id, id]
    incremental-by: at
    columns:
      id: id
      load_id: id
      b: {from: name, truncate: day}
      c: {from: ok, timezone: Europe/Amsterdam}
      d: {from: name, timezone: Amsterdam}
      e: {from: name, sql: name}
      f: {from: name, values: {x: [a, b], y: b}}
      g: {from: name, timezone: Europe/Amsterdam, truncate: day}
      h: {from: name, type: date, truncate: year}
`,
    // A column that is not valid by itself keeps the whole entry from being looked at.
    faults: [
      '15: silver.a.columns.d.timezone: "Amsterdam" is no time zone, such as Europe/Amsterdam',
      '16: silver.a.columns.e: a column has either from or sql',
    ],
  },
  {
    name: 'a time that is none, a name of edp, and a spelling of two values',
    text: `${TABLES}silver:
  a:
    from: raw
    key: [id, id]
    incremental-by: at
    columns:
      id: id
      load_id: id
      b: {from: name, truncate: day}
      c: {from: ok, timezone: Europe/Amsterdam}
      f: {from: name, values: {x: [a, b], y: b}}
      g: {from: name, timezone: Europe/Amsterdam, truncate: day}
      h: {from: name, type: date, truncate: year}
`,
    faults: [
      '8: silver.a.key.1: "id" is named twice',
      '9: silver.a.incremental-by: edp knows itself what changed in public.raw; remove it',
      '12: silver.a.columns.load_id: every table of silver has a column load_id',
      '13: silver.a.columns.b.truncate: truncate is for times, and the value is text; add the type',
      '14: silver.a.columns.c.timezone: timezone is for times, and the value is boolean',
      '15: silver.a.columns.f.values.y: "b" is a spelling of x, too',
    ],
  },
  {
    name: 'of a dimension',
    text: `${TABLES}${SILVER}dimensions:
  a_dim: {from: silver.jobs, natural-key: job, attributes: [nam]}
  b_dim: {from: raw, natural-key: id}
  c_dim: {from: raw, natural-key: name}
  d_dim: {from: silver.jobs, natural-key: job_id, attributes: [job_id]}
  e_dim: {from: silver.jobbs, natural-key: job_id}
  f_dim: {from: jobs, natural-key: job_id}
  g_dim: {natural-key: job_id}
  h_dim: {calendar: {from: 2020-02-30, to: 2019-01-01}}
  i_dim: {calendar: {from: 2020-02-01, to: 2019-01-01}}
  j_dim: {from: raw, natural-key: name, id: serial}
  k_dim: {calendar: {from: 2020-02-01, to: 2020-02-02}, natural-key: date}
`,
    faults: [
      '8: dimensions.a_dim.natural-key: "job" is no column of silver.jobs; did you mean "job_id"?',
      '8: dimensions.a_dim.attributes.0: "nam" is no column of silver.jobs; did you mean "name"?',
      '9: dimensions.b_dim.natural-key: every dimension has a column id, which edp fills; give it another name in silver',
      '10: dimensions.c_dim: every dimension has a column id, which edp fills; name the attributes to take',
      '11: dimensions.d_dim.attributes: "job_id" is in the natural key already',
      '12: dimensions.e_dim.from: there is no task silver.jobbs; did you mean silver.jobs?',
      '13: dimensions.f_dim.from: jobs alone is a table of schema public, and edp.yaml declares none; write silver.jobs for the task, or public.jobs',
      '14: dimensions.g_dim: a dimension has either from or calendar',
      '15: dimensions.h_dim.calendar.from: "2020-02-30" is no day',
      '16: dimensions.i_dim.calendar.from: the calendar ends before it begins: from is later than to',
      '17: dimensions.j_dim.id: expected int, bigint or uuid, not "serial"',
      '18: dimensions.k_dim.natural-key: a calendar has no natural-key',
    ],
  },
  {
    name: 'of a fact',
    text: `${TABLES}${SILVER}facts:
  a_fact: {from: silver.jobs, date: ran, measures: {n: count(*)}}
  b_fact: {from: silver.jobs, date: name, measures: {n: count(*)}}
  c_fact: {from: raw, date: doc, measures: {n: count(*)}}
  d_fact: {from: raw, date: id, measures: {n: count(*)}}
  e_fact: {from: raw, date: ok, measures: {n: count(*)}}
  f_fact: {from: raw, date: day, slice: hour, measures: {n: count(*)}}
  g_fact: {from: raw, date: at}
  h_fact: {from: raw, date: at, key: id, measures: {n: count(*)}}
  i_fact: {from: raw, date: at, columns: [nme], measures: {n: count(*), date: count(*)}}
  j_fact: {from: raw, date: at, key: [id, nr], columns: [id]}
  k_fact: {from: raw, date: at, columns: [name], measures: {name: count(*), dw_created_at: count(*)}}
  l_fact: {from: raw, date: at, slice: week, measures: {}}
`,
    faults: [
      '8: facts.a_fact.date: "ran" is no column of silver.jobs; did you mean "ran_at"?',
      '9: facts.b_fact.date: "name" is text, which is no date; cast it in silver (type: timestamp)',
      '10: facts.c_fact.date: "doc" is jsonb, which is no date',
      '11: facts.d_fact.date: "id" is int, which is no date',
      '12: facts.e_fact.date: "ok" is boolean, which is no date',
      '13: facts.f_fact.slice: "day" is a date, which has no hours; slice by day or month',
      '14: facts.g_fact: a fact has either measures (it is aggregated) or key',
      '15: facts.h_fact: a fact has either measures (it is aggregated) or key',
      '16: facts.i_fact.measures.date: "date" is the column that edp makes of date:, too',
      '16: facts.i_fact.columns.0: "nme" is no column of public.raw; did you mean "name"?',
      '17: facts.j_fact.columns.0: "id" is a column of key, too',
      '17: facts.j_fact.key.1: "nr" is no column of public.raw',
      '18: facts.k_fact.measures.name: "name" is a column of columns, too',
      '18: facts.k_fact.measures.dw_created_at: "dw_created_at" is a column that edp fills, too',
      '19: facts.l_fact.slice: expected day, hour or month, not "week"',
      '19: facts.l_fact.measures: measures has at least one',
    ],
  },
  {
    name: 'of a measure',
    text: `${TABLES}facts:
  a_fact:
    from: raw
    date: at
    measures:
      a: amount
      b: median(amount)
      c: sum(amont)
      d: sum(name)
      e: avg(*)
      f: sum(amount) / count(*)
      g: sum(distinct amount)
      h: max(upper(name))
      i: {value: count(*), round: 2}
      j: min(name)
      k: sum(amount * -id + 1.5)
      l: {value: avg(amount), round: 2}
      m: count(distinct name)
      n: sum(1)
`,
    faults: [
      '10: facts.a_fact.measures.a: "amount" is no aggregate; the aggregates are sum, count, min, max, avg',
      '11: facts.a_fact.measures.b: "median(amount)" is no aggregate; the aggregates are',
      '12: facts.a_fact.measures.c: "amont" is no column of public.raw; did you mean "amount"?',
      '13: facts.a_fact.measures.d: "name" is text, which is no number',
      '14: facts.a_fact.measures.e: "avg(*)" has *, which only count takes',
      '15: facts.a_fact.measures.f: "sum(amount) / count(*)" is no aggregate',
      '16: facts.a_fact.measures.g: "sum(distinct amount)" has distinct, which only count takes',
      '17: facts.a_fact.measures.h: "max(upper(name))" has more than arithmetic in it',
      '18: facts.a_fact.measures.i: count gives whole numbers; remove round',
      '23: facts.a_fact.measures.n: "sum(1)" reads no column',
    ],
  },
  {
    name: 'of a look-up',
    text: `${TABLES}${SILVER}dimensions:
  two_dim: {from: silver.jobs, natural-key: [job_id, name], attributes: []}
  one_dim: {from: silver.jobs, natural-key: job_id}
facts:
  a_fact:
    from: raw
    date: at
    columns: [name]
    measures: {n: count(*)}
    dimensions:
      a: {dimension: two_dm, by: id}
      b: {dimension: two_dim, by: {job_id: id}}
      c: {dimension: two_dim, by: {job_id: id, name: name, ok: ok}}
      d: {dimension: one_dim, by: id}
      e: {dimension: gold.one_dim, by: {job_id: idd}}
      name: {dimension: one_dim, by: {job_id: id}}
      date: {dimension: one_dim, by: {job_id: id}}
      f: {dimension: a_fact, by: {job_id: id}}
      g: {dimension: silver.jobs, by: {job_id: id}}
`,
    faults: [
      '17: facts.a_fact.dimensions.a.dimension: there is no dimension "two_dm"; did you mean "two_dim"?',
      '18: facts.a_fact.dimensions.b.by: several members of two_dim can match, as name is missing; its natural key is all of job_id, name',
      '19: facts.a_fact.dimensions.c.by: "ok" does not identify a member of two_dim; its natural key is all of job_id, name',
      '20: facts.a_fact.dimensions.d.by: "id" does not identify a member of one_dim; its natural key is job_id; write by: {job_id: id}',
      '21: facts.a_fact.dimensions.e.by: "idd" is no column of public.raw; did you mean "id"?',
      '22: facts.a_fact.dimensions.name: "name" is a column of columns, too',
      '23: facts.a_fact.dimensions.date: "date" is the column that edp makes of date:, too',
      '24: facts.a_fact.dimensions.f.dimension: gold.a_fact is declared under facts:, and is no dimension',
      '25: facts.a_fact.dimensions.g.dimension: silver.jobs is declared under silver:, and is no dimension',
    ],
  },
  {
    name: 'two of one name',
    text: `layers: {bronze: public, silver: public}
tables:
  raw: {columns: {id: int, at: date}}
silver:
  raw: {from: x, key: id, columns: {id: id}}
dimensions:
  a: {from: raw, natural-key: at, attributes: []}
facts:
  a: {from: raw, date: at, key: id}
`,
    faults: [
      '5: silver.raw: public.raw would be made twice: tables: declares it, too; rename one of them',
      '9: facts.a: gold.a would be made twice: dimensions: declares it, too',
    ],
  },
  {
    name: 'circles',
    text: `silver:
  a: {from: silver.b, key: id, columns: {id: id}}
  b: {from: silver.c, key: id, columns: {id: id}}
  c: {from: silver.a, key: id, columns: {id: id}}
  d: {from: silver.d, key: id, columns: {id: id}}
`,
    faults: [
      '2: silver.a: these tasks read each other in a circle: silver.a → silver.b → silver.c → silver.a',
      '5: silver.d: silver.d reads itself',
    ],
  },
  {
    name: 'names and layers',
    text: `layers: {bronze: edp, silver: pg_x, gould: g}
silver:
  ${'x'.repeat(58)}: {from: raw, key: id, columns: {id: id}}
  ${'y'.repeat(57)}: {from: raw, key: id, columns: {id: id}}
  a__next: {from: raw, key: id, columns: {id: id}}
  a.b: {from: raw, key: id, columns: {id: id}}
  b: {from: raw, key: id, columns: {ctid: id}}
  c: {from: a.b.c, key: id, columns: {id: id}}
  d: {from: raw, key: id, colums: {id: id}}
models:
  a/b: {key: id}
`,
    faults: [
      '1: layers.bronze: schema "edp" belongs to edp itself',
      '1: layers.silver: schema "pg_x" belongs to the server',
      '1: layers.gould: "gould" is not known here; did you mean "gold"?',
      '3: ',
      '5: ',
      '6: ',
      '7: ',
      '8: silver.c.from: a source is written table (of bronze), schema.table',
      '9: silver.d.columns: columns are {name: column of the source}',
      '9: silver.d.colums: "colums" is not known here; did you mean "columns"?',
      '11: ',
    ],
  },
  {
    name: 'keys of later versions',
    text: `${TABLES}silver:
  a:
    from: raw
    key: id
    partition-by: month
    columns: {id: {from: id, surrogate: x}}
privacy: {}
`,
    faults: [
      '9: silver.a.partition-by: "partition-by" is not in this version of edp yet; remove it (facts and tables',
      '10: silver.a.columns.id.surrogate: "surrogate" is not in this version of edp yet',
      '11: privacy: "privacy" is not in this version',
    ],
  },
  {
    name: 'partitions of facts',
    text: `${TABLES}facts:
  a: {from: raw, date: at, key: id, partition-by: month}
  b: {from: raw, date: at, key: [id, at], partition-by: none}
  c: {from: raw, date: at, measures: {n: count(*)}, partition-range: {from: 2000-01-01}}
  d: {from: raw, date: at, measures: {n: count(*)}, partition-by: day, partition-range: {from: 2000-01-01, to: 1999-01-01}}
  e: {from: raw, date: day, key: [id, day], partition-by: year}
  f: {from: raw, date: day, key: [id, ok], partition-by: year}
`,
    faults: [
      '6: facts.a.partition-by: the key (id) does not contain "at", which gives the date, and PostgreSQL keeps a key unique over partitions only where it does: declare `key: [id, at]`, or remove partition-by',
      '8: facts.c.partition-range: the fact has no partition-by: remove partition-range',
      '9: facts.d.partition-range: 2000-01-01 is not before 1999-01-01',
      '11: facts.f.partition-by: the key (id, ok) does not contain "day"',
    ],
  },
  {
    name: 'shapes of partitions of facts',
    text: `${TABLES}facts:
  a: {from: raw, date: at, measures: {n: count(*)}, partition-by: {column: at, every: month}}
  b: {from: raw, date: at, measures: {n: count(*)}, partition-by: week}
  c: {from: raw, date: at, measures: {n: count(*)}, partition-by: day, partition-range: {from: soon}}
  d: {from: raw, date: at, measures: {n: count(*)}, key-guard: true}
`,
    faults: [
      '6: facts.a.partition-by: a fact is divided by its dates: partition-by is day, month, year or none',
      '7: facts.b.partition-by: a fact is divided by its dates: partition-by is day, month, year or none',
      '8: facts.c.partition-range.from: expected a day, as 2024-01-31',
      '9: facts.d.key-guard: "key-guard" is not known here',
    ],
  },
  {
    name: 'of checks',
    text: `${TABLES}${SILVER}checks:
  silver.jobs:
    - unique: job
    - not_null: [job_id, nme]
    - accepted_values: {column: nam, values: [a]}
    - relationships: {column: job_id, to: silver.jobs.id}
    - relationships: {column: job_id, to: silver.job.job_id}
    - range: {column: amount}
    - matches: {column: name}
    - fresh: {column: ran_at, within: soon}
    - row_count: {change: 50}
    - uniqe: job_id
    - unique: job_id
      not_null: name
    - not_null: job_id
      where: "amont > 1"
  silver.jbs:
    - not_null: id
  rew:
    - not_null: id
  raw:
    - not_null: id
    - not_null: id
  public.raw:
    - unique: id
  raw2: {not_null: id}
  crm.accounts:
    - not_null: id
`,
    faults: [
      '14: checks.silver.jobs.5.range: range needs min, max or both',
      '15: checks.silver.jobs.6.matches.pattern: expected a pattern as text',
      '16: checks.silver.jobs.7.fresh.within: "soon" is no time span',
      '17: checks.silver.jobs.8.row_count.change: expected percent, such as 50%',
      '18: checks.silver.jobs.9.uniqe: "uniqe" is not known here; did you mean "unique"?',
      '19: checks.silver.jobs.10: unique and not_null are checks of their own; begin each with a dash',
      '23: checks.silver.jbs: there is no task silver.jbs; did you mean silver.jobs?',
      '25: checks.rew: edp.yaml declares no table rew; did you mean raw?',
      '29: checks.raw.1: two checks of public.raw are called "not_null_id"; give one a name:',
      '30: checks.public.raw: public.raw is the same table as raw; put its checks there',
      '32: checks.raw2: the checks of a table are a list',
    ],
  },
  {
    name: 'columns of checks',
    text: `${TABLES}${SILVER}checks:
  silver.jobs:
    - unique: job
    - not_null: [job_id, nme]
    - accepted_values: {column: nam, values: [a]}
    - relationships: {column: job_id, to: silver.jobs.id}
    - relationships: {column: job_id, to: silver.job.job_id}
    - relationships: {column: job_id, to: jobs}
    - not_null: job_id
      where: "amont > 1"
    - row_count: {min: 1}
      name: not_null_job_id
`,
    faults: [
      '9: checks.silver.jobs.0.unique: "job" is no column of silver.jobs; did you mean "job_id"?',
      '10: checks.silver.jobs.1.not_null.1: "nme" is no column of silver.jobs; did you mean "name"?',
      '11: checks.silver.jobs.2.accepted_values.column: "nam" is no column of silver.jobs',
      '12: checks.silver.jobs.3.relationships.to: "id" is no column of silver.jobs',
      '13: checks.silver.jobs.4.relationships.to: there is no task silver.job; did you mean silver.jobs?',
      '14: checks.silver.jobs.5.relationships.to: "jobs" is no column of a table; write it as silver.groups.group_id',
      '16: checks.silver.jobs.6.where: "amont" is no column of silver.jobs; did you mean "amount"?',
      '17: checks.silver.jobs.7: two checks of silver.jobs are called "not_null_job_id"',
    ],
  },
  {
    name: 'of views and models',
    text: `views:
  a: {unique: id}
  b: {materialised: true}
models:
  c: {date: day}
  d:
`,
    faults: [
      '2: views.a.unique: a view that keeps no rows has no unique; add materialized: true',
      '3: views.b.materialised: "materialised" is not known here; did you mean "materialized"?',
      '5: models.c.key: it is missing; write a column, or a list of columns',
      '6: models.d: a model is {key, date}; its SQL is sql/models/<name>.sql',
    ],
  },
  {
    name: 'beside those of tables and options, and none that follow from another',
    text: `count: -1
tables:
  raw: {columns: {id: integer, at: "\${NONE}"}, key: id}
  bad: {columns: {id: int}, metrics: 5}
silver:
  a: {from: raw, key: id, columns: {id: id, at: at}, wher: ok}
  b: {from: bad, key: id, columns: {id: metric}}
dimensions:
  a_dim: {from: silver.a, natural-key: whatever}
  b_dim: {from: silver.b, natural-key: "\${NONE}"}
facts:
  a_fact: {from: raw, date: at, key: nr, dimensions: {x: {dimension: b_dim, by: id}}}
`,
    faults: [
      '1: count: expected 0 or more',
      '3: the environment has no variable NONE',
      '3: tables.raw.columns.id: "integer" is not a column type',
      '4: tables.bad.metrics: ',
      '6: silver.a.wher: "wher" is not known here; did you mean "where"?',
      '10: the environment has no variable NONE',
    ],
  },
])('$name', check);

it('of each file that edp.yaml includes', async () => {
  const faults = await faultsOf({
    'edp.yaml': `include: w/*.yaml\n${TABLES}${SILVER}`,
    'w/a.yaml': 'silver:\n  jobs: {from: raw, key: id, columns: {id: id}}\n',
    'w/b.yaml': 'facts:\n  f:\n    from: silver.jobs\n    date: rn_at\n    key: job_id\n',
  });
  expect(faults).toEqual([
    expect.stringContaining('w/a.yaml:2: silver.jobs: edp.yaml:7 has it, too'),
    expect.stringContaining('w/b.yaml:4: facts.f.date: "rn_at" is no column of silver.jobs; did'),
  ]);
});

it('of no text that is no YAML', async () => {
  const text = 'silver:\n  a: {from: silver.x, key: id, columns: {id: id}}\n  b: {from: [\n';
  const faults = await faultsOf({ 'edp.yaml': text });
  expect(faults.length).toBeGreaterThan(0);
  expect(faults.join()).not.toContain('silver.x');
});
