/** However a value of a key is spelled, it is one text; and two values are two. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalKeyText } from '../../src/events/event-key.js';
import type { ColumnType } from '../../src/model/types.js';

const MOMENT = '2026-11-29T10:00:00';

describe('the text of a value', () => {
  it.each<[ColumnType, readonly unknown[], string]>([
    ['numeric', ['0', '-0', '0.0', '-0.00'], '0'],
    ['numeric', ['1.5', '1.500'], '1.5'],
    ['numeric', ['2', '2.00'], '2'],
    ['numeric', ['100'], '100'],
    ['int', [5, 5.0], '5'],
    ['int', [0, -0], '0'],
    ['double', [1000, 1e3], '1000'],
    ['double', [0, -0], '0'],
    ['real', [0.1, 0.10000000149011612], '0.10000000149011612'],
    ['timestamp', [MOMENT, `${MOMENT}.0`, `${MOMENT}.000000`], `${MOMENT}.000000`],
    ['timestamptz', [`${MOMENT}Z`, `${MOMENT}.00Z`], `${MOMENT}.000000Z`],
    ['timestamp', ['0044-03-15T00:00:00 BC'], '0044-03-15T00:00:00.000000 BC'],
    ['timestamp', ['0002026-11-29T10:00:00.5'], `${MOMENT}.500000`],
    ['timestamptz', ['-infinity'], '-infinity'],
    ['date', ['2026-11-29', '0002026-11-29'], '2026-11-29'],
    ['date', ['0044-03-15 BC', '000044-03-15 BC'], '0044-03-15 BC'],
    ['uuid', ['AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE'], 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'],
    ['text', ['1.0'], '1.0'],
    ['boolean', [true], 'true'],
  ])('of %s: %j is %s', (type, spellings, text) => {
    expect(new Set(spellings.map((one) => canonicalKeyText(type, one)))).toEqual(new Set([text]));
  });
});

/** A value, and two ways to spell it. */
const spelled: Readonly<Record<string, fc.Arbitrary<readonly [unknown, unknown]>>> = {
  numeric: fc
    .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat(9), fc.nat(9))
    .map(([whole, a, b]) => [`${whole}.5${'0'.repeat(a)}`, `${whole}.5${'0'.repeat(b)}`]),
  timestamp: fc
    .tuple(fc.date({ min: new Date(0), noInvalidDate: true }), fc.nat(3), fc.nat(3))
    .map(([date, a, b]) => {
      const text = date.toISOString().slice(0, 23).replace(/^\+/, '');
      return [text + '0'.repeat(a), text + '0'.repeat(b)];
    }),
  uuid: fc.uuid().map((text) => [text, text.toUpperCase()]),
  real: fc
    .float({ noNaN: true, noDefaultInfinity: true })
    .map((n) => [n, Number(n.toPrecision(9))]),
};

describe('random spellings', () => {
  it.each(Object.keys(spelled) as ColumnType[])('of one %s are one text', (type) => {
    fc.assert(
      fc.property(spelled[type]!, ([a, b]) => {
        expect(canonicalKeyText(type, a)).toBe(canonicalKeyText(type, b));
      }),
    );
  });

  // The text is itself a spelling of the value.
  it.each(['numeric', 'uuid'] as const)('of %s keep the value', (type) => {
    fc.assert(
      fc.property(spelled[type]!, ([a]) => {
        const text = canonicalKeyText(type, a);
        expect(canonicalKeyText(type, text)).toBe(text);
      }),
    );
  });
});
