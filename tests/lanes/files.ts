/**
 * Files for the two lanes: tables of every shape, and records for them that are plain, odd or broken.
 * All text is a byte string (one character per byte, latin1).
 */
import fc from 'fast-check';
import { PLAIN } from '../../src/formats/csv/dialect.js';
import { CR, LF } from '../../src/formats/text/line-end.js';
import type { FieldEncoding } from '../../src/formats/text/transcode.js';
import { planTable } from '../../src/mapping/table-plan.js';
import type { Corrections, JsonForm } from '../../src/model/corrections.js';
import type { Ragged } from '../../src/model/csv-settings.js';
import type { Column, MetricsSource, Table } from '../../src/model/model.js';
import type { ColumnType } from '../../src/model/types.js';
import { CASES } from '../values/encode/cases.js';
import type { Target } from './loading.js';

type Text = fc.Arbitrary<string>;

const pick = (...texts: readonly string[]): Text => fc.constantFrom(...texts);
const join = (...parts: readonly Text[]): Text => fc.tuple(...parts).map((texts) => texts.join(''));
const often = (usual: Text, rare: Text, weight = 6): Text =>
  fc.oneof({ arbitrary: usual, weight }, { arbitrary: rare, weight: 1 });
const bytesOf = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
const digits = (minLength: number, maxLength: number): Text =>
  fc.string({ unit: pick(...'0123456789'), minLength, maxLength });
const padded = (min: number, max: number, width: number): Text =>
  fc.integer({ min, max }).map((value) => String(value).padStart(width, '0'));

// Values

/** The last whole numbers of each size, and the first beyond. */
const limits = (...bits: bigint[]): Text =>
  pick(
    ...bits.flatMap((n) =>
      [-1n, 1n].flatMap((side) => [-1n, 0n, 1n].map((off) => String(side * 2n ** n + off))),
    ),
  );
const POWERS = [1, 2, 14, 15, 16, 17, 18, 19].flatMap((n) => ['9'.repeat(n), `1${'0'.repeat(n)}`]);
const oddIntegers = (bits: bigint): Text =>
  fc.oneof(
    limits(bits),
    pick(...POWERS, ...POWERS.map((text) => `-${text}`)),
    fc.oneof(limits(8n, 15n, 16n, 31n, 32n, 53n, 63n, 64n), join(pick('-', ''), digits(14, 17))),
    join(pick('', '', '-', '+'), pick('', '', '0', '000', '0000000000000'), digits(1, 20)),
    join(pick('-', '', '+'), digits(1, 4), pick('.0', '.000', '.', '.5', 'e1', 'e-1', ' ', 'x')),
    pick('', '-', '+', '--1', '+-1', '-0', '0', '00', ' 1', '1 ', '1 2', '0x1', '1_0', '1,5', '٣'),
  );

/** Digits with a point among them. */
const pointed = (texts: Text): Text =>
  fc.tuple(texts, fc.nat(20)).map(([text, at]) => `${text.slice(0, at)}.${text.slice(at)}`);
/** Midway between two floats of 24 bits, and next to it. */
const halfway = fc
  .tuple(fc.integer({ min: 2 ** 23, max: 2 ** 24 - 1 }), fc.integer({ min: -9, max: 24 }))
  .chain(([mantissa, exponent]) => {
    if (exponent < 0) return pick(String((mantissa + 0.5) * 2 ** exponent));
    const middle = BigInt(mantissa * 2 + 1) * 2n ** BigInt(exponent);
    return pick(...[0n, 1n, -1n].map((off) => String(middle + off)), `${middle}.00001`);
  });
const oddDecimals = fc.oneof(
  oddIntegers(53n),
  join(pick('', '-', '+'), digits(0, 9), pick('.', ''), digits(0, 9)),
  pointed(digits(13, 18)),
  // Above 2^53, but of 16 digits.
  pointed(join(pick('9'), digits(15, 15))),
  join(pick('', '-'), halfway),
  join(digits(1, 5), pick('e', 'E', '.5e'), pick('', '-', '+'), digits(1, 3)),
  pick('inf', '-Infinity', 'NaN', 'nan', '.5', '5.', '-.5', '.', '-.', '0.0', '-0.0', '1e', 'e5'),
  pick('1e308', '1.8e308', '1e-323', '1e-400', '3.4028235e38', '3.5e38', '1e-45', '1e-46'),
);

/** Zeros and groups of four on either side of the point, and more digits than the lane takes. */
const oddNumerics = fc.oneof(
  oddDecimals,
  join(
    pick('', '-', '+'),
    pick('', '0', '0000', '00000000'),
    digits(0, 9),
    pick('', '.'),
    digits(0, 12),
  ),
  join(
    pick('', '-'),
    pick('0.', '.', '00.'),
    pick('0000', '00000000', '000'),
    digits(0, 6),
    pick('', '0000'),
  ),
  join(digits(1, 4), pick('0000', '00000000', '000'), pick('', '.', '.0', '.0000', '.00001')),
  fc
    .integer({ min: 990, max: 1010 })
    .chain((n) => pick('7'.repeat(n), `${'7'.repeat(n - 5)}.${'0'.repeat(5)}`)),
  join(digits(0, 3), pick('.', ''), digits(0, 3), pick('e', 'E'), pick('', '-', '+'), digits(0, 6)),
);

