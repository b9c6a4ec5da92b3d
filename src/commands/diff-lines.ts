/** What `edp diff` prints, as lines and as JSON. */
import { formatNumber, type Output, safeText } from '../terminal/output.js';
import type { DiffRow, TableDiff } from '../warehouse/environments/diff-tables.js';
import type { DiffJson } from './json/environment.schema.js';

const NONE: TableDiff = {
  columns: { key: [], rest: [], onlyProduction: [], onlyEnvironment: [], notCompared: [] },
  rows: { production: 0, environment: 0 },
  counts: { onlyProduction: 0, onlyEnvironment: 0, changed: 0 },
  changedColumns: {},
  first: { onlyProduction: [], onlyEnvironment: [], changed: [] },
};

export function isEqual(diff: TableDiff | undefined): boolean {
  const { counts, columns } = diff ?? NONE;
  const { onlyProduction, onlyEnvironment } = columns;
  return (
    counts.onlyProduction + counts.onlyEnvironment + counts.changed === 0 &&
    onlyProduction.length + onlyEnvironment.length === 0
  );
}

export function printDiff(
  output: Output<never>,
  table: string,
  env: string,
  diff: TableDiff | undefined,
): void {
  if (diff === undefined) {
    output.line(`${table} does not differ: environment ${env} shows production's own table`);
    return;
  }
  const { columns, rows, counts, changedColumns, first } = diff;
  const by =
    columns.key.length === 0 ? 'whole rows are compared' : `compared by ${columns.key.join(', ')}`;
  output.line(
    `${table}: ${formatNumber(rows.production, 'row')} in production, ${formatNumber(rows.environment, 'row')} in ${env}; ${safeText(by)}`,
  );
  const listed = (names: readonly string[]) => safeText(names.join(', '));
  const { onlyProduction, onlyEnvironment, notCompared } = columns;
  if (onlyProduction.length > 0)
    output.line(`columns of production alone: ${listed(onlyProduction)}`);
  if (onlyEnvironment.length > 0)
    output.line(`columns of ${env} alone: ${listed(onlyEnvironment)}`);
  if (notCompared.length > 0) {
    output.line(`not compared, as the dimension has another key: ${listed(notCompared)}`);
  }
  printRows(
    output,
    `in production alone: ${counts.onlyProduction}`,
    counts.onlyProduction,
    first.onlyProduction,
    (row) => describe(diff, row, row.production),
  );
  printRows(
    output,
    `in ${env} alone: ${counts.onlyEnvironment}`,
    counts.onlyEnvironment,
    first.onlyEnvironment,
    (row) => describe(diff, row, row.environment),
  );
  const changes = Object.entries(changedColumns).map(([name, count]) => `${name} in ${count}`);
  printRows(
    output,
    `changed: ${counts.changed} (${changes.join(', ')})`,
    counts.changed,
    first.changed,
    (row) => {
      const what = changesOf(diff, row).map(
        ({ column, production, environment }) =>
          `${column} ${shown(production)} → ${shown(environment)}`,
      );
      return `${describeKey(diff, row)}: ${what.join(', ')}`;
    },
  );
  if (isEqual(diff)) output.line('no difference');
}

function printRows(
  output: Output<never>,
  title: string,
  count: number,
  rows: readonly DiffRow[],
  describeRow: (row: DiffRow) => string,
): void {
  if (count === 0) return;
  output.line(safeText(title));
  for (const row of rows) output.line(`  ${safeText(describeRow(row))}`);
  if (count > rows.length) output.line(`  … and ${count - rows.length} more (--limit)`);
}

function describe(diff: TableDiff, row: DiffRow, values: DiffRow['production']): string {
  return Object.entries({ ...keyOf(diff, row), ...restOf(diff, values) })
    .map(([name, value]) => `${name} ${shown(value)}`)
    .join(', ');
}

function describeKey(diff: TableDiff, row: DiffRow): string {
  return Object.entries(keyOf(diff, row))
    .map(([name, value]) => `${name} ${shown(value)}`)
    .join(', ');
}

function shown(value: string | null): string {
  return value === null ? 'NULL' : value === '' ? '""' : value;
}

function keyOf({ columns: { key, rest } }: TableDiff, row: DiffRow): Record<string, string | null> {
  const names = key.length === 0 ? rest : key;
  return Object.fromEntries(names.map((name, i) => [name, row.key[i] ?? null]));
}

function restOf(
  { columns: { key, rest } }: TableDiff,
  values: DiffRow['production'],
): Record<string, string | null> {
  if (key.length === 0 || values === null) return {};
  return Object.fromEntries(rest.map((name, i) => [name, values[i] ?? null]));
}

function changesOf({ columns: { rest } }: TableDiff, { production, environment }: DiffRow) {
  return rest.flatMap((column, i) => {
    const [own, other] = [production?.[i] ?? null, environment?.[i] ?? null];
    return own === other ? [] : [{ column, production: own, environment: other }];
  });
}

export function toDiffJson(
  table: string,
  environment: string,
  diff: TableDiff | undefined,
): DiffJson {
  const { columns, rows, counts, changedColumns, first } = diff ?? NONE;
  const whole = (row: DiffRow, values: DiffRow['production']) => ({
    row: { ...keyOf(diff!, row), ...restOf(diff!, values) },
  });
  return {
    command: 'diff',
    ok: isEqual(diff),
    table,
    environment,
    isShared: diff === undefined,
    key: [...columns.key],
    compared: [...columns.rest],
    notCompared: [...columns.notCompared],
    columns: {
      onlyProduction: [...columns.onlyProduction],
      onlyEnvironment: [...columns.onlyEnvironment],
    },
    rows: { ...rows },
    counts: { ...counts },
    changedColumns: { ...changedColumns },
    onlyProduction: first.onlyProduction.map((row) => whole(row, row.production)),
    onlyEnvironment: first.onlyEnvironment.map((row) => whole(row, row.environment)),
    changed: first.changed.map((row) => ({
      key: keyOf(diff!, row),
      columns: changesOf(diff!, row),
    })),
  };
}
