/** What events need to know of a table of the model. Plain data: it goes to threads as JSON. */
import type { Corrections } from '../model/corrections.js';
import { DEFAULT_SOFT_DELETE } from '../model/event-columns.js';
import type { Migration, Table } from '../model/model.js';
import type { ColumnType } from '../model/types.js';

export interface EventColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Its name in records of Debezium, where that is another one. */
  readonly field?: string;
  readonly corrections?: Corrections;
  readonly description?: string;
  /** Whether a create may lack it: its value follows as an update at the end of the transaction. */
  readonly isCalculated?: true;
}

export interface EventTable {
  readonly name: string;
  readonly description?: string;
  /** Of its schemas. */
  readonly version: number;
  readonly key: readonly string[];
  /** Its attributes, in the order of the model. */
  readonly columns: readonly EventColumn[];
  /** The column with the time of the delete; false where deleted rows go. */
  readonly softDelete: string | false;
  /** Columns with the time at which a row was made, and of its last event. */
  readonly timestamps?: readonly [created: string, updated: string];
  readonly hasHistory: boolean;
  /** By the version that they lead to: what lifts an event from the version before. */
  readonly migrations: Readonly<Record<number, Migration>>;
  /** Names that are passed over. */
  readonly ignored?: readonly string[];
  /** Whether it is known which columns are calculated; otherwise a create may lack all but the key. */
  readonly knowsCalculated?: true;
}

/** @param calculated columns that `capture:` calculates; undefined where it does not have the table */
export function toEventTable(table: Table, calculated?: readonly string[]): EventTable {
  return {
    name: table.name,
    ...(table.notes?.description === undefined ? {} : { description: table.notes.description }),
    version: table.version ?? 1,
    key: table.key,
    columns: table.columns
      .filter(({ origin }) => origin === undefined)
      .map(({ name, type, field, corrections, notes }) => ({
        name,
        type,
        ...(field === name ? {} : { field }),
        ...(corrections === undefined ? {} : { corrections }),
        ...(notes?.description === undefined ? {} : { description: notes.description }),
        ...(calculated?.includes(name) === true ? { isCalculated: true as const } : {}),
      })),
    softDelete: table.softDelete ?? DEFAULT_SOFT_DELETE,
    ...(table.timestamps === undefined ? {} : { timestamps: table.timestamps }),
    hasHistory: table.hasHistory === true,
    migrations: table.migrations ?? {},
    ...(table.ignoredFields.length === 0 ? {} : { ignored: table.ignoredFields }),
    ...(calculated === undefined ? {} : { knowsCalculated: true as const }),
  };
}

/** The same without what only people read. */
export function withoutNotes({ description: _, columns, ...table }: EventTable): EventTable {
  return { ...table, columns: columns.map(({ description: __, ...column }) => column) };
}
