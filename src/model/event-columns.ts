/**
 * The columns of tables that are folded from change events: those of the model, those that edp fills besides, and those
 * of their histories. Of a table of the model, or of what events need to know of it.
 */
import type { ColumnType } from './types.js';
import { IS_CURRENT, VALID_FROM, VALID_TO } from './validity-columns.js';

/** The column with the last sequence that the row has. */
export const SEQUENCE_COLUMN = 'change_sequence';

/** The column with the time of the delete, unless the table declares another one. */
export const DEFAULT_SOFT_DELETE = 'deleted_at';

export interface RealizedColumn {
  readonly name: string;
  readonly type: ColumnType;
}

/** What a table declares. */
export interface FoldedShape {
  readonly columns: readonly RealizedColumn[];
  readonly softDelete?: string | false;
  readonly timestamps?: readonly [created: string, updated: string];
}

const SEQUENCE: RealizedColumn = { name: SEQUENCE_COLUMN, type: 'numeric' };

/** The columns of a history that its model does not declare. */
export const ADDED_TO_HISTORY: readonly RealizedColumn[] = [
  SEQUENCE,
  { name: VALID_FROM, type: 'timestamptz' },
  { name: VALID_TO, type: 'timestamptz' },
  { name: IS_CURRENT, type: 'boolean' },
];

/** Columns that no realized table may declare. */
export const RESERVED_COLUMNS: readonly string[] = [SEQUENCE_COLUMN];
/** The same for a table with a history. */
export const RESERVED_IN_HISTORY: readonly string[] = ADDED_TO_HISTORY.map(({ name }) => name);

/** The columns of a realized table that its model does not declare. */
export function addedColumns({
  columns,
  softDelete = DEFAULT_SOFT_DELETE,
  timestamps,
}: FoldedShape): RealizedColumn[] {
  const own = new Set(columns.map(({ name }) => name));
  const times = [...(timestamps ?? []), ...(softDelete === false ? [] : [softDelete])];
  return [
    ...times
      .filter((name) => !own.has(name))
      .map((name): RealizedColumn => ({ name, type: 'timestamptz' })),
    SEQUENCE,
  ];
}

export function realizedColumns(table: FoldedShape): RealizedColumn[] {
  return [...attributesOf(table), ...addedColumns(table)];
}

export function historyColumns(table: FoldedShape): RealizedColumn[] {
  return [...attributesOf(table), ...ADDED_TO_HISTORY];
}

function attributesOf({ columns }: FoldedShape): RealizedColumn[] {
  return columns.map(({ name, type }) => ({ name, type }));
}
