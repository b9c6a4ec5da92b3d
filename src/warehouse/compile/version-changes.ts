/** How versions of a member, in their order, differ from each other. */
import type { DimensionTask, Type2 } from '../../model/warehouse/task.js';
import { VALID_FROM } from '../../model/warehouse/versions.js';
import { column, type Expr, some } from '../../relational/tree.js';
import { isComparable, type Shape } from './relation-shape.js';

export interface Versioned {
  readonly task: DimensionTask;
  readonly type2: Type2;
  readonly attributes: readonly string[];
  /** The column of the source with the load; undefined where it has none. */
  readonly load: string | undefined;
  readonly shape: Shape;
}

export function over({ task }: Versioned, name: 'lag' | 'last_value', of: Expr): Expr {
  return {
    kind: 'window',
    name,
    of,
    partitionBy: task.naturalKey.map((key) => column(key, 'ranked')),
    orderBy: [{ of: column(VALID_FROM, 'ranked') }],
  };
}

/** An attribute without history has in every version the value of the last row. */
export function shownValue(versioned: Versioned, name: string): Expr {
  const of = column(name, 'ranked');
  return versioned.type2.columns.includes(name) ? of : over(versioned, 'last_value', of);
}

/** Whether a row is the first of its member, or another one than the row before. */
export function isChange(versioned: Versioned): Expr {
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

/** As {@link shownValue}. @param behind columns of rows that come behind all others */
export function lastShown(versioned: Versioned, name: string, behind: readonly string[]): Expr {
  const of = column(name, 'ranked');
  return versioned.type2.columns.includes(name) ? of : lastOf(versioned, of, behind);
}

export function lastOf({ task }: Versioned, of: Expr, behind: readonly string[]): Expr {
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
