/** The rules of docs/model.md, one table a type. tests/lanes/encode.test.ts holds them against the server. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault, type RejectCode } from '../../src/model/reject-codes.js';
import {
  coerceBigint,
  coerceBoolean,
  coerceDouble,
  coerceInteger,
  coerceJson,
  coerceNumeric,
  coerceReal,
  coerceText,
  coerceUuid,
  decodeBytes,
  encodeBytes,
  show,
} from '../../src/values/coerce.js';

/** The value of each text, or the code with which it is refused. */
type Table = readonly (readonly [text: string, result: unknown])[];

const refused = (code: RejectCode) => ({ code });

function expectTable(coerce: (text: string) => unknown, table: Table): void {
  const results = table.map(([text]) => {
    const result = coerce(text);
    return [text, result instanceof Fault ? refused(result.code) : result];
  });
  expect(results).toEqual(table);
}

const NOT_INTEGERS: Table = [
  ...[
    '',
    ' ',
    'a',
    '1.5',
    '1.',
    '.0',
    '1e3',
    '1,000',
    '0x1F',
    '1_000',
    ' 1',
    '1 ',
    '1\n',
    '+',
    '--1',
  ],
  ...['NaN', 'true', '1\0', '\xc2\xa01', '\xd9\xa1'],
].map((text) => [text, refused('bad_integer')]);

const NOT_NUMBERS: Table = [
  ...[
    '',
    ' ',
    'a',
    '.',
    '+',
    'e5',
    '1e',
    '1e5.5',
    '1.2.3',
    '1,5',
    '0x1F',
    '1_000',
    ' 1',
    '1 ',
    '1\n',
  ],
  ...['infinit', '+nan', '-nan', 'null', '1\0'],
].map((text) => [text, refused('bad_number')]);

describe('integers', () => {
  it('within given limits', () => {
    expectTable(
      (text) => coerceInteger(text, -32_768, 32_767),
      [
        ['0', 0],
        ['-0', -0],
        ['+7', 7],
        ['-12', -12],
        ['007', 7],
        ['12.0', 12],
        ['-12.000', -12],
        ['32767', 32_767],
        ['-32768', -32_768],
        ['32768', refused('out_of_range')],
        ['-32769.0', refused('out_of_range')],
        ['9'.repeat(400), refused('out_of_range')],
        ...NOT_INTEGERS,
      ],
    );
  });

  it('bigint', () => {
    expectTable(coerceBigint, [
      ['0', 0n],
      ['-0', 0n],
      ['+7', 7n],
      ['12.0', 12n],
      [`${'0'.repeat(100)}12.00`, 12n],
      ['9007199254740993', 9_007_199_254_740_993n],
      ['9223372036854775807', 2n ** 63n - 1n],
      ['-9223372036854775808', -(2n ** 63n)],
      ['9223372036854775808', refused('out_of_range')],
      ['-9223372036854775809', refused('out_of_range')],
      ['1'.repeat(20), refused('out_of_range')],
      ...NOT_INTEGERS,
    ]);
  });
});

describe('fractions', () => {
  it('double', () => {
    expectTable(coerceDouble, [
      ['1', 1],
      ['-0', -0],
      ['+1.50', 1.5],
      ['.5', 0.5],
      ['5.', 5],
      ['1e3', 1000],
      ['-1E-3', -0.001],
      ['5e-324', 5e-324],
      ['0e999', 0],
      ['NaN', Number.NaN],
      ['inf', Number.POSITIVE_INFINITY],
      ['+Infinity', Number.POSITIVE_INFINITY],
      ['-INF', Number.NEGATIVE_INFINITY],
      ['1e309', refused('out_of_range')],
      ['-1e309', refused('out_of_range')],
      ['1e-400', refused('out_of_range')],
      ...NOT_NUMBERS,
    ]);
  });

  it('real, rounded once', () => {
    expectTable(coerceReal, [
      ['0.1', Math.fround(0.1)],
      ['16777217', 16_777_216],
      ['16777217.0000000000000001', 16_777_218],
      ['1.00000017881393432617187499', 1 + 2 ** -23],
      ['1.000000178813934326171875', 1 + 2 ** -22],
      ['1.00000017881393432617187501', 1 + 2 ** -22],
      ['340282356779733661637539395458142568447.9', 3.4028234663852886e38],
      ['340282356779733661637539395458142568448', refused('out_of_range')],
      ['7.1e-46', 2 ** -149],
      ['7e-46', refused('out_of_range')],
      ['1e400', refused('out_of_range')],
      ['-Infinity', Number.NEGATIVE_INFINITY],
      ...NOT_NUMBERS,
    ]);
  });

  it('numeric, exactly', () => {
    const decimal = (digits: string, exponent: number, scale: number, isNegative = false) => ({
      isNegative,
      digits,
      exponent,
      scale,
    });
    expectTable(coerceNumeric, [
      ['0', decimal('', 0, 0)],
      ['-0.00', decimal('', -2, 2)],
      ['0012.50', decimal('1250', -2, 2)],
      ['-1.10', decimal('110', -2, 2, true)],
      ['.5', decimal('5', -1, 1)],
      ['5.', decimal('5', 0, 0)],
      ['1.5e3', decimal('15', 2, 0)],
      ['1.5e-3', decimal('15', -4, 4)],
      ['0.0001', decimal('1', -4, 4)],
      ['nan', Number.NaN],
      ['-inf', Number.NEGATIVE_INFINITY],
      ['1e131072', refused('out_of_range')],
      ['1e-16384', refused('out_of_range')],
      ['1e99999999999999999999', refused('out_of_range')],
      ...NOT_NUMBERS,
    ]);
  });

  it.each([
    ['double', coerceDouble],
    ['real', coerceReal],
    ['numeric', coerceNumeric],
  ])('%s: garbage behind very many digits is found in one pass', (_, coerce) => {
    expect(coerce(`${'1'.repeat(1_000_000)}x`)).toMatchObject(refused('bad_number'));
  });
});

