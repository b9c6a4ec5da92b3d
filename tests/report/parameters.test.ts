import { describe, expect, test } from 'vitest';
import { BUILTIN_MODEL } from '../../src/model/builtin.js';
import { parseModel } from '../../src/model/schema.js';
import { bindReport, collectArguments } from '../../src/report/parameters.js';
import { parseReport } from '../../src/report/report.js';

const HEADER = `-- title: t
-- param from timestamp: start
-- param to timestamp: end
-- param top integer = 10: how many
`;

function parse(sql: string, header = HEADER) {
  return parseReport(`${header}${sql}`, 'x', 'sql/reports/x.sql');
}

const ALL = parse("SELECT :'from', :'to', :'top'");

describe('what the user gives', () => {
  const none = { from: undefined, to: undefined, param: [] };

  test('defaults where nothing is given', () => {
    const found = collectArguments(ALL, none);
    expect(found.map(({ value, flag }) => [value, flag])).toEqual([
      [null, undefined],
      [null, undefined],
      ['10', undefined],
    ]);
  });

  test('a value may hold anything, an equals sign too', () => {
    const found = collectArguments(ALL, { ...none, from: 'a', param: ['to=x=y', 'top='] });
    expect(found.map(({ value, flag }) => [value, flag])).toEqual([
      ['a', '--from'],
      ['x=y', '--param to'],
      ['', '--param top'],
    ]);
  });

  const faults: readonly (readonly [string, object, RegExp])[] = [
    ['an undeclared name', { param: ['nix=1'] }, /no parameter "nix"/],
    ['no equals sign', { param: ['top'] }, /expected name=value/],
    ['no name', { param: ['=1'] }, /expected name=value/],
    ['a name given twice', { param: ['top=1', 'top=2'] }, /given twice/],
    ['--from and --param from', { from: 'a', param: ['from=b'] }, /given twice/],
    ['a name of Object.prototype', { param: ['constructor=1'] }, /no parameter "constructor"/],
  ];
  test.each(faults)('fault: %s', (_, given, message) => {
    expect(() => collectArguments(ALL, { ...none, ...given })).toThrow(message);
  });

  test('--from for a report that has none is a usage error', () => {
    const report = parse('SELECT 1', '-- title: t\n');
    expect(() => collectArguments(report, { ...none, from: '2024-01-01' })).toThrow(
      expect.objectContaining({ code: 'usage', hint: 'it takes no parameters' }),
    );
  });
});

describe('binding', () => {
  const values = new Map([
    ['from', "'; DROP TABLE events; --"],
    ['to', null],
    ['top', '3'],
  ]);

  test('each name becomes one typed parameter, in the order of use', () => {
    const report = parse("SELECT :'top'::text, ':''top''', /* :'top' */ :'from', :'top', :'to'");
    expect(bindReport(report, values, BUILTIN_MODEL)).toEqual({
      text: `${HEADER}SELECT CAST($1 AS integer)::text, ':''top''', /* :'top' */ CAST($2 AS timestamp), CAST($1 AS integer), CAST($3 AS timestamp)`,
      values: ['3', "'; DROP TABLE events; --", null],
      types: ['integer', 'timestamp', 'timestamp'],
    });
  });

  test('lines stay where they are', () => {
    const report = parse("SELECT :'from',\n :metric_sums,\n :'to', :'top' FROM events f\n", HEADER);
    const { text } = bindReport(report, values, BUILTIN_MODEL);
    expect(text.split('\n').length).toBe(report.sql.split('\n').length);
  });
});

describe('model variables', () => {
  function expand(variable: string, model = BUILTIN_MODEL) {
    return bindReport(parse(`:${variable}`, '-- title: t\n'), new Map(), model).text.split('\n')[1];
  }

  test('of the built-in model', () => {
    expect(expand('metric_values')).toBe(
      '(\'metric_one\', f."metric_one"::numeric), (\'metric_two\', f."metric_two"::numeric), (\'metric_n\', f."metric_n"::numeric)',
    );
    expect(expand('metric_sums')).toBe(
      'sum(f."metric_one") AS "metric_one", sum(f."metric_two") AS "metric_two", sum(f."metric_n") AS "metric_n"',
    );
    expect(expand('declared_metrics')).toBe(
      '\'{"first_dimensions":[],"second_dimensions":[],"events":["metric_one","metric_two","metric_n"]}\'::jsonb',
    );
  });

  test('names are quoted, and metrics that are no numbers left out', () => {
    const model = parseModel({
      events: {
        columns: { id: 'int' },
        metrics: {
          from: 'm',
          columns: { 'a"b\'c': { type: 'double', key: "it's" }, note: 'text', on: 'boolean' },
        },
      },
    });
    expect(expand('metric_values', model)).toBe(`('a"b''c', f."a""b'c"::numeric)`);
    expect(expand('metric_sums', model)).toBe(`sum(f."a""b'c") AS "a""b'c"`);
    expect(expand('declared_metrics', model)).toBe(`'{"events":["it''s","note","on"]}'::jsonb`);
  });

  test.each([
    ['no table events', { clicks: { columns: { id: 'int' as const } } }, /table "events"/],
    ['no metrics', { events: { columns: { id: 'int' as const } } }, /declares none/],
  ])('fault: %s', (_, tables, message) => {
    const model = parseModel(tables);
    expect(() => expand('metric_sums', model)).toThrow(message);
    expect(() => expand('metric_sums', model)).toThrow(
      expect.objectContaining({ code: 'report_failed', place: 'sql/reports/x.sql:2' }),
    );
    expect(expand('declared_metrics', model)).toContain('::jsonb');
  });
});
