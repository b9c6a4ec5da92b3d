/** What is captured, resolved against the source: plain data from which SQL is made. */

import { formatTableName, type TablePlace } from '../model/table-name.js';
import type { ColumnType } from '../model/types.js';
import type { SourceTable } from './read-catalog.js';
import type { ValueKind } from './value-json.js';

/** Which settings of a session texts of values depend on; each one that is set costs a microsecond for each statement. */
export type NeededSettings = 'none' | 'floats' | 'all';

/** An attribute of a model that the row itself decides. */
export interface Attribute {
  readonly name: string;
  /** SQL over the columns of the source row: what is compared. */
  readonly value: string;
  readonly comparison: Comparison;
  /** Whether it is the key of a row that it refers to, which may be gone. */
  readonly isReference: boolean;
  /** Whether it is a column of the source. */
  readonly isColumn: boolean;
  readonly kind: ValueKind;
  /** @param value SQL of the value @returns SQL of its JSON text */
  readonly json: (value: string) => string;
  /** @param value SQL of the value @returns SQL of the text that is kept, NULL for NULL */
  readonly plain: (value: string) => string;
  /** @param value SQL of the value @returns SQL of a text that says which value it is */
  readonly text: (value: string) => string;
}

/** What tells whether two values have the same text: that they are equal; that they also have the same scale; that their bytes are the same. */
export type Comparison = 'equality' | 'scale' | 'bytes';

export interface CalculatedAttribute {
  readonly name: string;
  /** SQL of its JSON text, over the columns of the source row. */
  readonly json: string;
}

/** An attribute that a method of the application fills. */
export interface MethodAttribute {
  readonly name: string;
  readonly type: ColumnType;
}

/** Rows of another table that touch rows of a model. */
export interface Touching {
  readonly source: SourceTable;
  readonly column: string;
  /** Column of the captured table that it refers to. */
  readonly refersTo: string;
}

export interface CapturedModel {
  readonly name: string;
  readonly version: number;
  readonly source: SourceTable;
  /** Names of the key's attributes. */
  readonly key: readonly string[];
  readonly attributes: readonly Attribute[];
  readonly calculations: readonly CalculatedAttribute[];
  readonly methods: readonly MethodAttribute[];
  readonly touching: readonly Touching[];
  readonly where: string | undefined;
  /** Columns of the source that tell its rows apart. */
  readonly identity: readonly string[];
  /** Those by which a snapshot reads: a row that gets other values of them has another key in the model where that can be. */
  readonly readBy: readonly string[];
  readonly settings: NeededSettings;
  /** Hash of what edp.yaml says of it (definition.ts). */
  readonly definition: string;
  /** Where its SQL finds names without a schema (search-path.ts). */
  readonly searchPath: string;
}

/** A table of the source that gets triggers. */
export interface CapturedSource {
  readonly table: SourceTable;
  readonly models: readonly CapturedModel[];
  /** Models whose calculations its rows touch. */
  readonly touches: readonly { readonly model: CapturedModel; readonly touching: Touching }[];
}

/** A table that applications may publish themselves. */
export interface PublishedTable {
  readonly name: string;
  readonly version: number;
  /** Column → its types in JSON. */
  readonly key: Readonly<Record<string, string>>;
}

/** Columns of a table of the source that nothing of edp.yaml reads. */
export interface Uncaptured {
  readonly source: string;
  /** Tables of the model that it feeds. */
  readonly models: readonly string[];
  readonly columns: readonly string[];
}

export interface CapturePlan {
  readonly sourceName: string;
  readonly isStrict: boolean;
  /** Of the outbox, from which it is reported. */
  readonly capBytes: number;
  readonly models: readonly CapturedModel[];
  readonly sources: readonly CapturedSource[];
  readonly published: readonly PublishedTable[];
  /** What of the source nothing reads. */
  readonly uncaptured: readonly Uncaptured[];
  readonly warnings: readonly string[];
}

/** What suffices for all. */
export function mostNeeded(settings: readonly NeededSettings[]): NeededSettings {
  return (['all', 'floats'] as const).find((one) => settings.includes(one)) ?? 'none';
}

/** Of two tables, never the same. */
export function placeText({ schema, name }: TablePlace): string {
  return formatTableName({ schema, name });
}
