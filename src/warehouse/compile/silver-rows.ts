/** A silver table: one row for each key of its source, cleaned, or each version of it. */
import { OFFSET_COLUMN } from '../../model/kept-versions.js';
import { LINEAGE_COLUMN } from '../../model/warehouse/known-columns.js';
import type { SilverColumn, SilverTask } from '../../model/warehouse/task.js';
import { IS_CURRENT, PREVIOUS_TO, VALID_FROM, VALID_TO } from '../../model/warehouse/versions.js';
import {
  all,
  binary,
  cast,
  column,
  type Expr,
  type From,
  number,
  type Order,
  type Output,
  type Select,
  some,
  text,
} from '../../relational/tree.js';
import { type Blueprint, SOURCE, type Trace, type Within } from './blueprint.js';
import { countKeys, hasKey, hasNoKey, isAffected, isOfLoads, loadsOf } from './key-conditions.js';
import { type Shape, wholeOrder } from './relation-shape.js';
import { isLastOfMember, isStanding, isVersion } from './standing-rows.js';
import { validBetween, validity } from './version-columns.js';
import {
  ENDED,
  EVENT_COLUMNS,
  eventOutputs,
  hasEnded,
  joinLoads,
  lastFirst,
  placedEvents,
} from './version-events.js';

const LATEST = 'edp_latest';
const RANK = 'edp_rank';
const PLACE = 'edp_place';

/** @param indexes columns that others look rows up by */
export function silverBlueprint(
  task: SilverTask,
  shape: Shape,
  indexes: readonly (readonly string[])[],
): Blueprint {
  const { lineageColumn } = task.source;
  const loads = lineageColumn === undefined ? [] : [LINEAGE_COLUMN];
  const rest = task.columns.map(({ name }) => name).filter((name) => !task.key.includes(name));
  const key = keyOf(task);
  const isHistory = task.history !== undefined;
  const hasEnds = task.history?.ends !== undefined;
  return {
    task: task.name,
    relation: task.relation,
    key,
    ...(isHistory ? { versionsOf: task.key } : {}),
    ...(hasEnds ? { hasEnds } : {}),
    rest: [
      ...rest,
      ...loads,
      ...(isHistory ? [VALID_TO, IS_CURRENT] : []),
      ...(hasEnds ? [PREVIOUS_TO] : []),
    ],
    rows: (within) =>
      hasEnds ? historyRows(task, shape, within) : silverRows(task, shape, within),
    isCounted: false,
    counts: (within, by) => countRows(task, shape, within, by),
    ...(lineageColumn === undefined && task.incrementalBy === undefined
      ? {}
      : { affected: (by) => affectedKeys(task, shape, by) }),
    hasLoads: lineageColumn !== undefined,
    hasUnknownMember: false,
    hasTimes: false,
    hasPrimaryKey: true,
    mayRepeatKey: task.latestBy === undefined && !isHistory,
    notNull: isHistory ? [...key, IS_CURRENT] : key,
    indexes: [...loads.map((name) => [name]), ...indexes],
    generated: {},
    lookUps: [],
  };
}

/** What tells its rows apart. */
function keyOf({ key, history }: SilverTask): readonly string[] {
  return history === undefined ? key : [...key, VALID_FROM];
}

/** Those that are declared; of a history, the moment from which a version is valid, too. */
export function columnsOf({ columns, history }: SilverTask): readonly SilverColumn[] {
  if (history === undefined) return columns;
  const { by, timezone } = history;
  const zone = timezone === undefined ? {} : { timezone };
  return [...columns, { name: VALID_FROM, from: { column: by }, ...zone, onError: 'fail' }];
}

