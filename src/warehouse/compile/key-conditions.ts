/** Conditions on the keys of rows, and on the loads that they came with. */
import {
  binary,
  call,
  cast,
  column,
  type Expr,
  equal,
  type From,
  number,
  type Select,
  some,
  text,
} from '../../relational/tree.js';
import { AFFECTED, NULL_KEY, READ, type Trace } from './blueprint.js';
import type { Shape } from './relation-shape.js';

/** @param of name of the rows */
export function hasKey(key: readonly string[], of: string): Expr[] {
  return key.map((name) => ({ kind: 'is-null', of: column(name, of), isNegated: true }));
}

/** @param of name of the rows */
export function hasNoKey(key: readonly string[], of: string): Expr {
  return some(key.map((name): Expr => ({ kind: 'is-null', of: column(name, of) })));
}

/** Whether the key is among the affected ones. */
export function isAffected(key: readonly string[], of: string): Expr {
  const from: From = { kind: 'table', name: AFFECTED, as: 'affected' };
  return { kind: 'exists', query: { columns: [], from, where: equal(key, 'affected', of) } };
}

export function loadsOf(by: Trace): readonly number[] {
  return 'loads' in by ? by.loads : [];
}

/** @param name of the column with the load */
export function isOfLoads(loads: readonly number[], of: string, name: string): Expr {
  const list = cast(text(`{${loads.join(',')}}`), 'bigint[]');
  return { kind: 'any', of: column(name, of), list };
}

/** How many rows there are, and how many of them have a NULL in the key. */
export function countKeys(key: readonly string[], of: string): Select['columns'] {
  return [
    { of: { kind: 'aggregate', name: 'count' }, as: READ },
    { of: { kind: 'aggregate', name: 'count', filter: hasNoKey(key, of) }, as: NULL_KEY },
  ];
}

/** Rows with these keys, each a list as JSON. */
export function listedKeys(
  names: readonly string[],
  types: Shape,
  keys: readonly string[],
): Select {
  const list = cast(text(`[${keys.join(',')}]`), 'jsonb');
  return {
    isDistinct: true,
    columns: names.map((name, i) => ({
      of: cast(binary(column('value', 'listed'), '->>', number(i)), types.get(name) ?? 'text'),
      as: name,
    })),
    from: { kind: 'rows-of', of: call('jsonb_array_elements', list), as: 'listed' },
  };
}
