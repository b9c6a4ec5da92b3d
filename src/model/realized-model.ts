/**
 * Tables that are folded from change events: which can be, and what tasks see of them: no number of a load, and the
 * columns that edp fills itself. Their histories are tables of their own.
 */
import {
  ADDED_TO_HISTORY,
  addedColumns,
  DEFAULT_SOFT_DELETE,
  type RealizedColumn,
} from './event-columns.js';
import { isJson, WHY_NO_JSON_KEY } from './json-key.js';
import type { Column, Model, Table } from './model.js';
import { bareName, formatTableName, isSameTable, parseTableName } from './table-name.js';
import { VALID_FROM, VALID_TO } from './validity-columns.js';

export function historyName(table: string): string {
  return formatTableName({ ...parseTableName(table), name: `${bareName(table)}_history` });
}

/** @returns why events cannot be folded into a table; undefined if they can */
export function whyNotRealizable(table: Table): string | undefined {
  if (table.key.length === 0) return 'it has no key';
  const json = table.columns.find(({ name, type }) => table.key.includes(name) && isJson(type));
  if (json !== undefined) return `its key "${json.name}" is ${json.type}, ${WHY_NO_JSON_KEY}`;
  if (table.hasVersions === true) return 'it keeps versions of files';
  if (table.sources.length > 0) return 'it takes metrics out of JSON';
  if (table.partitions !== undefined) return 'it has partitions';
  const made = table.columns.find(({ origin }) => origin !== undefined);
  return made === undefined ? undefined : `no event fills its column "${made.name}"`;
}

/** Whether events can be folded into it. */
export function isRealizable(table: Table): boolean {
  return whyNotRealizable(table) === undefined;
}

/**
 * @param captured names of the tables that `capture:` has; another one is realized if its declaration says anything of
 *   change events
 */
export function withRealized(model: Model, captured: readonly string[]): Model {
  const isRealized = (table: Table) =>
    isRealizable(table) &&
    (saysOfEvents(table) || captured.some((name) => isSameTable(name, table.name)));
  return {
    tables: model.tables.flatMap((table) => {
      if (!isRealized(table)) return [table];
      return table.hasHistory === true
        ? [asRealized(table), historyOf(table)]
        : [asRealized(table)];
    }),
  };
}

/** Names of the tables that tasks know to be realized. @param model of {@link withRealized} */
export function listRealized({ tables }: Model): string[] {
  return tables.filter((table) => table.realized?.kind === 'rows').map(({ name }) => name);
}

function saysOfEvents({ version, softDelete, timestamps, hasHistory, migrations }: Table): boolean {
  return [version, softDelete, timestamps, hasHistory, migrations].some((one) => one !== undefined);
}

/** As tasks see it. */
export function asRealized({ lineageColumn: _, ...table }: Table): Table {
  const { key, softDelete = DEFAULT_SOFT_DELETE } = table;
  return {
    ...table,
    columns: [...table.columns, ...addedColumns(table).map(toColumn)],
    realized: { kind: 'rows', key, ...(softDelete === false ? {} : { goneBy: softDelete }) },
  };
}

function historyOf({ lineageColumn: _, ...table }: Table): Table {
  return {
    ...table,
    name: historyName(table.name),
    key: [...table.key, VALID_FROM],
    files: [],
    indexes: [],
    columns: [...table.columns, ...ADDED_TO_HISTORY.map(toColumn)],
    realized: { kind: 'states', key: table.key, goneBy: VALID_TO },
  };
}

function toColumn({ name, type }: RealizedColumn): Column {
  return { name, type, field: name, isNullable: true };
}
