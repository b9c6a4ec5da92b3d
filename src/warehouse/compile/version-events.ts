/**
 * Versions of members, and their ends, each brought to its moment.
 *
 * In the order of loads: an end is at the moment its load took effect, and never before a version that was loaded before
 * it. A version that was loaded after an end, and says a moment that is not behind that end, is valid from the moment its
 * load took effect, and never before the end: the member is back.
 *
 * A run of such decisions has no closed form. So two ends are known of each: as moments are said (`edp_said`), by which it
 * is decided who is late, and as they came to be (`edp_end`), before which nothing loaded later is put. Both are running
 * maxima in one order.
 */
import { ENDED_COLUMN, OFFSET_COLUMN } from '../../model/kept-versions.js';
import type { Source } from '../../model/warehouse/task.js';
import { VALID_FROM } from '../../model/warehouse/versions.js';
import {
  binary,
  call,
  cast,
  column,
  type Expr,
  type Join,
  type Order,
  type Output,
  type Select,
} from '../../relational/tree.js';
import { SOURCE } from './blueprint.js';

const LOADS = 'loads';

/** The load and the place of a record; whether it is an end; when its load took effect. */
export const LOAD = 'edp_load';
export const PLACE = 'edp_offset';
export const ENDED = 'edp_ended';
const EFFECTIVE = 'edp_effective';

const SAID = 'edp_said';
const SAID_END = 'edp_said_end';
const PUT = 'edp_put';
const LATEST = 'edp_latest';
const END = 'edp_end';

/** What a row of a table with ends is, beside its values: outputs of a query of {@link SOURCE} with {@link joinLoads}. */
export function eventOutputs({ lineageColumn }: Source, moment: string): Output[] {
  return [
    { of: column(lineageColumn!, SOURCE), as: LOAD },
    { of: column(OFFSET_COLUMN, SOURCE), as: PLACE },
    { of: hasEnded(SOURCE), as: ENDED },
    { of: effectiveAs(moment), as: EFFECTIVE },
  ];
}

export const EVENT_COLUMNS = [LOAD, PLACE, ENDED, EFFECTIVE] as const;

export function hasEnded(of: string): Expr {
  return column(ENDED_COLUMN, of);
}

export function joinLoads({ lineageColumn }: Source): Join {
  return {
    kind: 'left',
    from: { kind: 'table', schema: 'edp', name: 'loads', as: LOADS },
    on: binary(column('load_id', LOADS), '=', column(lineageColumn!, SOURCE)),
  };
}

/** When a load took effect, in the type of moments of versions; those without zone are in UTC. */
export function effectiveAs(type: string): Expr {
  const of = column('effective_at', LOADS);
  const zoned = /^timestamp(tz\b|(\(\d\))? with time zone)/;
  if (zoned.test(type)) return type.includes('(') ? cast(of, type) : of;
  return cast({ kind: 'at-zone', of, zone: 'UTC' }, type);
}

/**
 * @param events with {@link EVENT_COLUMNS}, and with {@link VALID_FROM} as rows say it
 * @param names their other columns
 * @returns the same, where {@link VALID_FROM} is the moment of each, and NULL for none
 */
export function placedEvents(
  events: Select,
  key: readonly string[],
  names: readonly string[],
): Select {
  const own = [...names, VALID_FROM, ...EVENT_COLUMNS];
  const steps: readonly Output[] = [
    { as: SAID, of: highest(key, either(column(EFFECTIVE), column(VALID_FROM))) },
    { as: SAID_END, of: highest(key, either(column(SAID))) },
    { as: PUT, of: putAt() },
    { as: LATEST, of: highest(key, column(PUT)) },
    { as: END, of: highest(key, either(column(LATEST))) },
  ];
  let query = events;
  const made: string[] = [];
  for (const step of steps) {
    const columns = [...own, ...made].map((name) => ({ of: column(name), as: name }));
    query = { columns: [...columns, step], from: { kind: 'query', query, as: 'events' } };
    made.push(step.as);
  }
  return {
    columns: [
      ...[...names, LOAD, PLACE, ENDED].map((name) => ({ of: column(name), as: name })),
      { of: call('greatest', column(PUT), column(END)), as: VALID_FROM },
    ],
    from: { kind: 'query', query, as: 'events' },
  };
}

/** A value of ends, and one of versions, if any. */
function either(ofEnd: Expr, ofVersion?: Expr): Expr {
  return {
    kind: 'case',
    when: [{ if: column(ENDED), value: ofEnd }],
    ...(ofVersion === undefined ? {} : { else: ofVersion }),
  };
}

function putAt(): Expr {
  const isBehind = binary(column(VALID_FROM), '<=', column(SAID_END));
  return {
    kind: 'case',
    when: [
      { if: column(ENDED), value: column(EFFECTIVE) },
      { if: isBehind, value: call('greatest', column(SAID_END), column(EFFECTIVE)) },
    ],
    else: column(VALID_FROM),
  };
}

/** Up to the row itself, in the order of loads. */
function highest(key: readonly string[], of: Expr): Expr {
  const orderBy: Order[] = [{ of: column(LOAD) }, { of: column(PLACE) }];
  return { kind: 'window', name: 'max', of, partitionBy: key.map((name) => column(name)), orderBy };
}

/** Of events at one moment, the last one counts. */
export function lastFirst(of: string): Order[] {
  return [LOAD, PLACE].map((name) => ({
    of: column(name, of),
    isDescending: true,
    nulls: 'last' as const,
  }));
}
