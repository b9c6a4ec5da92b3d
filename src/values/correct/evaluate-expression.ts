/**
 * Evaluates the expression of a computed column. Numbers are exact decimals. As in SQL, a
 * computation with NULL gives NULL. Works on text, not on byte strings.
 */
import Big from 'big.js';
import type { Expression, FunctionName, Operator } from '../../model/expression.js';
import { Fault } from '../../model/reject-codes.js';
import { show } from '../coerce.js';

export type Value = string | null;
/** @param fields text by name */
export type Evaluator = (fields: ReadonlyMap<string, Value>) => Value | Fault;

/** Decimals that a quotient is rounded to. */
const QUOTIENT_DECIMALS = 20;
const Decimal = Big();
Decimal.DP = QUOTIENT_DECIMALS;
Decimal.RM = Big.roundHalfUp;

const NUMBER = /^\s*(?:\+(?!-))?(-?(?:\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?)\s*$/;
/** Guards against numbers with more digits or a longer exponent, which no measurement has. */
const MAX_DIGITS = 1000;

/** `show` takes a byte string; the messages here have text. */
function quoted(text: string): string {
  return show(Buffer.from(text, 'utf8').toString('latin1'));
}

function toNumber(text: string): Big | Fault {
  const match = NUMBER.exec(text);
  if (match === null) return new Fault('bad_number', `${quoted(text)} is not a number`);
  if (text.length > MAX_DIGITS || Math.abs(Number(match[2] ?? 0)) > MAX_DIGITS) {
    return new Fault('out_of_range', `${quoted(text)} is out of range`);
  }
  return new Decimal(match[1]!);
}

export function compileExpression(expression: Expression): Evaluator {
  switch (expression.kind) {
    case 'literal':
      return () => expression.text;
    case 'field':
      return (fields) => fields.get(expression.name) ?? null;
    case 'negative':
      return arithmetic('-', () => '0', compileExpression(expression.of));
    case 'operation': {
      const [left, right] = [expression.left, expression.right].map(compileExpression);
      return expression.operator === '||'
        ? withAll([left!, right!], ([a, b]) => `${a}${b}`)
        : arithmetic(expression.operator, left!, right!);
    }
    case 'call':
      return CALLS[expression.name](expression.of.map(compileExpression));
  }
}

/** Evaluates to NULL where one of the values is NULL, else to what `compute` returns. */
function withAll(
  evaluators: readonly Evaluator[],
  compute: (values: readonly string[]) => Value | Fault,
): Evaluator {
  return (fields) => {
    const values: string[] = [];
    let isNull = false;
    for (const evaluate of evaluators) {
      const value = evaluate(fields);
      if (value instanceof Fault) return value;
      if (value === null) isNull = true;
      else values.push(value);
    }
    return isNull ? null : compute(values);
  };
}

function arithmetic(
  operator: Exclude<Operator, '||'>,
  left: Evaluator,
  right: Evaluator,
): Evaluator {
  return withAll([left, right], ([a, b]) => {
    // An empty text is no number; it is treated as NULL.
    if (a === '' || b === '') return null;
    const [x, y] = [toNumber(a!), toNumber(b!)];
    if (x instanceof Fault) return x;
    if (y instanceof Fault) return y;
    switch (operator) {
      case '+':
        return x.plus(y).toFixed();
      case '-':
        return x.minus(y).toFixed();
      case '*':
        return x.times(y).toFixed();
      case '/':
        if (y.eq(0)) return new Fault('bad_number', `${quoted(a!)} is divided by zero`);
        return x.div(y).toFixed();
    }
  });
}

const CALLS: Readonly<Record<FunctionName, (given: readonly Evaluator[]) => Evaluator>> = {
  coalesce: (given) => (fields) => {
    for (const evaluate of given) {
      const value = evaluate(fields);
      if (value !== null) return value;
    }
    return null;
  },
  concat: (given) =>
    withAll(
      given.map((evaluate) => (fields) => evaluate(fields) ?? ''),
      (values) => values.join(''),
    ),
  lower: (given) => withAll(given, ([text]) => text!.toLowerCase()),
  upper: (given) => withAll(given, ([text]) => text!.toUpperCase()),
  trim: (given) => withAll(given, ([text]) => text!.trim()),
  nullif:
    ([value, other]) =>
    (fields) => {
      const [a, b] = [value!(fields), other!(fields)];
      if (b instanceof Fault) return b;
      return a === b ? null : a;
    },
  replace: (given) => withAll(given, ([text, from, to]) => text!.replaceAll(from!, to!)),
  round: (given) =>
    withAll(given, ([text, decimals = '0']) => {
      const number = toNumber(text!);
      if (number instanceof Fault) return number;
      if (!/^\d{1,3}$/.test(decimals)) {
        return new Fault('bad_number', `${quoted(decimals)} is not a number of decimals`);
      }
      return number.round(Number(decimals), Big.roundHalfUp).toFixed();
    }),
  substring: (given) =>
    withAll(given, ([text, from, length]) => {
      const [start, count] = [Number(from), length === undefined ? Infinity : Number(length)];
      if (!Number.isInteger(start) || start < 1 || !(count >= 0)) {
        return new Fault('bad_number', 'substring takes a position from 1 on, and a length');
      }
      return [...text!].slice(start - 1, start - 1 + count).join('');
    }),
};
