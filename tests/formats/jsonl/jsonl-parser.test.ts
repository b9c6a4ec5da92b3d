/** A line of JSON → fields: each form of a value, each fault, and what becomes of keys that nobody wants. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonlParser } from '../../../src/formats/jsonl/jsonl-parser.js';
import { RecordBatch } from '../../../src/formats/text/record-batch.js';
import { Fault } from '../../../src/model/reject-codes.js';
import { asText, OPEN, parseLine, parseLines } from './parsing.js';

const read = (line: string | Buffer, details = {}) => {
  const record = parseLine(line, details);
  return record instanceof Fault ? record : record?.map(asText);
};

describe('a value becomes the text of a field', () => {
  it.each<[string, string, string | null]>([
    ['a string', '"x y"', 'x y'],
    ['an empty string', '""', ''],
    ['text above ASCII', '"é–😀"', 'é–😀'],
    ['escapes', '"\\" \\\\ \\/ \\b\\f\\n\\r\\t"', '" \\ / \b\f\n\r\t'],
    ['escaped characters', '"\\u00e9\\u2013\\ud83d\\ude00"', 'é–😀'],
    ['a backslash before the closing quote', '"\\\\"', '\\'],
    ['brackets and commas in a string', '"}],:{["', '}],:{['],
    ['a whole number', '12', '12'],
    ['zero', '0', '0'],
    ['minus zero', '-0', '-0'],
    ['more digits than a double has', '12345678901234567890', '12345678901234567890'],
    ['zeros at the end', '0.10', '0.10'],
    ['a power beyond a double', '1e400', '1e400'],
    ['a power', '-1.5E+3', '-1.5E+3'],
    ['true', 'true', 'true'],
    ['false', 'false', 'false'],
    ['null', 'null', null],
    ['an object, as it is written', '{"x" : 1.0,\t"x": [ ]}', '{"x" : 1.0,\t"x": [ ]}'],
    ['a list, as it is written', '[1, "\\u00e9", {"}": "]"}]', '[1, "\\u00e9", {"}": "]"}]'],
  ])('%s', (_, json, text) => {
    expect(read(`{"a": ${json}, "b": 1}`)).toEqual([text, '1']);
    expect(read(`{"b":1,"a":${json}}`)).toEqual([text, '1']);
  });

  it.each<[string, string, (string | null)[]]>([
    ['keys in any order', '{"b": 2, "a": 1}', ['1', '2']],
    ['a key that is not there', '{"b": 2}', [null, '2']],
    ['no key at all', '{}', [null, null]],
    ['blanks everywhere', ' \t{ "a"\t: 1 ,\r"b" :2 } ', ['1', '2']],
    ['a key with escapes', '{"\\u0061": 1, "\\u0062": 2}', ['1', '2']],
    ['a key twice with the same value', '{"a": 1, "b": 2, "a": 1}', ['1', '2']],
    ['half of a pair, as bytes that are no UTF-8', '{"a": "x\\ud800y"}', ['x���y', null]],
    ['a NUL, which its column refuses', '{"a": "\\u0000"}', ['\0', null]],
  ])('%s', (_, line, fields) => {
    expect(read(line)).toEqual(fields);
  });

  it('a string for a column of JSON stays JSON', () => {
    for (const [json, text] of [
      ['"x\\u0041"', '"x\\u0041"'],
      ['""', '""'],
      ['"{}"', '"{}"'],
      ['12', '12'],
      ['{"x": 1}', '{"x": 1}'],
      ['null', null],
    ]) {
      expect(read(`{"a": ${json}, "b": "x"}`, { asJson: ['a'] })).toEqual([text, 'x']);
    }
  });

  it('JSON in a string is told from JSON where nobody knows what it is for', () => {
    const line = '{"a": "[1]", "c": " {}", "d": "x{}", "e": [1]}';
    expect(read(line, { others: 'add' })).toEqual(['"[1]"', null, '" {}"', 'x{}', '[1]']);
  });

  it('halves of pairs are bytes that are no UTF-8, each of the three of its own', () => {
    expect(parseLine('{"a": "\\udc00\\ud83d\\ude00\\ud83d"}')).toEqual([
      '\xed\xb0\x80\xf0\x9f\x98\x80\xed\xa0\xbd',
      null,
    ]);
  });

  it('bytes of another encoding become UTF-8', () => {
    const line = Buffer.from('{"a": "caf\xe9", "b": {"\x80": 1}}', 'latin1');
    expect(read(line, { encoding: 'windows-1252' })).toEqual(['café', '{"€": 1}']);
    expect(read(line)).toMatchObject({ code: 'invalid_utf8' });
  });
});

describe('a line is at fault', () => {
  it.each<[string, string, string, string?]>([
    ['no JSON', 'id,name', '{ was expected at byte 0, but "id,name" was found'],
    ['a list', '[1]', '{ was expected at byte 0, but "[1]" was found'],
    ['a number', '12', '{ was expected at byte 0'],
    [
      'two objects',
      '{} {}',
      'nothing behind the object was expected at byte 3, but "{}" was found',
    ],
    ['an object that is not closed', '{"a": 1', 'a comma or } was expected at byte 7, but its end'],
    ['a string that is not closed', '{"a": "x}', 'the end of a value was expected at byte 9'],
    ['a key that is not closed', '{"a', 'a double quote behind the key was expected at byte 3'],
    ['a list that is not closed', '{"a": [1, {"x": "]"}', 'the end of a value was expected'],
    ['a key without quotes', '{a: 1}', 'a key in double quotes was expected at byte 1'],
    ['a key in single quotes', "{'a': 1}", 'a key in double quotes was expected at byte 1'],
    ['no colon', '{"a" 1}', 'a colon behind the key was expected at byte 5, but "1}" was found'],
    ['no value', '{"a": }', 'a value was expected at byte 6, but "}" was found'],
    ['no comma', '{"a": 1 "b": 2}', 'a comma or } was expected at byte 8'],
    ['a comma too many', '{"a": 1,}', 'a key in double quotes was expected at byte 8'],
    ['a word that is none', '{"a": True}', '"True" is not a JSON value', 'a'],
    ['a number with a zero in front', '{"b": 012}', '"012" is not a JSON value', 'b'],
    ['a number without decimals', '{"a": 1.}', '"1." is not a JSON value', 'a'],
    ['a number with a plus', '{"a": +1}', '"+1" is not a JSON value', 'a'],
    ['NaN', '{"a": NaN}', '"NaN" is not a JSON value', 'a'],
    ['an escape that is none', '{"a": "\\x41"}', 'is not a JSON value', 'a'],
    ['half an escape', '{"a": "\\u12"}', 'is not a JSON value', 'a'],
    ['a tab in a string', '{"a": "x\ty"}', 'is not a JSON value', 'a'],
    [
      'a nested value that is none',
      '{"a": {"x": tru}}',
      '"{\\"x\\": tru}" is not a JSON value',
      'a',
    ],
    ['brackets that do not fit', '{"a": [1}, "b": 2}', 'is not a JSON value', 'a'],
    ['a key that is none', '{"\\x": 1}', 'the key "\\"\\\\x\\"" is not a JSON string'],
    [
      'a key twice',
      '{"a": 1, "a": 2}',
      'the key "a" occurs twice, with values that are written differently',
      'a',
    ],
    ['a key twice, once with escapes', '{"a": 1, "\\u0061": 2}', 'occurs twice', 'a'],
    ['a number twice, written otherwise', '{"a": 1, "a": 1.0}', 'occurs twice', 'a'],
    ['a value that nobody wants', '{"ignored": nul}', '"nul" is not a JSON value', 'ignored'],
  ])('%s', (_, line, reason, column) => {
    for (const others of ['reject', 'keep', 'ignore', 'add'] as const) {
      expect(read(line, { others, ignored: ['ignored'] })).toMatchObject({
        code: 'bad_record',
        reason: expect.stringContaining(reason),
        column,
      });
    }
  });

  it.each<[string, Buffer, string, string]>([
    ['bytes that are no UTF-8', Buffer.from('{"a": "\xff"}', 'latin1'), 'invalid_utf8', 'UTF-8'],
    ['a NUL byte', Buffer.from('{"a": "\0"}'), 'nul_byte', 'at byte 7'],
    ['a NUL byte behind the object', Buffer.from('{}\0'), 'nul_byte', 'at byte 2'],
  ])('%s', (_, line, code, reason) => {
    expect(read(line)).toMatchObject({ code, reason: expect.stringContaining(reason) });
  });

  it('deep nesting is none, if it is JSON', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(read(`{"a": ${deep}, "b": 1}`)).toEqual([deep, '1']);
    expect(read(`{"a": ${deep}], "b": 1}`)).toMatchObject({ code: 'bad_record' });
  });
});

describe('other keys', () => {
  const LINE = '{"x": "1", "a": 1, "y" : {"z": [1.0]}, "x": "1", "\\u0071": null}';

  it('are the fault of the record by `reject`, once it is known to be JSON', () => {
    expect(read(LINE)).toMatchObject({
      code: 'unknown_key',
      column: 'x',
      reason: expect.stringMatching(/declared for "x", "y", "q".*--on-new-column/),
    });
    expect(read(`${LINE}}`)).toMatchObject({ code: 'bad_record' });
    const many = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`k${i}`, i]));
    expect(read(JSON.stringify(many))).toMatchObject({ reason: expect.stringContaining('3 more') });
  });

  it('are members of a last field by `keep`, as they are written', () => {
    const fields = read(LINE, { others: 'keep' });
    expect(fields).toEqual(['1', null, '{"x":"1","y":{"z": [1.0]},"\\u0071":null}']);
    expect(read('{"a": 1}', { others: 'keep' })).toEqual(['1', null, null]);
  });

  it('lose nothing by `keep`: a key twice is a fault, on any level', () => {
    for (const line of ['{"x": 1, "x": 2}', '{"x": [{"z": 1, "z": 2}]}']) {
      expect(read(line, { others: 'keep' })).toMatchObject({ code: 'bad_record', column: 'x' });
    }
    expect(read('{"x": {"z": 1, "z": 1}}', { others: 'keep' })).toEqual([
      null,
      null,
      '{"x":{"z": 1, "z": 1}}',
    ]);
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(read(`{"x": ${deep}}`, { others: 'keep' })).toMatchObject({ code: 'bad_record' });
  });

  it('are named in a last field by `ignore`', () => {
    expect(read(LINE, { others: 'ignore' })).toEqual(['1', null, '["x","y","q"]']);
    expect(read('{"a": 1}', { others: 'ignore' })).toEqual(['1', null, null]);
  });

  it('become fields by `add`, each when it comes', () => {
    const form = { ...OPEN, keys: ['a'] };
    const bytes = Buffer.from('{"a": 1}\n{"é": 2, "a": 3}\n{"c": 4}\n{"é": 5}\n');
    expect(parseLines(bytes, form)).toEqual([
      ['1'],
      ['3', '2'],
      [null, null, '4'],
      [null, '5', null],
    ]);
    const parser = new JsonlParser(form);
    const batch = new RecordBatch(1);
    const line = Buffer.from('{"é": 1}');
    [batch.count, batch.start[0], batch.end[0]] = [1, 0, line.length];
    parser.parse(line, batch, () => {});
    expect(parser.fields).toEqual(['a', 'é']);
  });

  it('are passed over if the table says so, whatever becomes of others', () => {
    for (const others of ['reject', 'keep', 'ignore', 'add'] as const) {
      const fields = read('{"a": 1, "x": 2, "x": 3}', { others, ignored: ['x'] });
      expect((fields as string[]).slice(0, 2)).toEqual(['1', null]);
    }
  });

  it('may be called like what every object of JavaScript has', () => {
    const line = '{"__proto__": 1, "constructor": {"a": 2}, "toString": 3}';
    const keys = ['__proto__', 'constructor', 'toString'];
    expect(read(line, { keys })).toEqual(['1', '{"a": 2}', '3']);
    expect(read(line, { others: 'ignore' })).toEqual([null, null, JSON.stringify(keys)]);
  });
});

/** JSON of any form, with blanks and escapes as programs may write them. */
const SPACE = fc.constantFrom('', '', ' ', '\t', '  ');
const ESCAPED = fc
  .tuple(fc.string({ unit: 'grapheme', maxLength: 6 }), fc.infiniteStream(fc.nat(3)))
  .map(([text, dice]) => {
    const parts = [...JSON.stringify(text).slice(1, -1)].map((unit) => {
      const code = unit.charCodeAt(0);
      const isPlain = unit.length === 1 && unit !== '\\' && unit !== '"';
      return isPlain && dice.next().value === 0 && code > 0x7f
        ? `\\u${code.toString(16).padStart(4, '0')}`
        : unit;
    });
    return `"${parts.join('')}"`;
  });
