/** The columns of a realized table and of its history. */
import type { EventTable } from '../events/event-table.js';
import { SEQUENCE_COLUMN } from '../model/event-columns.js';
import { type ColumnType, SQL_TYPE } from '../model/types.js';
import { IS_CURRENT, VALID_FROM, VALID_TO } from '../model/warehouse/versions.js';

export interface RealizedColumn {
  readonly name: string;
  readonly type: ColumnType;
}

/** A column that is filled by edp, unless the source has an attribute of that name. */
function added(table: EventTable, names: readonly string[]): RealizedColumn[] {
  const own = new Set(table.columns.map(({ name }) => name));
  return names.filter((name) => !own.has(name)).map((name) => ({ name, type: 'timestamptz' }));
}

export function attributesOf({ columns }: EventTable): RealizedColumn[] {
  return columns.map(({ name, type }) => ({ name, type }));
}

/** Whether edp itself fills the column with the time of the delete. */
export function hasOwnSoftDelete(table: EventTable): boolean {
  return table.softDelete !== false && added(table, [table.softDelete]).length > 0;
}

/** Those of the table's timestamps that edp fills. */
export function ownTimestamps({ timestamps = ['', ''], columns }: EventTable): {
  readonly created: string | undefined;
  readonly updated: string | undefined;
} {
  const own = new Set(['', ...columns.map(({ name }) => name)]);
  const [created, updated] = timestamps.map((name) => (own.has(name) ? undefined : name));
  return { created, updated };
}

export function realizedColumns(table: EventTable): RealizedColumn[] {
  const { softDelete, timestamps = [] } = table;
  return [
    ...attributesOf(table),
    ...added(table, [...timestamps, ...(softDelete === false ? [] : [softDelete])]),
    { name: SEQUENCE_COLUMN, type: 'numeric' },
  ];
}

export function historyColumns(table: EventTable): RealizedColumn[] {
  return [
    ...attributesOf(table),
    { name: SEQUENCE_COLUMN, type: 'numeric' },
    { name: VALID_FROM, type: 'timestamptz' },
    { name: VALID_TO, type: 'timestamptz' },
    { name: IS_CURRENT, type: 'boolean' },
  ];
}

export function sqlTypeOf({ type }: RealizedColumn): string {
  return SQL_TYPE[type];
}
