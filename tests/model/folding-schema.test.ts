/** What a table says of change events, and what is wrong with that. */
import { describe, expect, it } from 'vitest';
import { hashTable } from '../../src/model/hash.js';
import { findModelFaults, parseModel, tablesSchema } from '../../src/model/schema.js';

const BASE = { key: 'id', columns: { id: 'int', name: 'text' } } as const;

function faultsOf(more: object): string[] {
  const parsed = tablesSchema.safeParse({ t: { ...BASE, ...more } });
  if (!parsed.success)
    return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  return findModelFaults(parsed.data).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('faults', () => {
  it.each<[string, object, RegExp]>([
    ['a version of zero', { version: 0 }, /^t\.version: a version is a whole number/],
    ['history without a key', { history: true, key: undefined }, /^t\.history: .*declare `key`/],
    ['one timestamp', { timestamps: ['a'] }, /^t\.timestamps: timestamps is a list of two/],
    ['a timestamp twice', { timestamps: ['a', 'a'] }, /^t\.timestamps\.1: "a" is named twice/],
    ['a time that is text', { 'soft-delete': 'name' }, /^t\.soft-delete: .*declared as text/],
    [
      'soft-delete: true',
      { 'soft-delete': true },
      /^t\.soft-delete: soft-delete is a column, or false/,
    ],
    ['metrics', { version: 2, metrics: { from: 'm', columns: {} } }, /^t\.metrics: /],
    ['versions', { version: 2, versions: true }, /^t\.versions: /],
    [
      'a column of its own',
      { history: true, columns: { id: 'int', valid_to: 'date' } },
      /^t\.columns\.valid_to: /,
    ],
    [
      'a migration to the first version',
      { migrations: { 1: {} } },
      /^t\.migrations\.1: .*version 1/,
    ],
    [
      'a migration behind the last',
      { version: 2, migrations: { 3: {} } },
      /^t\.migrations\.3: migrations lead to/,
    ],
    [
      'a name that is no column',
      { version: 2, migrations: { 2: { rename: { old: 'nome' } } } },
      /^t\.migrations\.2\.rename\.old: "nome" is not a column/,
    ],
    ['an unknown step', { version: 2, migrations: { 2: { renames: {} } } }, /^t\.migrations\.2: /],
  ])('of %s', (_, more, message) => {
    const faults = faultsOf(more);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(message);
  });

  it('are none where a later step renames or drops what an earlier one leaves', () => {
    expect(
      faultsOf({
        version: 3,
        migrations: {
          2: { rename: { a: 'b' }, default: { gone: 1 } },
          3: { rename: { b: 'name' }, drop: ['gone'] },
        },
      }),
    ).toEqual([]);
  });
});

it('changes nothing for loads of files', () => {
  const [plain] = parseModel({ t: { ...BASE, columns: { ...BASE.columns } } }).tables;
  const [folded] = parseModel({
    t: { ...BASE, columns: { ...BASE.columns }, version: 3, history: true, timestamps: ['a', 'b'] },
  }).tables;
  expect(folded).toMatchObject({ version: 3, hasHistory: true, timestamps: ['a', 'b'] });
  expect(hashTable(folded!)).toBe(hashTable(plain!));
});
