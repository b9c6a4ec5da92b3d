/**
 * Edge cases of every column type, grouped by outcome. Texts of a table are separated by ` | ` or
 * line ends; those with blanks at their ends are written as strings.
 */
import type { ColumnType } from '../../src/model/types.js';

/** All texts are byte strings. */
export interface Cases {
  /** edp reads these as the server does. */
  readonly accepted: readonly string[];
  /** Refused by both, by edp with this code. */
  readonly refused: Readonly<Record<string, readonly string[]>>;
  /** Refused by edp on purpose: the server accepts them, but edp does not guess. */
  readonly stricter?: Readonly<Record<string, readonly string[]>>;
  /** Deliberate leniency: the server refuses the first, and edp reads it as the second. */
  readonly lenient?: readonly (readonly [text: string, meaning: string])[];
}

/** Text → byte string, as csv-parse gives fields to the encoder. */
export function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The texts of a table, as byte strings; a backslash stands for itself. */
function list({ raw }: TemplateStringsArray): string[] {
  return raw[0]!
    .trim()
    .split(/ +\| +|\s*\n\s*/)
    .map(bytesOf);
}

const INTEGERS = {
  accepted: [
    ...list`0 | 1 | -1 | +7 | -0 | +0 | 007 | -007`,
    '0'.repeat(200),
    `${'0'.repeat(200)}9`,
  ],
  lenient: [
    ['12.0', '12'],
    ['-3.000', '-3'],
    ['+0.0', '0'],
    ['-0.0', '0'],
    ['007.0', '7'],
  ],
  refused: [
    ...list`abc | 1e3 | 1,000 | 12.5 | 1. | .0 | . | + | - | --1 | +-1 | 1- | 1 2 | 0x | 1__0 | _1 | 1_
            NaN | Infinity | true | "1" | $1 | １ | ١ | 12.0.0 | 12.0e0 | 0b2`,
    bytesOf('1\u00a0'),
    '1\n2',
    '1\0',
  ],
  stricter: [' 1', '1 ', '\t1', '1\n', ...list`0x1F | -0xff | 0o17 | 0b11 | 1_000`],
} as const;

const DECIMALS = {
  accepted: list`
    0 | -0 | +0 | 0.0 | -0.00 | 1 | +7 | -7 | 1.5 | .5 | -.5 | 5. | 1e3 | 1E+3 | 1e-3 | -1.25e2 | 00012.500
    0e10 | 0.1 | 12.0 | 123456789.987654321
    NaN | nan | NAN | Infinity | -Infinity | +Infinity | inf | -inf | +INF | iNfInItY`,
  refused: list`
    abc | . | + | - | e5 | 1e | 1e+ | 1e5.5 | 1.2.3 | --1 | 1,5 | 1 2 | $1 | 0x | 1__0 | 1_ | 1e5e5 | ١
    infinit | infinityy | nano | +-inf | 1f | 1d`,
  stricter: [' 1', '1 ', '1\t', '0x1F'],
} as const;

const HEX_FLOATS_AND_SIGNED_NANS = list`0x1p3 | +nan | -nan`;

/** Texts midway between two doubles, and slightly to either side. */
const DOUBLE_TIES = list`
  1.00000000000000011102230246251565404236316680908203124
  1.00000000000000011102230246251565404236316680908203125
  1.00000000000000011102230246251565404236316680908203126
  9007199254740993 | 9007199254740992.9999999999 | 9007199254740993.0000000001`;

/** The same for type real, where rounding to double first would go wrong. */
const REAL_TIES = list`
  1.00000005960464477539062499 | 1.000000059604644775390625 | 1.00000005960464477539062501
  1.00000017881393432617187499 | 1.000000178813934326171875 | 1.00000017881393432617187501
  -1.00000017881393432617187499 | -1.00000017881393432617187501
  16777217 | 16777216.9999999999999999 | 16777217.0000000000000001 | 16777219
  7.0064923216240853546186479164495806564013097093825789e-46 | 7.0064923216240853546186479164495807e-46
  2.1019476964872256063855943749348741969203929128147736576e-45 | 1.4e-45 | 1e-45
  3.40282356779733661637539395458142568447e38 | 340282356779733661637539395458142568447.999999
  -340282356779733661637539395458142568447.999999`;