describe('other types', () => {
  it('boolean', () => {
    expectTable(coerceBoolean, [
      ...['t', 'true', 'TRUE', 'y', 'Yes', 'on', '1'].map((text) => [text, true] as const),
      ...['f', 'false', 'False', 'n', 'NO', 'off', '0'].map((text) => [text, false] as const),
      ...['', ' ', '2', 'tr', 'ja', 'true ', 'null'].map(
        (text) => [text, refused('bad_boolean')] as const,
      ),
    ]);
  });

  it('text', () => {
    expectTable(coerceText, [
      ['', ''],
      [' a ', ' a '],
      ['\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80', '\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80'],
      ['a\0b', refused('nul_byte')],
      ['caf\xe9', refused('invalid_utf8')],
      ['\xed\xa0\x80', refused('invalid_utf8')],
      ['\xc0\x80', refused('invalid_utf8')],
    ]);
  });

  it('uuid', () => {
    const digits = 'a0eebc999c0b4ef8bb6d6bb9bd380a11';
    expectTable(coerceUuid, [
      [digits, digits],
      ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', digits],
      ['{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', digits],
      ['a0ee-bc99-9c0b4ef8-bb6d6bb9bd380a11', digits],
      [digits.toUpperCase(), digits.toUpperCase()],
      ...[
        '',
        digits.slice(1),
        `${digits}0`,
        `${digits}-`,
        `-${digits}`,
        `{${digits}`,
        `g${digits.slice(1)}`,
      ].map((text) => [text, refused('bad_uuid')] as const),
    ]);
  });

  it('json, kept as it is written', () => {
    expectTable(
      (text) => coerceJson(text, false),
      [
        [' {"b": 1.10, "a": 1e999999}\n', ' {"b": 1.10, "a": 1e999999}\n'],
        ['"\\u0000\\ud800"', '"\\u0000\\ud800"'],
        ...['', '{', '{a:1}', '01', 'NaN', '"\\x"', '\xef\xbb\xbf{}'].map(
          (text) => [text, refused('bad_json')] as const,
        ),
        ['"\xff"', refused('invalid_utf8')],
        ['"\0"', refused('nul_byte')],
      ],
    );
  });

  it('jsonb, without what it cannot hold', () => {
    expectTable(
      (text) => coerceJson(text, true),
      [
        ['{"a": "\\\\u0000 \\ud83d\\ude00"}', '{"a": "\\\\u0000 \\ud83d\\ude00"}'],
        ['"\\u0000"', refused('bad_json')],
        ['{"\\ud800": 1}', refused('bad_json')],
        ['{"a": "\\u0000", "a": 1}', refused('bad_json')],
        ['{"a": 1e999999}', refused('bad_json')],
      ],
    );
  });
});

describe('very large JSON', () => {
  it.each([
    ['a text', `"${'x'.repeat(1_000_000)}1e99999"`, true],
    ['escapes', `"${'\\n'.repeat(2_000_000)}1e99999"`, true],
    ['backslashes', `"${'\\\\'.repeat(2_000_000)}\\u0041"`, true],
    ['surrogate pairs', `"${'\\ud83d\\ude00'.repeat(1_000_000)}"`, true],
    ['numbers, one out of range', `[${'1.5e10,'.repeat(200_000)}1e999999]`, false],
    ['levels', `${'['.repeat(3000)}${']'.repeat(3000)}`, true],
    ['as many levels as there may be', `${'[{"a":'.repeat(2000)}1${'}]'.repeat(2000)}`, true],
    ['many lists and objects beside each other', `[${'[{}],'.repeat(10_000)}1]`, true],
    ['levels in a text', `"${'['.repeat(100_000)}"`, true],
  ])('of %s is read without running out of stack', (_, text, isStorable) => {
    expect(coerceJson(text, true) === text).toBe(isStorable);
    expect(coerceJson(text, false) === text).toBe(true);
  });

  // The stack of the server would end, and the COPY of all other rows with it.
  it.each([
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    `${'['.repeat(100_000)}1e1000${']'.repeat(100_000)}`,
    `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
    `${'[{"a":'.repeat(2000)}[]${'}]'.repeat(2000)}`,
  ])('of too many levels is a fault', (text) => {
    for (const isBinary of [true, false]) {
      expect(coerceJson(text, isBinary)).toMatchObject({ code: 'bad_json' });
    }
  });
});

describe('what messages show of a value', () => {
  it.each([
    ['a "b"', '"a \\"b\\""'],
    ['caf\xc3\xa9', '"café"'],
    ['\xff', '"\ufffd"'],
    ['x'.repeat(61), `"${'x'.repeat(60)}…"`],
  ])('%j', (text, shown) => {
    expect(show(text)).toBe(shown);
  });
});

describe('byte strings', () => {
  it('are the bytes of the text, there and back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = encodeBytes(text);
        expect(Buffer.from(bytes, 'latin1')).toEqual(Buffer.from(text, 'utf8'));
        expect(decodeBytes(bytes)).toBe(text);
      }),
    );
  });
});
