/** The columns of a row of a realized table, as code that is generated has them. */
import { addedColumns, SEQUENCE_COLUMN } from '../model/event-columns.js';
import type { ColumnType } from '../model/types.js';
import type { CatalogueTable } from './catalogue.js';

export interface RowColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Realized tables enforce the key alone, and always have the sequence. */
  readonly isNullable: boolean;
  readonly description?: string;
}

/** Those of the model, and those that edp adds. */
export function rowColumns(table: CatalogueTable): RowColumn[] {
  const sure = [...table.key, SEQUENCE_COLUMN];
  const columns: readonly Omit<RowColumn, 'isNullable'>[] = [
    ...table.columns,
    ...addedColumns(table),
  ];
  return columns.map(({ name, type, description }) => ({
    name,
    type,
    isNullable: !sure.includes(name),
    ...(description === undefined ? {} : { description }),
  }));
}
