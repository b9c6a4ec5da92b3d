import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../src/model/reject-codes.js';
import {
  coerceDate,
  coerceTimestamp,
  DATE_INFINITY,
  DATE_MINUS_INFINITY,
  TIMESTAMP_INFINITY,
  TIMESTAMP_MINUS_INFINITY,
} from '../../src/values/datetime.js';

const MS_2000 = Date.UTC(2000, 0, 1);

/** Days from 2000-01-01, computed by JavaScript's calendar. */
const day = (isoDate: string) => (Date.parse(`${isoDate}T00:00:00Z`) - MS_2000) / 86_400_000;

/** Microseconds from 2000-01-01. @param iso to the millisecond @param micros added to it */
const at = (iso: string, micros = 0) => BigInt(Date.parse(iso) - MS_2000) * 1000n + BigInt(micros);

function codeOf(result: unknown): string | undefined {
  return result instanceof Fault ? result.code : undefined;
}

describe('a date', () => {
  it.each([
    ['2000-01-01', 0],
    ['1999-12-31', -1],
    ['2024-02-29', day('2024-02-29')],
    ['20240229', day('2024-02-29')],
    ['0001-01-01', day('0001-01-01')],
    ['0099-12-31', day('0099-12-31')],
    ['9999-12-31', day('9999-12-31')],
    ['infinity', DATE_INFINITY],
    ['-Infinity', DATE_MINUS_INFINITY],
  ])('%s is taken', (text, days) => {
    expect(coerceDate(text)).toBe(days);
  });

  it.each([
    ...[
      '',
      'x',
      '2024',
      '2024-01',
      '2024-1-5',
      '24-01-31',
      '2024/01/31',
      '31.01.2024',
      ' 2024-01-31',
    ],
    ...['2024-0131', '202401-31', '10000-01-01', '-2024-01-31', '2024-01-31 10:00', '2024-01-31\n'],
    ...[
      '2023-02-29',
      '1900-02-29',
      '2024-04-31',
      '2024-13-01',
      '2024-00-01',
      '2024-01-00',
      '0000-01-01',
    ],
    ...['today', 'now', 'epoch', 'infinit', 'Jan 31 2024'],
  ])('%j is refused', (text) => {
    expect(codeOf(coerceDate(text))).toBe('bad_date');
  });
});

describe('a timestamp', () => {
  it.each([
    ['2000-01-01', 0n],
    ['2024-01-31 10:20', at('2024-01-31T10:20:00Z')],
    ['2024-01-31 10:20:30', at('2024-01-31T10:20:30Z')],
    ['2024-01-31T10:20:30', at('2024-01-31T10:20:30Z')],
    ['20240131T102030', at('2024-01-31T10:20:30Z')],
    ['2024-01-31 10:20:30.5', at('2024-01-31T10:20:30.500Z')],
    ['2024-01-31 10:20:30.123456', at('2024-01-31T10:20:30.123Z', 456)],
    ['0001-01-01 00:00:00', at('0001-01-01T00:00:00Z')],
    ['9999-12-31 23:59:59.999999', at('9999-12-31T23:59:59.999Z', 999)],
    ['infinity', TIMESTAMP_INFINITY],
    ['-infinity', TIMESTAMP_MINUS_INFINITY],
  ])('%s is taken', (text, micros) => {
    expect(coerceTimestamp(text)).toBe(micros);
  });

  it.each([
    ['2024-01-31 10:20:30Z', at('2024-01-31T10:20:30Z')],
    ['2024-01-31T10:20:30+02:00', at('2024-01-31T08:20:30Z')],
    ['2024-01-31T10:20:30-0530', at('2024-01-31T15:50:30Z')],
    ['2024-01-31 00:30 +01', at('2024-01-30T23:30:00Z')],
    ['0001-01-01 00:00:00+01', at('0001-01-01T00:00:00Z') - 3_600_000_000n],
    ['2024-12-31 24:00:00-12', at('2025-01-01T12:00:00Z')],
  ])('%s converts to UTC', (text, micros) => {
    expect(coerceTimestamp(text)).toBe(micros);
  });

  it.each([
    ['2024-01-31 10:20:30.1234564', at('2024-01-31T10:20:30.123Z', 456)],
    ['2024-01-31 10:20:30.1234565', at('2024-01-31T10:20:30.123Z', 456)],
    ['2024-01-31 10:20:30.1234575', at('2024-01-31T10:20:30.123Z', 458)],
    ['2024-12-31 23:59:59.9999999', at('2025-01-01T00:00:00Z')],
    ['2024-01-31 24:00:00', at('2024-02-01T00:00:00Z')],
    ['2024-01-31 10:20:60', at('2024-01-31T10:21:00Z')],
    ['2024-12-31 23:59:60', at('2025-01-01T00:00:00Z')],
  ])('%s is rounded or carried', (text, micros) => {
    expect(coerceTimestamp(text)).toBe(micros);
  });

  it.each([
    ...[
      '',
      'x',
      '1706696430',
      '2024-01-31T',
      '2024-01-31 10',
      '2024-1-5 10:20',
      '10:20',
      '2024-01-31  10:20',
    ],
    ...[
      '2024-01-31 10:2030',
      '2024-01-31 1020:30',
      '2024-01-31 10:20:30.',
      '2024-01-31 10:20:30,5',
    ],
    ...[
      '2023-02-29 10:20',
      '2024-02-30',
      '0000-01-01 10:20',
      '2024-01-31 24:00:01',
      '2024-01-31 25:00',
    ],
    ...['2024-01-31 10:60', '2024-01-31 10:20:61', '2024-01-31 23:59:60.5', '2024-01-31 10:20 PM'],
    ...[
      '2024-01-31 10:20+16',
      '2024-01-31 10:20+05:60',
      '2024-01-31 10:20+2',
      '2024-01-31 10:20 UTC',
    ],
    ...['now', 'today', 'epoch', '2024-01-31 10:20\n', ' 2024-01-31 10:20'],
  ])('%j is refused', (text) => {
    expect(codeOf(coerceTimestamp(text))).toBe('bad_timestamp');
  });

  it('is what JavaScript prints of any moment', () => {
    const moments = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(moments, (moment) => {
        const iso = moment.toISOString();
        expect(coerceTimestamp(iso)).toBe(at(iso));
        expect(coerceTimestamp(iso.replace('T', ' ').slice(0, 23))).toBe(at(iso));
        expect(coerceDate(iso.slice(0, 10))).toBe(day(iso.slice(0, 10)));
      }),
      { numRuns: 1000 },
    );
  });
});
