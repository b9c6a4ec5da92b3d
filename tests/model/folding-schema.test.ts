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
    [
      'a key of JSON',
      { version: 2, key: ['id', 'doc'], columns: { id: 'int', doc: 'jsonb' } },
      /^t\.columns\.doc: a key of change events cannot be jsonb/,
    ],
    [
      'partitions',
      {
        version: 2,
        key: ['id', 'day'],
        columns: { id: 'int', day: 'date' },
        'partition-by': { column: 'day', every: 'month' },
      },
      /^t\.partition-by: `version` is for change events; .* no partitions/,
    ],
    [
      'a constant column',
      { history: true, columns: { id: 'int', kind: { type: 'text', constant: 'x' } } },
      /^t\.columns\.kind\.constant: `history` .* none that is constant/,
    ],
    [
      'a computed column',
      { version: 1, columns: { id: 'int', twice: { type: 'int', computed: 'id + id' } } },
      /^t\.columns\.twice\.computed: /,
    ],
    [
      'timestamps with the default of soft-delete',
      { timestamps: ['made', 'deleted_at'] },
      /^t\.timestamps\.1: "deleted_at" is named twice, which soft-delete names by default/,
    ],
    [
      'a default of soft-delete that is no time',
      { version: 2, columns: { id: 'int', deleted_at: 'boolean' } },
      /^t\.columns\.deleted_at: .* declared as boolean: name another column/,
    ],
    [
      'a time in a column of edp',
      { timestamps: ['made', 'change_sequence'] },
      /^t\.timestamps\.1: edp adds a column "change_sequence" itself/,
    ],
    [
      'a delete in a column of the history',
      { history: true, 'soft-delete': 'valid_to' },
      /^t\.soft-delete: edp adds a column "valid_to" itself/,
    ],
    [
      'a delete in the key',
      { 'soft-delete': 'at', key: ['id', 'at'], columns: { id: 'int', at: 'timestamptz' } },
      /^t\.soft-delete: "at" is of the key/,
    ],
    ['an unknown step', { version: 2, migrations: { 2: { renames: {} } } }, /^t\.migrations\.2: /],
  ])('of %s', (_, more, message) => {
    const faults = faultsOf(more);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(message);
  });

  it.each<[string, string, object, RegExp]>([
    ['is declared', 't', { t_history: BASE }, /^t\.history: its history is the table t_history/],
    ['is declared in quotes', 's.t', { 's."t_history"': BASE }, /^s\.t\.history: its history is/],
    ['has too long a name', 'x'.repeat(60), {}, /^x+\.history: its history would be called x+_hi/],
  ])('of a table whose history %s', (_, name, others, message) => {
    const parsed = tablesSchema.parse({ [name]: { ...BASE, history: true }, ...others });
    const faults = findModelFaults(parsed).map(
      ({ path, message: own }) => `${path.join('.')}: ${own}`,
    );
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
