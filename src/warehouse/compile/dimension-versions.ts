/** A dimension with `type-2:`: a row for each version of a member, by when its values changed. */
import type { DimensionTask, Type2 } from '../../model/warehouse/task.js';
import { IS_CURRENT, PREVIOUS_TO, VALID_FROM, VALID_TO } from '../../model/warehouse/versions.js';
import {
  all,
  binary,
  call,
  column,
  type Expr,
  type From,
  type Join,
  number,
  type Output,
  type Select,
  some,
} from '../../relational/tree.js';
import { SOURCE, type Within } from './blueprint.js';
import { hasKey, isAffected } from './key-conditions.js';
import { isComparable, isSameWhereEqual, type Shape, wholeOrder } from './relation-shape.js';
import { isVersion } from './standing-rows.js';
import { validBetween, validity } from './version-columns.js';
import {
  ENDED,
  EVENT_COLUMNS,
  effectiveAs,
  eventOutputs,
  joinLoads,
  lastFirst,
  placedEvents,
} from './version-events.js';

const LOADS = 'loads';
const RANK = 'edp_rank';
const CHANGES = 'edp_changes';

export interface Versioned {
  readonly task: DimensionTask;
  readonly type2: Type2;
  readonly attributes: readonly string[];
  /** The column of the source with the load; undefined where it has none. */
  readonly load: string | undefined;
  readonly shape: Shape;
}

/** Rows of the source, with the moment from which each is valid, called `dated`. */
export function datedRows({ task, type2, attributes, load }: Versioned): From {
  const { source, naturalKey } = task;
  const names = [...naturalKey, ...attributes, ...(load === undefined ? [] : [load])];
  const outputs = [...new Set(names)].map((name) => ({ of: column(name, SOURCE), as: name }));
  const moment =
    type2.changedAt === undefined ? column('effective_at', LOADS) : column(type2.changedAt, SOURCE);
  const loads: Join[] =
    type2.changedAt !== undefined
      ? []
      : [
          {
            kind: 'left',
            from: { kind: 'table', schema: 'edp', name: 'loads', as: LOADS },
            on: binary(column('load_id', LOADS), '=', column(load!, SOURCE)),
          },
        ];
  const query: Select = {
    columns: [...outputs, { of: moment, as: VALID_FROM }],
    from: { kind: 'table', ...source.relation, as: SOURCE },
    joins: loads,
    ...(isVersion(source).length === 0 ? {} : { where: all(isVersion(source)) }),
  };
  return { kind: 'query', query, as: 'dated' };
}

/** The rows of the table, those of affected keys or all. */
export function rowsOfVersions(versioned: Versioned, within: Within): Select {
  switch (versioned.type2.ends) {
    case 'rows':
      return endedRows(versioned, within);
    case 'gaps':
      return gappedRows(versioned, within);
    default:
      return versionRows(versioned, within);
  }
}

/** From a table with rows that say that a member has ended. */
function endedRows(versioned: Versioned, within: Within): Select {
  const { task, attributes } = versioned;
  const { naturalKey } = task;
  const names = [...naturalKey, ...attributes];
  const outputs = (of: string) =>
    [...names, VALID_FROM, ENDED].map((name) => ({ of: column(name, of), as: name }));
  const partitionBy = [...naturalKey, VALID_FROM].map((name) => column(name, 'placed'));
  const rank: Expr = { kind: 'row-number', partitionBy, orderBy: lastFirst('placed') };
  const placed = placedEvents(memberEvents(versioned, within), naturalKey, names);
  const ranked: Select = {
    columns: [...outputs('placed'), { of: rank, as: RANK }],
    from: { kind: 'query', query: placed, as: 'placed' },
    where: all(hasKey([VALID_FROM], 'placed')),
  };
  const compared: Select = {
    columns: [
      ...naturalKey.map((name) => ({ of: column(name, 'ranked'), as: name })),
      ...attributes.map((name) => ({ of: lastShown(versioned, name, [ENDED]), as: name })),
      ...[VALID_FROM, ENDED].map((name) => ({ of: column(name, 'ranked'), as: name })),
      {
        of: some([column(ENDED, 'ranked'), isReturn(versioned), isChange(versioned)]),
        as: CHANGES,
      },
    ],
    from: { kind: 'query', query: ranked, as: 'ranked' },
    where: binary(column(RANK, 'ranked'), '=', number(1)),
  };
  const changes: Select = {
    columns: outputs('compared'),
    from: { kind: 'query', query: compared, as: 'compared' },
    where: column(CHANGES, 'compared'),
  };
  return validBetween(changes, naturalKey, names, ENDED);
}

