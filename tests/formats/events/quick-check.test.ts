/** What passes the quick check, the whole schema takes as well. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { changeSchema } from '../../../src/events/event-schema.js';
import { toEventTable } from '../../../src/events/event-table.js';
import { QuickCheck } from '../../../src/formats/events/quick-check.js';
import { parseModel } from '../../../src/model/schema.js';
import { COLUMN_TYPES } from '../../../src/model/types.js';

const TABLE = toEventTable(
  parseModel({
    t: {
      key: ['id', 'c_text'],
      columns: {
        id: 'int',
        ...Object.fromEntries(COLUMN_TYPES.map((type) => [`c_${type}`, type])),
      },
    },
  }).tables[0]!,
);
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(changeSchema(TABLE));
const quick = new QuickCheck(TABLE);

const value = fc.constantFrom<unknown>(
  ...[
    null,
    0,
    7,
    -32769,
    1.5,
    3e9,
    true,
    '',
    'x',
    '7',
    '-0',
    '007',
    '1.50',
    'NaN',
    'Infinity',
    [1],
    { a: 1 },
  ],
  ...[
    '2026-01-31',
    '2026-01-31T10:00:00.000000',
    '2026-01-31T10:00:00.000000Z',
    '0044-03-15 BC',
    'infinity',
  ],
  'aaaaaaaa-0000-4000-8000-000000000000',
);
const names = fc.constantFrom('id', 'c_text', ...COLUMN_TYPES.map((type) => `c_${type}`), 'other');
const attributes = fc.oneof(
  fc.dictionary(names, value, { maxKeys: 4 }),
  fc.dictionary(names, value, { maxKeys: 3 }).map((more) => ({ ...more, id: 7, c_text: 'x' })),
  fc.constantFrom({ id: 7, c_text: 'x' }),
);
const whole = fc.record(
  {
    op: fc.constantFrom('create', 'read', 'update', 'delete', 'truncate', 'other'),
    key: fc.oneof({ weight: 4, arbitrary: fc.constant({ id: 7, c_text: 'x' }) }, attributes),
    after: attributes,
    before: attributes,
    partial: fc.constantFrom(true, false, true, 1),
    transaction: fc.constantFrom('1', '2', 1),
    more: fc.constant(1),
  },
  { requiredKeys: ['op', 'key'] },
);

/** A member that no event has, now and then. */
const data = fc.tuple(whole, fc.nat(9)).map(([one, n]) => {
  const { more: _, ...rest } = one;
  return n === 0 ? one : rest;
});

it('whatever the data', () => {
  let accepted = 0;
  fc.assert(
    fc.property(data, (one) => {
      if (!quick.accepts(one)) return;
      accepted++;
      expect(validate(one), JSON.stringify(one)).toBe(true);
    }),
    { numRuns: 20_000 },
  );
  expect(accepted).toBeGreaterThan(100);
});
