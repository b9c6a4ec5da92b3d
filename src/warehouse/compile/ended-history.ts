/** A history in silver, of a table whose members may end. */
import { LINEAGE_COLUMN } from '../../model/warehouse/known-columns.js';
import type { SilverColumn, SilverTask } from '../../model/warehouse/task.js';
import { VALID_FROM } from '../../model/warehouse/versions.js';
import {
  all,
  binary,
  cast,
  column,
  type Expr,
  number,
  type Output,
  type Select,
  some,
} from '../../relational/tree.js';
import { SOURCE, type Within } from './blueprint.js';
import { hasKey, isAffected } from './key-conditions.js';
import type { Shape } from './relation-shape.js';
import { cleaned, columnsOf, keyOf, userWhere } from './silver-columns.js';
import { validBetween } from './version-columns.js';
import {
  ENDED,
  EVENT_COLUMNS,
  eventOutputs,
  hasEnded,
  joinLoads,
  lastFirst,
  placedEvents,
} from './version-events.js';

const RANK = 'edp_rank';

export function historyRows(task: SilverTask, shape: Shape, within: Within): Select {
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
