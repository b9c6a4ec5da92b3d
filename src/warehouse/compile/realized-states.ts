/**
 * The history of a realized table has each state of a member, and gaps where the member was deleted. Its states begin
 * versions, and where no state follows one directly, its end ends the member.
 */
import type { SilverTask, Source } from '../../model/warehouse/task.js';
import { VALID_FROM, VALID_TO } from '../../model/warehouse/versions.js';
import {
  all,
  binary,
  cast,
  column,
  type Expr,
  equal,
  number,
  type Order,
  type Output,
  type Select,
} from '../../relational/tree.js';
import { SOURCE, type Within } from './blueprint.js';
import { hasKey, isAffected } from './key-conditions.js';
import type { Shape } from './relation-shape.js';
import { cleaned, columnsOf, keyOf, userWhere } from './silver-columns.js';
import { validBetween } from './version-columns.js';
import { ENDED } from './version-events.js';

const NEXT = 'next_state';
const RANK = 'edp_rank';

interface States {
  readonly source: Source;
  /** Values of a state, and of an end, which have the same names. */
  readonly version: readonly Output[];
  readonly end: readonly Output[];
  /** Which states count. Ends count whatever it says. */
  readonly where?: Expr;
}

/** @returns rows with {@link VALID_FROM} and {@link ENDED}: no two of a member at one moment */
export function stateEvents({ source, version, end, where }: States): Select {
  const event = (values: readonly Output[], at: string, isEnd: boolean): Select => ({
    columns: [
      ...values,
      { of: column(at, SOURCE), as: VALID_FROM },
      { of: { kind: 'boolean', value: isEnd }, as: ENDED },
    ],
    from: { kind: 'table', ...source.relation, as: SOURCE },
  });
  const follows = all([
    equal(source.statesOf!, NEXT, SOURCE),
    binary(column(VALID_FROM, NEXT), '=', column(VALID_TO, SOURCE)),
  ]);
  const from = { kind: 'table', ...source.relation, as: NEXT } as const;
  const ends: Select = {
    ...event(end, VALID_TO, true),
    where: all([
      ...hasKey([VALID_TO], SOURCE),
      { kind: 'exists', query: { columns: [], from, where: follows }, isNegated: true },
    ]),
  };
  const versions = event(version, VALID_FROM, false);
  return { ...versions, ...(where === undefined ? {} : { where }), union: [ends] };
}

/** A history in silver. Keys that are different in the source may be equal here: then one of them counts, always the same. */
export function historyOfStates(task: SilverTask, shape: Shape, within: Within): Select {
  const { source } = task;
  const columns = columnsOf(task).filter(({ name }) => name !== VALID_FROM);
  const names = columns.map(({ name }) => name);
  const members = source.statesOf!.map((name, i) => ({
    of: cast(column(name, SOURCE), 'text'),
    as: `edp_member_${i + 1}`,
  }));
  const events = stateEvents({
    source,
    version: [...columns.map((each) => ({ of: cleaned(each, shape), as: each.name })), ...members],
    end: [
      ...columns.map((each) => ({
        of: task.key.includes(each.name) ? cleaned(each, shape) : ({ kind: 'null' } as const),
        as: each.name,
      })),
      ...members,
    ],
    ...(task.where === undefined ? {} : { where: userWhere(task.where) }),
  });
  const outputs = (of: string) =>
    [...names, VALID_FROM, ENDED].map((name) => ({ of: column(name, of), as: name }));
  const orderBy: Order[] = [
    { of: column(ENDED, 'rows') },
    ...members.map(({ as }) => ({ of: column(as, 'rows') })),
  ];
  const partitionBy = keyOf(task).map((name) => column(name, 'rows'));
  const ranked: Select = {
    columns: [...outputs('rows'), { as: RANK, of: { kind: 'row-number', partitionBy, orderBy } }],
    from: { kind: 'query', query: events, as: 'rows' },
    where: all([
      ...hasKey(task.key, 'rows'),
      ...(within === 'keys' ? [isAffected(task.key, 'rows')] : []),
    ]),
  };
  const last: Select = {
    columns: outputs('ranked'),
    from: { kind: 'query', query: ranked, as: 'ranked' },
    where: binary(column(RANK, 'ranked'), '=', number(1)),
  };
  return validBetween(last, task.key, names, ENDED);
}
