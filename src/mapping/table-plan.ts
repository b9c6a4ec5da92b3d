/**
 * A table of the model and a file's header → what to do with each field. Plain data, so that it can
 * be handed to a thread, which compiles it into a row encoder.
 */
import { EdpError } from '../base/errors.js';
import type { Corrections } from '../model/corrections.js';
import { defaultOnNew } from '../model/drift.js';
import { type Expression, fieldsOf, parseExpression } from '../model/expression.js';
import { fieldsRead, knownFields } from '../model/fields.js';
import type { OnNewField } from '../model/load-rules.js';
import { type Column, type Copying, physicalColumns, type Table } from '../model/model.js';
import type { ColumnType } from '../model/types.js';
import { encodeBytes } from '../values/coerce.js';
import { findNewFields } from './find-drift.js';

/** Where a column of the table gets its value from. */
export type ColumnPlan = {
  readonly name: string;
  readonly type: ColumnType;
  readonly isNullable: boolean;
} & (
  | { readonly from: 'field'; readonly field: number; readonly corrections?: Corrections }
  /** The same text in every row: a constant, or the default of a column whose field is missing. */
  | { readonly from: 'constant'; readonly text: string; readonly isDefault: boolean }
  | {
      readonly from: 'computed';
      readonly expression: Expression;
      /** Fields that the expression reads: name → index. */
      readonly fields: Readonly<Record<string, number>>;
      readonly corrections?: Corrections;
    }
  | { readonly from: 'metric'; readonly source: number; readonly metric: number }
  | { readonly from: 'extra'; readonly source: number }
  /** Fields that have no column, as an object: name → index. */
  | { readonly from: 'kept'; readonly fields: Readonly<Record<string, number>> }
  | { readonly from: 'load' }
);

export interface SourcePlan {
  readonly field: number;
  readonly fieldName: string;
  readonly path: readonly string[];
  readonly keys: readonly string[];
  readonly isJson: readonly boolean[];
}

/** A column whose value comes from the row of another table that a column of the plan refers to. */
export interface CopyPlan extends Omit<Copying, 'kind'> {
  readonly from: 'copy';
  readonly name: string;
  readonly type: ColumnType;
  /** Of the column that has the key of the other table. */
  readonly byType: ColumnType;
}

export interface TablePlan {
  readonly table: string;
  /**
   * Columns that get a value, in COPY order. Columns without a field in the file are left out
   * (NULL).
   */
  readonly columns: readonly ColumnPlan[];
  /** Columns that follow those, in each row. */
  readonly copies?: readonly CopyPlan[];
  readonly sources: readonly SourcePlan[];
  readonly key: readonly string[];
  /** Whether each row has the place of its record, too. */
  readonly hasVersions?: true;
  readonly fieldCount: number;
  /** Where each record names its fields: what it has under names that no column is declared for. */
  readonly others?: OtherFields;
}

export interface OtherFields {
  /** The field that holds them as JSON: an object of those that are kept, a list of names otherwise. */
  readonly field: number;
  readonly fate: 'keep' | 'ignore';
}

/**
 * Orders columns as their values come in a record, so that a row can be written while the record is
 * read. Columns without a field (constants, computed ones, lineage) come last. Sorting keeps the
 * order of a source's metrics.
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
      case 'constant':
      case 'computed':
      case 'kept':
      case 'load':
        return Number.POSITIVE_INFINITY;
    }
  };
  return [...columns].sort((a, b) => (fieldOf(a) === fieldOf(b) ? 0 : fieldOf(a) - fieldOf(b)));
}

type WithoutColumn<T> = T extends ColumnPlan ? Omit<T, 'name' | 'type' | 'isNullable'> : never;
/** @param columns those of the plan: what has no value in the file, finds no row */
function planCopies(table: Table, columns: readonly ColumnPlan[]): CopyPlan[] {
  return table.columns.flatMap(({ name, type, origin }): CopyPlan[] => {
    if (origin?.kind !== 'copy') return [];
    const { kind: _, ...place } = origin;
    const by = columns.find((column) => column.name === place.by);
    return by === undefined ? [] : [{ from: 'copy', name, type, byType: by.type, ...place }];
  });
}

type PlannedOrigin = WithoutColumn<
  Extract<ColumnPlan, { from: 'field' | 'constant' | 'computed' }>
>;

