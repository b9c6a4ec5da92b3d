/** The measures of a fact → the columns that hold them. */

import { quoteIdentifier } from '../../model/ddl.js';
import type { Expression } from '../../model/expression.js';
import { averageCount, averageSum } from '../../model/warehouse/measure.js';
import type { Measure } from '../../model/warehouse/task.js';
import {
  binary,
  call,
  cast,
  column,
  type Expr,
  number,
  type Output,
  text,
} from '../../relational/tree.js';
import { isFloat, isSameWhereEqual, type Shape } from './relation-shape.js';

export interface MeasureColumns {
  /** What a row holds. */
  readonly stored: readonly Output[];
  /** Those that hold any of several equal values. */
  readonly anyOfEqual: readonly string[];
  /** What is computed of it, by name: SQL over the stored columns. */
  readonly generated: Readonly<Record<string, string>>;
}

/** @param from name of the source in the query */
export function measureColumns(
  measures: readonly Measure[],
  shape: Shape,
  from: string,
): MeasureColumns {
  const stored: Output[] = [];
  const anyOfEqual: string[] = [];
  const generated: Record<string, string> = {};
  for (const measure of measures) {
    const { name, round } = measure;
    const of = measure.of === undefined ? undefined : exactValue(measure, shape, from);
    const aggregate = (kind: string): Expr => ({
      kind: 'aggregate',
      name: kind,
      ...(of === undefined ? {} : { of }),
      isDistinct: measure.isDistinct,
    });
    if (measure.aggregate === 'avg') {
      const [sum, count] = [averageSum(name), averageCount(name)];
      stored.push({ of: cast(aggregate('sum'), 'numeric'), as: sum });
      stored.push({ of: aggregate('count'), as: count });
      const quotient = `${quoteIdentifier(sum)} / nullif(${quoteIdentifier(count)}, 0)`;
      generated[name] = round === undefined ? quotient : `round(${quotient}, ${round})`;
    } else {
      const value = extreme(measure, shape, from) ?? aggregate(measure.aggregate);
      if (isAnyOfEqual(measure, shape)) anyOfEqual.push(name);
      stored.push({
        of: round === undefined ? value : call('round', cast(value, 'numeric'), number(round)),
        as: name,
      });
    }
  }
  return { stored, anyOfEqual, generated };
}

/**
 * The least or the greatest of numbers, written with the decimals of all of them: of 1.0 and 1.00, the server gives
 * the one that comes first.
 *
 * @returns undefined for what is written in one way
 */
function extreme({ of, aggregate, round }: Measure, shape: Shape, from: string): Expr | undefined {
  if (of === undefined || round !== undefined || !isExtreme(aggregate)) return undefined;
  const value = toExpr(of, from);
  const found: Expr = { kind: 'aggregate', name: aggregate, of: value };
  const types = fieldsOf(of).map((name) => shape.get(name) ?? '');
  // Also turns -0 to 0.
  if (types.some(isFloat)) return binary(found, '+', number(0));
  const hasFixedScale = of.kind === 'field' && types[0] !== 'numeric';
  if (!types.some((type) => type.startsWith('numeric')) || hasFixedScale) return undefined;
  const scale: Expr = { kind: 'aggregate', name: 'max', of: call('scale', value) };
  // NaN and infinity have no scale.
  return call('coalesce', call('round', found, scale), found);
}

function isExtreme(aggregate: Measure['aggregate']): boolean {
  return aggregate === 'min' || aggregate === 'max';
}

function isAnyOfEqual({ of, aggregate }: Measure, shape: Shape): boolean {
  return (
    isExtreme(aggregate) &&
    fieldsOf(of!).some((name) => {
      const type = shape.get(name) ?? '';
      return !isSameWhereEqual(type) && !isFloat(type) && !type.startsWith('numeric');
    })
  );
}

/** The sum of binary fractions depends on the order of the rows; that of decimal ones does not. */
function exactValue({ of, aggregate }: Measure, shape: Shape, from: string): Expr {
  const value = toExpr(of!, from);
  const isSummed = aggregate === 'sum' || aggregate === 'avg';
  return isSummed && fieldsOf(of!).some((name) => isFloat(shape.get(name) ?? ''))
    ? cast(value, 'numeric')
    : value;
}

export function fieldsOf(of: Expression): string[] {
  switch (of.kind) {
    case 'field':
      return [of.name];
    case 'literal':
      return [];
    case 'negative':
      return fieldsOf(of.of);
    case 'operation':
      return [...fieldsOf(of.left), ...fieldsOf(of.right)];
    case 'call':
      return of.of.flatMap(fieldsOf);
  }
}

function toExpr(of: Expression, from: string): Expr {
  switch (of.kind) {
    case 'field':
      return column(of.name, from);
    case 'literal':
      if (of.text === null) return { kind: 'null' };
      return /^\d+(\.\d+)?$/.test(of.text) ? number(of.text) : text(of.text);
    case 'negative':
      return binary(number(0), '-', toExpr(of.of, from));
    case 'operation':
      return binary(toExpr(of.left, from), of.operator, toExpr(of.right, from));
    case 'call':
      return call(of.name, ...of.of.map((each) => toExpr(each, from)));
  }
}
