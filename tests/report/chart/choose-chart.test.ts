/** The chart of a report that declares none. */
import { describe, expect, it } from 'vitest';
import { chooseChart } from '../../../src/report/chart/choose-chart.js';
import { kindOf, toMilliseconds } from '../../../src/report/chart/column-kinds.js';

const OIDS = { date: 1082, timestamptz: 1184, text: 25, int: 23, numeric: 1700, bool: 16 } as const;

function columnsOf(text: string) {
  return text.split(' ').map((word) => {
    const [name = '', type = ''] = word.split(':');
    return { name, typeOid: OIDS[type as keyof typeof OIDS] };
  });
}

describe('by the types of the columns', () => {
  it.each([
    ['day:date events:int', { mark: 'line', x: 'day', y: ['events'] }],
    ['name:text at:timestamptz n:numeric', { mark: 'line', x: 'at', y: ['n'], by: 'name' }],
    ['name:text n:int m:int', { mark: 'bar', x: 'name', y: ['n'] }],
    ['n:int m:numeric', { mark: 'dot', x: 'n', y: ['m'] }],
    ['load_id:int seconds:numeric', { mark: 'histogram', x: 'seconds', y: [] }],
    ['name:text load_id:int', undefined],
    ['name:text is_late:bool', undefined],
    ['day:date', undefined],
  ])('%s', (columns, expected) => {
    expect(chooseChart(columnsOf(columns), undefined)).toEqual(expected);
  });

  it('what the report declares comes first, also none', () => {
    const columns = columnsOf('day:date events:int');
    expect(chooseChart(columns, { mark: 'none', y: [] })).toBeUndefined();
    const bar = { mark: 'bar', x: 'day', y: ['events'] } as const;
    expect(chooseChart(columns, bar)).toBe(bar);
  });
});

describe('a moment', () => {
  it.each([
    ['1970-01-01', 0],
    ['2024-02-29 12:30:00', Date.UTC(2024, 1, 29, 12, 30)],
    ['2024-02-29 12:30:00.123456+00', Date.UTC(2024, 1, 29, 12, 30, 0, 123)],
    ['2024-01-01 00:00:00+05:30', Date.UTC(2023, 11, 31, 18, 30)],
    ['0044-03-15', Date.parse('0044-03-15T00:00:00Z')],
    ['12024-01-01 00:00:00', Date.UTC(12024, 0, 1)],
    ['infinity', undefined],
    ['0044-03-15 BC', undefined],
    ['294276-12-31 23:59:59', undefined],
  ])('%s', (text, expected) => {
    expect(toMilliseconds(text)).toBe(expected);
  });

  it('is told from other columns', () => {
    expect([1082, 1114, 1184, 20, 1700, 701, 25, 16, 3802].map(kindOf)).toEqual([
      ...['time', 'time', 'time', 'number', 'number', 'number'],
      ...['category', 'category', 'category'],
    ]);
  });
});
