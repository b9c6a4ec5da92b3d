/** Values of events: made of texts, and held against what the server stores. */
import { describe, expect, it } from 'vitest';
import { storableOf, toEventValue } from '../../../src/formats/events/event-values.js';
import type { ColumnType } from '../../../src/model/types.js';

describe('toEventValue', () => {
  it.each<[ColumnType, string, unknown]>([
    ['int', '12.0', 12],
    ['bigint', '+007', '7'],
    ['numeric', '1e3', '1000'],
    ['numeric', '-0.50', '-0.50'],
    ['numeric', '.5', '0.5'],
    ['numeric', 'nan', 'NaN'],
    ['double', '-inf', '-Infinity'],
    ['boolean', 'yes', true],
    ['date', '20260131', '2026-01-31'],
    ['timestamp', '2026-01-31 10:00', '2026-01-31T10:00:00.000000'],
    ['timestamptz', '2026-01-31 10:00+01', '2026-01-31T09:00:00.000000Z'],
    ['timestamptz', 'infinity', 'infinity'],
    ['uuid', '{AAAAAAAABBBB4CCC8DDDEEEEEEEEEEEE}', 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'],
    ['jsonb', '{"a":1}', { a: 1 }],
    ['int', 'x', 'x'],
  ])('%s %s', (type, text, value) => {
    expect(toEventValue(type, text)).toEqual(value);
  });
});

describe('what a schema takes and the server does not', () => {
  it.each<[ColumnType, unknown, boolean]>([
    ['bigint', '9223372036854775807', true],
    ['bigint', '9223372036854775808', false],
    ['date', '2026-02-30', false],
    ['date', '2024-02-29', true],
    ['date', '0001-02-29 BC', true],
    ['date', '0000-01-01', false],
    ['timestamp', '294277-01-01T00:00:00.000000', false],
    ['timestamptz', 'infinity', true],
    ['real', 1e300, false],
    ['real', 1.5, true],
    ['numeric', '1'.repeat(200_000), false],
  ])('%s %s', (type, value, isStorable) => {
    expect(storableOf(type)!(value) === undefined).toBe(isStorable);
  });
});