/** Parts of a date and time as the lane takes them, and as it may not. */
const YEARS = ['0000', '0001', '0099', '1582', '1600', '1700', '1714', '1715', '1716', '1899'];
const LATER_YEARS = ['1900', '1970', '2000', '2100', '2283', '2284', '2285', '2400', '9999'];
const separator = (usual: string, ...others: string[]) =>
  [pick(usual), pick('', ...others)] as const;
const PARTS: readonly (readonly [plain: Text, odd: Text])[] = [
  [padded(1990, 2030, 4), fc.oneof(pick(...YEARS, ...LATER_YEARS), padded(0, 9999, 4))],
  separator('-', '/', '--', '0'),
  [padded(1, 12, 2), pick('00', '02', '13', '17', '1', '99', ' 1')],
  separator('-', '/', '.', '0'),
  [padded(1, 28, 2), pick('00', '29', '30', '31', '32', '1', '99')],
  [pick(' ', 'T'), pick('t', '  ', '_', '', '\t')],
  [padded(0, 23, 2), pick('24', '25', '7', '99', '')],
  separator(':', '.', '::', '0'),
  [padded(0, 59, 2), pick('60', '61', '7', '99')],
  separator(':', '.', '-', '0'),
  [padded(0, 59, 2), pick('60', '61', '7', '99', ' 1')],
  [
    pick('', '', '.5', '.123', '.123456'),
    fc.oneof(
      pick('.', '.0', '.999999', '.9999999', '.0000005', '.0000015', '.000000', ',5', '.5.5'),
      join(pick('.'), digits(1, 12)),
    ),
  ],
  [
    pick('', '', '', 'Z', '+02:00', '-11:30'),
    fc.oneof(
      pick('z', ' Z', '+00', '-00:00', '+02', ' +02:00', '-0230', '+2', '+02:', 'UTC', ' ', 'ZZ'),
      pick('-15:59', '+15:59', '+16:00', '-16:00', '+15:60', '-1559', '+99:99', '+02:00:00'),
      join(pick('+', '-'), padded(0, 16, 2), pick(':', ''), pick('00', '30', '59', '60', '')),
    ),
  ],
];
const DATE_PARTS = 5;
/** Most of them right but for one part. */
const oddTimes = (parts: typeof PARTS): Text =>
  fc
    .tuple(
      fc.tuple(...parts.map(([plain]) => plain)),
      fc.tuple(...parts.map(([, odd]) => odd)),
      fc.nat(parts.length - 1),
      fc.nat(4 * parts.length),
    )
    .map(([plain, odd, one, another]) =>
      plain.map((text, i) => (i === one || i === another ? odd[i]! : text)).join(''),
    );
const specialTimes = pick(
  ...['infinity', '-infinity', '+Infinity', 'now', '', 'Infinity ', '20200101', '2020-01'],
  ...['2020-01-01', '2020-01-01T', '2020-01-01 00', '2020-01-01 00:00', '20200101T000000'],
  ...['2024-02-29 00:00:00', '2023-02-29 00:00:00', '1900-02-29 00:00:00', '2000-02-29 00:00:00'],
  ...['2020-01-01 24:00:00', '2020-01-01 24:00:00.000001', '2020-12-31 23:59:60'],
  ...['1715-03-31 00:00:00', '1715-04-01 00:00:00', '2284-09-29 00:00:00', '2284-09-30 00:00:00'],
  ...['1715-04-01 00:00:00+15:59', '2284-09-29 23:59:59.999999-15:59', '9999-12-31 23:59:59.999'],
  ...['0001-01-01 00:00:00+00:01', '0001-01-01 00:00:00', '9999-12-31 23:59:59.999999-15:59'],
);
const oddDates = fc.oneof(
  { arbitrary: oddTimes(PARTS.slice(0, DATE_PARTS)), weight: 6 },
  pick('2024-02-29', '2023-02-29', '1900-02-29', '2000-02-29', '0001-01-01', '9999-12-31'),
  specialTimes,
);
const oddTimestamps = fc.oneof({ arbitrary: oddTimes(PARTS), weight: 6 }, specialTimes);

const WORDS = ['t', 'true', 'tr', 'truE', 'y', 'yes', 'ye', 'on', 'o', '1', '01', '10', 'truex'];
const MORE_WORDS = ['f', 'false', 'fals', 'falsE', 'n', 'no', 'off', 'of', '0', '00', '2', '\x11'];
const oddBooleans = pick(
  ...[...WORDS, ...MORE_WORDS].flatMap((word) => [word, word.toUpperCase(), ` ${word}`]),
);

