/** What a change of a table means to readers of its schemas, as published texts tell. */
import { describe, expect, it } from 'vitest';
import { compareShapes, compatibilityOf } from '../../src/codegen/compare-shapes.js';
import { schemaFiles } from '../../src/codegen/json-schema.js';
import { readShape } from '../../src/codegen/schema-shape.js';
import { toEventTable } from '../../src/events/event-table.js';
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
