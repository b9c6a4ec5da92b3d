/** What the catalog says about the table of a load, and so how its splits are to be copied. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { quoteIdentifier } from '../model/ddl.js';
import { physicalColumns, type Table } from '../model/model.js';
import { SQL_TYPE } from '../model/types.js';

export interface ForeignKey {
  readonly column: string;
  /** Schema-qualified and quoted. */
  readonly referredTable: string;
  readonly referredColumn: string;
  /** SQL type of the referred column. */
  readonly type: string;
}

/** Plain data, so that it can be handed to a thread. */
export interface TableInCatalog {
  /** Schema-qualified and quoted. */
  readonly table: string;
  readonly key: readonly string[];
  /**
   * Whether any unique index constrains the rows, so that of two rows with one key the first wins.
   */
  readonly hasUniqueIndex: boolean;
  readonly foreignKeys: readonly ForeignKey[];
  /**
   * Whether splits check foreign keys themselves, once per distinct value, instead of paying for a
   * trigger per row. The per-row triggers cost four times everything else together
   * (docs/performance.md), and skipping them needs a privilege and a table without triggers of its
   * own.
   */
  readonly checksForeignKeys: boolean;
}

interface CatalogColumn {
  readonly name: string;
  readonly type: string;
  readonly isRequired: boolean;
}

/**
 * Types of existing columns that a model's type also fits, because they are equivalent or the
 * server converts.
 */
const ALSO_FITS: Readonly<Record<string, RegExp>> = {
  text: /^(character varying|character|text|citext|name)\b/,
  numeric: /^numeric\b/,
  'timestamp without time zone': /^timestamp(\(\d\))? without time zone$/,
  'timestamp with time zone': /^timestamp(\(\d\))? with time zone$/,
};

function fits(expected: string, actual: string): boolean {
  return expected === actual || ALSO_FITS[expected]?.test(actual) === true;
}

/** A table with all its partitions and children, as a query's beginning; $1 is the table's oid. */
export const FAMILY = `WITH RECURSIVE family AS (
  SELECT $1::oid AS oid
  UNION SELECT inhrelid FROM pg_inherits JOIN family ON inhparent = family.oid)`;

/** @returns its name is schema-qualified and quoted; undefined where it was never created */
export async function findTableInCatalog(
  client: pg.Client,
  name: string,
): Promise<{ readonly oid: number; readonly name: string } | undefined> {
  const { rows } = await client.query<{ oid: number; name: string }>(
    `SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p')`,
    [quoteIdentifier(name)],
  );
  return rows[0];
}

/**
 * Looks up a table and compares it with the model.
 *
 * @throws EdpError `table_mismatch` that names every difference at once
 */
export async function inspectTable(client: pg.Client, table: Table): Promise<TableInCatalog> {
  const found = await findTableInCatalog(client, table.name);
  if (found === undefined) {
    throw new EdpError('table_mismatch', `there is no table "${table.name}" in the database`, {
      hint: 'a role that may create tables makes it with its first load',
    });
  }
  await assertFits(client, table, found.oid);
  const unique = await client.query(
    'SELECT FROM pg_index WHERE indrelid = $1 AND indisunique LIMIT 1',
    [found.oid],
  );
  const foreignKeys = await listForeignKeys(client, found.oid);
  return {
    table: found.name,
    key: table.key,
    hasUniqueIndex: unique.rowCount !== 0,
    foreignKeys: foreignKeys ?? [],
    checksForeignKeys:
      foreignKeys !== undefined &&
      foreignKeys.length > 0 &&
      (await maySkipTriggers(client, found.oid, foreignKeys)),
  };
}

async function assertFits(client: pg.Client, table: Table, oid: number): Promise<void> {
  const { rows: actual } = await client.query<CatalogColumn>(
    `SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type,
            attnotnull AND NOT atthasdef AND attidentity = '' AS "isRequired"
     FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped`,
    [oid],
  );
  const faults: string[] = [];
  const expected = physicalColumns(table);
  for (const column of expected) {
    const existing = actual.find(({ name }) => name === column.name);
    const type = SQL_TYPE[column.type];
    if (existing === undefined) faults.push(`it has no column "${column.name}" (${type})`);
    else if (!fits(type, existing.type)) {
      faults.push(`column "${column.name}" is ${existing.type}, the model says ${type}`);
    }
  }
  for (const { name, isRequired } of actual) {
    if (isRequired && !expected.some((column) => column.name === name)) {
      faults.push(`column "${name}" needs a value, and the model does not know it`);
    }
  }
  if (table.key.length > 0) {
    const { rows } = await client.query<{ columns: string[] }>(
      `SELECT array_agg(a.attname::text) AS columns
       FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
       WHERE i.indrelid = $1 AND i.indisunique AND i.indpred IS NULL GROUP BY i.indexrelid`,
      [oid],
    );
    const key = [...table.key].sort().join();
    if (!rows.some(({ columns }) => [...columns].sort().join() === key)) {
      faults.push(`it has no primary key or unique index on (${table.key.join(', ')})`);
    }
  }
  if (faults.length > 0) {
    throw new EdpError(
      'table_mismatch',
      `table "${table.name}" does not fit the model: ${faults.join('; ')}`,
      {
        hint: 'ALTER the table, or change the model in edp.yaml, so that they agree',
      },
    );
  }
}

/** @returns undefined where a foreign key spans several columns, which only the server can check */
async function listForeignKeys(client: pg.Client, oid: number): Promise<ForeignKey[] | undefined> {
  const { rows } = await client.query<ForeignKey & { width: number }>(
    `SELECT array_length(conkey, 1) AS width, a.attname::text AS column,
            format('%I.%I', n.nspname, r.relname) AS "referredTable",
            ra.attname::text AS "referredColumn", format_type(ra.atttypid, NULL) AS type
     FROM pg_constraint f
     JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
     JOIN pg_class r ON r.oid = f.confrelid
     JOIN pg_namespace n ON n.oid = r.relnamespace
     JOIN pg_attribute ra ON ra.attrelid = f.confrelid AND ra.attnum = f.confkey[1]
     WHERE f.conrelid = $1 AND f.contype = 'f' ORDER BY f.conname`,
    [oid],
  );
  if (rows.some(({ width }) => width !== 1)) return undefined;
  return rows.map(({ column, referredTable, referredColumn, type }) => ({
    column,
    referredTable,
    referredColumn,
    type,
  }));
}

/**
 * Whether this session may check a table's foreign keys itself: the table has no triggers of its
 * own, and the role has the privileges.
 */
export async function maySkipTriggers(
  client: pg.Client,
  oid: number,
  foreignKeys: readonly ForeignKey[],
): Promise<boolean> {
  // Rows go into partitions, which may have other triggers than the table.
  const own = await client.query(
    `${FAMILY}
     SELECT FROM pg_trigger JOIN family ON tgrelid = family.oid
     WHERE NOT tgisinternal AND tgenabled <> 'D' LIMIT 1`,
    [oid],
  );
  if (own.rowCount !== 0) return false;
  for (const { referredTable } of foreignKeys) {
    // Locking the referred rows, as the triggers do, needs the privilege to update them.
    const { rows } = await client.query<{ may: boolean }>(
      "SELECT has_table_privilege($1, 'SELECT') AND has_any_column_privilege($1, 'UPDATE') AS may",
      [referredTable],
    );
    if (rows[0]?.may !== true) return false;
  }
  try {
    await client.query("SET session_replication_role = 'replica'");
    await client.query('RESET session_replication_role');
    return true;
  } catch {
    return false;
  }
}
