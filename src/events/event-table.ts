/** What events need to know of a table of the model. Plain data: it goes to threads as JSON. */
import type { Corrections } from '../model/corrections.js';
import type { Migration, Table } from '../model/model.js';
import type { ColumnType } from '../model/types.js';

export interface EventColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Whether events may have null for it; false for columns of the key. */
  readonly nullable: boolean;
  readonly corrections?: Corrections;
  readonly description?: string;
}

export interface EventTable {
  readonly name: string;
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
}

export const DEFAULT_SOFT_DELETE = 'deleted_at';

export function toEventTable(table: Table): EventTable {
  return {
    name: table.name,
    version: table.version ?? 1,
    key: table.key,
    columns: table.columns
      .filter(({ origin }) => origin === undefined)
      .map(({ name, type, isNullable, corrections, notes }) => ({
        name,
        type,
        nullable: isNullable && !table.key.includes(name),
        ...(corrections === undefined ? {} : { corrections }),
        ...(notes?.description === undefined ? {} : { description: notes.description }),
      })),
    softDelete: table.softDelete ?? DEFAULT_SOFT_DELETE,
    ...(table.timestamps === undefined ? {} : { timestamps: table.timestamps }),
    hasHistory: table.hasHistory === true,
    migrations: table.migrations ?? {},
  };
}
