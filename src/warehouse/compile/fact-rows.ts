/** A fact: rows of its source by date, with the ids of dimensions in place of their keys. */
import type {
  AggregatedFactTask,
  FactTask,
  LookUp,
  Measure,
  RowFactTask,
} from '../../model/warehouse/task.js';
import { IS_CURRENT, PREVIOUS_TO, VALID_FROM, VALID_TO } from '../../model/warehouse/versions.js';
import {
  all,
  binary,
  call,
  cast,
  column,
  type Expr,
  equal,
  type From,
  type Join,
  number,
  type Output,
  type Select,
  some,
  text,
} from '../../relational/tree.js';
import {
  type Blueprint,
  NULL_KEY,
  type OrderedColumn,
  READ,
  SOURCE,
  type Within,
} from './blueprint.js';
import { measureColumns } from './measure-columns.js';
import { isSameWhereEqual, type Shape, written } from './relation-shape.js';
import { isNear, isSlice } from './slice-conditions.js';
import { sliceType, sliceValue } from './slice-value.js';
import { isThere, isVersion } from './standing-rows.js';

export const DATE = 'date';
const UUID_UNKNOWN = '00000000-0000-0000-0000-000000000000';

export function factBlueprint(task: FactTask, shape: Shape): Blueprint {
  const ids = task.lookUps.map((each) => each.column);
  const measured = isAggregated(task) ? measureColumns(task.measures, shape, SOURCE) : undefined;
  const key = isAggregated(task) ? [DATE, ...ids, ...task.columns] : rowKey(task);
  const rest = isAggregated(task)
    ? measured!.stored.map(({ as }) => as)
    : [DATE, ...ids, ...task.columns].filter((name) => !key.includes(name));
  return {
    task: task.name,
    relation: task.relation,
    key,
    rest,
    ...(measured === undefined ? {} : { anyOfEqual: measured.anyOfEqual }),
    rows: (within) => factRows(task, shape, within),
    isCounted: true,
    ...readsOf(task),
    nullKeys: () => nullKeys(task, shape),
    slice: { column: DATE, unit: task.slice, type: sliceType(task.slice) },
    ...(task.partitions === undefined ? {} : { partitions: task.partitions }),
    slices: () => datedSource(task, shape),
    ...orderedBy(task, shape),
    hasUnknownMember: false,
    hasTimes: true,
    hasPrimaryKey: !isAggregated(task),
    mayRepeatKey: !isAggregated(task),
    notNull: [...ids, ...(isAggregated(task) ? [] : key)],
    indexes: hasOneDateEach(task) ? [] : [[DATE]],
    generated: measured?.generated ?? {},
    lookUps: task.lookUps,
    unknownKeys: (lookUp, within) => unknownKeys(task, shape, lookUp, within),
  };
}

/** A key of a table with partitions contains what they are by; here it follows from the rest of the key. */
function rowKey({ key, partitions }: RowFactTask): readonly string[] {
  return partitions === undefined ? key : [...key, DATE];
}

/** Whether all rows of a partition have one date. */
function hasOneDateEach({ partitions, slice }: FactTask): boolean {
  return partitions?.every === 'day' && slice !== 'hour';
}

const ORDERED: Readonly<Record<string, OrderedColumn['type']>> = {
  date: 'date',
  'timestamp without time zone': 'timestamp',
  'timestamp with time zone': 'timestamptz',
};

function orderedBy(task: FactTask, shape: Shape): Pick<Blueprint, 'orderedBy'> {
  const { partitions, slice, timezone, readsCurrent, source, date } = task;
  const type = ORDERED[(shape.get(date) ?? '').replace(/\(\d+\)/, '')];
  // A month stands in the partition of its first day.
  const isElsewhere = slice === 'month' && partitions?.every === 'day';
  if (type === undefined || timezone !== undefined || readsCurrent || isElsewhere) return {};
  return { orderedBy: { relation: source.relation, column: date, type } };
}

function readsOf(task: FactTask): Pick<Blueprint, 'reads'> {
  if (!isAggregated(task)) return { reads: { kind: 'aggregate', name: 'count' } };
  const isCount = ({ aggregate, of, round }: Measure) =>
    aggregate === 'count' && of === undefined && round === undefined;
  const measure = task.measures.find(isCount);
  return measure === undefined
    ? {}
    : { reads: { kind: 'aggregate', name: 'sum', of: column(measure.name) } };
}

