/** A measure of a fact: one aggregate over columns and arithmetic, from a closed set. */
import { type Expression, fieldsOf, parseExpression } from '../expression.js';
import { AGGREGATES, type Measure } from './task.js';

type Aggregation = Pick<Measure, 'aggregate' | 'isDistinct' | 'of'>;

/** Name, brackets, what is between them. */
const CALL = /^\s*([A-Za-z_]\w*)\s*\(([\s\S]*)\)\s*$/;
const DISTINCT = /^\s*distinct\b/i;
/** A text in quotes is a literal, too. */
const NUMBER = /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

const FORMS = `the aggregates are ${AGGREGATES.join(', ')} and count(distinct …), over columns, numbers and + - * /; other SQL makes a column of the source, a quotient of measures belongs in a view`;

/** @throws RangeError that describes the fault */
export function parseMeasure(text: string): Aggregation {
  const [, name = '', inside = ''] = CALL.exec(text) ?? [];
  const aggregate = AGGREGATES.find((one) => one === name.toLowerCase());
  if (aggregate === undefined) throw fault(text, 'is no aggregate');
  if (inside.trim() === '*') {
    if (aggregate !== 'count') throw fault(text, `has *, which only count takes`);
    return { aggregate, isDistinct: false };
  }
  const isDistinct = DISTINCT.test(inside);
  if (isDistinct && aggregate !== 'count')
    throw fault(text, 'has distinct, which only count takes');
  const of = parseOperand(text, inside.replace(DISTINCT, ''));
  return { aggregate, isDistinct, of };
}

/** Names of the columns that an average is kept in. */
export function averageSum(name: string): string {
  return `${name}_sum`;
}

export function averageCount(name: string): string {
  return `${name}_count`;
}

/** The same of a measure as it is written; none where it is no average. */
export function averageParts(name: string, text: string): string[] {
  const isAverage = CALL.exec(text)?.[1]?.toLowerCase() === 'avg';
  return isAverage ? [averageSum(name), averageCount(name)] : [];
}

function parseOperand(text: string, inside: string): Expression {
  let of: Expression;
  try {
    of = parseExpression(inside);
  } catch (error) {
    throw fault(text, `is no aggregate (${(error as Error).message})`);
  }
  if (!isArithmetic(of)) throw fault(text, 'has more than arithmetic in it');
  if (fieldsOf(of).length === 0) throw fault(text, 'reads no column; count(*) counts rows');
  return of;
}

function isArithmetic(expression: Expression): boolean {
  switch (expression.kind) {
    case 'field':
      return true;
    case 'literal':
      return expression.text !== null && NUMBER.test(expression.text);
    case 'negative':
      return isArithmetic(expression.of);
    case 'operation':
      return (
        expression.operator !== '||' &&
        isArithmetic(expression.left) &&
        isArithmetic(expression.right)
      );
    case 'call':
      return false;
  }
}

function fault(text: string, what: string): RangeError {
  return new RangeError(`${JSON.stringify(text)} ${what}; ${FORMS}`);
}