/** @returns undefined where the file has no value for the column */
function planOrigin(
  { field: name, origin, corrections }: Column,
  position: (name: string) => number,
): PlannedOrigin | undefined {
  const correcting = corrections === undefined ? {} : { corrections };
  if (origin?.kind === 'copy') return undefined;
  if (origin?.kind === 'constant') {
    return { from: 'constant', text: encodeBytes(origin.text), isDefault: false };
  }
  if (origin?.kind === 'computed') {
    const expression = parseExpression(origin.expression);
    const read = fieldsOf(expression).map((field) => [field, position(field)] as const);
    if (read.some(([, index]) => index >= 0) || read.length === 0) {
      const fields = Object.fromEntries(read.filter(([, index]) => index >= 0));
      return { from: 'computed', expression, fields, ...correcting };
    }
  } else {
    const field = position(name);
    if (field >= 0) return { from: 'field', field, ...correcting };
  }
  const text = corrections?.default;
  return text === undefined
    ? undefined
    : { from: 'constant', text: encodeBytes(text), isDefault: true };
}

/**
 * @param header names of the header's fields, in order
 * @param path of the file, for messages
 * @param onNew what to do with fields that have no column
 * @throws EdpError `header_mismatch` that names every missing, unknown and repeated field at once
 */
export function planTable(
  table: Table,
  header: readonly string[],
  path: string,
  onNew: OnNewField = defaultOnNew(table),
): TablePlan {
  assertFieldsFit(table, header, onNew, {
    place: `${path}:1`,
    what: 'the header does not fit',
  });
  const unknown = onNew === 'keep' ? findNewFields(table, header) : [];
  return planColumns(table, header, undefined, unknown);
}

/**
 * @param fields names, as a header or the first records have them
 * @throws EdpError `header_mismatch` that names every missing, unknown and repeated field at once
 */
export function assertFieldsFit(
  table: Table,
  fields: readonly string[],
  onNew: OnNewField,
  { place, what, hint }: { readonly place: string; readonly what: string; readonly hint?: string },
): void {
  const faults: string[] = [];
  const unknown = findNewFields(table, fields);
  const list = (names: Iterable<string>) =>
    [...names].map((name) => JSON.stringify(name)).join(', ');
  if (unknown.length > 0 && onNew === 'reject')
    faults.push(`fields that the table has no column for: ${list(unknown)}`);
  const repeated = new Set(fields.filter((name, i) => fields.indexOf(name) !== i));
  if (repeated.size > 0) faults.push(`fields that occur more than once: ${list(repeated)}`);
  const missing = table.columns
    .filter(({ isNullable, corrections }) => !isNullable && corrections?.default === undefined)
    .map(fieldsRead)
    .filter((read) => read.length > 0 && read.every((field) => !fields.includes(field)))
    .flat();
  if (missing.length > 0) {
    faults.push(`no field for columns that need a value: ${list(new Set(missing))}`);
  }
  if (faults.length === 0) return;
  throw new EdpError('header_mismatch', `${what} table "${table.name}": ${faults.join('; ')}`, {
    place,
    hint:
      hint ??
      `the table has: ${[...knownFields(table)].join(', ')}. Name another table with --table, or declare columns, or \`ignore\` fields, in edp.yaml${unknown.length > 0 ? '; --on-new-column says what else may become of new fields' : ''}`,
  });
}

/**
 * @param fields names of a record's fields, in order
 * @param others what becomes of the members that a last field behind them holds, where there is one
 * @param kept fields that no column is declared for, and that are kept in the column for such
 */
export function planColumns(
  table: Table,
  fields: readonly string[],
  others?: OtherFields['fate'],
  kept: readonly string[] = [],
): TablePlan {
  const position = (name: string) => fields.indexOf(name);
  const sources = table.sources.filter(({ field }) => position(field) >= 0);
  const columns: ColumnPlan[] = [];
  for (const column of physicalColumns(table)) {
    const own = table.columns.find(({ name }) => name === column.name);
    if (own !== undefined) {
      const origin = planOrigin(own, position);
      if (origin !== undefined) columns.push({ ...column, ...origin });
      continue;
    }
    if (column.name === table.extraColumn) {
      if (others === 'keep') columns.push({ ...column, from: 'field', field: fields.length });
      if (kept.length > 0) {
        const places = Object.fromEntries(kept.map((name) => [name, position(name)]));
        columns.push({ ...column, from: 'kept', fields: places });
      }
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
  const copies = planCopies(table, columns);
  return {
    table: table.name,
    ...(copies.length === 0 ? {} : { copies }),
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
    ...(table.hasVersions === true ? { hasVersions: true as const } : {}),
    fieldCount: fields.length + (others === undefined ? 0 : 1),
    ...(others === undefined ? {} : { others: { field: fields.length, fate: others } }),
  };
}
