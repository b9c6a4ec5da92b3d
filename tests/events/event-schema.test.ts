/** What the schemas of events take and refuse, by a validator that is strict. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { readSchemaPath, schemaPath } from '../../src/events/change-event.js';
import { changeSchema, realizedSchema } from '../../src/events/event-schema.js';
import { type EventTable, toEventTable } from '../../src/events/event-table.js';
import { parseModel } from '../../src/model/schema.js';
import { COLUMN_TYPES, type ColumnType } from '../../src/model/types.js';

type Tables = Parameters<typeof parseModel>[0];

function eventTable(input: Tables[string], calculated?: readonly string[]): EventTable {
  return toEventTable(parseModel({ accounts: input }).tables[0]!, calculated);
}

function compile(schema: object) {
  const validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema);
  return (value: unknown): boolean => validate(value);
}

const ACCOUNTS = eventTable(
  {
    key: 'id',
    description: 'who owes whom',
    columns: {
      id: 'bigint',
      name: { type: 'text', nullable: false, description: 'as on the contract' },
      balance: 'numeric',
      risk: 'int',
    },
  },
  ['risk'],
);
const KEY = { id: '17' };
const AFTER = { id: '17', name: 'Ann', balance: '1.50' };

describe('a change', () => {
  const isValid = compile(changeSchema(ACCOUNTS));

  it.each([
    ['a create without what is calculated', { op: 'create', key: KEY, after: AFTER }],
    ['a create with it', { op: 'create', key: KEY, after: { ...AFTER, risk: 3 } }],
    ['a read', { op: 'read', key: KEY, after: { ...AFTER, risk: null }, transaction: '7' }],
    ['an update', { op: 'update', key: KEY, after: { name: 'B' }, before: { name: 'A' } }],
    ['an update of everything', { op: 'update', key: KEY, after: AFTER, partial: false }],
    [
      'a NULL that the source has promised not to have',
      { op: 'update', key: KEY, after: { name: null } },
    ],
    ['a delete', { op: 'delete', key: KEY }],
    ['a delete with what was there', { op: 'delete', key: KEY, before: AFTER }],
    ['a truncate', { op: 'truncate', transaction: '8' }],
    [
      'a failed calculation',
      { op: 'update', key: KEY, after: { risk: null }, errors: { risk: 'no' } },
    ],
  ])('may be %s', (_, data) => {
    expect(isValid(data)).toBe(true);
  });

  it.each([
    ['of an unknown kind', { op: 'upsert', key: KEY, after: AFTER }],
    ['without a kind', { key: KEY, after: AFTER }],
    [
      'a create that lacks an attribute',
      { op: 'create', key: KEY, after: { id: '17', name: 'A' } },
    ],
    ['a create that lacks its key', { op: 'create', after: AFTER }],
    ['a create with a state before', { op: 'create', key: KEY, after: AFTER, before: AFTER }],
    ['an update without attributes', { op: 'update', key: KEY }],
    ['a delete without a key', { op: 'delete' }],
    ['a delete with a state behind it', { op: 'delete', key: KEY, after: AFTER }],
    ['a truncate with a key', { op: 'truncate', key: KEY }],
    ['of an unknown attribute', { op: 'update', key: KEY, after: { shoe: 1 } }],
    ['of a key that is null', { op: 'update', key: { id: null }, after: {} }],
    ['of more than the key', { op: 'delete', key: { id: '17', name: 'A' } }],
    ['a bigint as a number', { op: 'delete', key: { id: 17 } }],
    ['a numeric as a number', { op: 'update', key: KEY, after: { balance: 1.5 } }],
  ])('cannot be %s', (_, data) => {
    expect(isValid(data)).toBe(false);
  });

  it('may lack all but the key where nobody says what is calculated', () => {
    const loose = compile(
      changeSchema(eventTable({ key: 'id', columns: { id: 'int', a: 'text' } })),
    );
    expect(loose({ op: 'create', key: { id: 1 }, after: { id: 1 } })).toBe(true);
    expect(loose({ op: 'create', key: { id: 1 }, after: { a: 'x' } })).toBe(false);
  });

  it('says what people said of the model', () => {
    expect(changeSchema(ACCOUNTS)).toMatchObject({
      $id: 'schemas/accounts/change/v1.json',
      description: 'who owes whom',
      $defs: { attributes: { properties: { name: { description: 'as on the contract' } } } },
    });
  });
});

const GOOD: Readonly<Record<ColumnType, readonly unknown[]>> = {
  smallint: [-32768, 0, 32767],
  int: [-2147483648, 2147483647],
  bigint: ['0', '-9223372036854775808', '9223372036854775807'],
  real: [1.5, 0, 'NaN', '-Infinity'],
  double: [1e300, 'Infinity'],
  numeric: ['0', '-0.10', '123456789012345678901234567890.5', 'NaN', 'Infinity', '-Infinity'],
  text: ['', 'a\u0000b'],
  boolean: [true, false],
  date: ['2026-11-29', '0044-03-15 BC', '5874897-12-31', 'infinity', '-infinity'],
  timestamp: [
    '2026-11-29T10:00:00.000000',
    '2026-11-29T10:00:00',
    '0044-03-15T00:00:00.000000 BC',
    'infinity',
  ],
  timestamptz: ['2026-11-29T10:00:00.123456Z', '294276-12-31T23:59:59.999999Z', '-infinity'],
  uuid: ['6bfa2a1e-9c3b-5d0c-8a51-3f0d2a1b7c11', '6BFA2A1E-9C3B-5D0C-8A51-3F0D2A1B7C11'],
  json: [null, 1, 'a', [1], { a: 1 }],
  jsonb: [null, true, {}],
};

const BAD: Readonly<Record<ColumnType, readonly unknown[]>> = {
  smallint: [32768, '1', 1.5],
  int: [2147483648, true],
  bigint: [1, '01', '-0', '1.0', '', '12345678901234567890'],
  real: ['1.5', 'nan', true],
  double: ['1', {}],
  numeric: [1, '1e5', '.5', '01', '+1', ''],
  text: [1, false, {}],
  boolean: ['true', 1],
  date: ['2026-13-01', '29.11.2026', '2026-11-29T00:00:00', 20261129],
  timestamp: ['2026-11-29 10:00:00.000000', '2026-11-29T10:00:00.000000Z', '2026-11-29T10:00'],
  timestamptz: ['2026-11-29T10:00:00.123456', '2026-11-29T10:00:00.123456+01:00'],
  uuid: ['6bfa2a1e9c3b5d0c8a513f0d2a1b7c11', 'x'],
  json: [],
  jsonb: [],
};

describe.each(COLUMN_TYPES)('a value of %s', (type) => {
  const table = eventTable({ key: 'id', columns: { id: 'int', value: type } });
  const change = compile(changeSchema(table));
  const realized = compile(realizedSchema(table));
  const verdicts = (value: unknown) => [
    change({ op: 'update', key: { id: 1 }, after: { value } }),
    realized({ id: 1, value, deleted_at: null, change_sequence: '1' }),
  ];

  it('is as the contract says', () => {
    for (const value of [...GOOD[type], null]) {
      expect(verdicts(value), JSON.stringify(value)).toEqual([true, true]);
    }
    for (const value of BAD[type]) {
      expect(verdicts(value), JSON.stringify(value)).toEqual([false, false]);
    }
  });

  it('may be a key, and is then never null', () => {
    const keyed = compile(changeSchema(eventTable({ key: 'id', columns: { id: type } })));
    expect(keyed({ op: 'delete', key: { id: GOOD[type].at(-1) } })).toBe(true);
    if (GOOD[type].includes(null)) return;
    expect(keyed({ op: 'delete', key: { id: null } })).toBe(false);
  });
});

describe('a value that is still to be put right', () => {
  const isValid = compile(
    changeSchema(
      eventTable({
        key: 'id',
        columns: {
          id: 'int',
          price: { type: 'numeric', currency: '€' },
          cut: { type: 'timestamptz', truncate: 'day' },
          risk: { type: 'text', values: { low: ['L'] } },
        },
      }),
    ),
  );
  const update = (after: object) => isValid({ op: 'update', key: { id: 1 }, after });

  it('may have another notation, but is no object', () => {
    expect(update({ price: '€ 1,50' })).toBe(true);
    expect(update({ price: 1.5 })).toBe(true);
    expect(update({ price: [] })).toBe(false);
    expect(update({ cut: '2026' })).toBe(false);
    expect(update({ risk: 'L' })).toBe(true);
  });
});

describe('a realized row', () => {
  it('has the columns that realize adds, each once', () => {
    const table = { ...ACCOUNTS, timestamps: ['created_at', 'name'] as const };
    expect(Object.keys(realizedSchema(table).properties as object)).toEqual([
      'id',
      'name',
      'balance',
      'risk',
      'created_at',
      'deleted_at',
      'change_sequence',
    ]);
    expect(
      Object.keys(realizedSchema({ ...ACCOUNTS, softDelete: false }).properties as object),
    ).not.toContain('deleted_at');
  });
});

describe('the path of a schema', () => {
  it.each(['accounts', 'sales.orders', 'Straße', 'a/b', '..', '.', '50%', 'a b', '"a.b"'])(
    'has one segment for %s, which leads back to it',
    (table) => {
      const path = schemaPath(table, 3);
      expect(path).toMatch(/^schemas\/[\w.%!~*'()-]+\/change\/v3\.json$/);
      expect(path.split('/')[1]).not.toMatch(/^\.+$/);
      expect(readSchemaPath(path)).toEqual({ table, version: 3 });
    },
  );
});
