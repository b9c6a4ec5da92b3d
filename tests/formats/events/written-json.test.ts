/** Only lines with numbers that JavaScript writes in another way are read a second time. */
import { describe, expect, it } from 'vitest';
import { mayDiffer } from '../../../src/formats/events/written-json.js';

describe('a line may have such numbers', () => {
  it.each([
    ['zeros at the end', '{"a":1.50}', true],
    ['zeros at the end, of a list', '{"a":[1.0,2]}', true],
    ['zeros at the end, before a blank', '{"a":1.0 }', true],
    ['zeros and an exponent', '{"a":1.50e3}', true],
    ['many digits', '{"a":12345678901234567}', true],
    ['many decimals', '{"a":0.12345678901234567}', true],
    ['zero with a minus', '{"a":-0}', true],
    ['zero', '{"a":0,"b":[0,10]}', false],
    ['decimals', '{"a":0.5,"b":-10.25}', false],
    ['a time in UTC', '{"a":"2026-11-29T10:00:00.000000Z"}', false],
    ['a time', '{"a":"2026-11-29T10:00:00.000000"}', false],
  ])('%s', (_, line, wanted) => expect(mayDiffer(line, false)).toBe(wanted));

  it.each([
    ['a number in a string', '{"a":"1.50"}', true],
    ['zero with a minus in a string', '{"a":"-0"}', true],
    ['a member in a string', String.raw`{"a":"{\"b\":1.50}"}`, true],
    ['a number between new lines in a string', String.raw`{"a":"[\n1.50\n]"}`, true],
    ['zero', '{"a":0,"b":"0"}', false],
    ['a time in UTC', '{"a":"2026-11-29T10:00:00.000000Z"}', false],
  ])('also within strings: %s', (_, line, wanted) => expect(mayDiffer(line, true)).toBe(wanted));
});