const DATES = {
  accepted: list`
    2024-02-29 | 2000-02-29 | 1900-02-28 | 2023-12-31 | 2000-01-01 | 1999-12-31 | 1970-01-01
    0001-01-01 | 0099-03-01 | 9999-12-31 | 1582-10-10 | 20240131 | 00010101
    infinity | -infinity | +infinity | Infinity | -INFINITY`,
  refused: list`
    2023-02-29 | 1900-02-29 | 2024-02-30 | 2024-04-31 | 2024-13-01 | 2024-00-10 | 2024-01-00 | 2024-01-32
    0000-01-01 | 20230229 | 2024-01 | 2024 | 2024-0131 | 202401-31x | 2024-01-01T | -- | x | yesterdayy
    ٢٠٢٤-٠١-٠١ | 2024-01-31\0`,
  stricter: [
    ...[' 2024-01-31', '2024-01-31 ', '2024-01-31\n'],
    ...list`
    2024-1-5 | 2024/01/31 | 2024.01.31 | 24-01-31 | 10000-01-01 | 2024-01-31 BC | J2451187 | 2024-031
    today | now | epoch | tomorrow | yesterday | Jan 31 2024 | 31-Jan-2024
    2024-01-31 10:00:00 | 2024-01-31T10:00Z`,
  ],
} as const;

const TIMESTAMPS: Cases = {
  accepted: list`
    2024-01-31 | 20240131 | 2024-02-29 00:00:00 | 2000-02-29 12:00 | 2024-01-31 10:20
    2024-01-31T10:20:30 | 2024-01-31t10:20:30 | 2024-01-31 10:20:30.1 | 2024-01-31 10:20:30.123456
    20240131T102030 | 20240131T102030.25 | 20240131 1020 | 2024-01-31 102030 | 20240131 10:20:30
    1970-01-01 00:00:00 | 1999-12-31 23:59:59 | 2000-01-01 00:00:00 | 1900-03-01 00:00:00
    0001-01-01 | 0001-01-01 00:00:00 | 0099-12-31 23:59:59 | 9999-12-31 23:59:59.999999
    9999-12-31 24:00:00 | 2024-01-31 24:00:00 | 2024-12-31T24:00 | 2024-01-31 24:00:00.0000001
    2024-01-31 10:20:60 | 2024-12-31 23:59:60 | 2024-01-31 10:59:60 | 2024-01-31 10:20:60.5
    2024-01-31 10:20:30.1234565 | 2024-01-31 10:20:30.1234575 | 2024-01-31 10:20:30.12345649
    2024-01-31 10:20:30.0000005 | 2024-01-31 10:20:30.0000015 | 1999-12-31 23:59:59.9999999
    2024-01-31 10:20:30.9999995 | 2024-12-31 23:59:59.9999994999 | 2024-01-31 10:20:30.123456789012
    2024-01-31T10:20:30Z | 2024-01-31 10:20:30z | 2024-01-31 10:20:30+02 | 2024-01-31 10:20:30-0530
    2024-01-31 10:20:30.5+05:45 | 2024-01-31 10:20:30 +02:00 | 2024-01-31 00:30+01 | 20240131T102030Z
    2024-01-31 10:20:30+15:59 | 2024-01-31 10:20:30-15:59 | 2024-01-31 10:20:30-00 | 2024-01-31 10:20+00:00
    0001-01-01 00:00:00+12 | 9999-12-31 23:59:59-12 | 2024-12-31 24:00:00+01 | 2024-12-31 23:59:60Z
    2024-02-29T23:59:59.9999999-01:00 | 20240131T102030+0200 | 20240131T102030.5-03
    infinity | -infinity | +infinity | Infinity | -INFINITY`,
  // The server accepts any zone behind such a time, but not this one.
  lenient: [
    ['20240131T1020-05:30', '20240131T10:20-05:30'],
    ['2024-01-31 102030-05:30', '2024-01-31 10:20:30-05:30'],
  ],
  refused: {
    bad_timestamp: list`
      2023-02-29 00:00:00 | 2024-02-30 | 2024-13-01 00:00 | 2024-00-01 | 0000-01-01 00:00:00
      2024-01-31 24:00:01 | 2024-01-31 24:00:00.5 | 2024-01-31 24:01 | 2024-01-31 25:00 | 2024-01-31 10:60
      2024-01-31 10:20:61 | 2024-01-31 23:59:60.5 | 2024-01-31 10:20:30+16 | 2024-01-31 10:20:30+05:60
      2024-01-31 10:20:30+24:00 | 2024-01-31T | 2024-01-31 10 | 2024-01-31 ab | soon | 1706696430 | 2024-01-31 10:20:30+2x
      2024-01-31 10:2030 | 2024-01-31 1020:30 | 2024-0131 10:20 | 2024-01-31 10:20:30..5`,
  },
  stricter: {
    bad_timestamp: [
      ...[' 2024-01-31 10:20', '2024-01-31 10:20 ', '2024-01-31 10:20\n', '2024-01-31  10:20'],
      ...list`
      2024-01-31 240036 | 2024-01-31T2459 | 2024-01-31 102061
      2024-1-5 10:20 | 2024/01/31 10:20:30 | 2024-01-31_10:20 | 2024-01-31 1:2:3 | 2024-031
      2024-01-31 10:20 PM | 2024-01-31 10:20:30 BC | 12024-01-31 10:20:30 | 31 Jan 2024 | Jan 31 2024 10:20
      2024-01-31 10:20:30 UTC | 2024-01-31 10:20:30 Europe/Berlin | 2024-01-31 10:20:30 Z
      2024-01-31 10:20:30+2 | 2024-01-31 10:20:30+02:00:30 | today | now | epoch | tomorrow | yesterday`,
    ],
  },
};

