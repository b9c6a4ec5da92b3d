/** What `edp test` prints of each test, as lines and as JSON. */
import { formatNumber, formatSeconds, type Output, safeText } from '../terminal/output.js';
import type { FixtureResult } from '../warehouse/fixtures/run-fixtures.js';
import type { TestJson } from './json/test.schema.js';
import { secondsJson } from './shared/seconds-json.js';

/** Rows that are shown of each kind. */
const SHOWN = 10;

type TestResultJson = TestJson['tests'][number];
type RowJson = TestResultJson['different'][number]['key'];

export function printFixture(output: Output<never>, result: FixtureResult): void {
  const { name, file, line, state, error, different, missing, unexpected } = toTestJson(result);
  const place = `${safeText(file)}:${line}`;
  const of = `${safeText(name)} (${result.fixture.task.name})`;
  if (state === 'passed') {
    output.line(`ok      ${place}  ${of}`);
    return;
  }
  output.line(`FAILED  ${place}  ${of}`);
  if (error !== undefined) {
    output.line(`  ${safeText(error.message)}`);
    if (error.hint !== undefined) output.line(`  → ${safeText(error.hint)}`);
  }
  const lines = [
    ...different.map(({ line: at, key, columns }) => {
      const what = columns.map(
        (each) => `${each.column} is ${shown(each.actual)}, not ${shown(each.expected)}`,
      );
      const row = Object.keys(key).length === 0 ? '' : ` of ${describeRow(key)}`;
      return `different (line ${at}): ${what.join('; ')}${row}`;
    }),
    ...missing.map(({ line: at, row }) => `missing (line ${at}): ${describeRow(row)}`),
    ...unexpected.map(({ row }) => `unexpected: ${describeRow(row)}`),
  ];
  for (const text of lines.slice(0, SHOWN)) output.line(`  ${safeText(text)}`);
  if (lines.length > SHOWN)
    output.line(`  … and ${lines.length - SHOWN} more rows (--json has all)`);
}

export function printFixtures(
  output: Output<never>,
  results: readonly FixtureResult[],
  wanted: number,
  seconds: number,
): void {
  const failed = results.filter((result) => toTestJson(result).state === 'failed').length;
  const left = wanted - results.length;
  const rest = left === 0 ? '' : `; interrupted: ${formatNumber(left, 'test')} did not run`;
  output.line(
    `${formatNumber(results.length, 'test')} in ${formatSeconds(seconds)}, ${failed} failed${rest}`,
  );
}

function describeRow(row: RowJson): string {
  const parts = Object.entries(row).map(([column, value]) => `${column} ${shown(value)}`);
  return parts.length === 0 ? 'a row' : parts.join(', ');
}

function shown(value: string | null): string {
  if (value === null) return 'NULL';
  return value === '' || /^\s|\s$|^NULL$/.test(value) ? JSON.stringify(value) : value;
}

export function toTestJson(result: FixtureResult): TestResultJson {
  const { fixture, columns, compared, error, seconds } = result;
  const { name, task, file, line, expect } = fixture;
  const names = columns.map((each) => each.name);
  const rowOf = (values: readonly (string | null)[], places = names.map((_, i) => i)) =>
    Object.fromEntries(places.map((place) => [names[place]!, values[place] ?? null]));
  const head = { name, task: task.name, file, line, seconds: secondsJson(seconds) };
  if (compared === undefined) {
    const none = { missing: [], unexpected: [], different: [] };
    return { ...head, state: 'failed', error: toErrorJson(error!), ...none };
  }
  const { expected, actual, key } = compared;
  const missing = compared.missing.map((i) => ({
    line: expect[i]!.line,
    row: rowOf(expected[i]!),
  }));
  const unexpected = compared.unexpected.map((i) => ({ row: rowOf(actual[i]!) }));
  const different = compared.different.map((pair) => ({
    line: expect[pair.expected]!.line,
    key: rowOf(expected[pair.expected]!, [...key]),
    columns: pair.columns.map((place) => ({
      column: names[place]!,
      expected: expected[pair.expected]![place] ?? null,
      actual: actual[pair.actual]![place] ?? null,
    })),
  }));
  const isPassed = missing.length + unexpected.length + different.length === 0;
  return { ...head, state: isPassed ? 'passed' : 'failed', missing, unexpected, different };
}

function toErrorJson({ code, message, hint, place }: NonNullable<FixtureResult['error']>) {
  return {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(place === undefined ? {} : { place }),
  };
}
