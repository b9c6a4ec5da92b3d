import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/model/reject-codes.js';
import { decodeBytes, encodeBytes } from '../../src/values/coerce.js';
import { type Flattened, type FlattenPlan, flatten } from '../../src/values/flatten.js';

const PLAN: FlattenPlan = {
  path: ['metrics'],
  keys: ['one', 'two', 'n'],
  isJson: [false, false, false],
};
const AT_ROOT: FlattenPlan = { ...PLAN, path: [] };
const DEEP: FlattenPlan = { ...PLAN, path: ['event', 'metrics'] };
const AS_JSON: FlattenPlan = { ...PLAN, isJson: [true, true, true] };

function flattenText(text: string | null, plan: FlattenPlan): Flattened | Fault {
  return flatten(text === null ? null : encodeBytes(text), plan);
}

type Case = readonly [
  name: string,
  text: string | null,
  metrics: readonly (string | null)[],
  extra?: string,
  unknown?: readonly string[],
];

function expectFlat(
  plan: FlattenPlan,
  text: string | null,
  metrics: readonly (string | null)[],
  extra?: string,
  unknown: readonly string[] = [],
): void {
  const flat = flattenText(text, plan);
  expect(flat).not.toBeInstanceOf(Fault);
  const found = flat as Flattened;
  expect(found.metrics).toEqual(metrics);
  expect(found.extra === null ? undefined : decodeBytes(found.extra)).toBe(extra);
  expect(found.unknown).toEqual(unknown);
}

describe('declared metrics', () => {
  const cases: readonly Case[] = [
    ['in order', '{"metrics": {"one": 1, "two": 2, "n": 3}}', ['1', '2', '3']],
    ['in another order', '{"metrics":{"n":3,"one":1,"two":2}}', ['1', '2', '3']],
    ['some missing', '{"metrics": {"two": 2}}', [null, '2', null]],
    ['null', '{"metrics": {"one": null, "two": 2}}', [null, '2', null]],
    ['an empty object', '{"metrics": {}}', [null, null, null]],
    ['no metrics at all', '{}', [null, null, null]],
    ['metrics null', '{"metrics": null}', [null, null, null]],
    ['JSON null', ' null ', [null, null, null]],
    ['an empty field', null, [null, null, null]],
    ['a quoted empty field', '', [null, null, null]],
    ['in strings', '{"metrics": {"one": "1", "two": "", "n": " 3"}}', ['1', '', ' 3']],
    ['booleans', '{"metrics": {"one": true, "two": false}}', ['true', 'false', null]],
    [
      'digit for digit',
      '{"metrics":{"one":9007199254740993,"two":1.10,"n":-0}}',
      ['9007199254740993', '1.10', '-0'],
    ],
    [
      'integers with an exponent',
      '{"metrics":{"one":1e3,"two":1.50E+1,"n":-12000e-3}}',
      ['1000', '15', '-12'],
    ],
    ['zero with an exponent', '{"metrics":{"one":0e5,"two":0.0e-5,"n":-0e1}}', ['0', '0', '0']],
    [
      'fractions with an exponent',
      '{"metrics":{"one":1.5e0,"two":1e-3,"n":1.00000000000000000001e0}}',
      ['1.5e0', '1e-3', '1.00000000000000000001e0'],
    ],
    [
      'fractions that a double would round away',
      '{"metrics":{"one":4503599627370497.1e0}}',
      ['4503599627370497.1e0', null, null],
    ],
    [
      'numbers beyond all types',
      '{"metrics":{"one":1e400,"two":1e-400,"n":1e999999999}}',
      ['1e400', '1e-400', '1e999999999'],
    ],
    ['twice, with one value', '{"metrics":{"one":1,"one":1}}', ['1', null, null]],
  ];
  for (const [name, ...given] of cases) {
    it(name, () => expectFlat(PLAN, ...given));
  }

  it('may be JSON themselves', () => {
    expectFlat(
      AS_JSON,
      '{"metrics": {"one": {"b": 1.10, "a": [1e5]}, "two": "x", "n": 9007199254740993}}',
      ['{"b":1.10,"a":[1e5]}', '"x"', '9007199254740993'],
    );
    expectFlat(AS_JSON, '{"metrics": {"one": null, "two": false}}', [null, 'false', null]);
  });

  it('may be called like a property of every object', () => {
    const plan: FlattenPlan = { ...PLAN, keys: ['constructor', 'toString', 'hasOwnProperty'] };
    expectFlat(plan, '{"metrics": {"toString": 2}}', [null, '2', null]);
  });
});