const JSON_TEXTS = [
  ...list`
  {} | [] | null | true | false | 0 | -0 | 1 | -1.5 | 1e3 | 1E+3 | 1e-3 | 1e400 | 1e-400 | -0.0 | 1.0 | 1.10
  9223372036854775808 | 123456789012345678901234567890.0987654321 | 100000000000000000000000
  "" | "text" | "é€😀" | "\u00e9\u20ac\ud83d\ude00" | "\"\\\/\b\f\n\r\t" | "\\u0000" | "\\ud800" | "\\\\ude00"
  {"b":1,"a":2} | {"a":{"b":[1,{"c":null}]}} | [1,"1",true,null,[]] | {"":0}
  {"a":1,"a":2} | {"a":1,"a":1} | {"__proto__":1} | {"constructor":{"prototype":1}}`,
  ...[' {"a" : 1} ', '\t[1,\n2]\r\n', bytesOf('"\u007f\u2028\ufeff"'), '7'.repeat(1000)],
  ...[`[${'1,'.repeat(5000)}1]`, `"${'text\\n'.repeat(20_000)}1e99999"`],
  ...[`${'['.repeat(500)}${']'.repeat(500)}`, `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`],
];

const NOT_JSON = [
  ...list`
  { | } | [1,] | {"a":1,} | {a:1} | {'a':1} | {"a":} | {"a"} | {1:2} | {"a" 1} | {"a":1 "b":2} | [1 2] | [,1] | , | :
  01 | +1 | .5 | 5. | 1.e5 | 1e | 0x1 | -- | -1- | --1 | NaN | Infinity | nul | True | undefined | 1 2 | {} {} | "a" "b"
  "open | "\x" | "\u12" | "\u12g4" | /* */ 1`,
  ...['"a\nb"', '"tab\there"', '"\x01"', '\x0b1', bytesOf('\ufeff{}'), bytesOf('\u00a01'), ' '],
];

