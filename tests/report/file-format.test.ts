/** The suffix of a report's file chooses its format. */
import { describe, expect, it } from 'vitest';
import { formatOfFile } from '../../src/report/file-format.js';

describe('the format of a report', () => {
  it.each([
    ['a.csv', undefined, 'csv'],
    ['a.json', undefined, 'json'],
    ['out/A.JSON', undefined, 'json'],
    ['a.txt', undefined, 'table'],
    ['a.json', 'json', 'json'],
    ['a', undefined, 'csv'],
    ['a', 'json', 'json'],
    ['report.2024', undefined, 'csv'],
    ['a.dat', 'json', 'json'],
    ['a.html', undefined, 'html'],
    ['a.xlsx', undefined, 'xlsx'],
    ['out/A.Parquet', 'parquet', 'parquet'],
  ] as const)('of %s with --format %s is %s', (file, specified, format) => {
    expect(formatOfFile(file, specified, 'csv')).toBe(format);
  });

  it.each([
    ['a.htm', undefined, /no report is written as \.htm/],
    ['a.avro', 'csv', /no report is written as \.avro/],
    ['a.parquet', 'csv', /--format csv contradicts the suffix of a\.parquet/],
    ['a.csv.gz', undefined, /as \.gz/],
    ['a.dat', undefined, /as \.dat/],
    ['a.json', 'csv', /--format csv contradicts the suffix of a\.json/],
    ['a.csv', 'table', /contradicts/],
  ] as const)('of %s with --format %s is refused', (file, specified, message) => {
    expect(() => formatOfFile(file, specified, 'csv')).toThrow(message);
  });
});
