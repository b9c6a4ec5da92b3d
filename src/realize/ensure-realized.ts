/** Realized tables and their histories: made where they are missing, given the columns that they lack. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import type { EventTable } from '../events/event-table.js';
import { recordDefinition } from '../ledger/changes.js';
import { quoteColumns, quoteTable } from '../model/ddl.js';
import type { Table } from '../model/model.js';
import { historyName } from '../model/realized-model.js';
import { type RealizedDeclaration, realizedTables } from '../model/realized-tables.js';
import { type ColumnType, SQL_TYPE } from '../model/types.js';
import { type CatalogColumn, listColumns } from '../postgres/columns-in-catalog.js';
import { findTableInCatalog, isOn, listUniqueIndexes } from '../postgres/table-in-catalog.js';
import { addColumnsWithin, ensureTableWithin } from '../postgres/tables.js';

/** Where the tables of one declaration are, as in SQL, with their schemas. */
export interface RealizedPlaces {
  readonly target: string;
  /** Columns of the table whose type is a wider one than the declared. */
  readonly widened: ReadonlySet<string>;
  /** Undefined where it has none. */
  readonly history: string | undefined;
}

/** @returns those with a table, or a history, that is missing */
export async function listLacking(
  client: pg.Client,
  tables: readonly EventTable[],
): Promise<EventTable[]> {
  const wanted = tables.flatMap((table) =>
    [table.name, ...(table.hasHistory ? [historyName(table.name)] : [])].map((name) => ({
      table,
      quoted: quoteTable(name),
    })),
  );
  const { rows } = await client.query<{ place: number }>(
    `SELECT place::int FROM unnest($1::text[]) WITH ORDINALITY AS n (name, place) WHERE to_regclass(name) IS NULL`,
    [wanted.map(({ quoted }) => quoted)],
  );
  return [...new Set(rows.map(({ place }) => wanted[place - 1]!.table))];
}

/**
 * Makes or widens the tables of one declaration, within the transaction that fills them. To a table that is there, no
 * index and no comment is added.
 */
export async function ensureRealized(
  client: pg.Client,
  declared: RealizedDeclaration,
  note: (text: string) => void,
): Promise<RealizedPlaces> {
  const { target, history } = realizedTables(declared);
  const { name, widened } = await ensure(client, target, note);
  const past = history === undefined ? undefined : await ensure(client, history, note);
  return { target: name, widened, history: past?.name };
}

interface EnsuredTable {
  /** With its schema, as in SQL. */
  readonly name: string;
  readonly widened: ReadonlySet<string>;
}

async function ensure(
  client: pg.Client,
  table: Table,
  note: (text: string) => void,
): Promise<EnsuredTable> {
  const { name, key } = table;
  const found = await findTableInCatalog(client, name);
  if (found === undefined) {
    await ensureTableWithin(client, { tables: [table] }, table, recordDefinition);
    return { name: (await findTableInCatalog(client, name))!.name, widened: new Set() };
  }
  const there = new Map(
    (await listColumns(client, found.oid)).map((column) => [column.name, column]),
  );
  assertTypes(table, there);
  if (!(await listUniqueIndexes(client, found.oid)).some((index) => isOn(key, index))) {
    throw lacksKey(table);
  }
  const missing = table.columns.filter((column) => !there.has(column.name));
  const isWidened = (column: Table['columns'][number]) =>
    ![undefined, SQL_TYPE[column.type]].includes(there.get(column.name)?.type);
  const widened = new Set(table.columns.filter(isWidened).map((column) => column.name));
  const ensured = { name: found.name, widened };
  if (missing.length === 0) return ensured;
  await addColumnsWithin(client, table, missing, recordDefinition);
  const list = missing.map((column) => `${column.name} ${column.type}`).join(', ');
  note(`table ${name} has new columns: ${list}`);
  const declared = new Set(table.columns.map((column) => column.name));
  const others = [...there.keys()].filter((column) => !declared.has(column));
  if (others.length > 0) {
    note(
      `table ${name} keeps columns that the model does not have: ${others.join(', ')}; events do not fill them, so one that was renamed keeps its old values (ALTER TABLE ${quoteTable(name)} DROP COLUMN … removes it)`,
    );
  }
  return ensured;
}

/** Types of the server that hold every value of a declared type. */
const WIDER: Readonly<Partial<Record<ColumnType, readonly string[]>>> = {
  smallint: ['integer', 'bigint', 'numeric'],
  int: ['bigint', 'numeric'],
  bigint: ['numeric'],
  real: ['double precision'],
  text: ['character varying', 'citext'],
  json: ['jsonb'],
  timestamp: ['timestamp with time zone'],
};

/** Types for which different values of a key are equal: letters in capitals, or numbers and times that are rounded. */
const MERGES_VALUES = /citext|^(numeric|timestamp)\(/;

function assertTypes(
  { name, columns, key }: Table,
  there: ReadonlyMap<string, CatalogColumn>,
): void {
  const faults = columns.flatMap(({ name: column, type }) => {
    const own = there.get(column);
    const fitting = [SQL_TYPE[type], ...(WIDER[type] ?? [])];
    if (own === undefined) return [];
    if (key.includes(column) && MERGES_VALUES.test(own.baseType)) {
      return [`${column} is ${own.type}, which takes different values of a key for the same one`];
    }
    if (fitting.includes(withoutLength(own.baseType))) return [];
    return [`${column} is ${own.type}, and declared as ${type}`];
  });
  if (faults.length === 0) return;
  throw new EdpError(
    'table_mismatch',
    `table "${name}" does not fit its events: ${faults.join('; ')}`,
    {
      hint: `change the types in edp.yaml, or those of the table: ALTER TABLE ${quoteTable(name)} ALTER COLUMN … TYPE …`,
    },
  );
}

/** `numeric(10,2)` → `numeric`. */
function withoutLength(type: string): string {
  return type.replace(/\([\d,]+\)/, '');
}

function lacksKey({ name, key }: Table): EdpError {
  return new EdpError(
    'table_mismatch',
    `table "${name}" has no unique key of ${key.join(', ')}, by which events find its rows`,
    { hint: `ALTER TABLE ${quoteTable(name)} ADD PRIMARY KEY (${quoteColumns(key)})` },
  );
}
