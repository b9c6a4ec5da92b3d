/** JSON lists as the text of arrays. */
import { describe, expect, it } from 'vitest';
import { toArrayLiteral } from '../../src/values/array-literal.js';

const TEXT = { delimiter: ',', hasJson: false };

describe('toArrayLiteral', () => {
  it.each([
    ['["a","b"]', '{"a","b"}'],
    [' [ "a" , null ] ', '{"a",NULL}'],
    ['[]', '{}'],
    ['[[],[]]', '{{},{}}'],
    ['["a\\"b","c\\\\d"]', '{"a\\"b","c\\\\d"}'],
    ['[1.10,-0,1e400,true,false]', '{1.10,-0,1e400,true,false}'],
    ['[{"a":1.50}]', '{"{\\"a\\":1.50}"}'],
  ])('%s', (json, literal) => {
    expect(toArrayLiteral(json, TEXT)).toBe(literal);
  });

  it('keeps elements that are JSON as JSON, and puts the delimiter of the type between', () => {
    expect(toArrayLiteral('["x",[1],null]', { delimiter: ';', hasJson: true })).toBe(
      '{"\\"x\\"";"[1]";NULL}',
    );
  });

  it.each([
    '{a,b}',
    '[0:1]={a,b}',
    '[1]={a}',
    ' [-1:0][2:3]={{1,2},{3,4}}',
    '["a"',
    '[1] x',
    '["\\ud800"]',
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    '',
  ])('leaves other texts to the server: %.20s', (text) => {
    expect(toArrayLiteral(text, TEXT)).toBe(text);
  });
});
