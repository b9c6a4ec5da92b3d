/** Expressions of computed columns. */
import { describe, expect, it } from 'vitest';
import { fieldsOf, parseExpression } from '../../src/model/expression.js';
import { Fault } from '../../src/model/reject-codes.js';
import { compileExpression } from '../../src/values/correct/evaluate-expression.js';

const FIELDS = new Map<string, string | null>([
  ['price', '0.1'],
  ['quantity', '3'],
  ['first', 'Zoë'],
  ['last', ' Díaz '],
  ['nothing', null],
  ['empty', ''],
  ['order date', '2024-02-03'],
  ['huge', '1e999999'],
]);

function evaluate(text: string): string | null {
  const result = compileExpression(parseExpression(text))(FIELDS);
  return result instanceof Fault ? `!${result.code}` : result;
}

it.each([
  ['price * quantity', '0.3'],
  ['price + quantity * 2', '6.1'],
  ['(price + quantity) * 2', '6.2'],
  ['-price - -quantity', '2.9'],
  ['quantity / 7', '0.42857142857142857143'],
  ['12345678901234567890 * 10 + 0.5', '123456789012345678900.5'],
  ['quantity / 0', '!bad_number'],
  ["'+7' + ' -.5 '", '6.5'],
  ["'+-7' + 1", '!bad_number'],
  ['first * 2', '!bad_number'],
  ['huge * 2', '!out_of_range'],
  ['nothing * 2', null],
  ['empty * 2', null],
  ["first || ' ' || trim(last)", 'Zoë Díaz'],
  ["'#' || quantity + 1", '#4'],
  ['first || nothing', null],
  ['concat(first, nothing, last)', 'Zoë Díaz '],
  ["coalesce(nothing, 'x')", 'x'],
  ["coalesce(empty, 'x')", ''],
  ["coalesce(nullif(empty, ''), nothing, first)", 'Zoë'],
  ['upper(first)', 'ZOË'],
  ["lower('ÀB')", 'àb'],
  ["replace(first, 'o', '0')", 'Z0ë'],
  ['round(quantity / 7, 2)', '0.43'],
  ['round(2.5)', '3'],
  ['substring(first, 2)', 'oë'],
  ['substring(first, 3, 1)', 'ë'],
  ['"order date" || \'T00:00\'', '2024-02-03T00:00'],
  ["'text'", 'text'],
  ['null', null],
])('%s = %s', (text, expected) => {
  expect(evaluate(text)).toBe(expected);
});

describe('what is none', () => {
  it.each([
    ['price *', /./],
    ['price quantity', /operator is missing/],
    ['price ? 1 : 2', /are known/],
    ['a.b', /double quotes/],
    ['price > 1', /none of/],
    ['now()', /none of coalesce/],
    ['round()', /takes 1 to 2/],
    ['constructor("x")', /none of/],
    ['this', /are known/],
    ['[1]', /are known/],
    ['', /./],
  ])('%s', (text, message) => {
    expect(() => parseExpression(text)).toThrow(message);
  });
});

it('tells its fields', () => {
  expect(fieldsOf(parseExpression('a * -b + coalesce("c d", a, \'e\')'))).toEqual([
    'a',
    'b',
    'c d',
  ]);
});