function silverRows(task: SilverTask, shape: Shape, within: Within): Select {
  const names = [
    ...columnsOf(task).map(({ name }) => name),
    ...(task.source.lineageColumn === undefined ? [] : [LINEAGE_COLUMN]),
  ];
  const outputs = (of: string) => names.map((name) => ({ of: column(name, of), as: name }));
  const key = keyOf(task);
  const keyed: Select = {
    columns: outputs('rows'),
    from: { kind: 'query', query: cleanedRows(task, shape), as: 'rows' },
    where: all([
      ...hasKey(key, 'rows'),
      ...(within === 'keys' ? [isAffected(task.key, 'rows')] : []),
    ]),
  };
  if (!isRanked(task)) return keyed;
  const partitionBy = key.map((name) => column(name, 'rows'));
  const rank: Expr = { kind: 'row-number', partitionBy, orderBy: latestFirst(task, shape) };
  return {
    columns: [
      ...outputs('ranked'),
      ...(task.history === undefined ? [] : validity(task.key, 'ranked')),
    ],
    from: {
      kind: 'query',
      query: { ...keyed, columns: [...keyed.columns, { as: RANK, of: rank }] },
      as: 'ranked',
    },
    where: binary(column(RANK, 'ranked'), '=', number(1)),
  };
}

/** A history of a table whose members may end. */
function historyRows(task: SilverTask, shape: Shape, within: Within): Select {
  const names = [...columnsOf(task).map(({ name }) => name), LINEAGE_COLUMN].filter(
    (name) => name !== VALID_FROM,
  );
  const events: Select = {
    columns: [...names, VALID_FROM, ...EVENT_COLUMNS].map((name) => ({
      of: column(name, 'rows'),
      as: name,
    })),
    from: { kind: 'query', query: cleanedEvents(task, shape), as: 'rows' },
    where: all([
      ...hasKey(task.key, 'rows'),
      some([column(ENDED, 'rows'), ...hasKey([VALID_FROM], 'rows')]),
      ...(within === 'keys' ? [isAffected(task.key, 'rows')] : []),
    ]),
  };
  const partitionBy = keyOf(task).map((name) => column(name, 'placed'));
  const rank: Expr = { kind: 'row-number', partitionBy, orderBy: lastFirst('placed') };
  const outputs = (of: string) =>
    [...names, VALID_FROM, ENDED].map((name) => ({ of: column(name, of), as: name }));
  const ranked: Select = {
    columns: [...outputs('placed'), { as: RANK, of: rank }],
    from: { kind: 'query', query: placedEvents(events, task.key, names), as: 'placed' },
    where: all(hasKey([VALID_FROM], 'placed')),
  };
  const last: Select = {
    columns: outputs('ranked'),
    from: { kind: 'query', query: ranked, as: 'ranked' },
    where: binary(column(RANK, 'ranked'), '=', number(1)),
  };
  return validBetween(last, task.key, names, ENDED);
}

/** Rows that count, and ends, whatever `where` says of them; of an end, only whose it is. */
function cleanedEvents(task: SilverTask, shape: Shape): Select {
  const columns: Output[] = columnsOf(task).map((each) => ({
    of: task.key.includes(each.name) ? cleaned(each, shape) : unlessEnded(each, shape),
    as: each.name,
  }));
  columns.push({ of: column(task.source.lineageColumn!, SOURCE), as: LINEAGE_COLUMN });
  const where = task.where === undefined ? undefined : userWhere(task.where);
  return {
    columns: [...columns, ...eventOutputs(task.source, momentOf(task, shape))],
    from: { kind: 'table', ...task.source.relation, as: SOURCE },
    joins: [joinLoads(task.source)],
    ...(where === undefined ? {} : { where: some([hasEnded(SOURCE), where]) }),
  };
}

/** The type of {@link VALID_FROM}. */
function momentOf({ history }: SilverTask, shape: Shape): string {
  const { by, timezone } = history!;
  return timezone === undefined ? (shape.get(by) ?? 'text') : 'timestamp with time zone';
}

/** A value that cannot be cast may stand in a row that `where` leaves out, and so in an end. */
function unlessEnded(each: SilverColumn, shape: Shape): Expr {
  const of = cleaned(each, shape);
  if (of.kind === 'column') return of;
  const ended: Expr = { kind: 'not', of: hasEnded(SOURCE) };
  const value: Expr = { kind: 'case', when: [{ if: ended, value: of }] };
  const { type, timezone, truncate } = each;
  return type !== undefined && timezone === undefined && truncate === undefined
    ? cast(value, type)
    : value;
}

