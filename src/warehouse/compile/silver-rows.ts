/** A silver table: one row for each key of its source, cleaned, or each version of it. */
import { OFFSET_COLUMN } from '../../model/kept-versions.js';
import { LINEAGE_COLUMN } from '../../model/warehouse/known-columns.js';
import type { SilverColumn, SilverTask } from '../../model/warehouse/task.js';
import { IS_CURRENT, PREVIOUS_TO, VALID_TO } from '../../model/warehouse/versions.js';
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
import { historyRows } from './ended-history.js';
import {
  countKeys,
  hasKey,
  hasNoKey,
  isAffected,
  isOfLoads,
  listedKeys,
  loadsOf,
} from './key-conditions.js';
import { historyOfStates } from './realized-states.js';
import { type Shape, wholeOrder } from './relation-shape.js';
import { cleaned, columnsOf, keyOf, keySourcesOf, userWhere } from './silver-columns.js';
import { isLastOfMember, isStanding, isThere, isVersion } from './standing-rows.js';
import { validity } from './version-columns.js';

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
    rows: (within) => rowsOf(task, shape, within),
    isCounted: false,
    counts: (within, by) => countRows(task, shape, within, by),
    ...(isTraced(task) ? { affected: (by) => affectedKeys(task, shape, by) } : {}),
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

function rowsOf(task: SilverTask, shape: Shape, within: Within): Select {
  switch (task.history?.ends) {
    case 'rows':
      return historyRows(task, shape, within);
    case 'states':
      return historyOfStates(task, shape, within);
    default:
      return silverRows(task, shape, within);
  }
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

/** Of a table that keeps versions, or deleted rows, those that count. */
function countedRows(task: SilverTask): Expr[] {
  const there = isThere(task.source);
  if (task.history !== undefined) return [...there, ...isVersion(task.source)];
  return [...there, ...(readsLast(task) ? isLastOfMember(task.source) : isStanding(task.source))];
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

/** Whether changed rows are known by something. */
function isTraced(task: SilverTask): boolean {
  if (task.source.lineageColumn !== undefined || task.incrementalBy !== undefined) return true;
  return keySourcesOf(task) !== undefined;
}

/** Whatever `where` says: a row that it holds back now may have been in the table before. */
function affectedKeys(task: SilverTask, shape: Shape, by: Trace): Select {
  if ('keys' in by) return keysOfListed(task, shape, by.keys);
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

/** @param keys values of the columns of the source that the key is made of, before and after the change */
function keysOfListed(task: SilverTask, shape: Shape, keys: readonly string[]): Select {
  const own = task.columns.filter(({ name }) => task.key.includes(name));
  const query: Select = {
    columns: own.map((each) => ({ of: cleaned(each, shape), as: each.name })),
    from: { kind: 'query', query: listedKeys(keySourcesOf(task)!, shape, keys), as: SOURCE },
  };
  return {
    isDistinct: true,
    columns: task.key.map((name) => ({ of: column(name, 'rows'), as: name })),
    from: { kind: 'query', query, as: 'rows' },
    where: all(hasKey(task.key, 'rows')),
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
export function readsLast(task: SilverTask): boolean {
  const { source, latestBy, history } = task;
  if (source.versions === undefined || latestBy !== undefined || history !== undefined)
    return false;
  return isKeyedBy(task, source.versions.key);
}

/** Whether its key is made of these columns of its source alone. */
export function isKeyedBy({ key, columns }: SilverTask, of: readonly string[]): boolean {
  return columns
    .filter(({ name }) => key.includes(name))
    .every(({ from }) => 'column' in from && of.includes(from.column));
}

/** The key of a loaded table is never NULL. */
function mayLackKey(task: SilverTask): boolean {
  return !isKeyedBy(task, task.source.key ?? []);
}
