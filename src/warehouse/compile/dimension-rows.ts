/** A dimension: one row for each natural key, with the attributes that came last. */
import { GOLD_TIMES, LINEAGE_COLUMN } from '../../model/warehouse/known-columns.js';
import type { CalendarTask, DimensionTask } from '../../model/warehouse/task.js';
import {
  all,
  binary,
  call,
  cast,
  column,
  type Expr,
  type From,
  number,
  type Output,
  type Select,
  text,
} from '../../relational/tree.js';
import { AFFECTED, type Blueprint, SOURCE, type Trace, type Within } from './blueprint.js';
import { countKeys, hasKey, isAffected, isOfLoads } from './key-conditions.js';
import { isSameWhereEqual, type Shape, wholeOrder } from './relation-shape.js';

const RANK = 'edp_rank';
/** What edp adds to tables; no attributes of what is made of them. */
export const OWN_COLUMNS: ReadonlySet<string> = new Set([LINEAGE_COLUMN, ...GOLD_TIMES]);

export function dimensionBlueprint(task: DimensionTask, shape: Shape): Blueprint {
  const attributes = attributesOf(task, shape);
  const load = loadColumn(task, shape);
  return {
    task: task.name,
    relation: task.relation,
    key: task.naturalKey,
    rest: attributes,
    rows: (within) => dimensionRows(task, shape, within),
    isCounted: false,
    counts: (within) => countRows(task, shape, within),
    ...(load === undefined ? {} : { affected: (by) => affectedKeys(task, load, by) }),
    id: task.idType,
    hasUnknownMember: true,
    hasTimes: true,
    hasPrimaryKey: false,
    mayRepeatKey: false,
    notNull: [],
    indexes: [],
    generated: {},
    lookUps: [],
  };
}

/** The attributes of a dimension: those that are declared, else all columns of its source but the key. */
export function attributesOf(task: DimensionTask, shape: Shape): readonly string[] {
  const { attributes, naturalKey, source } = task;
  if (attributes !== undefined) return attributes;
  const left = new Set([...OWN_COLUMNS, ...naturalKey, source.lineageColumn]);
  return [...shape.keys()].filter((name) => !left.has(name));
}

function loadColumn({ source }: DimensionTask, shape: Shape): string | undefined {
  const name = source.task === undefined ? source.lineageColumn : LINEAGE_COLUMN;
  return name !== undefined && shape.has(name) ? name : undefined;
}

function dimensionRows(task: DimensionTask, shape: Shape, within: Within): Select {
  const { naturalKey, source } = task;
  const attributes = attributesOf(task, shape);
  const outputs = (of: string): Output[] =>
    [...naturalKey, ...attributes].map((name) => ({ of: column(name, of), as: name }));
  const from: From = { kind: 'table', ...source.relation, as: SOURCE };
  const where = all([
    ...hasKey(naturalKey, SOURCE),
    ...(within === 'keys' ? [isAffected(naturalKey, SOURCE)] : []),
  ]);
  // Equal keys may be written in several ways.
  const isPlain = (name: string) => isSameWhereEqual(shape.get(name) ?? '');
  if (attributes.length === 0 && naturalKey.every(isPlain)) {
    // Keys that came with new rows are all that there is to know.
    if (within === 'keys') {
      return {
        columns: outputs('affected'),
        from: { kind: 'table', name: AFFECTED, as: 'affected' },
      };
    }
    return { isDistinct: true, columns: outputs(SOURCE), from, where };
  }
  const load = loadColumn(task, shape);
  const orderBy = [
    ...(load === undefined ? [] : [column(load, SOURCE)]),
    ...[...attributes, ...naturalKey.filter((name) => !isPlain(name))].flatMap((name) =>
      wholeOrder(column(name, SOURCE), shape.get(name) ?? ''),
    ),
  ].map((of) => ({ of, isDescending: true, nulls: 'last' as const }));
  const partitionBy = naturalKey.map((name) => column(name, SOURCE));
  const rank: Output = { as: RANK, of: { kind: 'row-number', partitionBy, orderBy } };
  return {
    columns: outputs('ranked'),
    from: {
      kind: 'query',
      query: { columns: [...outputs(SOURCE), rank], from, where },
      as: 'ranked',
    },
    where: binary(column(RANK, 'ranked'), '=', number(1)),
  };
}

function affectedKeys({ naturalKey, source }: DimensionTask, load: string, by: Trace): Select {
  const loads = 'loads' in by ? by.loads : [];
  return {
    isDistinct: true,
    columns: naturalKey.map((name) => ({ of: column(name, SOURCE), as: name })),
    from: { kind: 'table', ...source.relation, as: SOURCE },
    where: all([isOfLoads(loads, SOURCE, load), ...hasKey(naturalKey, SOURCE)]),
  };
}

function countRows(task: DimensionTask, shape: Shape, within: Within): Select {
  const { naturalKey, source } = task;
  return {
    columns: countKeys(naturalKey, SOURCE),
    ...(within === 'keys' && attributesOf(task, shape).length === 0
      ? { from: { kind: 'table', name: AFFECTED, as: SOURCE } }
      : {
          from: { kind: 'table', ...source.relation, as: SOURCE },
          ...(within === 'keys' ? { where: isAffected(naturalKey, SOURCE) } : {}),
        }),
  };
}

/** A calendar: a row for each day, whose id is the day written as a number. */
export function calendarBlueprint(task: CalendarTask): Blueprint {
  const day = column('date', 'days');
  const part = (name: string, of: Expr = day) => cast(call('date_part', text(name), of), 'integer');
  const columns: Output[] = [
    { as: 'date', of: day },
    { as: 'id', of: cast(call('to_char', day, text('YYYYMMDD')), 'integer') },
    { as: 'year', of: part('year') },
    { as: 'quarter', of: part('quarter') },
    { as: 'month', of: part('month') },
    { as: 'month_name', of: call('btrim', call('to_char', day, text('Month'))) },
    { as: 'day', of: part('day') },
    { as: 'day_of_week', of: part('isodow') },
    { as: 'day_name', of: call('btrim', call('to_char', day, text('Day'))) },
    { as: 'iso_year', of: part('isoyear') },
    { as: 'iso_week', of: part('week') },
    { as: 'day_of_year', of: part('doy') },
    { as: 'is_weekend', of: binary(part('isodow'), '>', number(5)) },
  ];
  const series = call(
    'generate_series',
    cast(text(task.calendar.from), 'timestamp'),
    cast(text(task.calendar.to), 'timestamp'),
    cast(text('1 day'), 'interval'),
  );
  const days: Select = { columns: [{ of: cast(series, 'date'), as: 'date' }] };
  return {
    task: task.name,
    relation: task.relation,
    key: ['date'],
    rest: columns.map(({ as }) => as).filter((name) => name !== 'date'),
    rows: () => ({ columns, from: { kind: 'query', query: days, as: 'days' } }),
    isCounted: false,
    hasUnknownMember: true,
    hasTimes: true,
    hasPrimaryKey: false,
    mayRepeatKey: false,
    notNull: [],
    indexes: [],
    generated: {},
    lookUps: [],
  };
}
