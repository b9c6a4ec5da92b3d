/** Generic tests → checks. */
import { describe, expect, it } from 'vitest';
import { toTarget } from '../../src/from-dbt/dbt-target.js';
import { convertTest } from '../../src/from-dbt/generic-tests.js';

const other = toTarget('model.other', { schema: 'gold', name: 'other' }, 'gold.other');
const convert = (kind: string, values: Record<string, unknown>, column: string | undefined = 'a') =>
  convertTest(kind, { values, column, rows: 'gold.t', targetOf: () => other });

describe('convertTest', () => {
  it.each<[string, Record<string, unknown>, object]>([
    ['unique', {}, { unique: 'a' }],
    ['not_null', {}, { not_null: 'a' }],
    [
      'accepted_values',
      { values: [1, true, 'x'] },
      { accepted_values: { column: 'a', values: ['1', 'true', 'x'] } },
    ],
    [
      'relationships',
      { to: "ref('other')", field: 'ID' },
      { relationships: { column: 'a', to: 'gold.other.id' } },
    ],
    [
      'dbt_utils.unique_combination_of_columns',
      { combination_of_columns: ['A', 'b'] },
      { unique: ['a', 'b'] },
    ],
    [
      'dbt_utils.accepted_range',
      { min_value: 0, max_value: '9.5' },
      { range: { column: 'a', min: 0, max: '9.5' } },
    ],
    [
      'dbt_utils.recency',
      { datepart: 'day', field: 'at', interval: 2 },
      { fresh: { column: 'at', within: '2 days' } },
    ],
    [
      'dbt_expectations.expect_column_values_to_match_regex',
      { regex: '^x' },
      { matches: { column: 'a', pattern: '^x' } },
    ],
    [
      'dbt_expectations.expect_table_row_count_to_be_between',
      { min_value: 1 },
      { row_count: { min: 1 } },
    ],
  ])('takes %s for a check', (kind, values, check) => {
    expect(convert(kind, values)).toMatchObject({ check });
  });

  it.each<[string, Record<string, unknown>, string]>([
    [
      'dbt_utils.accepted_range',
      { min_value: 0, inclusive: false },
      'SELECT * FROM gold.t WHERE "a" <= (0)',
    ],
    [
      'dbt_utils.accepted_range',
      { min_value: 'b', max_value: 'now()' },
      'SELECT * FROM gold.t WHERE "a" < (b) OR "a" > (now())',
    ],
    [
      'dbt_utils.expression_is_true',
      { expression: '>= 0' },
      'SELECT * FROM gold.t WHERE NOT ("a" >= 0)',
    ],
    [
      'dbt_utils.not_accepted_values',
      { values: ["it's"] },
      `SELECT * FROM gold.t WHERE CAST("a" AS text) IN ('it''s')`,
    ],
    ['dbt_utils.at_least_one', {}, 'SELECT count(*) AS rows FROM gold.t HAVING count("a") = 0'],
    [
      'dbt_utils.equal_rowcount',
      { compare_model: "ref('other')" },
      'SELECT * FROM (SELECT (SELECT count(*) FROM gold.t) AS rows, (SELECT count(*) FROM gold.other) AS others) AS counted WHERE NOT rows = others',
    ],
  ])('takes %s for SQL', (kind, values, sql) => {
    expect(convert(kind, values)).toMatchObject({ sql });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['my_test', {}, 'edp has no check like the test my_test'],
    [
      'accepted_values',
      { values: 'x' },
      'the test accepted_values has values that edp does not read, or lacks some',
    ],
    [
      'relationships',
      { to: "ref('other')" },
      'the test relationships has values that edp does not read, or lacks some',
    ],
    [
      'dbt_utils.accepted_range',
      {},
      'the test dbt_utils.accepted_range has values that edp does not read, or lacks some',
    ],
  ])('refuses %s', (kind, values, reason) => {
    expect(convert(kind, values)).toMatchObject({ reason });
  });

  it('refuses a test of a column that has none', () => {
    const made = convertTest('unique', {
      values: {},
      column: undefined,
      rows: 't',
      targetOf: () => other,
    });
    expect(made).toMatchObject({ reason: expect.stringContaining('lacks some') });
  });
});
