/** What a change of a table means to readers of its schemas, as published texts tell. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { compareShapes, compatibilityOf } from '../../src/codegen/compare-shapes.js';
import { readShape } from '../../src/codegen/schema-shape.js';
import { schemaFiles } from '../../src/codegen/targets/json-schema/json-schema.js';
import { toEventTable } from '../../src/events/event-table.js';
import { valueSchema } from '../../src/events/value-schema.js';
import type { Migration } from '../../src/model/model.js';
import { parseModel } from '../../src/model/schema.js';
import { COLUMN_TYPES } from '../../src/model/types.js';

type Input = Parameters<typeof parseModel>[0][string];

function shapeOf(input: Input, calculated?: readonly string[]) {
  const [table] = parseModel({ t: input }).tables;
  const [change, realized] = schemaFiles(toEventTable(table!, calculated));
  return readShape(change!.text, realized!.text);
}

const withColumns = (columns: Input['columns'], more: Partial<Input> = {}): Input => ({
  key: 'id',
  columns: { id: 'bigint', ...columns },
  ...more,
});

function judge(before: Input, after: Input, steps: readonly Migration[] = []) {
  const changes = compareShapes(shapeOf(before), shapeOf(after), steps);
  return [
    compatibilityOf(changes),
    ...changes.map(({ kind, attribute }) => `${kind} ${attribute ?? ''}`.trim()),
  ];
}

describe('a change of a table', () => {
  const a = withColumns({ a: 'int' });

  it.each<[string, Input, Input, string[]]>([
    ['nothing', a, a, ['full']],
    ['a description', a, withColumns({ a: { type: 'int', description: 'x' } }), ['full']],
    ['NOT NULL', a, withColumns({ a: { type: 'int', nullable: false } }), ['full']],
    [
      'the order',
      withColumns({ a: 'int', b: 'int' }),
      withColumns({ b: 'int', a: 'int' }),
      ['full'],
    ],
    ['another attribute', a, withColumns({ a: 'int', b: 'text' }), ['backward', 'added b']],
    ['an attribute less', a, withColumns({}), ['forward', 'removed a']],
    ['another name', a, withColumns({ b: 'int' }), ['none', 'removed a', 'added b']],
    ['a wider type', a, withColumns({ a: 'double' }), ['backward', 'values a']],
    ['a narrower type', a, withColumns({ a: 'smallint' }), ['forward', 'values a']],
    ['a number as text', a, withColumns({ a: 'bigint' }), ['none', 'values a']],
    ['real and double', withColumns({ a: 'real' }), withColumns({ a: 'double' }), ['full']],
    ['json and jsonb', withColumns({ a: 'json' }), withColumns({ a: 'jsonb' }), ['full']],
    ['a correction', a, withColumns({ a: { type: 'int', trim: true } }), ['backward', 'values a']],
    [
      'NULL again',
      withColumns({ a: { type: 'int', nullable: false } }),
      withColumns({ a: { type: 'int', default: 7 } }),
      ['full'],
    ],
    [
      'a value more of a text',
      withColumns({ a: { type: 'text', values: { low: ['L'] } } }),
      withColumns({ a: { type: 'text', values: { low: ['L'], high: ['H'] } } }),
      ['full'],
    ],
    [
      'a value less of a text',
      withColumns({ a: { type: 'text', values: { low: ['L'], high: ['H'] } } }),
      withColumns({ a: { type: 'text', values: { low: ['L'] } } }),
      ['full'],
    ],
    [
      'a value more and less of a number',
      withColumns({ a: { type: 'int', values: { 1: ['one'], 2: [] } } }),
      withColumns({ a: { type: 'int', values: { 1: ['one'], 3: [] } } }),
      ['full'],
    ],
    [
      'the first values of a number',
      a,
      withColumns({ a: { type: 'int', values: { 1: ['one'] } } }),
      ['backward', 'values a'],
    ],
    [
      'no correction any more',
      withColumns({ a: { type: 'int', trim: true } }),
      a,
      ['forward', 'values a'],
    ],
    ['a text as a number', withColumns({ a: 'text' }), a, ['none', 'values a']],
    [
      'a time as a text',
      withColumns({ a: 'date' }),
      withColumns({ a: 'text' }),
      ['backward', 'values a'],
    ],
    [
      'a time with a zone',
      withColumns({ a: 'timestamp' }),
      withColumns({ a: 'timestamptz' }),
      ['none', 'values a'],
    ],
    ['a column of the key less', { ...a, key: ['id', 'a'] }, a, ['none', 'key', 'values a']],
    [
      'the order of the key',
      { ...a, key: ['id', 'a'] },
      { ...a, key: ['a', 'id'] },
      ['none', 'key'],
    ],
    [
      'a key of another type',
      a,
      { key: 'id', columns: { id: 'uuid', a: 'int' } },
      ['none', 'values id'],
    ],
    [
      'an attribute more and one of more values',
      a,
      withColumns({ a: 'double', b: 'text' }),
      ['backward', 'values a', 'added b'],
    ],
    [
      'an attribute more and one less',
      a,
      withColumns({ b: 'text' }),
      ['none', 'removed a', 'added b'],
    ],
    ['the key', a, { ...a, key: ['id', 'a'] }, ['none', 'key', 'values a']],
    [
      'another soft delete',
      a,
      { ...a, 'soft-delete': 'gone' },
      ['none', 'removed deleted_at', 'added gone'],
    ],
    ['no soft delete', a, { ...a, 'soft-delete': false }, ['forward', 'removed deleted_at']],
    ['times', a, { ...a, timestamps: ['c', 'u'] }, ['backward', 'added c', 'added u']],
  ])('of %s', (_, before, after, expected) => {
    expect(judge(before, after)).toEqual(expected);
  });

  it.each<[string, Input, Input, Migration, string[]]>([
    ['a name', a, withColumns({ b: 'int' }), { rename: { a: 'b' } }, ['backward', 'renamed b']],
    ['what is dropped', a, withColumns({}), { drop: ['a'] }, ['full', 'removed a']],
    [
      'a name, and another type',
      a,
      withColumns({ b: 'text' }),
      { rename: { a: 'b' } },
      ['none', 'renamed b', 'values b'],
    ],
    [
      'a name that is given again',
      withColumns({ a: 'int', b: 'text' }),
      withColumns({ a: 'text' }),
      { rename: { b: 'a' }, drop: ['a'] },
      ['backward', 'removed a', 'renamed a'],
    ],
  ])('is lifted by a step: %s', (_, before, after, step, expected) => {
    expect(judge(before, after, [step])).toEqual(expected);
  });

  it('follows several steps', () => {
    const steps: Migration[] = [{ rename: { a: 'b' } }, { rename: { b: 'c' } }];
    expect(judge(a, withColumns({ c: 'int' }), steps)).toEqual(['backward', 'renamed c']);
  });

  it('tells what a create may lack, which breaks nothing', () => {
    const changes = compareShapes(shapeOf(a, []), shapeOf(a, ['a']));
    expect(changes).toMatchObject([
      { kind: 'lacking', attribute: 'a', before: 'each create has it', breaks: [] },
    ]);
  });
});

/** Values of the type, as events write them, that no narrower one has. */
describe('wider types', () => {
  const wider = COLUMN_TYPES.flatMap((before) =>
    COLUMN_TYPES.filter((after) => {
      const [compatibility] = judge(withColumns({ a: before }), withColumns({ a: after }));
      return compatibility === 'backward';
    }).map((after) => `${before} → ${after}`),
  );

  it('are those that have all values of the narrower ones', () => {
    expect(wider).toEqual([
      ...['int', 'real', 'double', 'json', 'jsonb'].map((type) => `smallint → ${type}`),
      ...['real', 'double', 'json', 'jsonb'].map((type) => `int → ${type}`),
      ...['numeric', 'text', 'json', 'jsonb'].map((type) => `bigint → ${type}`),
      ...['real', 'double'].flatMap((type) => [`${type} → json`, `${type} → jsonb`]),
      ...['text', 'json', 'jsonb'].map((type) => `numeric → ${type}`),
      ...['text', 'boolean'].flatMap((type) => [`${type} → json`, `${type} → jsonb`]),
      ...['date', 'timestamp', 'timestamptz', 'uuid'].flatMap((type) =>
        ['text', 'json', 'jsonb'].map((after) => `${type} → ${after}`),
      ),
    ]);
  });
});