function userWhere(sql: string): Expr {
  return { kind: 'user', sql };
}

/** Whether several rows may have one key, of which one counts. */
function isRanked({ latestBy, history }: SilverTask): boolean {
  return latestBy !== undefined || history !== undefined;
}

/** The latest row first; of equal ones the one that came last, then by all its columns. */
function latestFirst(task: SilverTask, shape: Shape): Order[] {
  const names = [
    ...(task.latestBy === undefined ? [] : [LATEST]),
    ...(task.source.lineageColumn === undefined ? [] : [LINEAGE_COLUMN]),
    ...(hasPlaces(task) ? [PLACE] : []),
  ];
  const whole = [...shape.values()].flatMap((type, i) =>
    wholeOrder(column(wholeName(i), 'rows'), type),
  );
  return [...names.map((name) => column(name, 'rows')), ...whole].map((of) => ({
    of,
    isDescending: true,
    nulls: 'last',
  }));
}

/** A column of the source, beside those that are made of it. */
function wholeName(i: number): string {
  return `edp_source_${i}`;
}

/** Each row of the source that counts, with the columns of silver. */
function cleanedRows(task: SilverTask, shape: Shape): Select {
  const { lineageColumn, relation } = task.source;
  const columns: Output[] = columnsOf(task).map((each) => ({
    of: cleaned(each, shape),
    as: each.name,
  }));
  if (lineageColumn !== undefined)
    columns.push({ of: column(lineageColumn, SOURCE), as: LINEAGE_COLUMN });
  if (task.latestBy !== undefined) {
    columns.push({ of: column(task.latestBy, SOURCE), as: LATEST });
  }
  if (hasPlaces(task)) columns.push({ of: column(OFFSET_COLUMN, SOURCE), as: PLACE });
  if (isRanked(task)) {
    for (const [i, name] of [...shape.keys()].entries()) {
      columns.push({ of: column(name, SOURCE), as: wholeName(i) });
    }
  }
  const from: From = { kind: 'table', ...relation, as: SOURCE };
  const where = [
    ...countedRows(task),
    ...(task.where === undefined ? [] : [userWhere(task.where)]),
  ];
  return { columns, from, ...(where.length === 0 ? {} : { where: all(where) }) };
}

/** Of a table that keeps versions, those that count. */
function countedRows(task: SilverTask): Expr[] {
  if (task.history !== undefined) return isVersion(task.source);
  return readsLast(task) ? isLastOfMember(task.source) : isStanding(task.source);
}

/** Of several versions in one load, and with one value of `latest-by`, the last one counts. */
function hasPlaces({ source, latestBy }: SilverTask): boolean {
  return source.versions !== undefined && latestBy !== undefined;
}

/** @param since the last value of the column that was read */
function isSince({ incrementalBy }: SilverTask, shape: Shape, since: string): Expr {
  const { column: name, overlap } = incrementalBy!;
  const from = cast(text(since), shape.get(name) ?? 'text');
  return binary(
    column(name, SOURCE),
    '>=',
    overlap === undefined ? from : binary(from, '-', cast(text(overlap), 'interval')),
  );
}

/** Whatever `where` says: a row that it holds back now may have been in the table before. */
function affectedKeys(task: SilverTask, shape: Shape, by: Trace): Select {
  const outputs = (of: string) => task.key.map((name) => ({ of: column(name, of), as: name }));
  const isKey = ({ name }: SilverColumn) => task.key.includes(name);
  const query: Select = {
    columns: task.columns
      .filter(isKey)
      .map((each) => ({ of: cleaned(each, shape), as: each.name })),
    from: { kind: 'table', ...task.source.relation, as: SOURCE },
    where:
      'since' in by
        ? isSince(task, shape, by.since)
        : isOfLoads(loadsOf(by), SOURCE, task.source.lineageColumn!),
  };
  const made: Select = {
    columns: outputs('made'),
    from: { kind: 'table', ...task.relation, as: 'made' },
    where: isOfLoads(loadsOf(by), 'made', LINEAGE_COLUMN),
  };
  const both: Select = {
    columns: outputs('rows'),
    from: { kind: 'query', query, as: 'rows' },
    where: all(hasKey(task.key, 'rows')),
    ...('since' in by ? {} : { union: [made] }),
  };
  return {
    isDistinct: true,
    columns: outputs('both'),
    from: { kind: 'query', query: both, as: 'both' },
  };
}

