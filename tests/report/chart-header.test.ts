/** The chart line in the header of a report: its faults have file and line. */
import { describe, expect, it } from 'vitest';
import { parseReport } from '../../src/report/report.js';

describe('in a header', () => {
  const parse = (header: string) => parseReport(`-- title: T\n${header}\nSELECT 1`, 'r', 'r.sql');

  it('is read, also over two lines', () => {
    expect(parse('-- chart: line x=a\n--   y=b top=3').chart).toEqual({
      mark: 'line',
      x: 'a',
      y: ['b'],
      top: 3,
      line: 2,
    });
    expect(parse('-- description: d').chart).toBeUndefined();
  });

  it.each([
    ['-- chart: pie x=a y=b', 'r.sql:2'],
    ['-- description: d\n-- chart: line x=a', 'r.sql:3'],
    ['-- chart: none\n-- chart: none', 'r.sql:3'],
    ['-- description: d\n-- chart: bar x=a y=b limit=:hours', 'r.sql:3'],
  ])('%s is reported with its line', (header, place) => {
    expect(() => parse(header)).toThrow(expect.objectContaining({ code: 'report_failed', place }));
  });
});