export const CASES: Readonly<Record<ColumnType, Cases>> = {
  smallint: {
    accepted: [...INTEGERS.accepted, ...list`32767 | -32768`],
    lenient: [...INTEGERS.lenient, ['32767.0', '32767']],
    refused: {
      bad_integer: INTEGERS.refused,
      out_of_range: [...list`32768 | -32769 | 65536`, `9${'0'.repeat(400)}`],
    },
    stricter: { bad_integer: INTEGERS.stricter },
  },
  int: {
    accepted: [...INTEGERS.accepted, ...list`2147483647 | -2147483648 | +2147483647`],
    lenient: [...INTEGERS.lenient, ['-2147483648.00', '-2147483648']],
    refused: {
      bad_integer: INTEGERS.refused,
      out_of_range: list`2147483648 | -2147483649 | 4294967296 | 9007199254740993`,
    },
    stricter: { bad_integer: INTEGERS.stricter },
  },
  bigint: {
    accepted: [
      ...INTEGERS.accepted,
      ...list`9223372036854775807 | -9223372036854775808 | 9007199254740993 | -9007199254740993`,
    ],
    lenient: [...INTEGERS.lenient, ['9223372036854775807.0', '9223372036854775807']],
    refused: {
      bad_integer: INTEGERS.refused,
      out_of_range: [
        ...list`9223372036854775808 | -9223372036854775809 | 18446744073709551616`,
        `1${'0'.repeat(5000)}`,
      ],
    },
    stricter: { bad_integer: INTEGERS.stricter },
  },
  real: {
    accepted: [
      ...DECIMALS.accepted,
      ...REAL_TIES,
      ...list`16777216 | 3.4028234663852886e38 | 3.4028235e38 | -3.4028235e38 | 1.17549435e-38 | 1e-38`,
      `0.${'0'.repeat(100)}1e90`,
      `1${'0'.repeat(100)}e-90`,
    ],
    refused: {
      bad_number: DECIMALS.refused,
      out_of_range: [
        ...list`3.5e38 | -1e39 | 1e400 | 7e-46 | 1e-46 | -1e-60 | 1e-400`,
        ...['340282356779733661637539395458142568448', `0.${'0'.repeat(60)}1`],
      ],
    },
    stricter: { bad_number: [...DECIMALS.stricter, ...HEX_FLOATS_AND_SIGNED_NANS] },
  },
  double: {
    accepted: [
      ...DECIMALS.accepted,
      ...DOUBLE_TIES,
      ...list`1.7976931348623157e308 | -1.7976931348623157e308 | 2.2250738585072014e-308 | 1e-320
              4.9e-324 | 5e-324 | 2.5e-324 | 0.30000000000000004 | 1e22 | 1e23`,
      `1${'0'.repeat(400)}e-400`,
      '123456789'.repeat(30),
    ],
    refused: {
      bad_number: DECIMALS.refused,
      out_of_range: [
        ...list`1e309 | -1e309 | 1.7976931348623159e308 | 1e-324 | 2.4e-324 | -1e-400`,
        '9'.repeat(400),
      ],
    },
    stricter: { bad_number: [...DECIMALS.stricter, ...HEX_FLOATS_AND_SIGNED_NANS] },
  },
  numeric: {
    accepted: [
      ...DECIMALS.accepted,
      ...list`
      1.10 | 1.100 | 0.10e1 | 1.10e1 | 1.10e-1 | 1e10 | 1.0e10 | 1e-10 | 0e-5 | 0.000 | 123e4 | 12345e-3 | 0.5e-4
      9999 | 10000 | 99990000 | 100000000 | 0.0001 | 0.00010000 | 12345.6789 | 10000.0001 | 100010000
      1000000000000000000000.000000000000000000001`,
      ...['7'.repeat(1000), `1${'0'.repeat(999)}`, `0.${'0'.repeat(999)}1`],
      `-${'123456789'.repeat(111)}.${'987654321'.repeat(111)}0`,
      // The limits: 131072 digits before the point, 16383 after it.
      ...list`1e131071 | -9.9e131071 | 1e-16383 | 0e-16383 | 0e200000 | -0e1073741823`,
      `0.${'0'.repeat(10_000)}1e140000`,
      ...['9'.repeat(131_072), `${'9'.repeat(131_072)}.${'9'.repeat(16_383)}`],
    ],
    refused: {
      bad_number: DECIMALS.refused,
      out_of_range: [
        ...list`1e131072 | -1e131072 | 1e-16384 | 0e-16384 | 1e200000
              0e1073741824 | 0e-1073741823 | 1e99999999999 | 1e-99999999999`,
        ...[`0.${'0'.repeat(16_384)}`, '9'.repeat(131_073)],
      ],
    },
    stricter: {
      bad_number: [...DECIMALS.stricter, ...list`0o7 | 0b1 | 1_000`],
    },
  },
  boolean: {
    accepted: list`
      t | true | y | yes | on | 1 | T | TRUE | True | Y | Yes | ON
      f | false | n | no | off | 0 | F | FALSE | False | N | No | OFF`,
    refused: {
      bad_boolean: list`2 | -1 | 00 | 1.0 | o | x | truee | yess | ja | null | on off`,
    },
    stricter: { bad_boolean: [' t', 'true ', ...list`tr | tru | fal | ye | of`] },
  },
  date: {
    accepted: DATES.accepted,
    refused: { bad_date: DATES.refused },
    stricter: { bad_date: DATES.stricter },
  },
  timestamp: TIMESTAMPS,
  timestamptz: TIMESTAMPS,
  uuid: {
    accepted: list`
      a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 | A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11
      {a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11} | a0eebc999c0b4ef8bb6d6bb9bd380a11
      a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11 | {a0eebc999c0b4ef8bb6d6bb9bd380a11}
      00000000-0000-0000-0000-000000000000 | ffffffff-ffff-ffff-ffff-ffffffffffff`,
    refused: {
      bad_uuid: [
        ...list`
        a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1 | a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111
        x0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 | {a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 | {}
        a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11} | a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11-
        a0e-ebc999c0b4ef8bb6d6bb9bd380a11 | a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a11
        -a0eebc999c0b4ef8bb6d6bb9bd380a11 | urn:uuid:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11`,
        ...[' a0eebc999c0b4ef8bb6d6bb9bd380a11', 'a0eebc999c0b4ef8bb6d6bb9bd380a11 '],
      ],
    },
  },
  text: {
    accepted: [
      ...['', ' ', '  x  ', 'tab\there', 'line\nend', 'cr\r\n', '\x01\x7f', 'x'.repeat(100_000)],
      ...list`NULL | \N | \. | "quoted" | it's`,
      // UTF-8 of one to four bytes, the first and last of each length, and texts that only look
      // invalid.
      ...['\u0001\u007f', '\u0080\u07ff', '\u0800\uffff', '\u{10000}\u{10ffff}'].map(bytesOf),
      ...['é', '€', '😀', '🏳️‍🌈', 'e\u0301', '\ufeffbom', '\ufffe\ufdd0', '\ud7ff\ue000'].map(
        bytesOf,
      ),
    ],
    refused: {
      nul_byte: ['\0', 'a\0b', 'a\0', '\0\xff'],
      invalid_utf8: [
        ...['\x80', '\xff', 'caf\xe9', '\xc3', 'a\xe2\x82', '\xf0\x9f\x98', '\xc3('],
        // Overlong forms, surrogates, beyond U+10FFFF.
        ...[
          '\xc0\x80',
          '\xc1\xbf',
          '\xe0\x80\xaf',
          '\xf0\x80\x80\x80',
          '\xed\xa0\x80',
          '\xed\xbf\xbf',
        ],
        ...['\xf4\x90\x80\x80', '\xf5\x80\x80\x80', '\xf8\x88\x80\x80\x80'],
      ],
    },
  },
  json: {
    accepted: [...JSON_TEXTS, ...list`"\u0000" | "\ud800" | "\udc00x" | 1e999999 | 1e-99999`],
    refused: {
      bad_json: NOT_JSON,
      invalid_utf8: ['"\xff"', '"\xed\xa0\x80"'],
      nul_byte: ['"\0"', '\0'],
    },
  },
  jsonb: {
    accepted: [
      ...JSON_TEXTS,
      ...list`1e131071 | 1e-16383 | [0.0e-16000] | "1e999999" | {"1e999999":"\"-1e-20000"}`,
    ],
    refused: {
      bad_json: [
        ...NOT_JSON,
        ...list`
        "\u0000" | {"a\u0000":1} | "\\\u0000" | "\ud800" | "\udc00" | "\ud800x" | "\ud800\n" | "\ud800\ud800"
        "\udc00\ud800" | "\ud83d\ude00\ude00" | "\ud800\\udc00" | {"\udead":1} | [{"a":["\uD800"]}]
        1e131072 | -1e999999 | [1e-16384] | {"a":[1.5e200000]}`,
        '9'.repeat(131_073),
        // The server checks every value, including one that a later key of the same name replaces.
        ...list`{"a":"\u0000","a":1} | {"a":{"b":"\ud800"},"a":1} | {"a":1e999999,"a":1}`,
      ],
      invalid_utf8: ['"\xff"'],
      nul_byte: ['"\0"'],
    },
  },
};
