/** A dimension with `type-2:` whose members may end. */
import { PREVIOUS_TO, VALID_FROM, VALID_TO } from '../../model/warehouse/versions.js';
import {
  all,
  binary,
  call,
  column,
  type Expr,
  number,
  type Output,
  type Select,
  some,
} from '../../relational/tree.js';
import { SOURCE, type Within } from './blueprint.js';
import { hasKey, isAffected } from './key-conditions.js';
import { stateEvents } from './realized-states.js';
import { isChange, lastOf, lastShown, over, type Versioned } from './version-changes.js';
import { validBetween, validUntil } from './version-columns.js';
import {
  ENDED,
  EVENT_COLUMNS,
  effectiveAs,
  eventOutputs,
  joinLoads,
  lastFirst,
  placedEvents,
} from './version-events.js';

const RANK = 'edp_rank';
const CHANGES = 'edp_changes';

/** From a table with rows that say that a member has ended. */
export function endedRows(versioned: Versioned, within: Within): Select {
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
  return changesBetween(versioned, ranked, binary(column(RANK, 'ranked'), '=', number(1)));
}

/** From the history of a realized table. */
export function rowsOfStates(versioned: Versioned, within: Within): Select {
  const { source, naturalKey } = versioned.task;
  const names = [...naturalKey, ...versioned.attributes];
  const value = (name: string) => column(name, SOURCE);
  const events = stateEvents({
    source,
    version: names.map((name) => ({ of: value(name), as: name })),
    end: names.map((name) => ({
      of: naturalKey.includes(name) ? value(name) : { kind: 'null' },
      as: name,
    })),
  });
  const keyed: Select = {
    columns: [...names, VALID_FROM, ENDED].map((name) => ({ of: column(name, 'dated'), as: name })),
    from: { kind: 'query', query: events, as: 'dated' },
    where: all([
      ...hasKey(naturalKey, 'dated'),
      ...(within === 'keys' ? [isAffected(naturalKey, 'dated')] : []),
    ]),
  };
  return changesBetween(versioned, keyed);
}

/**
 * The versions among events: those with other values than the event before, and those behind an end.
 *
 * @param where condition on the events, called `ranked`
 */
function changesBetween(versioned: Versioned, events: Select, where?: Expr): Select {
  const { task, attributes } = versioned;
  const { naturalKey } = task;
  const names = [...naturalKey, ...attributes];
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
    from: { kind: 'query', query: events, as: 'ranked' },
    ...(where === undefined ? {} : { where }),
  };
  const changes: Select = {
    columns: [...names, VALID_FROM, ENDED].map((name) => ({
      of: column(name, 'compared'),
      as: name,
    })),
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
export function gappedRows(versioned: Versioned, within: Within): Select {
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
  return {
    columns: [
      ...plain(names, 'compared'),
      ...validUntil(call('coalesce', next, column(LAST_TO, 'compared'))),
    ],
    from: { kind: 'query', query: compared, as: 'compared' },
    where: column(CHANGES, 'compared'),
  };
}