describe('what nobody declared', () => {
  const cases: readonly Case[] = [
    ['a metric', '{"metrics": {"one": 1, "x": 31}}', ['1', null, null], '{"x":31}', ['x']],
    [
      'digit for digit',
      '{"metrics":{"x":12345678901234567890,"y":1.10,"z":1E400}}',
      [null, null, null],
      '{"x":12345678901234567890,"y":1.10,"z":1E400}',
      ['x', 'y', 'z'],
    ],
    [
      'of any kind',
      '{"metrics":{"x":{"a":[1,null,"b"]},"y":null,"z":"é"}}',
      [null, null, null],
      '{"x":{"a":[1,null,"b"]},"y":null,"z":"é"}',
      ['x', 'y', 'z'],
    ],
    ['an empty name', '{"metrics":{"":1}}', [null, null, null], '{"":1}', ['']],
    [
      'a name that many objects have',
      '{"metrics":{"constructor":1}}',
      [null, null, null],
      '{"constructor":1}',
      ['constructor'],
    ],
    [
      'twice, with one value',
      '{"metrics":{"x":{"a":1},"x":{"a":1}}}',
      [null, null, null],
      '{"x":{"a":1}}',
      ['x'],
    ],
    [
      'beside the path',
      '{"metrics":{"one":1},"source":"web"}',
      ['1', null, null],
      '{"$rest":{"source":"web"}}',
    ],
    [
      'beside the path, without metrics',
      '{"source":"web"}',
      [null, null, null],
      '{"$rest":{"source":"web"}}',
    ],
    [
      'beside metrics that are null',
      '{"metrics":null,"a":1}',
      [null, null, null],
      '{"$rest":{"a":1}}',
    ],
    ['both', '{"b":2,"metrics":{"x":3}}', [null, null, null], '{"x":3,"$rest":{"b":2}}', ['x']],
    [
      'a metric called $rest',
      '{"metrics":{"$rest":3}}',
      [null, null, null],
      '{"$rest":3}',
      ['$rest'],
    ],
    [
      'a text "__proto__"',
      '{"metrics":{"x":"__proto__"}}',
      [null, null, null],
      '{"x":"__proto__"}',
      ['x'],
    ],
    [
      'half a surrogate pair, escaped as it was',
      '{"metrics":{"x":"\\ud800"}}',
      [null, null, null],
      '{"x":"\\ud800"}',
      ['x'],
    ],
    [
      '\\u0000, escaped as it was',
      '{"metrics":{"x":"\\u0000"}}',
      [null, null, null],
      '{"x":"\\u0000"}',
      ['x'],
    ],
  ];
  for (const [name, ...given] of cases) {
    it(`${name} is kept`, () => expectFlat(PLAN, ...given));
  }
});

describe('a path', () => {
  const atRoot: readonly Case[] = [
    ['the root', '{"one": 1, "x": 2}', ['1', null, null], '{"x":2}', ['x']],
    [
      'an object called like the path of others',
      '{"metrics": {"one": 1}}',
      [null, null, null],
      '{"metrics":{"one":1}}',
      ['metrics'],
    ],
  ];
  for (const [name, ...given] of atRoot) {
    it(`of no key: ${name}`, () => expectFlat(AT_ROOT, ...given));
  }

  const deep: readonly Case[] = [
    ['all there', '{"event":{"metrics":{"one":1}}}', ['1', null, null]],
    [
      'the rest of both levels',
      '{"a":1,"event":{"b":2,"metrics":{"one":1,"x":3}}}',
      ['1', null, null],
      '{"x":3,"$rest":{"a":1,"event":{"b":2}}}',
      ['x'],
    ],
    [
      'the rest of the inner level',
      '{"event":{"b":2}}',
      [null, null, null],
      '{"$rest":{"event":{"b":2}}}',
    ],
    ['the first key missing', '{"a":1}', [null, null, null], '{"$rest":{"a":1}}'],
    ['the first key null', '{"event":null}', [null, null, null]],
    ['the second key null', '{"event":{"metrics":null}}', [null, null, null]],
  ];
  for (const [name, ...given] of deep) {
    it(`of two keys: ${name}`, () => expectFlat(DEEP, ...given));
  }

  it('does not lead through what every object has', () => {
    expectFlat({ ...PLAN, path: ['constructor'] }, '{}', [null, null, null]);
  });
});

