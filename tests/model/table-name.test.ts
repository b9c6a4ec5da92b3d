/** Texts → schema and name, and back. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { quoteTable } from '../../src/model/ddl.js';
import {
  bareName,
  formatTableName,
  isSameTable,
  parseTableName,
  splitName,
} from '../../src/model/table-name.js';

it.each([
  ['orders', undefined, 'orders', '"orders"'],
  ['sales.orders', 'sales', 'orders', '"sales"."orders"'],
  ['Sales Dept.Order Lines', 'Sales Dept', 'Order Lines', '"Sales Dept"."Order Lines"'],
  ['"a.b"', undefined, 'a.b', '"a.b"'],
  ['sales."a.b"', 'sales', 'a.b', '"sales"."a.b"'],
  ['"s.x"."a"', 's.x', 'a', '"s.x"."a"'],
  ['"say ""hi"""', undefined, 'say "hi"', '"say ""hi"""'],
  ['say "hi"', undefined, 'say "hi"', '"say ""hi"""'],
  ['"', undefined, '"', '""""'],
  [
    '""; DROP TABLE events; --',
    undefined,
    '""; DROP TABLE events; --',
    '"""""; DROP TABLE events; --"',
  ],
])('%s', (text, schema, name, sql) => {
  expect(parseTableName(text)).toEqual(schema === undefined ? { name } : { schema, name });
  expect(quoteTable(text)).toBe(sql);
  expect(bareName(text)).toBe(name);
});

it.each(['', '.', 'a.', '.a', 'a..b'])('%j has a part that is empty', (text) => {
  expect(splitName(text)).toBeUndefined();
});

it('every name has a text that is read as it', () => {
  const part = fc.oneof(
    fc.string({ minLength: 1 }),
    fc.string({ minLength: 1, unit: fc.constantFrom('"', '.', 'a', ' ') }),
  );
  fc.assert(
    fc.property(part, fc.option(part, { nil: undefined }), (name, schema) => {
      const table = schema === undefined ? { name } : { schema, name };
      const text = formatTableName(table);
      expect(parseTableName(text)).toEqual(table);
      expect(formatTableName(parseTableName(text))).toBe(text);
      expect(isSameTable(text, quoteTable(text))).toBe(true);
    }),
  );
});
