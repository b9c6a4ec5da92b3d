/** JSON documents as a field may have them: plain, of every shape, damaged, and too deep. */
import fc from 'fast-check';
import { bytesOf, digits, join, pick, type Text } from './text-parts.js';

/** Documents of every shape, with few spaces or many. */
const documents = fc
  .tuple(
    fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }),
    fc.constantFrom(undefined, 0, 1, '\t', '\n \r'),
  )
  .map(([value, indent]) => JSON.stringify(value, null, indent).replaceAll('\\u0000', '\\n'));
const words = pick(
  'some words',
  '',
  'a',
  'é€😀',
  'quite a few more words than sixteen bytes',
  '{[,:]}',
);
const numbers = pick('0', '-0', '12', '-5.25', '1e3', '1.5E-7', '12345678901234567890', '0.001');
/** What nothing but the numbers and the names tells apart, such as most files hold. */
export const plainDocuments = fc
  .oneof(
    fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.oneof(
          numbers,
          pick('true', 'false', 'null', '{}', '[ ]'),
          words.map((text) => JSON.stringify(text)),
          pick('"\\n\\t\\"\\\\"', '"\\u00e9\\ud7ff\\uE000"', '"\\/\\b\\f\\r"'),
        ),
        fc
          .tuple(fc.array(tie('value'), { maxLength: 3 }), pick('', ' ', '\n\t'))
          .map(([items, space]) => `[${space}${items.join(`${space},${space}`)}]`),
        fc
          .tuple(fc.array(fc.tuple(words, tie('value')), { maxLength: 3 }), pick('', ' ', '\r\n'))
          .map(([members, space]) => {
            const texts = members.map(([key, value]) => `${JSON.stringify(key)}${space}:${value}`);
            return `{${texts.join(`,${space}`)}${space}}`;
          }),
      ),
    })).value,
  )
  .map(bytesOf);
const JSON_PIECES = [...'{}[]",:0123456789.eE+-\\u/bfnrt \t\n\x00\x1f\x7f\x80', 'd8', 'null'];
/** As deep as the lane goes, and deeper; now and then a level is closed as what it is not. */
const nested: Text = fc
  .tuple(fc.array(fc.boolean(), { minLength: 60, maxLength: 68 }), fc.option(fc.nat(5)))
  .map(([levels, wrong]) => {
    const open = levels.map((isObject) => (isObject ? '{"a":' : '['));
    const close = levels.map((isObject, i) => (isObject === (i !== wrong) ? '}' : ']'));
    return `${open.join('')}1${close.reverse().join('')}`;
  });
export const oddDocuments = fc.oneof(
  documents.map(bytesOf),
  fc
    .tuple(
      fc.oneof(plainDocuments, documents.map(bytesOf)),
      fc.nat(),
      fc.nat(2),
      pick(...JSON_PIECES),
    )
    .map(([text, place, removed, piece]) => {
      const at = place % (text.length + 1);
      return text.slice(0, at) + piece + text.slice(at + removed);
    }),
  nested,
  join(
    pick('', '-'),
    digits(0, 3),
    pick('', '.'),
    digits(0, 3),
    pick('e', 'E+', '', 'e-'),
    digits(0, 6),
  ),
  pick('0', '1', '-', '').chain((head) =>
    pick(`${head}${'9'.repeat(998)}`, `${head}${'0'.repeat(7499)}`),
  ),
  pick('"\\u0000"', '"\\ud800"', '"\\udfff"', '"\\uD7FF\\ue000"', '"\\u12"', '"\\x"', '"\\'),
);