function countRows(task: SilverTask, shape: Shape, within: Within, by: Trace | undefined): Select {
  const whole: Select = {
    columns: countKeys(keyOf(task), 'rows'),
    from: { kind: 'query', query: cleanedRows(task, shape), as: 'rows' },
  };
  if (within !== 'keys') return whole;
  const affected = { ...whole, where: isAffected(task.key, 'rows') };
  // Rows without a key affect none: of those, the ones that came are counted.
  if (by === undefined || !('loads' in by) || !mayLackKey(task)) return affected;
  const came = all([hasNoKey(task.key, 'rows'), isOfLoads(by.loads, 'rows', LINEAGE_COLUMN)]);
  return { ...affected, union: [{ ...whole, where: came }] };
}

/** Whether it has a row for each member of a table that keeps versions: the last version, as there is no other order. */
export function readsLast({ source, key, columns, latestBy, history }: SilverTask): boolean {
  const { versions } = source;
  if (versions === undefined || latestBy !== undefined || history !== undefined) return false;
  return columns
    .filter(({ name }) => key.includes(name))
    .every(({ from }) => 'column' in from && versions.key.includes(from.column));
}

/** The key of a loaded table is never NULL. */
function mayLackKey({ key, columns, source }: SilverTask): boolean {
  return columns.some(
    ({ name, from }) =>
      key.includes(name) && !('column' in from && source.key?.includes(from.column) === true),
  );
}

/** The value of a column, of a row of the source. */
export function cleaned(
  { from, type, timezone, truncate, values, onError }: SilverColumn,
  shape: Shape,
): Expr {
  let of: Expr = 'sql' in from ? { kind: 'user', sql: from.sql } : column(from.column, SOURCE);
  let is = 'sql' in from ? '' : (shape.get(from.column) ?? '');
  const castTo = (to: string) => {
    of = onError === 'null' ? { kind: 'try-cast', of, type: to } : cast(of, to);
    is = to;
  };
  if (values !== undefined) {
    of = spelled(of, values);
    is = 'text';
  }
  if (type !== undefined) castTo(type);
  if (timezone !== undefined && !isMoment(is)) {
    if (!/^\s*timestamp/i.test(is)) castTo('timestamp');
    of = { kind: 'at-zone', of, zone: timezone };
    is = 'timestamp with time zone';
  }
  return truncate === undefined ? of : truncated(of, is, truncate);
}

function isMoment(type: string): boolean {
  return /^\s*timestamp(tz\b|\s*(\(\s*\d\s*\))?\s+with\s+time\s+zone\s*$)/i.test(type);
}

function truncated(of: Expr, type: string, unit: NonNullable<SilverColumn['truncate']>): Expr {
  if (/^\s*date\s*$/i.test(type)) {
    return cast({ kind: 'truncate', unit, of: cast(of, 'timestamp') }, 'date');
  }
  if (!isMoment(type)) return { kind: 'truncate', unit, of };
  const inUtc: Expr = { kind: 'truncate', unit, of: { kind: 'at-zone', of, zone: 'UTC' } };
  return { kind: 'at-zone', of: inUtc, zone: 'UTC' };
}

/** One name for all spellings of a value; others stay as they are. */
function spelled(of: Expr, values: NonNullable<SilverColumn['values']>): Expr {
  const written = cast(of, 'text');
  return {
    kind: 'case',
    when: Object.entries(values).map(([name, spellings]) => ({
      if: { kind: 'in', of: written, list: [name, ...spellings].map(text) },
      value: text(name),
    })),
    else: written,
  };
}
