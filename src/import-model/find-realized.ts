/** Tables of a source that edp has folded from change events: the model has them without what edp adds, and their histories are no tables of it. */
import {
  ADDED_TO_HISTORY,
  DEFAULT_SOFT_DELETE,
  type RealizedColumn,
  SEQUENCE_COLUMN,
} from '../model/event-columns.js';
import { historyName } from '../model/realized-model.js';
import { formatTableName } from '../model/table-name.js';
import { SQL_TYPE } from '../model/types.js';
import { VALID_FROM } from '../model/validity-columns.js';
import type { SourceTable } from './read-source-tables.js';

const SEQUENCE: RealizedColumn = { name: SEQUENCE_COLUMN, type: 'numeric' };
const SOFT_DELETE: RealizedColumn = { name: DEFAULT_SOFT_DELETE, type: 'timestamptz' };

/** @returns the tables without those columns and histories */
export function withoutAdded(tables: readonly SourceTable[]): SourceTable[] {
  const byName = new Map(tables.map((table) => [fullName(table), table]));
  const findHistory = (table: SourceTable) => {
    const history = byName.get(historyName(fullName(table)));
    return history !== undefined && isHistory(history, table) ? history : undefined;
  };
  const realized = tables.filter(isRealized);
  const histories = new Set(realized.map(findHistory));
  return tables
    .filter((table) => !histories.has(table))
    .map((table) => {
      if (!realized.includes(table)) return table;
      const hasSoftDelete = hasBesideKey(table, SOFT_DELETE);
      const added = [SEQUENCE, ...(hasSoftDelete ? [SOFT_DELETE] : [])].map(({ name }) => name);
      const isLeft = (column: string) => !added.includes(column);
      return {
        ...table,
        columns: table.columns.filter(({ name }) => isLeft(name)),
        keys: table.keys.filter(({ columns }) => columns.every(isLeft)),
        references: table.references.filter(({ columns }) => columns.every(isLeft)),
        realized: { hasSoftDelete, hasHistory: findHistory(table) !== undefined },
      };
    });
}

const fullName = ({ schema, name }: SourceTable) => formatTableName({ schema, name });

function isRealized(table: SourceTable): boolean {
  return hasBesideKey(table, SEQUENCE);
}

function hasBesideKey(table: SourceTable, column: RealizedColumn): boolean {
  return has(table, column) && primaryKey(table)?.includes(column.name) === false;
}

/** The key of the table, and from when. */
function isHistory(history: SourceTable, table: SourceTable): boolean {
  const key = [...primaryKey(table)!, VALID_FROM];
  return (
    ADDED_TO_HISTORY.every((column) => has(history, column)) &&
    primaryKey(history)?.join('\0') === key.join('\0')
  );
}

function has({ columns }: SourceTable, { name, type }: RealizedColumn): boolean {
  return columns.some((column) => column.name === name && column.type.name === SQL_TYPE[type]);
}

function primaryKey({ keys }: SourceTable): readonly string[] | undefined {
  return keys.find(({ isPrimary }) => isPrimary)?.columns;
}