const plainUuids = fc.uuid();
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
const oddTexts = fc
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
const plainDocuments = fc
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
const oddDocuments = fc.oneof(
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
const plainInteger = (...values: readonly string[]): Text =>
  fc
    .tuple(pick(...values), pick('', '', '', '.0', '.00'), pick('', '', '', '+'))
    .map(([text, end, sign]) => (text.startsWith('-') ? '' : sign) + text + end);
const integersTo = (limit: number): Text =>
  fc.integer({ min: -limit - 1, max: limit }).chain((value) => plainInteger(String(value)));
const plainTimes = (parts: typeof PARTS): Text => join(...parts.map(([plain]) => plain));
const plainTimestamps = fc.oneof(
  { arbitrary: plainTimes(PARTS), weight: 6 },
  plainTimes(PARTS.slice(0, DATE_PARTS)),
  join(plainTimes(PARTS.slice(0, PARTS.length - 4)), pick('', 'Z', '+02', ' -0330')),
);
const plainNumber = fc.oneof(
  join(pick('-', '', '+'), padded(0, 9999, 1), pick('', '.', '.5', '.25', '.0625', '.000')),
  join(pick('-', ''), pick('0.', '.', '12345.', '0.000'), digits(1, 9)),
);
const plainDoubles = fc.oneof(
  plainNumber,
  // As few digits as tell it from its neighbours; above 1e18 there are zeros among them.
  fc
    .double({ min: -1e18, max: 1e18, noNaN: true })
    .filter((value) => Math.abs(value) > 1e-50)
    .map(String),
  join(digits(1, 19), pick('e5', 'E-12', 'e+40', 'e-07')),
);
const plainText = fc
  .array(pick(...CHARACTERS.map(bytesOf), 'some words', ' ', '0', '\r\n', ',', '""'), {
    minLength: 1,
    maxLength: 5,
  })
  .map((parts) => parts.join(''));
const BOOLEANS = ['t', 'f', 'true', 'FALSE', 'T', '1', '0', 'yes', 'No', 'ON', 'off', 'y', 'n'];
const oddly = (type: ColumnType, texts: Text): Text =>
  fc.oneof({ arbitrary: texts, weight: 5 }, casesOf(type));
const VALUES: Readonly<Record<ColumnType, Values>> = {
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
  date: { plain: plainTimes(PARTS.slice(0, DATE_PARTS)), odd: oddly('date', oddDates) },
  timestamp: { plain: plainTimestamps, odd: oddly('timestamp', oddTimestamps) },
  timestamptz: { plain: plainTimestamps, odd: oddly('timestamptz', oddTimestamps) },
  uuid: { plain: plainUuids, odd: oddly('uuid', oddUuids) },
  json: { plain: plainDocuments, odd: oddly('json', oddDocuments) },
  jsonb: { plain: plainDocuments, odd: oddly('jsonb', oddDocuments) },
};

const TYPES = Object.keys(VALUES) as ColumnType[];

// Tables

export type FieldShape =
  | {
      readonly kind: 'column';
      readonly type: ColumnType;
      readonly isNullable: boolean;
      readonly refers: boolean;
      readonly corrections?: Corrections;
    }
  | { readonly kind: 'ignored' }
  /** One that no column is declared for, and that is kept. */
  | { readonly kind: 'new' }
  | {
      readonly kind: 'source';
      readonly path: readonly string[];
      readonly metrics: readonly { readonly key: string; readonly type: ColumnType }[];
    };

export interface Shape {
  readonly fields: readonly FieldShape[];
  /** Rotates the columns of the table against the fields of the header. */
  readonly rotation: number;
  readonly hasLineage: boolean;
  readonly loadId: number;
  readonly delimiter: string;
  readonly lineEnd: string;
  readonly encoding: FieldEncoding;
  readonly ragged: Ragged;
  /** Columns of no field. */
  readonly more?: readonly Pick<Column, 'type' | 'isNullable' | 'origin' | 'corrections'>[];
}

const metricKeys = fc.oneof(
  {
    arbitrary: pick('metric_one', 'metric_two', 'metric_n', 'a', 'b', 'ab', 'metric_'),
    weight: 30,
  },
  // With the quotes, of 15, 16, 17, 32 and 33 bytes, and so when these are doubled.
  {
    arbitrary: fc
      .constantFrom(11, 12, 13, 14, 15, 28, 29, 30, 31)
      .map((length) => 'a_metric_with_a_name_of_many_bytes'.slice(-length)),
    weight: 4,
  },
  {
    arbitrary: pick(
      '',
      ' ',
      'é',
      'q"',
      'b\\',
      'n\n',
      't\t',
      '__proto__',
      '$rest',
      ':',
      'x,y',
      '}',
      '\ud800',
    ),
    weight: 2,
  },
);
const metricTypes = fc.oneof(
  { arbitrary: fc.constantFrom<ColumnType>('int', 'int', 'bigint', 'smallint'), weight: 2 },
  fc.constantFrom(...TYPES),
);
const columnTypes = fc.constantFrom(...TYPES);
const column: fc.Arbitrary<FieldShape> = fc.record({
  kind: fc.constant('column' as const),
  type: fc.oneof({ arbitrary: columnTypes, weight: 2 }, fc.constantFrom<ColumnType>('int', 'text')),
  isNullable: fc.nat(3).map((n) => n > 0),
  refers: fc.nat(7).map((n) => n === 0),
});
const source: fc.Arbitrary<FieldShape> = fc.record({
  kind: fc.constant('source' as const),
  path: fc.oneof(
    fc.constantFrom<string[]>(['metrics'], ['metrics'], [], ['a', 'b']),
    fc.array(metricKeys, { maxLength: 2 }),
  ),
  metrics: fc.array(fc.record({ key: metricKeys, type: metricTypes }), { maxLength: 4 }),
});
const ignored: fc.Arbitrary<FieldShape> = fc.constant({ kind: 'ignored' });

const UTF8 = ['utf-8', 'utf-8', 'utf-8', 'utf-8', 'utf-8'] as const;
export const shapes: fc.Arbitrary<Shape> = fc.record({
  fields: fc.array(
    fc.oneof(
      { arbitrary: column, weight: 8 },
      { arbitrary: source, weight: 2 },
      { arbitrary: ignored, weight: 1 },
    ),
    { minLength: 1, maxLength: 8 },
  ),
  rotation: fc.nat(7),
  hasLineage: fc.boolean(),
  loadId: fc.constantFrom(1, 7, 2 ** 31, 2 ** 32 + 5, 2 ** 53 - 1),
  delimiter: fc.oneof(
    { arbitrary: pick(','), weight: 10 },
    { arbitrary: pick('\t'), weight: 6 },
    { arbitrary: pick(';', '|'), weight: 2 },
    { arbitrary: pick(...' .-:+0T}a{\x00\x01_!'), weight: 1 },
  ),
  lineEnd: pick('\n', '\n', '\r\n'),
  encoding: fc.constantFrom<FieldEncoding>(...UTF8, ...UTF8, 'latin1', 'windows-1252'),
  ragged: fc.constantFrom<Ragged>('reject', 'reject', 'reject', 'pad'),
});

const INTEGERS: readonly ColumnType[] = ['smallint', 'int', 'bigint'];
const NUMERIC_TYPES: readonly ColumnType[] = [...INTEGERS, 'real', 'double', 'numeric'];
const TIMES: readonly ColumnType[] = ['timestamp', 'timestamptz'];

/** Corrections of a column of some type, as many as may stand together. */
function correctionsOf(type: ColumnType): fc.Arbitrary<Corrections> {
  const sometimes = <T>(value: T) => fc.constantFrom(undefined, undefined, value);
  const only = <T>(types: readonly ColumnType[], ...values: T[]) =>
    types.includes(type) ? fc.constantFrom(undefined, ...values) : fc.constant(undefined);
  const fallback = NUMERIC_TYPES.includes(type) ? '7' : type === 'text' ? 'é' : 'infinity';
  return fc
    .record({
      trim: sometimes(true),
      nulls: sometimes(['NA', '-', '1', 'é', '1970-01-01']),
      emptyAsNull: only(['text'], true),
      values: sometimes({ '1': ['x', '0', 'NA'], t: ['ja'], 'a long word for a short one': ['Z'] }),
      case: only<'lower' | 'upper'>(['text'], 'lower', 'upper'),
      storedAs: only<JsonForm>(['json', 'jsonb'], 'json-string', 'python', 'list'),
      currency: only(NUMERIC_TYPES, ['€', '$']),
      thousands: only(NUMERIC_TYPES, "'"),
      decimal: only(NUMERIC_TYPES, ','),
      format: only(['date', ...TIMES], ['%d.%m.%Y', '%Y-%m-%d %H:%M:%S']),
      timezone: only(TIMES, 'Europe/Amsterdam'),
      truncate: only<'minute' | 'day'>(TIMES, 'minute', 'day'),
      default: only([...NUMERIC_TYPES, 'text', 'date', ...TIMES], fallback),
    })
    .map((given) =>
      Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    );
}

/** Texts that corrections have to do with. */
const CORRECTABLE = pick(
  ...[
    'NA',
    '-',
    'x',
    'ja',
    'Z',
    ' 1 ',
    '\t',
    "1'000",
    '$5',
    '1,5',
    'ABC',
    'ß',
    '31.12.2024',
    '"a"',
  ],
).map(bytesOf);

const COMPUTED = [
  "f0 || 'x'",
  'f0 * 2',
  'coalesce(f1, f0)',
  "upper(f0) || f1 || ''",
  'coalesce(f9, f0)',
];

/** Tables whose columns correct, and have columns of no field. */
export const correctedShapes: fc.Arbitrary<Shape> = shapes.chain((shape) =>
  fc.record({
    ...mapRecord(shape),
    fields: fc.tuple(
      ...shape.fields.map((field): fc.Arbitrary<FieldShape> => {
        if (field.kind === 'ignored') return fc.constantFrom(field, { kind: 'new' as const });
        if (field.kind !== 'column') return fc.constant(field);
        return fc.option(correctionsOf(field.type), { nil: undefined }).map((corrections) => ({
          ...field,
          ...(corrections === undefined ? {} : { corrections }),
        }));
      }),
    ),
    more: fc.array(
      fc.oneof(
        fc.record({
          type: fc.constantFrom<ColumnType>('text', 'int', 'timestamp'),
          isNullable: fc.boolean(),
          origin: fc.constantFrom('5', 'a constant', '').map((text) => ({
            kind: 'constant' as const,
            text,
          })),
        }),
        fc.record({
          type: fc.constantFrom<ColumnType>('text', 'text', 'numeric', 'int'),
          isNullable: fc.boolean(),
          origin: fc.constantFrom(...COMPUTED).map((expression) => ({
            kind: 'computed' as const,
            expression,
          })),
        }),
      ),
      { maxLength: 2 },
    ),
  }),
) as unknown as fc.Arbitrary<Shape>;

function mapRecord(shape: Shape): Record<string, fc.Arbitrary<unknown>> {
  return Object.fromEntries(Object.entries(shape).map(([key, value]) => [key, fc.constant(value)]));
}

/** The built-in events, and a table with a column of every type that the lane takes. */
const EVENT_FIELDS: readonly FieldShape[] = [
  { kind: 'column', type: 'bigint', isNullable: false, refers: false },
  { kind: 'column', type: 'timestamp', isNullable: true, refers: false },
  { kind: 'column', type: 'timestamp', isNullable: true, refers: false },
  { kind: 'column', type: 'int', isNullable: true, refers: true },
  { kind: 'column', type: 'int', isNullable: true, refers: true },
  {
    kind: 'source',
    path: ['metrics'],
    metrics: ['metric_one', 'metric_two', 'metric_n'].map((key) => ({ key, type: 'int' })),
  },
];
export const EVENTS: Shape = {
  fields: EVENT_FIELDS,
  rotation: 0,
  hasLineage: true,
  loadId: 7,
  delimiter: ',',
  lineEnd: '\n',
  encoding: 'utf-8',
  ragged: 'reject',
};
export const EVERY_TYPE: Shape = {
  ...EVENTS,
  fields: [
    ...EVENT_FIELDS,
    ...TYPES.map((type): FieldShape => ({ kind: 'column', type, isNullable: true, refers: false })),
    { kind: 'ignored' },
    { kind: 'column', type: 'text', isNullable: true, refers: true },
    { kind: 'source', path: [], metrics: TYPES.map((type) => ({ key: `a_${type}`, type })) },
  ],
};
export const eventShapes: fc.Arbitrary<Shape> = fc
  .record({
    fields: fc.shuffledSubarray(EVENT_FIELDS.slice(), { minLength: 3 }),
    tail: fc.boolean(),
  })
  .chain(({ fields, tail }) =>
    fc.record({
      fields: fc.constant(tail ? [...fields, { kind: 'ignored' as const }] : fields),
      rotation: fc.nat(5),
      hasLineage: fc.constant(true),
      loadId: fc.constant(7),
      delimiter: pick(',', ',', '\t'),
      lineEnd: pick('\n', '\r\n'),
      encoding: fc.constant('utf-8' as const),
      ragged: fc.constant('reject' as const),
    }),
  );

export function targetOf(shape: Shape): Target {
  const columns: Column[] = [];
  const sources: MetricsSource[] = [];
  const ignoredFields: string[] = [];
  const header = shape.fields.map((field, i) => {
    const name = `f${i}`;
    if (field.kind === 'column') {
      const { type, isNullable, corrections } = field;
      const correcting = corrections === undefined ? {} : { corrections };
      columns.push({ name: `c${i}`, type, isNullable, field: name, ...correcting });
    } else if (field.kind === 'source') {
      sources.push({
        field: name,
        path: field.path,
        metrics: field.metrics.map(({ key, type }, m) => ({ key, type, column: `m${i}_${m}` })),
        extraColumn: `x${i}`,
      });
    } else if (field.kind === 'ignored') {
      ignoredFields.push(name);
    }
    return name;
  });
  for (const [i, more] of (shape.more ?? []).entries()) {
    columns.push({ name: `o${i}`, field: `o${i}`, ...more });
  }
  const table: Table = {
    name: 'facts',
    columns: [...columns.slice(shape.rotation), ...columns.slice(0, shape.rotation)],
    key: [],
    indexes: [],
    sources,
    files: [],
    ignoredFields,
    extraColumn: 'extra_fields',
    ...(shape.hasLineage ? { lineageColumn: 'load_id' } : {}),
  };
  return {
    plan: planTable(table, header, 'memory.csv'),
    recordForm: {
      format: 'csv',
      dialect: {
        ...PLAIN,
        delimiter: shape.delimiter,
        fieldCount: header.length,
        allowsBareQuotes: shape.delimiter === '\t',
        encoding: shape.encoding,
        ragged: shape.ragged,
      },
    },
    loadId: shape.loadId,
    references: shape.fields.flatMap((field, i) =>
      field.kind === 'column' && field.refers ? [`c${i}`] : [],
    ),
  };
}

// JSON

const SPACES = ['', ' ', '  '];
const ODD_SPACES = ['\n', '\t', '\r\n', ' \n ', '\v', '\xa0', ','];
const NUMBERS = ['0', '-0', '12', '-5', '2147483647', '2147483648', '-2147483648', '-2147483649'];
const LARGE = ['32767', '32768', '-32768', '-32769', '999999999999999', '9999999999999999'];
const LARGER = [
  '1000000000000000',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
];
const ODD_NUMBERS = ['01', '-01', '00', '1.0', '1.5', '1e3', '1E-3', '-', '+1', '.5', '1.', '0x1'];
const oddJsonValues = fc.oneof(
  { arbitrary: pick(...NUMBERS, ...LARGE, ...LARGER, ...ODD_NUMBERS), weight: 3 },
  pick('null', 'true', 'false', '"5"', '"-7"', '""', '"x"', '"1e3"', '"\\u0035"', 'nul', 'NaN', ''),
  pick('{}', '[]', '[1]', '{"a":1}', '{"a":{"b":2}}', '"\\ud800"', '"\\u0000"', '"\xff"', '"a""b"'),
);
const escapeFirst = (key: string) =>
  key === '' ? '' : `\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${key.slice(1)}`;

/** JSON as the tokens of its object of metrics, between the braces of the path. */
interface JsonDraft {
  readonly path: readonly string[];
  readonly tokens: readonly string[];
  readonly space: string;
}

function writeJson({ path, tokens, space }: JsonDraft): string {
  const object = tokens.map((token) => token + space).join('');
  return path.reduceRight(
    (inner, key) => `{${space}${bytesOf(JSON.stringify(key))}:${space}${inner}${space}}`,
    object.trimEnd(),
  );
}

/** A member of a string without escapes. */
const quotedJson = (texts: Text): Text =>
  texts.filter((text) => !/["\\\p{Cc}]/u.test(text)).map((text) => `"${text}"`);
const plainNumbers = pick('0', '7', '-12', '32767', '-32768');
const plainDecimals = fc.oneof(plainNumbers, pick('0.5', '-1.25', '100.000', '12345.678901'));
const PLAIN_METRICS: Readonly<Record<ColumnType, Text>> = {
  smallint: fc.oneof(plainNumbers, quotedJson(plainNumbers)),
  int: fc.oneof(plainNumbers, quotedJson(VALUES.int.plain), pick('12345.0', 'null', '2147483647')),
  bigint: fc.oneof(plainNumbers, quotedJson(VALUES.bigint.plain), pick('12345678901234567')),
  real: fc.oneof(plainDecimals, quotedJson(VALUES.real.plain)),
  double: fc.oneof(plainDecimals, quotedJson(VALUES.double.plain)),
  numeric: fc.oneof(plainDecimals, quotedJson(VALUES.numeric.plain)),
  text: fc.oneof(plainDecimals, quotedJson(plainText), pick('true', 'null', '""')),
  boolean: fc.oneof(pick('true', 'false', '0', '1', 'null'), quotedJson(VALUES.boolean.plain)),
  date: quotedJson(VALUES.date.plain),
  timestamp: quotedJson(VALUES.timestamp.plain),
  timestamptz: quotedJson(VALUES.timestamptz.plain),
  uuid: quotedJson(plainUuids),
  json: pick('null'),
  jsonb: pick('null'),
};

function plainDrafts({ path, metrics }: FieldShape & { kind: 'source' }): fc.Arbitrary<JsonDraft> {
  return fc
    .tuple(
      fc.oneof(fc.shuffledSubarray(metrics.slice()), fc.subarray(metrics.slice())),
      fc.tuple(...metrics.map(({ type }) => PLAIN_METRICS[type])),
      pick(...SPACES),
    )
    .map(([chosen, values, space]) => {
      const members = chosen.flatMap((metric, i) => [
        ...(i === 0 ? [] : [',']),
        bytesOf(JSON.stringify(metric.key)),
        ':',
        values[metrics.indexOf(metric)]!,
      ]);
      return { path, tokens: ['{', ...members, '}'], space };
    });
}

/** Plain JSON with an oddity or two. */
function oddJson(field: FieldShape & { kind: 'source' }): Text {
  const own = field.metrics.map(({ key }) => key);
  const keys = fc.oneof(
    pick(...own, 'a', 'metrics').map((key) => bytesOf(JSON.stringify(key))),
    pick('other', '', '__proto__', '$rest', ' ').map((key) => JSON.stringify(key)),
    pick(...own, 'a').map((key) => bytesOf(`"${escapeFirst(key)}"`)),
    pick('key', '"', '1', '"\n"', '"\t"', '"\\"', "'a'", '"""', '"\xff"'),
  );
  const values = fc.oneof(
    { arbitrary: oddJsonValues, weight: 4 },
    ...field.metrics.flatMap(({ type }) => [
      VALUES[type].odd,
      VALUES[type].odd.map((text) => `"${text}"`),
    ]),
  );
  const edits = fc.array(fc.tuple(fc.nat(13), fc.nat(), keys, values, pick(...ODD_SPACES)), {
    minLength: 1,
    maxLength: 2,
  });
  const edited = fc.tuple(plainDrafts(field), edits).map(([draft, list]) => {
    let { path } = draft;
    const tokens = [...draft.tokens];
    let [before, after] = ['', ''];
    for (const [how, place, key, value, space] of list) {
      const member = 1 + 4 * (place % Math.max(1, Math.floor(tokens.length / 4)));
      const hasMember = tokens.length > 2;
      const at = place % tokens.length;
      if (how < 4 && hasMember) tokens[member + 2] = value;
      else if (how === 4 && hasMember) tokens[member] = key;
      else if (how === 5) tokens.splice(1, 0, key, ':', value, ...(hasMember ? [','] : []));
      else if (how === 6 && hasMember) tokens.push(',', ...tokens.slice(1, 4), tokens.pop()!);
      else if (how === 7) tokens[at] += space;
      else if (how === 8) tokens.splice(at, 1);
      else if (how === 9) tokens.splice(at, 0, tokens[at]!);
      else if (how === 10) path = place % 2 === 0 ? path.slice(1) : [...path, 'a'];
      else if (how === 11) tokens.splice(0, tokens.length, value);
      else if (how === 12) [before, after] = place % 2 === 0 ? [space, ''] : ['', space];
      else if (path.length > 0) {
        const json = writeJson({ ...draft, path, tokens });
        const sibling = `${key}:${value}`;
        return place % 2 === 0
          ? json.replace('{', `{${sibling},`)
          : json.replace(/\}$/, `,${sibling}}`);
      }
    }
    return before + writeJson({ ...draft, path, tokens }) + after;
  });
  const cut = fc.tuple(edited, fc.nat()).map(([json, at]) => json.slice(0, at % (json.length + 1)));
  return fc.oneof(
    { arbitrary: edited, weight: 18 },
    { arbitrary: cut, weight: 1 },
    { arbitrary: oddJsonValues, weight: 1 },
  );
}

// Records and files

interface FieldTexts {
  /** Fields as they are written in the file. */
  readonly plain: Text;
  readonly odd: Text;
}

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

function fieldTexts(field: FieldShape, { delimiter }: Shape): FieldTexts {
  const isTab = delimiter === '\t';
  /** One in `share` is quoted without need. */
  const written = (texts: Text, share: number, hasBareQuotes = false): Text =>
    fc.tuple(texts, fc.nat(share)).map(([text, how]) => {
      const needsQuotes =
        text === '' ||
        text.includes(delimiter) ||
        (hasBareQuotes ? /[\n\r]|^"/ : /[\n\r"]/).test(text);
      return how === 0 || needsQuotes ? quoted(text) : text;
    });
  const raw = (texts: Text): Text =>
    fc.oneof({ arbitrary: written(texts, 2, isTab), weight: 6 }, texts);
  const empty = pick('', '', '""');
  if (field.kind === 'ignored' || field.kind === 'new') {
    return { plain: often(written(plainText, 5), empty), odd: raw(oddTexts) };
  }
  if (field.kind === 'source') {
    const json = oddJson(field);
    return {
      plain: often(written(plainDrafts(field).map(writeJson), isTab ? 3 : 0, isTab), empty, 9),
      odd: fc.oneof({ arbitrary: written(json, 3, isTab), weight: 8 }, raw(oddTexts), json),
    };
  }
  const { plain: own, odd } = VALUES[field.type];
  const plain =
    field.corrections === undefined
      ? own
      : fc.oneof({ arbitrary: own, weight: 3 }, { arbitrary: CORRECTABLE, weight: 1 });
  const oddFields = fc.oneof({ arbitrary: raw(odd), weight: 8 }, raw(oddTexts), empty);
  const values = written(plain, 5);
  if (field.isNullable) return { plain: often(values, empty, 9), odd: oddFields };
  return { plain: field.type === 'text' ? often(values, pick('""'), 9) : values, odd: oddFields };
}

/** Line ends are part of a record's text only inside quotes. */
export interface RecordKinds {
  readonly plain: Text;
  readonly odd: Text;
  readonly broken: Text;
}

export function recordsOf(shape: Shape): RecordKinds {
  const fields = shape.fields.map((field) => fieldTexts(field, shape));
  const plain = fc.tuple(...fields.map((field) => field.plain));
  const odd = fc
    .tuple(plain, fc.nat(), fc.tuple(...fields.map((field) => field.odd)), fc.nat(9))
    .map(([texts, at, oddTexts, how]) =>
      texts.map((text, i) =>
        how === 0 || i === at % texts.length || (how < 3 && i === (at >> 4) % texts.length)
          ? oddTexts[i]!
          : text,
      ),
    );
  const written = (texts: readonly string[]) => texts.join(shape.delimiter);
  const broken = fc.tuple(odd, fc.nat(11), fc.nat()).map(([texts, how, at]) => {
    const text = written(texts);
    const cut = at % (text.length + 1);
    switch (how) {
      case 0:
        return written(texts.slice(1));
      case 1:
        return written([...texts, '']);
      case 2:
        return '';
      case 3:
        return '\r';
      case 4:
        return `${text.slice(0, cut)}"${text.slice(cut)}`;
      case 5:
        return `${text.slice(0, cut)}\r${text.slice(cut)}`;
      case 6:
        return `${text.slice(0, cut)}\n${text.slice(cut)}`;
      case 7:
        return text.slice(0, cut);
      case 8:
        return text.slice(cut);
      case 9:
        return `"${text}`;
      case 10:
        return `${text}"`;
      default:
        return `\n\n${text}\r`;
    }
  });
  return { plain: plain.map(written), odd: odd.map(written), broken };
}

export class SomeFile {
  readonly shape: Shape;
  readonly bytes: Buffer;

  constructor(shape: Shape, bytes: Buffer) {
    this.shape = shape;
    this.bytes = bytes;
  }

  /** As counterexamples show it. */
  [fc.toStringMethod](): string {
    return `${JSON.stringify(this.bytes.toString('latin1'))} in ${JSON.stringify(this.shape)}`;
  }
}

export interface Mixture {
  readonly plain: number;
  readonly odd: number;
  readonly broken: number;
  readonly maxRecords: number;
}

export function filesOf(someShapes: fc.Arbitrary<Shape>, mixture: Mixture): fc.Arbitrary<SomeFile> {
  return someShapes.chain((shape) => {
    const kinds = recordsOf(shape);
    const record = fc.oneof(
      { arbitrary: kinds.plain, weight: mixture.plain },
      { arbitrary: kinds.odd, weight: mixture.odd },
      { arbitrary: kinds.broken, weight: mixture.broken },
    );
    return fc
      .tuple(
        fc.array(record, { minLength: 1, maxLength: mixture.maxRecords, size: 'max' }),
        fc.nat(3),
      )
      .map(([records, end]) => {
        const text = records.join(shape.lineEnd) + (end === 0 ? '' : shape.lineEnd);
        return new SomeFile(shape, Buffer.from(text, 'latin1'));
      });
  });
}

type Mutation = readonly [how: number, at: number, length: number, byte: number];

const MEANT: readonly number[] = [0x22, 0x22, 0x2c, 0x09, LF, CR, 0x30, 0x2d, 0x7b, 0x7d, 0, 0x20];
const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(
  fc.tuple(
    fc.nat(3),
    fc.nat(),
    fc.integer({ min: 1, max: 12 }),
    fc.oneof(fc.constantFrom(...MEANT), fc.integer({ min: 0, max: 255 })),
  ),
  { minLength: 1, maxLength: 4 },
);

function mutate(bytes: Buffer, [how, place, length, byte]: Mutation): Buffer {
  const at = place % (bytes.length + 1);
  const head = bytes.subarray(0, at);
  switch (how) {
    case 0:
      return Buffer.concat([head, Buffer.of(byte), bytes.subarray(at)]);
    case 1:
      return Buffer.concat([head, bytes.subarray(at + (length > 8 ? length : 1))]);
    case 2:
      return Buffer.concat([head, Buffer.of(byte), bytes.subarray(at + 1)]);
    default:
      return Buffer.concat([head, bytes.subarray(at, at + length), bytes.subarray(at)]);
  }
}

/** Files some bytes of which were lost, changed, repeated or put in. */
export function damaged(files: fc.Arbitrary<SomeFile>): fc.Arbitrary<SomeFile> {
  return fc
    .tuple(files, mutations)
    .map(([{ shape, bytes }, list]) => new SomeFile(shape, list.reduce(mutate, bytes)));
}

/** Bytes without any plan, many of them such as mean something. */
export function noise(someShapes: fc.Arbitrary<Shape>): fc.Arbitrary<SomeFile> {
  const byte = fc.oneof(
    { arbitrary: fc.constantFrom(...MEANT, ...Buffer.from('0123456789tf:')), weight: 6 },
    fc.integer({ min: 0, max: 255 }),
  );
  return fc
    .tuple(someShapes, fc.array(byte, { maxLength: 120, size: 'max' }))
    .map(([shape, bytes]) => new SomeFile(shape, Buffer.from(bytes)));
}
