/** A silver table: one row for each key of its source, cleaned, or each version of it. */
import { LINEAGE_COLUMN } from '../../model/warehouse/known-columns.js';
import type { SilverColumn, SilverTask } from '../../model/warehouse/task.js';
import { IS_CURRENT, VALID_FROM, VALID_TO } from '../../model/warehouse/versions.js';
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
  text,
} from '../../relational/tree.js';
import { type Blueprint, SOURCE, type Trace, type Within } from './blueprint.js';
import { countKeys, hasKey, hasNoKey, isAffected, isOfLoads, loadsOf } from './key-conditions.js';
import { type Shape, wholeOrder } from './relation-shape.js';
import { validity } from './version-columns.js';

const LATEST = 'edp_latest';
const RANK = 'edp_rank';

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
  return {
    task: task.name,
    relation: task.relation,
    key,
    ...(isHistory ? { versionsOf: task.key } : {}),
    rest: [...rest, ...loads, ...(isHistory ? [VALID_TO, IS_CURRENT] : [])],
    rows: (within) => silverRows(task, shape, within),
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

/** Whether several rows may have one key, of which one counts. */
function isRanked({ latestBy, history }: SilverTask): boolean {
  return latestBy !== undefined || history !== undefined;
}

/** The latest row first; of equal ones the one that came last, then by all its columns. */
function latestFirst(task: SilverTask, shape: Shape): Order[] {
  const names = [
    ...(task.latestBy === undefined ? [] : [LATEST]),
    ...(task.source.lineageColumn === undefined ? [] : [LINEAGE_COLUMN]),
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
  if (isRanked(task)) {
    for (const [i, name] of [...shape.keys()].entries()) {
      columns.push({ of: column(name, SOURCE), as: wholeName(i) });
    }
  }
  const from: From = { kind: 'table', ...relation, as: SOURCE };
  const where: Expr | undefined =
    task.where === undefined ? undefined : { kind: 'user', sql: task.where };
  return { columns, from, ...(where === undefined ? {} : { where }) };
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