describe('a fault', () => {
  it.each([
    ['not JSON', '{"metrics":', 'bad_json'],
    ['JSON and more', '{} {}', 'bad_json'],
    ['a bare word', 'metrics', 'bad_json'],
    ['single quotes', "{'metrics': {}}", 'bad_json'],
    ['a list', '[{"metrics":{}}]', 'bad_json'],
    ['a number', '12', 'bad_json'],
    ['JSON in a string', '"{\\"metrics\\":{}}"', 'bad_json'],
    ['metrics that are a list', '{"metrics":[1]}', 'bad_json'],
    ['metrics that are a number', '{"metrics":1}', 'bad_json'],
    ['a metric twice, with two values', '{"metrics":{"one":1,"one":2}}', 'bad_json'],
    ['a metric twice, written in two ways', '{"metrics":{"one":1,"one":1.0}}', 'bad_json'],
    ['an undeclared metric twice', '{"metrics":{"x":1,"x":2}}', 'bad_json'],
    ['metrics twice', '{"metrics":{"one":1},"metrics":{"two":1}}', 'bad_json'],
    ['a key twice, deep inside', '{"metrics":{"x":[{"a":1,"a":2}]}}', 'bad_json'],
    ['$rest as a metric beside a rest', '{"metrics":{"$rest":1},"a":1}', 'bad_json'],
    ['__proto__ as a metric', '{"metrics":{"__proto__":1}}', 'bad_json'],
    ['__proto__ as a metric, escaped', '{"metrics":{"\\u005f_proto__":1}}', 'bad_json'],
    ['__proto__ beside the path', '{"__proto__":{"metrics":{"one":1}}}', 'bad_json'],
    ['__proto__ deep inside', '{"metrics":{"x":[{"__proto__":1}]}}', 'bad_json'],
  ])('of the whole record: %s', (_, text, code) => {
    expect(flattenText(text, PLAN)).toMatchObject({ code });
  });

  it.each([
    ['lists', '[', ']'],
    ['objects', '{"\\u0061":', '}'],
  ])('of the whole record, however many levels of %s the stack can take', (_, open, close) => {
    const results = [100, 1000, 2000, 3000, 5000, 6000, 7000, 10_000, 100_000].map((levels) => {
      const text = `{"metrics":{"x":${open.repeat(levels)}1${close.repeat(levels)}}}`;
      const flat = flattenText(text, PLAN);
      return flat instanceof Fault ? flat.reason.replace(/^.* is /, '') : flat.unknown;
    });
    expect(results[0]).toEqual(['x']);
    expect(results.at(-1)).toBe('nested too deep');
    for (const result of results) expect([['x'], 'nested too deep']).toContainEqual(result);
  });

  it.each([
    ['bytes that are not UTF-8', '{"metrics":{"x":"\xff"}}', 'invalid_utf8'],
    ['a NUL byte', '{"metrics":{"x":"\0"}}', 'nul_byte'],
  ])('of the bytes: %s', (_, bytes, code) => {
    expect(flatten(bytes, PLAN)).toMatchObject({ code });
  });

  it.each([
    ['an object', '{"metrics":{"one":{"a":1}}}'],
    ['a list', '{"metrics":{"one":[1]}}'],
    ['half a surrogate pair', '{"metrics":{"one":"\\ud800"}}'],
  ])('of one metric that is %s', (_, text) => {
    const flat = flattenText(text, PLAN);
    expect(flat).not.toBeInstanceOf(Fault);
    expect((flat as Flattened).metrics[0]).toMatchObject({ code: 'bad_metric' });
  });
});

describe('any JSON object', () => {
  const json = fc.jsonValue({ maxDepth: 3 });
  const keys = fc.oneof(
    fc.constantFrom('one', 'two', 'n', 'x', 'metrics'),
    fc.string({ unit: 'grapheme', maxLength: 4 }),
  );
  const objects = fc.dictionary(keys, json, { maxKeys: 5, noNullPrototype: true });

  it('comes apart without loss', () => {
    fc.assert(
      fc.property(objects, objects, (metrics, rest) => {
        const text = JSON.stringify({ ...rest, metrics });
        fc.pre(!/"(?:__proto__|\$rest)":/.test(text));
        const flat = flattenText(text, AS_JSON);
        expect(flat).not.toBeInstanceOf(Fault);
        const { metrics: declared, extra } = flat as Flattened;
        const { $rest = {}, ...unknown } = JSON.parse(extra === null ? '{}' : decodeBytes(extra));
        const together: Record<string, unknown> = { ...unknown };
        for (const [i, key] of AS_JSON.keys.entries()) {
          const value = declared[i];
          if (typeof value === 'string') together[key] = JSON.parse(decodeBytes(value));
          // A metric that is null and one that is missing are the same: no value.
          else if (Object.hasOwn(metrics, key)) together[key] = null;
        }
        expect({ ...$rest, metrics: together }).toEqual(JSON.parse(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('is taken if and only if JavaScript takes it', () => {
    const nearly = fc
      .tuple(objects, fc.nat(), fc.constantFrom(...'{}[]",:\\0e+-.tn '), fc.nat(2))
      .map(([object, where, character, removed]) => {
        const text = JSON.stringify({ metrics: object });
        const at = where % (text.length + 1);
        return text.slice(0, at) + character + text.slice(at + removed);
      });
    fc.assert(
      fc.property(nearly, (text) => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        const flat = flattenText(text, AT_ROOT);
        if (!isJson) expect(flat).toMatchObject({ code: 'bad_json' });
        else if (flat instanceof Fault) expect(flat.reason).not.toMatch(/is not JSON$/);
      }),
      { numRuns: 2000 },
    );
  });
});
