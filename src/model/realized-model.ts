/**
 * Tables that are folded from change events, as tasks see them: without the number of a load, and with the columns
 * that edp fills itself. Their histories are tables of their own.
 */
import { DEFAULT_SOFT_DELETE, SEQUENCE_COLUMN } from './event-columns.js';
import type { Column, Model, Table } from './model.js';
import { bareName, formatTableName, parseTableName } from './table-name.js';
import type { ColumnType } from './types.js';
import { IS_CURRENT, VALID_FROM, VALID_TO } from './warehouse/versions.js';

export function historyName(table: string): string {
  return formatTableName({ ...parseTableName(table), name: `${bareName(table)}_history` });
}

/**
 * @param captured names of the tables that `capture:` has; another one is realized if its declaration says anything of
 *   change events
 */
export function withRealized(model: Model, captured: readonly string[]): Model {
  const isRealized = (table: Table) => captured.includes(table.name) || saysOfEvents(table);
  return {
    tables: model.tables.flatMap((table) => {
      if (!isRealized(table)) return [table];
      return table.hasHistory === true ? [realized(table), historyOf(table)] : [realized(table)];
    }),
  };
}

function saysOfEvents({ version, softDelete, timestamps, hasHistory, migrations }: Table): boolean {
  return [version, softDelete, timestamps, hasHistory, migrations].some((one) => one !== undefined);
}

function realized({ lineageColumn: _, ...table }: Table): Table {
  const { softDelete = DEFAULT_SOFT_DELETE, timestamps = [] } = table;
  const times = [...timestamps, ...(softDelete === false ? [] : [softDelete])];
  return {
    ...table,
    columns: added(table.columns, [
      ...times.map((name) => [name, 'timestamptz'] as const),
      [SEQUENCE_COLUMN, 'numeric'],
    ]),
  };
}

function historyOf({ lineageColumn: _, ...table }: Table): Table {
  return {
    ...table,
    name: historyName(table.name),
    key: [...table.key, VALID_FROM],
    files: [],
    indexes: [],
    columns: added(table.columns, [
      [SEQUENCE_COLUMN, 'numeric'],
      [VALID_FROM, 'timestamptz'],
      [VALID_TO, 'timestamptz'],
      [IS_CURRENT, 'boolean'],
    ]),
  };
}

function added(
  columns: readonly Column[],
  more: readonly (readonly [string, ColumnType])[],
): Column[] {
  const own = new Set(columns.map(({ name }) => name));
  const made = more.filter(([name]) => !own.has(name));
  return [
    ...columns,
    ...made.map(([name, type]) => ({ name, type, field: name, isNullable: true })),
  ];
}