/** Values of each type, as events write them, at the ends of what it has. */
const SAMPLES: Readonly<Record<(typeof COLUMN_TYPES)[number], readonly unknown[]>> = {
  smallint: [0, -32_768, 32_767],
  int: [-2_147_483_648, 2_147_483_647],
  bigint: ['0', '-9223372036854775808', '9223372036854775807'],
  real: [0.5, 'NaN', '-Infinity'],
  double: [1e300, 'Infinity'],
  numeric: ['12.50', 'NaN', '-Infinity', '1'.repeat(40)],
  text: ['', 'a', '12'],
  boolean: [true, false],
  date: ['2026-11-29', '0044-03-15 BC', 'infinity'],
  timestamp: ['2026-11-29T10:00:00.123456', '-infinity'],
  timestamptz: ['2026-11-29T10:00:00.123456Z', 'infinity'],
  uuid: ['6bfa2a1e-9c3b-5d0c-8a51-3f0d2a1b7c11'],
  json: [{ a: [1] }, 'a', 1, true],
  jsonb: [[], 'a', 1.5, false],
};

describe('a validator agrees', () => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
  const validators = new Map(
    COLUMN_TYPES.map((type) => [type, ajv.compile(valueSchema(type, true))] as const),
  );
  const takesAll = (reader: (typeof COLUMN_TYPES)[number], writer: typeof reader) =>
    [...SAMPLES[writer], null].every((value) => validators.get(reader)!(value));

  it.each(COLUMN_TYPES)('with what a change of %s breaks', (before) => {
    for (const after of COLUMN_TYPES) {
      const [said] = judge(withColumns({ a: before }), withColumns({ a: after }));
      const isBackward = takesAll(after, before);
      const isForward = takesAll(before, after);
      const expected = isBackward
        ? isForward
          ? 'full'
          : 'backward'
        : isForward
          ? 'forward'
          : 'none';
      expect([after, said]).toEqual([after, expected]);
    }
  });
});

describe('a schema of another version of edp', () => {
  it('is the same as far as its texts are, and otherwise breaks both ways', () => {
    const older = shapeOf(a());
    const attribute = { ...older.attributes.get('a')!, kind: 'unknown' as const, text: '{"x":1}' };
    const odd = { ...older, attributes: new Map([...older.attributes, ['a', attribute]]) };
    expect(compareShapes(odd, odd)).toEqual([]);
    expect(compatibilityOf(compareShapes(odd, older))).toBe('none');
  });

  function a(): Input {
    return withColumns({ a: 'int' });
  }
});
