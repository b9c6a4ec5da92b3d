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
import { isFloat, type Shape } from './relation-shape.js';

export interface MeasureColumns {
  /** What a row holds. */
  readonly stored: readonly Output[];
  /** Those that are sums. */
  readonly sums: readonly string[];
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
  const sums: string[] = [];
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
      sums.push(sum);
      stored.push({ of: cast(aggregate('sum'), 'numeric'), as: sum });
      stored.push({ of: aggregate('count'), as: count });
      const quotient = `${quoteIdentifier(sum)} / nullif(${quoteIdentifier(count)}, 0)`;
      generated[name] = round === undefined ? quotient : `round(${quotient}, ${round})`;
    } else {
      const value = aggregate(measure.aggregate);
      if (measure.aggregate === 'sum') sums.push(name);
      stored.push({
        of: round === undefined ? value : call('round', cast(value, 'numeric'), number(round)),
        as: name,
      });
    }
  }
  return { stored, sums, generated };
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
