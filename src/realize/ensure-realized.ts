/** Realized tables and their histories: made where they are missing, given the columns that they lack. */

import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import type { EventTable } from '../events/event-table.js';
import { recordDefinition } from '../ledger/changes.js';
import { quoteColumns, quoteIdentifier, quoteTable } from '../model/ddl.js';
import { historyColumns, type RealizedColumn, realizedColumns } from '../model/event-columns.js';
import { historyName } from '../model/realized-model.js';
import type { ColumnType } from '../model/types.js';
import { SQL_TYPE } from '../model/types.js';
import { VALID_FROM } from '../model/validity-columns.js';

/** Makes or widens the tables of one declaration, within the transaction that fills them. */
export async function ensureRealized(
  client: pg.Client,
  table: EventTable,
  note: (text: string) => void,
): Promise<void> {
  await ensure(client, table.name, realizedColumns(table), table.key, note);
  if (!table.hasHistory) return;
  const key = [...table.key, VALID_FROM];
  await ensure(client, historyName(table.name), historyColumns(table), key, note);
}

async function ensure(
  client: pg.Client,
  name: string,
  columns: readonly RealizedColumn[],
  key: readonly string[],
  note: (text: string) => void,
): Promise<void> {
  const there = await readColumns(client, name);
  if (there === undefined) {
    const parts = columns.map(
      (column) => `${quoteIdentifier(column.name)} ${SQL_TYPE[column.type]}`,
    );
    await client.query(
      `CREATE TABLE ${quoteTable(name)} (${parts.join(', ')}, PRIMARY KEY (${quoteColumns(key)}))`,
    );
    await recordDefinition(client, quoteTable(name));
    return;
  }
  assertTypes(name, columns, there.types);
  assertKey(name, key, there.uniqueKeys);
  const missing = columns.filter((column) => !there.types.has(column.name));
  if (missing.length === 0) return;
  const additions = missing.map(
    (column) => `ADD COLUMN ${quoteIdentifier(column.name)} ${SQL_TYPE[column.type]}`,
  );
  await client.query(`ALTER TABLE ${quoteTable(name)} ${additions.join(', ')}`);
  await recordDefinition(client, quoteTable(name));
  const list = missing.map((column) => `${column.name} ${column.type}`).join(', ');
  note(`table ${name} has new columns: ${list}`);
}

interface Columns {
  /** By column: its type, as format_type() prints it. */
  readonly types: ReadonlyMap<string, string>;
  readonly uniqueKeys: readonly (readonly string[])[];
}

/** @returns undefined where there is no such table */
async function readColumns(client: pg.Client, name: string): Promise<Columns | undefined> {
  const { rows } = await client.query<{
    isThere: boolean;
    columns: readonly { name: string; type: string }[] | null;
    keys: readonly (readonly string[])[] | null;
  }>(
    `SELECT to_regclass($1) IS NOT NULL AS "isThere",
       (SELECT json_agg(json_build_object('name', attname, 'type', format_type(atttypid, NULL)))
        FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped) AS columns,
       (SELECT json_agg((SELECT json_agg(a.attname) FROM pg_attribute a
                         WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)))
        FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indpred IS NULL
          AND i.indexprs IS NULL) AS keys`,
    [quoteTable(name)],
  );
  const { isThere, columns, keys } = rows[0]!;
  if (!isThere) return undefined;
  return {
    types: new Map((columns ?? []).map((column) => [column.name, column.type])),
    uniqueKeys: keys ?? [],
  };
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

function assertTypes(
  name: string,
  columns: readonly RealizedColumn[],
  types: ReadonlyMap<string, string>,
): void {
  const faults = columns.flatMap((column) => {
    const type = types.get(column.name);
    const fitting = [SQL_TYPE[column.type], ...(WIDER[column.type] ?? [])];
    if (type === undefined || fitting.includes(type)) return [];
    return [`${column.name} is ${type}, and declared as ${column.type}`];
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

function assertKey(
  name: string,
  key: readonly string[],
  uniqueKeys: readonly (readonly string[])[],
): void {
  const wanted = [...key].sort().join('\n');
  if (uniqueKeys.some((one) => [...one].sort().join('\n') === wanted)) return;
  throw new EdpError(
    'table_mismatch',
    `table "${name}" has no unique key of ${key.join(', ')}, by which events find its rows`,
    { hint: `ALTER TABLE ${quoteTable(name)} ADD PRIMARY KEY (${quoteColumns(key)})` },
  );
}