export function isAggregated(task: FactTask): task is AggregatedFactTask {
  return 'measures' in task;
}

export function unknownId(idType: LookUp['idType']): Expr {
  return idType === 'uuid' ? cast(text(UUID_UNKNOWN), 'uuid') : number(0);
}

function factRows(task: FactTask, shape: Shape, within: Within): Select {
  const date = dateOf(task, shape);
  const dimensions = task.lookUps.map(
    (lookUp, i): Output => ({
      of: call('coalesce', column('id', alias(i)), unknownId(lookUp.idType)),
      as: lookUp.column,
    }),
  );
  const isAnyKeyNull = hasNullKey(task);
  const plain = (name: string): Output => ({ of: column(name, SOURCE), as: name });
  const common = {
    from: { kind: 'table', ...task.source.relation, as: SOURCE } satisfies From,
    joins: task.lookUps.map((lookUp, i): Join => ({ kind: 'left', ...lookedUp(lookUp, alias(i)) })),
    ...whereOf([
      ...current(task),
      ...(typeof within === 'object' ? [isWithin(task, shape, within.slices)] : []),
    ]),
  };
  if (!isAggregated(task)) {
    const names = [...new Set([...task.key, ...task.columns])];
    return {
      ...common,
      columns: [
        { of: date, as: DATE },
        ...dimensions,
        ...names.map(plain),
        { of: number(1), as: READ },
        { of: cast(isAnyKeyNull, 'integer'), as: NULL_KEY },
      ],
    };
  }
  const count = (filter?: Expr): Expr => ({
    kind: 'aggregate',
    name: 'count',
    ...(filter === undefined ? {} : { filter }),
  });
  const grain = [{ of: date, as: DATE }, ...dimensions];
  return {
    ...common,
    columns: [
      ...grain,
      ...task.columns.map((name) => ({ of: oneOfEqual(name, shape.get(name) ?? ''), as: name })),
      ...measureColumns(task.measures, shape, SOURCE).stored,
      { of: count(), as: READ },
      { of: count(isAnyKeyNull), as: NULL_KEY },
    ],
    groupBy: [...grain.map(({ of }) => of), ...task.columns.map((name) => column(name, SOURCE))],
  };
}

/** Of equal values that are written in several ways, a group has the first, whatever the order of its rows is. */
function oneOfEqual(name: string, type: string): Expr {
  const of = column(name, SOURCE);
  if (isSameWhereEqual(type) || type === '') return of;
  return cast({ kind: 'aggregate', name: 'min', of: written(of, type) }, type);
}

function hasNullKey(task: FactTask): Expr {
  return some(
    [...new Set(task.lookUps.flatMap(({ by }) => by.map(({ source }) => source)))].map(
      (name): Expr => ({ kind: 'is-null', of: column(name, SOURCE) }),
    ),
  );
}

function nullKeys(task: FactTask, shape: Shape): Select {
  const date = dateOf(task, shape);
  return {
    columns: [
      { of: date, as: DATE },
      { of: { kind: 'aggregate', name: 'count' }, as: NULL_KEY },
    ],
    from: { kind: 'table', ...task.source.relation, as: SOURCE },
    where: all([...current(task), hasNullKey(task)]),
    groupBy: [date],
  };
}

/** The versions of now, where the source has others, too; an end is no row. */
function current({ readsCurrent, source }: FactTask): Expr[] {
  return [
    ...(readsCurrent ? [column(IS_CURRENT, SOURCE)] : []),
    ...isVersion(source),
    ...isThere(source),
  ];
}

function whereOf(conditions: readonly Expr[]): Pick<Select, 'where'> {
  return conditions.length === 0 ? {} : { where: all(conditions) };
}

/** The rows that it reads, each with its slice, called {@link DATE}. */
export function datedSource(task: FactTask, shape: Shape): Select {
  return {
    columns: [{ of: dateOf(task, shape), as: DATE }],
    from: { kind: 'table', ...task.source.relation, as: SOURCE },
    ...whereOf(current(task)),
  };
}

function dateOf(task: FactTask, shape: Shape): Expr {
  const { slice: unit, timezone } = task;
  return sliceValue(column(task.date, SOURCE), shape.get(task.date) ?? '', {
    unit,
    ...(timezone === undefined ? {} : { timezone }),
  });
}

function alias(i: number): string {
  return `dimension_${i + 1}`;
}

