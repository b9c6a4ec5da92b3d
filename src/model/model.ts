/**
 * What a table is. A model is data: the built-in one (builtin.ts) and a project's `edp.yaml` give the
 * same shape, and everything below, from DDL to the byte lane, is compiled from it.
 */

import type { Corrections } from './corrections.js';
import type { CsvSettings } from './csv-settings.js';
import type { Format } from './file-settings.js';
import type { ColumnType } from './types.js';

export interface Reference {
  readonly table: string;
  readonly column: string;
}

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** The header name of the CSV field; the column's own name unless declared otherwise. */
  readonly field: string;
  readonly isNullable: boolean;
  readonly references?: Reference;
  /** What is put right in its values. */
  readonly corrections?: Corrections;
  /** Where its value comes from instead of a field. */
  readonly origin?:
    | { readonly kind: 'constant'; readonly text: string }
    | { readonly kind: 'computed'; readonly expression: string };
}

/** One named value inside a JSON field; flattening makes it a column. */
export interface Metric {
  /** The key inside the JSON object. */
  readonly key: string;
  /** The column it becomes. */
  readonly column: string;
  readonly type: ColumnType;
}

/** A JSON field to flatten: where its metrics are, and where the undeclared ones are kept. */
export interface MetricsSource {
  /** The header name of the JSON field. */
  readonly field: string;
  /** Keys to follow from the root of the JSON value to the object that holds the metrics. */
  readonly path: readonly string[];
  readonly metrics: readonly Metric[];
  /** The jsonb column that keeps metrics nobody declared. */
  readonly extraColumn: string;
}

export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  /** Column names of the primary key; empty where the table has none. */
  readonly key: readonly string[];
  /** Columns of each further index. */
  readonly indexes: readonly (readonly string[])[];
  readonly sources: readonly MetricsSource[];
  /** The column that says which load brought a row; absent where the table keeps no lineage. */
  readonly lineageColumn?: string;
  /** File-name patterns that go into this table, beside its own name. */
  readonly files: readonly string[];
  /** Header names to pass over knowingly. */
  readonly ignoredFields: readonly string[];
  /** The jsonb column that keeps fields nobody declared. */
  readonly extraColumn?: string;
  /** What the records of its files are; undefined where each file's name or content tells it. */
  readonly format?: Format;
  /** What is known of the form of its CSV files. */
  readonly csv?: CsvSettings;
}

export interface Model {
  readonly tables: readonly Table[];
}

/** What a table physically holds, in the order of its DDL. */
export interface PhysicalColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly isNullable: boolean;
}

/** All columns of a table: declared ones, then metrics and what keeps the undeclared, fields too, then lineage. */
export function physicalColumns(table: Table): PhysicalColumn[] {
  const columns: PhysicalColumn[] = table.columns.map(({ name, type, isNullable }) => ({
    name,
    type,
    isNullable,
  }));
  for (const source of table.sources) {
    for (const metric of source.metrics) {
      columns.push({ name: metric.column, type: metric.type, isNullable: true });
    }
    columns.push({ name: source.extraColumn, type: 'jsonb', isNullable: true });
  }
  if (table.extraColumn !== undefined) {
    columns.push({ name: table.extraColumn, type: 'jsonb', isNullable: true });
  }
  if (table.lineageColumn !== undefined) {
    columns.push({ name: table.lineageColumn, type: 'bigint', isNullable: true });
  }
  return columns;
}

export function findTable(model: Model, name: string): Table | undefined {
  return model.tables.find((table) => table.name === name);
}
