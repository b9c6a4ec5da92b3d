/** A dimension: one row for each natural key, with the attributes that came last, or with each version of them. */
import { OFFSET_COLUMN } from '../../model/kept-versions.js';
import { GOLD_TIMES, LINEAGE_COLUMN } from '../../model/warehouse/known-columns.js';
import type { CalendarTask, DimensionTask } from '../../model/warehouse/task.js';
import {
  IS_CURRENT,
  PREVIOUS_TO,
  placeColumnsOf,
  VALID_FROM,
  VALID_TO,
  versionColumnsOf,
} from '../../model/warehouse/versions.js';
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
import { datedRows, rowsOfVersions } from './dimension-versions.js';
import { countKeys, hasKey, isAffected, isOfLoads, listedKeys, loadsOf } from './key-conditions.js';
import { isSameWhereEqual, type Shape, wholeOrder } from './relation-shape.js';
import { isStanding, isThere } from './standing-rows.js';
import type { Versioned } from './version-changes.js';

const RANK = 'edp_rank';
/** What edp adds to tables; no attributes of what is made of them. */
export const OWN_COLUMNS: ReadonlySet<string> = new Set([LINEAGE_COLUMN, ...GOLD_TIMES]);

export function dimensionBlueprint(task: DimensionTask, shape: Shape): Blueprint {
  const attributes = attributesOf(task, shape);
  const load = loadColumn(task, shape);
  const { type2, naturalKey } = task;
  const versioned = type2 && { task, type2, attributes, load, shape };
  const hasEnds = type2?.ends !== undefined;
  return {
    task: task.name,
    relation: task.relation,
    key: versioned === undefined ? naturalKey : [...naturalKey, VALID_FROM],
    ...(versioned === undefined ? {} : { versionsOf: naturalKey }),
    ...(hasEnds ? { hasEnds } : {}),
    rest:
      versioned === undefined
        ? attributes
        : [...attributes, VALID_TO, IS_CURRENT, ...(hasEnds ? [PREVIOUS_TO] : [])],
    rows: (within) =>
      versioned === undefined
        ? dimensionRows(task, shape, within)
        : rowsOfVersions(versioned, within),
    isCounted: false,
    counts: (within) =>
      versioned === undefined ? countRows(task, shape, within) : countVersions(versioned, within),
    affected: (by) => affectedKeys(task, shape, load, by),
    id: task.idType,
    hasUnknownMember: true,
    hasTimes: true,
    hasPrimaryKey: false,
    mayRepeatKey: false,
    notNull: versioned === undefined ? [] : [VALID_FROM, IS_CURRENT],
    indexes: [],
    generated: {},
    lookUps: [],
  };
}

/** The attributes of a dimension: those that are declared, else all columns of its source but the key. */
export function attributesOf(task: DimensionTask, shape: Shape): readonly string[] {
  const { attributes, naturalKey, source, type2 } = task;
  if (attributes !== undefined) return attributes;
  const left = new Set([
    ...OWN_COLUMNS,
    ...naturalKey,
    source.lineageColumn,
    ...placeColumnsOf(source),
    ...(type2 === undefined ? [] : [...versionColumnsOf(type2.ends), type2.changedAt]),
  ]);
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
    ...current(task),
    ...(within === 'keys' ? [isAffected(naturalKey, SOURCE)] : []),
  ]);
  // Equal keys may be written in several ways.
  const isPlain = (name: string) => isSameWhereEqual(shape.get(name) ?? '');
  if (attributes.length === 0 && naturalKey.every(isPlain)) {
    // Keys that came with new rows are all that there is to know.
    if (within === 'keys' && !readsSome(task)) {
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
    ...(source.versions === undefined ? [] : [column(OFFSET_COLUMN, SOURCE)]),
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

/** The versions of now, where the source has others, too, and of members that have not ended. */
function current({ readsCurrent, source }: DimensionTask): Expr[] {
  return [
    ...(readsCurrent ? [column(IS_CURRENT, SOURCE)] : []),
    ...isStanding(source),
    ...isThere(source),
  ];
}

/** Whether a key that a row has may be none of the dimension. */
function readsSome({ readsCurrent, source }: DimensionTask): boolean {
  return readsCurrent || source.versions?.hasEnds === true || source.goneBy !== undefined;
}

function affectedKeys(
  { naturalKey, source }: DimensionTask,
  shape: Shape,
  load: string | undefined,
  by: Trace,
): Select {
  if ('keys' in by) return listedKeys(naturalKey, shape, by.keys);
  return {
    isDistinct: true,
    columns: naturalKey.map((name) => ({ of: column(name, SOURCE), as: name })),
    from: { kind: 'table', ...source.relation, as: SOURCE },
    where: all([isOfLoads(loadsOf(by), SOURCE, load!), ...hasKey(naturalKey, SOURCE)]),
  };
}

function countRows(task: DimensionTask, shape: Shape, within: Within): Select {
  const { naturalKey, source } = task;
  const where = [...current(task), ...(within === 'keys' ? [isAffected(naturalKey, SOURCE)] : [])];
  return {
    columns: countKeys(naturalKey, SOURCE),
    ...(within === 'keys' && !readsSome(task) && attributesOf(task, shape).length === 0
      ? { from: { kind: 'table', name: AFFECTED, as: SOURCE } }
      : {
          from: { kind: 'table', ...source.relation, as: SOURCE },
          ...(where.length === 0 ? {} : { where: all(where) }),
        }),
  };
}

function countVersions(versioned: Versioned, within: Within): Select {
  const { naturalKey } = versioned.task;
  return {
    columns: countKeys([...naturalKey, VALID_FROM], 'dated'),
    from: datedRows(versioned),
    ...(within === 'keys' ? { where: isAffected(naturalKey, 'dated') } : {}),
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
