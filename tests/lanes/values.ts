/** Values of each type: such as the byte lane takes, and such as it may not. */
import fc from 'fast-check';
import type { ColumnType } from '../../src/model/types.js';
import { oddDocuments, plainDocuments } from './documents.js';
import { CASES } from './encode-cases.js';
import {
  integersTo,
  oddDecimals,
  oddIntegers,
  oddNumerics,
  plainDoubles,
  plainInteger,
  plainNumber,
} from './numbers.js';
import { bytesOf, digits, join, pick, type Text } from './text-parts.js';
import { oddDates, oddTimestamps, plainDates, plainTimestamps } from './times.js';

const WORDS = ['t', 'true', 'tr', 'truE', 'y', 'yes', 'ye', 'on', 'o', '1', '01', '10', 'truex'];
const MORE_WORDS = ['f', 'false', 'fals', 'falsE', 'n', 'no', 'off', 'of', '0', '00', '2', '\x11'];
const oddBooleans = pick(
  ...[...WORDS, ...MORE_WORDS].flatMap((word) => [word, word.toUpperCase(), ` ${word}`]),
);

export const plainUuids = fc.uuid();
const oddUuids = fc
  .tuple(plainUuids, fc.nat(36), pick(...'gG-{ 0"'), fc.nat(7))
  .map(([uuid, at, character, how]) => {
    const [head, tail] = [uuid.slice(0, at), uuid.slice(at)];
    const changed = `${head}${character}${tail.slice(1)}`;
    const forms = [uuid.toUpperCase(), uuid.replaceAll('-', ''), `{${uuid}}`, `{${uuid}`];
    return [...forms, changed, changed, head, `${head}${character}${tail}`][how]!;
  });

/** Good ones of 1 to 4 bytes, the least and the greatest of each length; then bad ones. */
const CHARACTERS = [
  'a',
  'Z',
  '\x7f',
  '\x80',
  '\u07ff',
  '\u0800',
  '\ud7ff',
  '\uffff',
  '😀',
  '\u{10ffff}',
];
const NO_CHARACTERS = [
  ...['\xc0\xaf', '\xc1\xbf', '\xe0\x80\xaf', '\xf0\x80\x80\xaf', '\x80', '\xbf', '\xff', '\xfe'],
  ...['\xc3', '\xe2\x82', '\xf0\x9f\x98', '\xed\xa0\x80', '\xed\xbf\xbf', '\xf4\x90\x80\x80'],
];
export const oddTexts = fc
  .array(
    fc.oneof(
      { arbitrary: pick(...CHARACTERS.map(bytesOf), ...'abc 01'), weight: 8 },
      {
        arbitrary: pick('"', '""', ',', '\t', '\r', '\n', '\r\n', ';', "'", '\\', '{', '}'),
        weight: 4,
      },
      { arbitrary: pick('\0', ...NO_CHARACTERS), weight: 1 },
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

/** The texts that the encoders are tried with, without the longest. */
const casesOf = (type: ColumnType): Text => {
  const { accepted, refused, stricter = {}, lenient = [] } = CASES[type];
  const texts = [
    ...accepted,
    ...Object.values(refused).flat(),
    ...Object.values(stricter).flat(),
    ...lenient.map(([text]) => text),
  ];
  return pick(...texts.filter((text) => text.length < 2000));
};

interface Values {
  /** Such as the byte lane takes, not empty. */
  readonly plain: Text;
  readonly odd: Text;
}

export const plainText = fc
  .array(pick(...CHARACTERS.map(bytesOf), 'some words', ' ', '0', '\r\n', ',', '""'), {
    minLength: 1,
    maxLength: 5,
  })
  .map((parts) => parts.join(''));
const BOOLEANS = ['t', 'f', 'true', 'FALSE', 'T', '1', '0', 'yes', 'No', 'ON', 'off', 'y', 'n'];
const oddly = (type: ColumnType, texts: Text): Text =>
  fc.oneof({ arbitrary: texts, weight: 5 }, casesOf(type));
export const VALUES: Readonly<Record<ColumnType, Values>> = {
  smallint: { plain: integersTo(32_767), odd: oddly('smallint', oddIntegers(15n)) },
  int: { plain: integersTo(2_147_483_647), odd: oddly('int', oddIntegers(31n)) },
  bigint: {
    plain: fc.oneof(integersTo(99_999_999_999_999), plainInteger('999999999999999999')),
    odd: oddly('bigint', oddIntegers(63n)),
  },
  real: { plain: plainNumber, odd: oddly('real', oddDecimals) },
  double: { plain: plainDoubles, odd: oddly('double', oddDecimals) },
  numeric: {
    plain: fc.oneof(plainNumber, join(digits(1, 40), pick('', '.'), digits(0, 40))),
    odd: oddly('numeric', oddNumerics),
  },
  text: { plain: plainText, odd: oddly('text', oddTexts) },
  boolean: { plain: pick(...BOOLEANS), odd: oddly('boolean', oddBooleans) },
  date: { plain: plainDates, odd: oddly('date', oddDates) },
  timestamp: { plain: plainTimestamps, odd: oddly('timestamp', oddTimestamps) },
  timestamptz: { plain: plainTimestamps, odd: oddly('timestamptz', oddTimestamps) },
  uuid: { plain: plainUuids, odd: oddly('uuid', oddUuids) },
  json: { plain: plainDocuments, odd: oddly('json', oddDocuments) },
  jsonb: { plain: plainDocuments, odd: oddly('jsonb', oddDocuments) },
};

export const TYPES = Object.keys(VALUES) as ColumnType[];
