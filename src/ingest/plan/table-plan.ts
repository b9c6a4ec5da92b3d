/**
 * A table of the model and a file's header → what to do with each field. Plain data, so that it can
 * be handed to a thread, which compiles it into a row encoder.
 */
import { EdpError } from '../../errors.js';
import { type ColumnType, physicalColumns, type Table } from '../../model/model.js';

/** Where a column of the table gets its value from. */
export type ColumnPlan = {
  readonly name: string;
  readonly type: ColumnType;
  readonly isNullable: boolean;
} & (
  | { readonly from: 'field'; readonly field: number }
  | { readonly from: 'metric'; readonly source: number; readonly metric: number }
  | { readonly from: 'extra'; readonly source: number }
  | { readonly from: 'load' }
);

export interface SourcePlan {
  readonly field: number;
  readonly fieldName: string;
  readonly path: readonly string[];
  readonly keys: readonly string[];
  readonly isJson: readonly boolean[];
}

export interface TablePlan {
  readonly table: string;
  /** Columns that get a value, in COPY order. Columns the file does not have are left out (NULL). */
  readonly columns: readonly ColumnPlan[];
  readonly sources: readonly SourcePlan[];
  readonly key: readonly string[];
  readonly fieldCount: number;
}

/**
 * Columns in the order in which their values stand in a record, so that a row can be written while the
 * record is read; lineage, which is in no field, comes last. Sorting keeps the order of a source's metrics.
 */
function inFieldOrder(
  columns: readonly ColumnPlan[],
  sourceFields: readonly number[],
): ColumnPlan[] {
  const fieldOf = (column: ColumnPlan) => {
    switch (column.from) {
      case 'field':
        return column.field;
      case 'metric':
      case 'extra':
        return sourceFields[column.source]!;
      case 'load':
        return Number.POSITIVE_INFINITY;
    }
  };
  return [...columns].sort((a, b) => (fieldOf(a) === fieldOf(b) ? 0 : fieldOf(a) - fieldOf(b)));
}

/**
 * @param header names of the header's fields, in order
 * @param path of the file, for messages
 * @throws EdpError `header_mismatch` that names every missing, unknown and repeated field at once
 */
export function planTable(table: Table, header: readonly string[], path: string): TablePlan {
  const position = (name: string) => header.indexOf(name);
  const faults: string[] = [];

  const known = new Set([
    ...table.columns.map(({ field }) => field),
    ...table.sources.map(({ field }) => field),
    ...table.ignoredFields,
  ]);
  const list = (names: Iterable<string>) =>
    [...names].map((name) => JSON.stringify(name)).join(', ');
  const unknown = header.filter((name) => !known.has(name));
  if (unknown.length > 0) faults.push(`fields that the table has no column for: ${list(unknown)}`);
  const repeated = new Set(header.filter((name, i) => position(name) !== i));
  if (repeated.size > 0) faults.push(`fields that occur more than once: ${list(repeated)}`);
  const missing = table.columns.filter(
    ({ field, isNullable }) => !isNullable && position(field) < 0,
  );
  if (missing.length > 0) {
    faults.push(
      `no field for columns that need a value: ${list(missing.map(({ field }) => field))}`,
    );
  }
  if (faults.length > 0) {
    throw new EdpError(
      'header_mismatch',
      `the header does not fit table "${table.name}": ${faults.join('; ')}`,
      {
        place: `${path}:1`,
        hint: `the table has: ${[...known].join(', ')}. Name another table with --table, or declare columns, or \`ignore\` fields, in edp.yaml`,
      },
    );
  }

  const sources = table.sources.filter(({ field }) => position(field) >= 0);
  const columns: ColumnPlan[] = [];
  for (const column of physicalColumns(table)) {
    const declared = table.columns.find(({ name }) => name === column.name);
    if (declared !== undefined) {
      const field = position(declared.field);
      if (field >= 0) columns.push({ ...column, from: 'field', field });
      continue;
    }
    if (column.name === table.lineageColumn) {
      columns.push({ ...column, from: 'load' });
      continue;
    }
    sources.forEach((source, index) => {
      const metric = source.metrics.findIndex(({ column: name }) => name === column.name);
      if (metric >= 0) columns.push({ ...column, from: 'metric', source: index, metric });
      else if (source.extraColumn === column.name) {
        columns.push({ ...column, from: 'extra', source: index });
      }
    });
  }
  return {
    table: table.name,
    columns: inFieldOrder(
      columns,
      sources.map(({ field }) => position(field)),
    ),
    sources: sources.map(({ field, path: keys, metrics }) => ({
      field: position(field),
      fieldName: field,
      path: keys,
      keys: metrics.map(({ key }) => key),
      isJson: metrics.map(({ type }) => type === 'json' || type === 'jsonb'),
    })),
    key: table.key,
    fieldCount: header.length,
  };
}