/** Whether an end is the event before. */
function isReturn(versioned: Versioned): Expr {
  return call('coalesce', over(versioned, 'lag', column(ENDED, 'ranked')), {
    kind: 'boolean',
    value: false,
  });
}

function memberEvents(versioned: Versioned, within: Within): Select {
  const { task, type2, attributes, shape } = versioned;
  const { source, naturalKey } = task;
  const names = [...naturalKey, ...attributes];
  const type =
    type2.changedAt === undefined
      ? 'timestamp with time zone'
      : (shape.get(type2.changedAt) ?? 'text');
  const moment =
    type2.changedAt === undefined ? effectiveAs(type) : column(type2.changedAt, SOURCE);
  const rows: Select = {
    columns: [
      ...names.map((name) => ({ of: column(name, SOURCE), as: name })),
      { of: moment, as: VALID_FROM },
      ...eventOutputs(source, type),
    ],
    from: { kind: 'table', ...source.relation, as: SOURCE },
    joins: [joinLoads(source)],
  };
  return {
    columns: [...names, VALID_FROM, ...EVENT_COLUMNS].map((name) => ({
      of: column(name, 'dated'),
      as: name,
    })),
    from: { kind: 'query', query: rows, as: 'dated' },
    where: all([
      ...hasKey(naturalKey, 'dated'),
      some([column(ENDED, 'dated'), ...hasKey([VALID_FROM], 'dated')]),
      ...(within === 'keys' ? [isAffected(naturalKey, 'dated')] : []),
    ]),
  };
}

const LAST_TO = 'edp_last_to';

/** From a history whose members may end. Its versions are in order already; equal neighbours become one. */
function gappedRows(versioned: Versioned, within: Within): Select {
  const { task, attributes } = versioned;
  const { naturalKey, source } = task;
  const names = [...naturalKey, ...attributes, VALID_FROM, PREVIOUS_TO];
  const plain = (list: readonly string[], of: string): Output[] =>
    list.map((name) => ({ of: column(name, of), as: name }));
  const of = (name: string) => column(name, 'ranked');
  const isAfterGap: Expr = {
    kind: 'is-distinct',
    left: of(PREVIOUS_TO),
    right: of(VALID_FROM),
  };
  const compared: Select = {
    columns: [
      ...plain(naturalKey, 'ranked'),
      ...attributes.map((name) => ({ of: lastShown(versioned, name, []), as: name })),
      ...plain([VALID_FROM, PREVIOUS_TO], 'ranked'),
      { of: lastOf(versioned, of(VALID_TO), []), as: LAST_TO },
      { of: some([isAfterGap, isChange(versioned)]), as: CHANGES },
    ],
    from: { kind: 'table', ...source.relation, as: 'ranked' },
    where: all([
      ...hasKey(naturalKey, 'ranked'),
      ...(within === 'keys' ? [isAffected(naturalKey, 'ranked')] : []),
    ]),
  };
  const next: Expr = {
    kind: 'window',
    name: 'lead',
    of: column(PREVIOUS_TO, 'compared'),
    partitionBy: naturalKey.map((name) => column(name, 'compared')),
    orderBy: [{ of: column(VALID_FROM, 'compared') }],
  };
  const end = call('coalesce', next, column(LAST_TO, 'compared'));
  return {
    columns: [
      ...plain(names, 'compared'),
      { of: end, as: VALID_TO },
      { of: { kind: 'is-null', of: end }, as: IS_CURRENT },
    ],
    from: { kind: 'query', query: compared, as: 'compared' },
    where: column(CHANGES, 'compared'),
  };
}

