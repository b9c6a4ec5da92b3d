/** Generic tests of dbt and of its two common packages → checks of edp. */
import { quoteIdentifier, quoteLiteral } from '../model/ddl.js';
import type { DbtTarget } from './dbt-target.js';
import { asTexts, type YamlMap } from './dbt-yaml.js';
import type { Refusal } from './findings.js';
import { foldName } from './test-uses.js';

/** A check, as edp.yaml has it, or the SELECT of one: its rows are failures. */
export type Converted =
  | { readonly check: YamlMap; readonly reads?: string }
  | { readonly sql: string; readonly reads?: string };

export interface TestOf {
  readonly values: YamlMap;
  readonly column: string | undefined;
  /** The rows that are tested, in FROM. */
  readonly rows: string;
  /** What `ref()` or `source()` in a value means. */
  readonly targetOf: (value: unknown) => DbtTarget | Refusal;
}

type Convert = (test: TestOf) => Converted | Refusal | undefined;

const SQL_INSTEAD = 'write sql/checks/NAME.sql; the rows that it gives are failures';

/** @returns a refusal for a test that edp has nothing for */
export function convertTest(kind: string, test: TestOf): Converted | Refusal {
  const convert = CONVERTERS.get(kind);
  if (convert === undefined) {
    return { reason: `edp has no check like the test ${kind}`, instead: SQL_INSTEAD };
  }
  return (
    convert(test) ?? {
      reason: `the test ${kind} has values that edp does not read, or lacks some`,
      instead: SQL_INSTEAD,
    }
  );
}

const ofColumn =
  (convert: (column: string, test: TestOf) => Converted | Refusal | undefined): Convert =>
  (test) =>
    test.column === undefined ? undefined : convert(test.column, test);

const unique = ofColumn((column) => ({ check: { unique: column } }));
const notNull = ofColumn((column) => ({ check: { not_null: column } }));

const among = (name: string) =>
  ofColumn((column, { values }) => {
    const accepted = scalars(values[name]);
    return accepted && { check: { accepted_values: { column, values: accepted } } };
  });

const notAmong = (name: string) =>
  ofColumn((column, { values, rows }) => {
    const refused = scalars(values[name])?.map(quoteLiteral).join(', ');
    const of = `CAST(${quoteIdentifier(column)} AS text)`;
    return refused ? { sql: `SELECT * FROM ${rows} WHERE ${of} IN (${refused})` } : undefined;
  });

const relationships = ofColumn((column, { values, targetOf }) => {
  const to = targetOf(values.to);
  if ('reason' in to || typeof values.field !== 'string') return 'reason' in to ? to : undefined;
  const field = foldName(values.field);
  const part = field.includes('.') ? quoteIdentifier(field) : field;
  return { check: { relationships: { column, to: `${to.name}.${part}` } }, reads: to.id };
});

const combination =
  (name: string): Convert =>
  ({ values }) => {
    const columns = asTexts(values[name]).map(foldName);
    return columns.length === 0 ? undefined : { check: { unique: columns } };
  };

const isPlainValue = (value: unknown) =>
  value === undefined || typeof value === 'number' || /^\s*-?\d+(?:\.\d+)?\s*$/.test(String(value));

/** @param isStrict whether the limits themselves are failures */
const range = (isStrict: (values: YamlMap) => boolean): Convert =>
  ofColumn((column, { values, rows }) => {
    const { min_value: min, max_value: max } = values;
    if (min === undefined && max === undefined) return undefined;
    if (!isStrict(values) && isPlainValue(min) && isPlainValue(max)) {
      const limits = Object.entries({ min, max }).filter(([, limit]) => limit !== undefined);
      return { check: { range: { column, ...Object.fromEntries(limits) } } };
    }
    const of = quoteIdentifier(column);
    const [below, above] = isStrict(values) ? ['<=', '>='] : ['<', '>'];
    const conditions = [
      ...(min === undefined ? [] : [`${of} ${below} (${String(min)})`]),
      ...(max === undefined ? [] : [`${of} ${above} (${String(max)})`]),
    ];
    return { sql: `SELECT * FROM ${rows} WHERE ${conditions.join(' OR ')}` };
  });