const VALUE = fc.oneof(
  ESCAPED,
  fc.constantFrom('0', '-0', '1', '12.50', '1e5', '-3E-7', '99999999999999999999', '1e999'),
  fc.constantFrom('true', 'false', 'null'),
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
);
const MEMBER = fc.tuple(fc.constantFrom('"a"', '"b"', '"\\u0061"'), VALUE, SPACE, SPACE, SPACE);
const OBJECT = fc
  .tuple(fc.array(MEMBER, { maxLength: 3 }), SPACE, SPACE)
  .map(([members, before, behind]) => {
    const list = members.map(([key, value, ...s]) => `${s[0]}${key}${s[1]}:${s[2]}${value}`);
    return `${before}{${list.join(',')}}${behind}`;
  });
const NOISE = fc
  .tuple(OBJECT, fc.nat(60), fc.constantFrom('', '"', '{', '}', '[', ',', ':', '\\', 'x', '1', ' '))
  .map(([text, at, sign]) => text.slice(0, at) + sign + text.slice(at + 1));

describe('whatever the line', () => {
  it('what JSON.parse takes for an object is one, with the same values, and nothing else is', () => {
    fc.assert(
      fc.property(fc.oneof(OBJECT, NOISE), (text) => {
        const line = text.toWellFormed();
        if (/^[ \t]*$/.test(line)) return;
        const record = parseLine(line);
        let value: unknown;
        try {
          value = JSON.parse(line);
        } catch {
          value = undefined;
        }
        if (typeof value !== 'object' || value === null || Array.isArray(value)) {
          expect(record).toMatchObject({ code: 'bad_record' });
          return;
        }
        if (record instanceof Fault) {
          // Which JSON.parse does not see.
          expect(['unknown_key', 'bad_record']).toContain(record.code);
          if (record.code === 'bad_record') expect(record.reason).toContain('occurs twice');
          return;
        }
        for (const [i, key] of ['a', 'b'].entries()) {
          const expected = (value as Record<string, unknown>)[key] ?? null;
          const found = asText(record![i]);
          if (expected === null || typeof expected === 'string') expect(found).toBe(expected);
          else expect(JSON.parse(found!)).toEqual(expected);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('each line of random bytes is a fault, or a record', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      OBJECT.chain((text) =>
        fc.tuple(fc.nat(text.length), fc.nat(255)).map(([at, byte]) => {
          const damaged = Buffer.from(text);
          if (at < damaged.length) damaged[at] = byte;
          return damaged;
        }),
      ),
    );
    fc.assert(
      fc.property(bytes, (raw) => {
        const buffer = Buffer.from(raw);
        const lines = buffer
          .toString('latin1')
          .split('\n')
          .filter((line) => /[^ \t\r]/.test(line));
        const records = parseLines(buffer, { ...OPEN, keys: ['a'] });
        expect(records).toHaveLength(lines.length);
        for (const record of records) {
          expect(record instanceof Fault || Array.isArray(record)).toBe(true);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