function isMember({ by }: LookUp, as: string): Expr {
  return all(
    by.map((each) => binary(column(each.dimension, as), '=', column(each.source, SOURCE))),
  );
}

/** One row at most of the dimension: a member has one version at any moment. */
function lookedUp(lookUp: LookUp, as: string): { from: From; on: Expr } {
  const { relation, hasVersions, hasEnds, asOf } = lookUp;
  if (hasVersions && asOf !== undefined) {
    const moment = column(asOf, SOURCE);
    return hasEnds === true
      ? lookedUpIfThere(lookUp, moment, as)
      : lookedUpThen(lookUp, moment, as);
  }
  return {
    from: { kind: 'table', ...relation, as },
    on: all([isMember(lookUp, as), ...(hasVersions ? [column(IS_CURRENT, as)] : [])]),
  };
}

/** When the version before ended; NULL for the first one. */
const EARLIER = 'edp_earlier';

/**
 * The version of a moment; before the first version that one, for a moment that is NULL the one of now. Whether a
 * version is the first is a join, too, so that the planner can choose how to do it for few rows, and for many.
 */
function lookedUpThen(lookUp: LookUp, moment: Expr, as: string): { from: From; on: Expr } {
  const { relation, by } = lookUp;
  const members = by.map(({ dimension }) => dimension);
  const versions: Select = {
    columns: [
      ...['id', ...members, VALID_FROM, VALID_TO, IS_CURRENT].map((name) => ({
        of: column(name, 'version'),
        as: name,
      })),
      { of: column(VALID_TO, 'earlier'), as: EARLIER },
    ],
    from: { kind: 'table', ...relation, as: 'version' },
    joins: [
      {
        kind: 'left',
        from: { kind: 'table', ...relation, as: 'earlier' },
        on: all([
          equal(members, 'earlier', 'version'),
          binary(column(VALID_TO, 'earlier'), '=', column(VALID_FROM, 'version')),
        ]),
      },
    ],
  };
  const isThen = [
    some([column(IS_CURRENT, as), binary(column(VALID_TO, as), '>', moment)]),
    some([
      binary(column(VALID_FROM, as), '<=', moment),
      { kind: 'is-null', of: moment },
      { kind: 'is-null', of: column(EARLIER, as) },
    ]),
  ];
  return {
    from: { kind: 'query', query: versions, as },
    on: all([isMember(lookUp, as), ...isThen]),
  };
}

/** The same, where a member may be gone for a time, and nobody is found. */
function lookedUpIfThere(lookUp: LookUp, moment: Expr, as: string): { from: From; on: Expr } {
  const isNull = (of: Expr): Expr => ({ kind: 'is-null', of });
  return {
    from: { kind: 'table', ...lookUp.relation, as },
    on: all([
      isMember(lookUp, as),
      some([column(IS_CURRENT, as), binary(column(VALID_TO, as), '>', moment)]),
      some([
        binary(column(VALID_FROM, as), '<=', moment),
        isNull(moment),
        isNull(column(PREVIOUS_TO, as)),
      ]),
    ]),
  };
}

function isWithin(task: FactTask, shape: Shape, slices: readonly string[]): Expr {
  const raw = column(task.date, SOURCE);
  const near = isNear(raw, shape.get(task.date) ?? '', slices, task.slice);
  const exact = isSlice(dateOf(task, shape), sliceType(task.slice), slices);
  return near === undefined ? exact : binary(near, 'AND', exact);
}

function unknownKeys(task: FactTask, shape: Shape, lookUp: LookUp, within: Within): Select {
  const date = dateOf(task, shape);
  const keys = lookUp.by.map(({ source }) => column(source, SOURCE));
  const from: From = { kind: 'table', ...lookUp.relation, as: 'looked_up' };
  const on = isMember(lookUp, 'looked_up');
  return {
    isDistinct: true,
    columns: [
      { of: date, as: 'slice' },
      ...keys.map((of, i) => ({ of: cast(of, 'text'), as: `key_${i + 1}` })),
    ],
    from: { kind: 'table', ...task.source.relation, as: SOURCE },
    where: all([
      ...current(task),
      ...keys.map((of): Expr => ({ kind: 'is-null', of, isNegated: true })),
      { kind: 'exists', query: { columns: [], from, where: on }, isNegated: true },
      ...(typeof within === 'object' ? [isWithin(task, shape, within.slices)] : []),
    ]),
  };
}