const isTrue: Convert = ({ values, column, rows }) => {
  if (typeof values.expression !== 'string') return undefined;
  const of = column === undefined ? '' : `${quoteIdentifier(column)} `;
  return { sql: `SELECT * FROM ${rows} WHERE NOT (${of}${values.expression})` };
};

const recent: Convert = ({ values: { datepart, field, interval } }) =>
  typeof field === 'string' && typeof datepart === 'string' && typeof interval === 'number'
    ? { check: { fresh: { column: foldName(field), within: `${interval} ${datepart}s` } } }
    : undefined;

const having = (make: (column: string, values: YamlMap) => string | undefined): Convert =>
  ofColumn((column, { rows, values }) => {
    const condition = make(quoteIdentifier(column), values);
    return condition === undefined
      ? undefined
      : { sql: `SELECT count(*) AS rows FROM ${rows} HAVING ${condition}` };
  });

const compareCounts =
  (operator: string): Convert =>
  ({ rows, values, targetOf }) => {
    const other = targetOf(values.compare_model);
    if ('reason' in other) return other;
    const counts = `(SELECT count(*) FROM ${rows}) AS rows, (SELECT count(*) FROM ${other.sql}) AS others`;
    return {
      sql: `SELECT * FROM (SELECT ${counts}) AS counted WHERE NOT rows ${operator} others`,
      reads: other.id,
    };
  };

const rowCount: Convert = ({ values: { min_value: min, max_value: max } }) => {
  const limits = Object.entries({ min, max }).filter(([, limit]) => typeof limit === 'number');
  return limits.length === 0 ? undefined : { check: { row_count: Object.fromEntries(limits) } };
};

const matches = ofColumn((column, { values: { regex } }) =>
  typeof regex === 'string' ? { check: { matches: { column, pattern: regex } } } : undefined,
);

const CONVERTERS: ReadonlyMap<string, Convert> = new Map<string, Convert>([
  ['unique', unique],
  ['not_null', notNull],
  ['accepted_values', among('values')],
  ['relationships', relationships],
  ['dbt_utils.unique_combination_of_columns', combination('combination_of_columns')],
  ['dbt_utils.accepted_range', range(({ inclusive }) => inclusive === false)],
  ['dbt_utils.expression_is_true', isTrue],
  ['dbt_utils.not_accepted_values', notAmong('values')],
  ['dbt_utils.not_empty_string', having((of) => `count(*) FILTER (WHERE btrim(${of}) = '') > 0`)],
  ['dbt_utils.at_least_one', having((of) => `count(${of}) = 0`)],
  ['dbt_utils.not_constant', having((of) => `count(DISTINCT ${of}) = 1`)],
  [
    'dbt_utils.not_null_proportion',
    having((of, { at_least: least, at_most: most = 1 }) =>
      typeof least === 'number' && typeof most === 'number'
        ? `count(${of}) NOT BETWEEN count(*) * ${least} AND count(*) * ${most}`
        : undefined,
    ),
  ],
  ['dbt_utils.equal_rowcount', compareCounts('=')],
  ['dbt_utils.fewer_rows_than', compareCounts('<')],
  ['dbt_utils.recency', recent],
  ['dbt_expectations.expect_column_values_to_not_be_null', notNull],
  ['dbt_expectations.expect_column_values_to_be_unique', unique],
  ['dbt_expectations.expect_column_values_to_be_in_set', among('value_set')],
  ['dbt_expectations.expect_column_values_to_not_be_in_set', notAmong('value_set')],
  [
    'dbt_expectations.expect_column_values_to_be_between',
    range(({ strictly }) => strictly === true),
  ],
  ['dbt_expectations.expect_column_values_to_match_regex', matches],
  ['dbt_expectations.expect_compound_columns_to_be_unique', combination('column_list')],
  ['dbt_expectations.expect_table_row_count_to_be_between', rowCount],
]);

/** As texts, since checks compare the text of a value. */
function scalars(value: unknown): string[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const isScalar = (one: unknown) => ['string', 'number', 'boolean'].includes(typeof one);
  return value.every(isScalar) ? value.map(String) : undefined;
}
