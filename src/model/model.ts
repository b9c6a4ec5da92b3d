/**
 * What a table is. A model is data: the built-in one (builtin.ts) and a project's `edp.yaml` give
 * the same shape, and everything below, from DDL to the byte lane, is compiled from it.
 */

import type { Corrections } from './corrections.js';
import type { CsvSettings } from './csv-settings.js';
import type { PlainFormat } from './file-settings.js';
import { ENDED_COLUMN, OFFSET_COLUMN, versionColumns } from './kept-versions.js';
import type { Partitions } from './partitions.js';
import { bareName, formatTableName, isSameTable, type TablePlace } from './table-name.js';
import type { ColumnType } from './types.js';

/** What people should know of a table or a column; comments of the database say it. */
export interface Notes {
  readonly description?: string;
  readonly owner?: string;
  readonly tags?: readonly string[];
}

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
  readonly notes?: Notes;
  readonly references?: Reference;
  /** Corrections of its values. */
  readonly corrections?: Corrections;
  /** The source of its value, if that is not a field. */
  readonly origin?:
    | { readonly kind: 'constant'; readonly text: string }
    | { readonly kind: 'computed'; readonly expression: string }
    | Copying;
}

/** The value of a column in that row of another table whose key is in the column `by` of this one. */
export interface Copying extends Reference {
  readonly kind: 'copy';
  readonly by: string;
  /** The key of the other table. */
  readonly key: string;
}

/** The other tables whose rows a column needs. */
export function neededTables({ references, origin }: Column): string[] {
  return [references?.table, origin?.kind === 'copy' ? origin.table : undefined].filter(
    (name) => name !== undefined,
  );
}

/** One named value inside a JSON field; flattening makes it a column. */
export interface Metric {
  /** The key inside the JSON object. */
  readonly key: string;
  /** The column it becomes. */
  readonly column: string;
  readonly type: ColumnType;
  readonly notes?: Notes;
}

/** A JSON field to flatten: the place of its metrics, and the column for undeclared ones. */
export interface MetricsSource {
  /** The header name of the JSON field. */
  readonly field: string;
  /** Keys from the root of the JSON value to the object with the metrics. */
  readonly path: readonly string[];
  readonly metrics: readonly Metric[];
  /** The jsonb column that keeps undeclared metrics. */
  readonly extraColumn: string;
}

export interface Table {
  /** As edp.yaml writes it: with its schema, or without. */
  readonly name: string;
  readonly notes?: Notes;
  readonly columns: readonly Column[];
  /** Column names of the primary key; empty if the table has none. */
  readonly key: readonly string[];
  /** Columns of each further index. */
  readonly indexes: readonly (readonly string[])[];
  readonly sources: readonly MetricsSource[];
  /**
   * The column with the number of the load that wrote the row; undefined for a table without
   * lineage.
   */
  readonly lineageColumn?: string;
  /** Patterns of names of files for this table, in addition to its own name. */
  readonly files: readonly string[];
  /** Header names to ignore. */
  readonly ignoredFields: readonly string[];
  /** The jsonb column that keeps undeclared fields. */
  readonly extraColumn?: string;
  /** Format of its files; undefined if it is detected by each file's name or content. */
  readonly format?: PlainFormat;
  /** Settings of its CSV files. */
  readonly csv?: CsvSettings;
  readonly partitions?: Partitions;
  /** Whether a side table keeps the key unique, which does not contain the columns of the partitions. */
  readonly hasKeyGuard?: true;
  /** Whether it keeps each version of a key (kept-versions.ts). */
  readonly hasVersions?: true;
  /** Whether each of its files holds all members, so that those it lacks have ended; only with versions. */
  readonly snapshot?: 'full';
  /** Of its schemas of change events; 1 if undefined. What follows says how it is folded from such events. */
  readonly version?: number;
  /** The column with the time of the delete (deleted_at if undefined); false where deleted rows go. */
  readonly softDelete?: string | false;
  /** Columns with the time at which a row was made, and of its last event. */
  readonly timestamps?: readonly [created: string, updated: string];
  /** Whether a table beside it has each state of a row with its validity. */
  readonly hasHistory?: true;
  /** By the version that they lead to: what lifts an event from the version before. */
  readonly migrations?: Readonly<Record<number, Migration>>;
  /** Of a table that tasks know to be folded from change events, or of the history of one (realized-model.ts). */
  readonly realized?: Realized;
  /** Of the table that change events are loaded into: the tables that they are about (formats/events), as JSON. */
  readonly eventCatalog?: string;
}

export interface Realized {
  readonly kind: 'rows' | 'states';
  /** What identifies a member. */
  readonly key: readonly string[];
  /** Rows with a value in this column are not there any more; undefined where deleted rows go. */
  readonly goneBy?: string;
}

/** How an event of one version of a table becomes one of the next. */
export interface Migration {
  /** Old name → new name. */
  readonly rename?: Readonly<Record<string, string>>;
  /** Attributes that the version adds, with their values in events that have all attributes. */
  readonly default?: Readonly<Record<string, unknown>>;
  /** Attributes that the version no longer has. */
  readonly drop?: readonly string[];
}

export interface Model {
  readonly tables: readonly Table[];
}

/** A physical column of a table, in the order of its DDL. */
export interface PhysicalColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly isNullable: boolean;
  /** SQL of the value in rows that say nothing about it. */
  readonly default?: string;
}

/**
 * All columns of a table: declared ones, metrics, those that keep undeclared metrics and fields,
 * lineage, the place of a version.
 */
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
  const ofVersions = versionColumns(table);
  if (ofVersions.includes(OFFSET_COLUMN)) {
    columns.push({ name: OFFSET_COLUMN, type: 'bigint', isNullable: false });
  }
  if (ofVersions.includes(ENDED_COLUMN)) {
    columns.push({ name: ENDED_COLUMN, type: 'boolean', isNullable: false, default: 'false' });
  }
  return columns;
}

export function findTable(model: Model, name: string): Table | undefined {
  return model.tables.find((table) => isSameTable(table.name, name));
}

/** The declaration of a table of the database: with its schema, or without. */
export function findTableAt(model: Model, place: TablePlace): Table | undefined {
  return (
    findTable(model, formatTableName(place)) ??
    findTable(model, formatTableName({ name: place.name }))
  );
}

/** Also finds a table by its name without the schema, if only one has it. */
export function findNamedTable(model: Model, name: string): Table | undefined {
  const [only, ...others] = model.tables.filter((table) => bareName(table.name) === name);
  return findTable(model, name) ?? (others.length === 0 ? only : undefined);
}