/** As {@link shownValue}. @param behind columns of rows that come behind all others */
function lastShown(versioned: Versioned, name: string, behind: readonly string[]): Expr {
  const of = column(name, 'ranked');
  return versioned.type2.columns.includes(name) ? of : lastOf(versioned, of, behind);
}

function lastOf({ task }: Versioned, of: Expr, behind: readonly string[]): Expr {
  return {
    kind: 'window',
    name: 'first_value',
    of,
    partitionBy: task.naturalKey.map((key) => column(key, 'ranked')),
    orderBy: [
      ...behind.map((name) => ({ of: column(name, 'ranked') })),
      { of: column(VALID_FROM, 'ranked'), isDescending: true },
    ],
  };
}

/** Of equal moments the last row counts, and of equal neighbours the first. */
function versionRows(versioned: Versioned, within: Within): Select {
  const { task, attributes } = versioned;
  const { naturalKey } = task;
  const outputs = (of: string): Output[] =>
    [...naturalKey, ...attributes, VALID_FROM].map((name) => ({ of: column(name, of), as: name }));
  const compared: Select = {
    columns: [
      ...naturalKey.map((name) => ({ of: column(name, 'ranked'), as: name })),
      ...attributes.map((name) => ({ of: shownValue(versioned, name), as: name })),
      { of: column(VALID_FROM, 'ranked'), as: VALID_FROM },
      { of: isChange(versioned), as: CHANGES },
    ],
    from: { kind: 'query', query: rankedRows(versioned, within), as: 'ranked' },
    where: binary(column(RANK, 'ranked'), '=', number(1)),
  };
  return {
    columns: [...outputs('compared'), ...validity(naturalKey, 'compared')],
    from: { kind: 'query', query: compared, as: 'compared' },
    where: column(CHANGES, 'compared'),
  };
}

function rankedRows(versioned: Versioned, within: Within): Select {
  const { task, attributes, load, shape } = versioned;
  const { naturalKey } = task;
  const names = [...naturalKey, ...attributes, VALID_FROM];
  const dated = (name: string) => column(name, 'dated');
  const isPlain = (name: string) => isSameWhereEqual(shape.get(name) ?? '');
  const written = [...attributes, ...naturalKey.filter((name) => !isPlain(name))];
  const orderBy = [
    ...(load === undefined ? [] : [dated(load)]),
    ...written.flatMap((name) => wholeOrder(dated(name), shape.get(name) ?? '')),
  ].map((of) => ({ of, isDescending: true, nulls: 'last' as const }));
  const partitionBy = [...naturalKey, VALID_FROM].map(dated);
  return {
    columns: [
      ...names.map((name) => ({ of: dated(name), as: name })),
      { of: { kind: 'row-number', partitionBy, orderBy }, as: RANK },
    ],
    from: datedRows(versioned),
    where: all([
      ...hasKey([...naturalKey, VALID_FROM], 'dated'),
      ...(within === 'keys' ? [isAffected(naturalKey, 'dated')] : []),
    ]),
  };
}

function over({ task }: Versioned, name: 'lag' | 'last_value', of: Expr): Expr {
  return {
    kind: 'window',
    name,
    of,
    partitionBy: task.naturalKey.map((key) => column(key, 'ranked')),
    orderBy: [{ of: column(VALID_FROM, 'ranked') }],
  };
}

/** An attribute without history has in every version the value of the last row. */
function shownValue(versioned: Versioned, name: string): Expr {
  const of = column(name, 'ranked');
  return versioned.type2.columns.includes(name) ? of : over(versioned, 'last_value', of);
}

/** Whether a row is the first of its member, or another one than the row before. */
function isChange(versioned: Versioned): Expr {
  const before = (of: Expr) => over(versioned, 'lag', of);
  const differs = versioned.type2.columns.map((name): Expr => {
    const plain = column(name, 'ranked');
    const of: Expr = isComparable(versioned.shape.get(name) ?? '')
      ? plain
      : { kind: 'cast', of: plain, type: 'text' };
    return { kind: 'is-distinct', left: of, right: before(of) };
  });
  return some([{ kind: 'is-null', of: before(column(VALID_FROM, 'ranked')) }, ...differs]);
}
