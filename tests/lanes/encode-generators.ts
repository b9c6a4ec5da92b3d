/** Plausible texts of every column type, most of them valid, many nearly so. */
import fc from 'fast-check';
import type { ColumnType } from '../../src/model/types.js';
import { bytesOf } from './encode-cases.js';

type Texts = fc.Arbitrary<string>;

export interface Generated {
  /** Byte strings. */
  readonly texts: Texts;
  /** The documented forms: edp accepts all of these that the server accepts. */
  readonly form: RegExp;
  /** The text to ask the server about, where edp is lenient on purpose. */
  readonly meaning?: (text: string) => string;
}

const pick = (...texts: string[]): Texts => fc.constantFrom(...texts);
const join = (...parts: Texts[]): Texts => fc.tuple(...parts).map((texts) => texts.join(''));
const maybe = (text: Texts): Texts => fc.oneof(pick(''), text);
const digits = (minLength: number, maxLength: number): Texts =>
  fc.string({ unit: pick(...'0123456789'), minLength, maxLength });
const padded = (from: number, to: number, width: number): Texts =>
  fc.integer({ min: from, max: to }).map((value) => String(value).padStart(width, '0'));
const sign = pick('', '', '-', '+');

/** A quarter of the texts get one character too many, too few, or a wrong one. */
function nearly(texts: Texts, alphabet: string): Texts {
  const edited = fc
    .tuple(texts, fc.nat(), pick('delete', 'insert', 'replace'), pick(...alphabet))
    .map(([text, where, edit, character]) => {
      const at = where % (text.length + 1);
      const end = edit === 'insert' ? at : at + 1;
      return text.slice(0, at) + (edit === 'delete' ? '' : character) + text.slice(end);
    });
  return fc.oneof({ arbitrary: texts, weight: 3 }, { arbitrary: edited, weight: 1 });
}

function integers(bits: number): Generated {
  const nearLimit = fc
    .tuple(fc.constantFrom(-1n, 1n), fc.bigInt(-3n, 3n))
    .map(([side, distance]) => String(side * 2n ** BigInt(bits - 1) + distance));
  const any = join(sign, pick('', '0', '00000'), digits(1, Math.ceil(bits / 3)));
  const end = pick('', '', '', '.0', '.000', '.', '.01');
  return {
    texts: nearly(join(fc.oneof(nearLimit, any), end), '0123456789+-._ eExX'),
    form: /^[+-]?\d+$/,
    meaning: (text) => (/^[+-]?\d+\.0+$/.test(text) ? text.replace(/\..*/, '') : text),
  };
}

function decimals(maxDigits: number, maxExponent: number): Texts {
  const exponent = join(pick('e', 'E'), sign, fc.nat(maxExponent).map(String));
  return join(sign, digits(0, maxDigits), pick('', '.'), digits(0, maxDigits), maybe(exponent));
}

const notFinite = join(sign, pick('inf', 'infinity', 'nan', 'Infinity', 'NaN', 'INF'));
const DECIMAL_FORM = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]?inf(?:inity)?|nan)$/i;
const decimal = (texts: Texts): Texts =>
  nearly(fc.oneof({ arbitrary: texts, weight: 9 }, notFinite), '0123456789+-.eE nif_x,');

/** Midway between two neighbours of type real, or slightly to either side. */
const realTies = fc
  .tuple(
    fc.integer({ min: -(2 ** 24), max: 2 ** 24 }),
    fc.integer({ min: -60, max: 40 }),
    pick('exact', 'above', 'below'),
  )
  .map(([mantissa, exponent, side]) => {
    const exact = ((mantissa + 0.5) * 2 ** exponent).toFixed(100).replace(/\.?0+$/, '');
    const point = exact.includes('.') ? '' : '.';
    if (side === 'exact') return exact;
    if (side === 'above') return `${exact}${point}000000001`;
    return exact.replace(/[1-9]$/, (last) => `${Number(last) - 1}${point}999999999`);
  });

const dates = fc
  .tuple(
    fc.oneof(padded(0, 9999, 4), padded(1999, 2025, 4)),
    pick('-', '-', '-', ''),
    padded(0, 13, 2),
    fc.oneof(padded(0, 32, 2), padded(28, 31, 2)),
  )
  .map(([year, separator, month, day]) => [year, month, day].join(separator));
const fractions = fc.oneof(digits(1, 9), pick('9999999', '0000005', '0000000', '5'));
const times = fc
  .tuple(
    pick(':', ':', ':', ''),
    fc.oneof(padded(0, 25, 2), padded(23, 24, 2)),
    fc.oneof(padded(0, 60, 2), pick('00', '59')),
    fc.oneof(padded(0, 61, 2), pick('00', '59', '60')),
    maybe(join(pick('.'), fractions)),
    fc.boolean(),
  )
  .map(([separator, hour, minute, second, fraction, hasSeconds]) =>
    hasSeconds ? [hour, minute, second].join(separator) + fraction : [hour, minute].join(separator),
  );
