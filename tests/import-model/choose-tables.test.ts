/** Which tables of a source a pattern means, and what the message names where it means none. */
import { describe, expect, it } from 'vitest';
import { EdpError } from '../../src/base/errors.js';
import { chooseTables, nameTables } from '../../src/import-model/choose-tables.js';
import type { SourceTable } from '../../src/import-model/read-source-tables.js';

const NAMES: readonly (readonly [schema: string, name: string])[] = [
  ['Odd.Schema', 'Odd.Name'],
  ['public', '!not'],
  ['public', '.hidden'],
  ['public', 'a[1]'],
  ['public', 'lines'],
  ['public', 'odd/name'],
  ['sales', 'lines'],
  ['sales', 'orders'],
];

const tables: SourceTable[] = NAMES.map(([schema, name], oid) => ({
  ...{ oid, schema, name, isInPath: schema === 'public', isPartitioned: false, isInherited: false },
  ...{ comment: undefined, columns: [], keys: [], references: [] },
}));

function choose(patterns: readonly string[], schemas: readonly string[] = []) {
  return chooseTables(nameTables(tables, schemas), schemas, patterns).map(
    ({ schema, name }) => `${schema}.${name}`,
  );
}

describe('a pattern', () => {
  it.each<[string[], string[]]>([
    [[], NAMES.map(([schema, name]) => `${schema}.${name}`)],
    [['*'], NAMES.map(([schema, name]) => `${schema}.${name}`)],
    [['lines'], ['public.lines', 'sales.lines']],
    [['sales.*'], ['sales.lines', 'sales.orders']],
    [
      ['*.orders', 'public.lines'],
      ['public.lines', 'sales.orders'],
    ],
    [['odd*'], ['public.odd/name']],
    [['*hid*'], ['public..hidden']],
    [['!not'], ['public.!not']],
    [['a[1]'], ['public.a[1]']],
    [['public.a[1]'], ['public.a[1]']],
    [['Odd.Schema.Odd.Name'], ['Odd.Schema.Odd.Name']],
    [['{lines,orders}'], ['public.lines', 'sales.lines', 'sales.orders']],
  ])('%j means %j', (patterns, expected) => {
    expect(choose(patterns)).toEqual(expected);
  });

  it('is looked for in the schemas that were asked for', () => {
    expect(choose(['lines'], ['sales'])).toEqual(['sales.lines']);
    expect(() => choose(['odd*'], ['sales'])).toThrow(EdpError);
  });

  it.each<[string[], string[], string]>([
    [['ordres'], [], 'did you mean orders?'],
    [['sales.ordres'], [], 'did you mean sales.orders?'],
    [['sale.*'], [], 'did you mean sales.*?'],
    [['sale.orders'], [], 'did you mean sales.orders?'],
    [['ordr*'], [], 'did you mean orders?'],
    [['sales.ordr*'], [], 'did you mean sales.orders?'],
    [['LINES'], [], 'did you mean lines?'],
    [['SALES.*'], [], 'did you mean sales.lines, sales.orders?'],
    [['lines', 'ordres'], [], 'did you mean orders?'],
    [['nothing_like_it*'], [], 'a table is named name or schema.name'],
    [['!orders'], [], 'did you mean orders?'],
    [['orders'], ['sale'], 'did you mean "sales"?'],
    [['orders'], ['warehouse'], 'the schemas are Odd.Schema, public, sales'],
  ])('%j of %j that means nothing is refused: %s', (patterns, schemas, hint) => {
    try {
      expect(choose(patterns, schemas)).toBe('refused');
    } catch (error) {
      expect(error).toMatchObject({ code: 'unknown_table' });
      expect((error as EdpError).hint).toContain(hint);
    }
  });
});
