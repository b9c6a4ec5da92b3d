/** What tasks see of tables that are folded from change events. */
import { expect, it } from 'vitest';
import { isRealizable, withRealized } from '../../src/model/realized-model.js';
import { toModel } from '../../src/model/schema.js';

const columns = { id: 'int', name: 'text' } as const;
const namesOf = (input: Parameters<typeof toModel>[0], captured: string[] = []) =>
  withRealized(toModel(input), captured).tables.map((table) => [
    table.name,
    table.columns.map(({ name }) => name),
    table.lineageColumn,
  ]);

it('leaves tables alone that nothing says to be realized', () => {
  expect(namesOf({ items: { key: 'id', columns } }, ['others'])).toEqual([
    ['items', ['id', 'name'], 'load_id'],
  ]);
});

it.each([
  ['a key', { columns }],
  [
    'no partitions',
    {
      key: ['id', 'day'],
      columns: { id: 'int', day: 'date' },
      'partition-by': { column: 'day', every: 'month' },
    },
  ],
  [
    'no column that no event fills',
    { key: 'id', columns: { id: 'int', x: { type: 'int', constant: '1' } } },
  ],
] as const)('leaves captured tables alone that edp realize refuses: they need %s', (_, table) => {
  const model = toModel({ items: table as never });
  expect(withRealized(model, ['items'])).toEqual(model);
  expect(isRealizable(model.tables[0]!)).toBe(false);
});

it('adds the columns that edp fills, in place of the number of a load', () => {
  const added = [['items', ['id', 'name', 'deleted_at', 'change_sequence'], undefined]];
  expect(namesOf({ items: { key: 'id', columns } }, ['items'])).toEqual(added);
  expect(namesOf({ items: { key: 'id', columns, version: 2 } })).toEqual(added);
});

it('adds none that the table declares, and none for rows that go', () => {
  const made = { ...columns, made: 'timestamptz', gone: 'timestamptz' } as const;
  expect(
    namesOf({
      items: { key: 'id', columns: made, 'soft-delete': 'gone', timestamps: ['made', 'changed'] },
      plain: { key: 'id', columns, 'soft-delete': false },
    }),
  ).toEqual([
    ['items', ['id', 'name', 'made', 'gone', 'changed', 'change_sequence'], undefined],
    ['plain', ['id', 'name', 'change_sequence'], undefined],
  ]);
});

it('has the history as a table of its own, in the same schema', () => {
  const [, history] = withRealized(
    toModel({ 'sales.items': { key: 'id', columns, history: true } }),
    [],
  ).tables;
  expect(history).toMatchObject({ name: 'sales.items_history', key: ['id', 'valid_from'] });
  expect(history?.columns.map(({ name }) => name)).toEqual([
    'id',
    'name',
    'change_sequence',
    'valid_from',
    'valid_to',
    'is_current',
  ]);
});