const zones = fc.oneof(
  pick('', '', 'Z', 'z', '+00', '-00:00'),
  join(pick('', ' '), pick('+', '-'), padded(0, 16, 2), pick('', ':30', '45', ':60')),
);
const infinities = pick('infinity', '-infinity', '+Infinity');
const TIMESTAMP_FORM =
  /^\d{4}(-?)\d\d\1\d\d(?:[T ]\d\d(:?)\d\d(?:\2\d\d(?:\.\d+)?)?(?:Z| ?[+-]\d\d(?::?\d\d)?)?)?$|^[+-]?infinity$/i;
const TIME_WITHOUT_COLONS = /(?<=^\S{8,10}[T ]\d\d)(\d\d)(\d\d)?(?!\d|:\d\d:)/i;

const timestamps: Generated = {
  texts: nearly(
    fc.oneof(
      { arbitrary: join(dates, pick(' ', 'T', 't'), times, zones), weight: 9 },
      { arbitrary: fc.oneof(dates, infinities), weight: 1 },
    ),
    '0123456789-:. TtZ+',
  ),
  form: TIMESTAMP_FORM,
  // Without colons the server accepts some times that do not exist, and refuses some zones.
  meaning: (text) =>
    TIMESTAMP_FORM.test(text)
      ? text.replace(TIME_WITHOUT_COLONS, (_, minute, second = '00') => `:${minute}:${second}`)
      : text,
};

const BOOLEANS = ['t', 'true', 'y', 'yes', 'on', '1', 'f', 'false', 'n', 'no', 'off', '0'];

const hexGroup = fc.string({ unit: pick(...'0123456789abcdefABCDEF'), minLength: 4, maxLength: 4 });
const uuids = fc
  .tuple(
    fc.array(fc.tuple(hexGroup, pick('', '-')), { minLength: 7, maxLength: 7 }),
    hexGroup,
    fc.boolean(),
  )
  .map(([groups, last, hasBraces]) => {
    const text = groups.flat().join('') + last;
    return hasBraces ? `{${text}}` : text;
  });

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }).map(bytesOf),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map(bytesOf),
  nearly(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 5 }).map(bytesOf),
    '\x80\xbf\xc3\xed\xf0\xa0\x00a',
  ),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

const characters = fc
  .string({ unit: 'grapheme', maxLength: 3 })
  .map((text) => JSON.stringify(text).slice(1, -1));
const escapes = pick(
  ...['\\n', '\\\\', '\\"', '\\/', '\\u0041', '\\u0000', '\\\\u0000'],
  ...['\\ud83d\\ude00', '\\uD83D', '\\ude00'],
);
const jsonString = fc
  .array(fc.oneof({ arbitrary: characters, weight: 5 }, { arbitrary: escapes, weight: 1 }), {
    maxLength: 3,
  })
  .map((parts) => `"${parts.join('')}"`);
const jsonNumber = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  join(
    pick('', '-'),
    pick('0', '1', '12345678901234567890'),
    maybe(join(pick('.'), digits(1, 20))),
    maybe(join(pick('e', 'E'), sign, pick('0', '7', '300', '16000', '140000'))),
  ),
);
const { value: jsonValue } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    pick('null', 'true', 'false'),
    jsonNumber,
    jsonString,
    fc.array(tie('value'), { maxLength: 3 }).map((values) => `[${values.join(', ')}]`),
    fc
      .array(join(fc.oneof(pick('"a"', '"b"'), jsonString), pick(': '), tie('value')), {
        maxLength: 3,
      })
      .map((entries) => `{${entries.join(',')}}`),
  ),
}));
const json: Generated = {
  texts: nearly(jsonValue.map(bytesOf), '{}[]",:\\u0de+-.tfn 8\n'),
  form: /^/,
};

export const GENERATED: Readonly<Record<ColumnType, Generated>> = {
  smallint: integers(16),
  int: integers(32),
  bigint: integers(64),
  real: {
    texts: fc.oneof(decimal(fc.oneof(decimals(15, 50), fc.float().map(String))), realTies),
    form: DECIMAL_FORM,
  },
  double: {
    texts: decimal(fc.oneof(decimals(20, 330), fc.double().map(String))),
    form: DECIMAL_FORM,
  },
  numeric: {
    texts: decimal(fc.oneof(decimals(40, 30), decimals(12, 20_000), decimals(12, 131_100))),
    form: DECIMAL_FORM,
  },
  boolean: {
    texts: nearly(
      pick(...BOOLEANS, ...BOOLEANS.map((word) => word.toUpperCase())),
      'tfyn01aeorus ',
    ),
    form: new RegExp(`^(?:${BOOLEANS.join('|')})$`, 'i'),
  },
  date: {
    texts: nearly(fc.oneof({ arbitrary: dates, weight: 9 }, infinities), '0123456789- /T'),
    form: /^\d{4}(-?)\d\d\1\d\d$|^[+-]?infinity$/i,
  },
  timestamp: timestamps,
  timestamptz: timestamps,
  uuid: { texts: nearly(fc.oneof(uuids, fc.uuid()), '0123456789abcdefg-{} '), form: /^/ },
  text: { texts, form: /^/ },
  json,
  jsonb: json,
};
