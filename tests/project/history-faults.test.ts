/** What declarations of histories, of type-2 and of as-of may not say: all of it at once, with the remedy. */
import { expect, it } from 'vitest';
import { faultsOf } from '../support/warehouse-project.js';

const TABLES = `tables:
  plans: { columns: { who: int, plan: text, note: text, at: timestamptz, day: date } }
  kept: { columns: { who: int, plan: text, at: timestamptz }, key: [who, at] }
  lost: { columns: { who: int, plan: text, at: timestamptz }, key: who }
  staff: { columns: { who: int, plan: text, at: timestamptz, size: int }, key: who, versions: true, snapshot: full }
`;
/** Lines before the sections of a case. */
const ABOVE = TABLES.split('\n').length - 1;

const CASES: readonly { name: string; text: string; faults: readonly string[] }[] = [
  {
    name: 'histories',
    text: `silver:
  a: { from: lost, key: who, history: { by: at }, columns: { who: who } }
  b: { from: plans, key: who, history: { by: nowhere }, columns: { who: who, valid_to: day } }
  c: { from: plans, key: who, history: { by: who }, columns: { who: who } }
  d: { from: plans, key: who, history: { by: note }, columns: { who: who } }
  e: { from: plans, key: who, history: { by: at }, latest-by: at, columns: { who: who } }
  f: { from: plans, key: who, history: at, columns: { who: who } }
  g: { from: silver.one, key: who, history: { by: at }, columns: { who: who } }
  one: { from: plans, key: who, latest-by: at, columns: { who: who, at: at } }
`,
    faults: [
      '2: silver.a.history: lost has one row for each who, so a later record overwrites the one before; add at to its key, or declare lost without a key or with versions: true',
      '3: silver.b.history.by: "nowhere" is no column of public.plans',
      '3: silver.b.columns.valid_to: every history has a column valid_to, which edp fills; give yours another name',
      '4: silver.c.history.by: "who" is int, and versions are valid from a moment; name a time; where records have none, a dimension of the loaded table, with type-2 and without changed-at, has versions of its loads',
      '5: silver.d.history.by: "note" is text, and versions are valid from a moment; say which clock it was written by (timezone:)',
      '6: silver.e.history: history keeps every version of a key, latest-by only one; remove one of them',
      '7: silver.f.history: history is {by: column of the source}',
      '8: silver.g.history: silver.one keeps only the latest row of each key (latest-by); declare history: there instead',
    ],
  },
  {
    name: 'members that end',
    text: `silver:
  a: { from: staff, key: who, history: { by: at }, columns: { who: who, previous_to: plan } }
  b: { from: staff, key: plan, history: { by: at }, columns: { plan: plan, who: who } }
  c: { from: staff, key: who, history: { by: size }, columns: { who: who } }
  d: { from: silver.e, key: who, history: { by: valid_from }, columns: { who: who } }
  e: { from: staff, key: who, history: { by: at }, columns: { who: who, plan: plan, day: at } }
dimensions:
  f: { from: silver.e, natural-key: plan, type-2: who }
  g: { from: silver.e, natural-key: who, type-2: plan, changed-at: day }
  h: { from: staff, natural-key: [who, plan], type-2: size }
  i: { from: staff, natural-key: who, type-2: [plan, source_offset] }
  j: { from: staff, natural-key: who, type-2: plan, changed-at: size }
`,
    faults: [
      '2: silver.a.columns.previous_to: every history has a column previous_to, which edp fills; give yours another name',
      '3: silver.b.key: members of public.staff end, and are known by who; its versions need that key',
      '4: silver.c.history.by: "size" is int, and versions are valid from a moment; name a time; where records have none, a dimension of the loaded table, with type-2 and without changed-at, has versions of its loads',
      '5: silver.d.history: silver.e is a history with members that ended, and its versions are all there is to know of them; remove history:, or read the table that silver.e is made from',
      '8: dimensions.f.natural-key: members of silver.e end, and are known by who; its versions need that key',
      '9: dimensions.g.changed-at: members of silver.e end at moments of valid_from; remove changed-at:, or name day in its history (by:)',
      '10: dimensions.h.natural-key: members of public.staff end, and are known by who; its versions need that key',
      '11: dimensions.i.type-2.1: "source_offset" is no attribute of the dimension; there are plan, at, size',
      '12: dimensions.j.changed-at: "size" is int, which is no time; cast it in silver (type: timestamp), and read that',
    ],
  },
  {
    name: 'dimensions',
    text: `silver:
  latest: { from: plans, key: who, latest-by: at, columns: { who: who, plan: plan } }
  plain: { from: plans, key: who, columns: { who: who, plan: plan } }
  versions: { from: kept, key: who, history: { by: at }, columns: { who: who, plan: plan } }
dimensions:
  a: { from: silver.latest, natural-key: who, type-2: plan }
  b: { from: silver.plain, natural-key: who, type-2: [plan] }
  c: { from: lost, natural-key: who, type-2: [plan] }
  d: { from: kept, natural-key: who, type-2: [plan] }
  e: { from: silver.versions, natural-key: who, type-2: [plna, who] }
  f: { from: plans, natural-key: who, attributes: [note], type-2: [plan] }
  g: { from: plans, natural-key: who, changed-at: at }
  h: { from: plans, natural-key: who, type-2: [], changed-at: note }
  i: { from: plans, natural-key: who, type-2: [plan], changed-at: note }
  j: { from: elsewhere.plans, natural-key: who, type-2: [plan] }
  k: { calendar: { from: 2024-01-01, to: 2024-12-31 }, type-2: [date] }
  l: { from: silver.versions, natural-key: [who, valid_from], type-2: [plan] }
  good: { from: silver.versions, natural-key: who, type-2: [plan] }
  fine: { from: kept, natural-key: who, type-2: [plan], changed-at: at }
  well: { from: plans, natural-key: who, type-2: [plan, note] }
`,
    faults: [
      '6: dimensions.a.type-2: type-2 needs versions, and silver.latest keeps only the latest row of each key (latest-by); declare history: there instead',
      '7: dimensions.b.type-2: type-2 needs versions, and silver.plain has one row for each key, so a later record overwrites the one before; declare history: there',
      '8: dimensions.c.type-2: type-2 needs versions, and lost has one row for each who, so a later record overwrites the one before; declare lost without a key or with versions: true',
      '9: dimensions.d.type-2: type-2 needs versions, and kept has one row for each who, at, so a later record overwrites the one before; name the column of its key that says when (changed-at:), or declare kept without a key or with versions: true',
      '10: dimensions.e.type-2.0: "plna" is no attribute of the dimension; did you mean "plan"?',
      '10: dimensions.e.type-2.1: "who" is no attribute of the dimension',
      '11: dimensions.f.type-2.0: "plan" is no attribute of the dimension',
      '12: dimensions.g.changed-at: changed-at orders the versions of type-2; name those attributes, too',
      '13: dimensions.h.type-2: type-2 names at least one attribute',
      '14: dimensions.i.changed-at: "note" is text, which is no time; cast it in silver (type: timestamp), and read that',
      '15: dimensions.j.type-2: edp does not know when a row of elsewhere.plans came; name the column that says it (changed-at:)',
      '16: dimensions.k.type-2: a calendar has no type-2',
      '17: dimensions.l.natural-key: every dimension with type-2 has a column valid_from',
    ],
  },
  {
    name: 'look-ups',
    text: `dimensions:
  one: { from: plans, natural-key: who, attributes: [plan] }
  many: { from: plans, natural-key: who, type-2: [plan] }
  days: { calendar: { from: 2024-01-01, to: 2024-12-31 } }
facts:
  f:
    from: plans
    date: at
    measures: { n: count(*) }
    dimensions:
      a: { dimension: one, by: who, as-of: at }
      b: { dimension: many, by: who, as-of: then }
      c: { dimension: many, by: who, as-of: note }
      d: { dimension: days, by: { date: day }, as-of: at }
      e: { dimension: many, by: who, as-of: day }
`,
    faults: [
      '11: facts.f.dimensions.a.as-of: one has one version of each member; declare type-2: there, or remove as-of',
      '12: facts.f.dimensions.b.as-of: "then" is no column of public.plans',
      '13: facts.f.dimensions.c.as-of: "note" is text, which is no time',
      '14: facts.f.dimensions.d.as-of: days has one version of each member',
    ],
  },
];

it.each(CASES.map((each) => [each.name, each] as const))('%s', async (_, { text, faults }) => {
  const found = await faultsOf({ 'edp.yaml': TABLES + text });
  const shifted = found.map((each) => each.replace(/^\d+/, (line) => String(Number(line) - ABOVE)));
  expect(shifted).toEqual(faults.map((fault) => expect.stringContaining(fault)));
});
