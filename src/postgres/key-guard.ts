/**
 * The guard of a key that does not contain the columns of its table's partitions: a side table with a primary key, which
 * triggers of statements keep as the table is. A key that is there already is refused there, whatever statement brings it.
 */
import type pg from 'pg';
import { quoteColumns, quoteIdentifier, quoteLiteral } from '../model/ddl.js';
import { physicalColumns, type Table } from '../model/model.js';
import { GUARD_TRIGGER } from '../model/partitions.js';
import { SQL_TYPE } from '../model/types.js';

/** Condition on a trigger `t`: it is the guard's. It changes no row of the table and looks at none. */
export const IS_GUARD = `t.tgname LIKE '${GUARD_TRIGGER.replaceAll('_', '\\_')}%'`;

interface Guarded {
  readonly schema: string;
  readonly guarded: string;
  readonly keys: string;
}

/** Makes the guard of a table that has just been made, and is empty. @param name quoted */
export async function makeKeyGuard(client: pg.Client, table: Table, name: string): Promise<void> {
  const { rows } = await client.query<Guarded>(
    `SELECT n.nspname AS schema, c.relname AS guarded, edp.partition_name(c.oid, '_keys') AS keys
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::regclass`,
    [name],
  );
  const { schema, guarded, keys } = rows[0]!;
  const at = (relation: string) => `${quoteIdentifier(schema)}.${quoteIdentifier(relation)}`;
  for (const statement of guardStatements(table, at(guarded), at(keys))) {
    await client.query(statement);
  }
}

function guardStatements(table: Table, name: string, keys: string): string[] {
  const key = table.key.map(quoteIdentifier);
  const columns = physicalColumns(table).filter(({ name: one }) => table.key.includes(one));
  const typed = columns.map((one) => `${quoteIdentifier(one.name)} ${SQL_TYPE[one.type]}`);
  const same = (left: string, right: string) =>
    key.map((column) => `${left}.${column} = ${right}.${column}`).join(' AND ');
  const list = key.join(', ');
  const body = `
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO ${keys} (${list}) SELECT ${list} FROM new_rows;
  ELSIF TG_OP = 'DELETE' THEN
    DELETE FROM ${keys} k USING old_rows o WHERE ${same('k', 'o')};
  ELSIF TG_OP = 'UPDATE' THEN
    DELETE FROM ${keys} k USING old_rows o
    WHERE ${same('k', 'o')} AND NOT EXISTS (SELECT FROM new_rows n WHERE ${same('n', 'o')});
    INSERT INTO ${keys} (${list})
    SELECT ${list} FROM new_rows n WHERE NOT EXISTS (SELECT FROM old_rows o WHERE ${same('o', 'n')});
  ELSIF EXISTS (SELECT FROM ${keys}) THEN -- TRUNCATE of the whole table comes here with each partition
    DELETE FROM ${keys} k WHERE NOT EXISTS (SELECT FROM ${name} t WHERE ${same('t', 'k')});
  END IF;
  RETURN NULL;
END`;
  const on = (event: string, rows: string) => [
    `CREATE TRIGGER ${GUARD_TRIGGER}_${event.toLowerCase()} AFTER ${event} ON ${name} ${rows} FOR EACH STATEMENT EXECUTE FUNCTION ${keys}()`,
    // Also where a load makes the checks of foreign keys itself, and skips triggers.
    `ALTER TABLE ${name} ENABLE ALWAYS TRIGGER ${GUARD_TRIGGER}_${event.toLowerCase()}`,
  ];
  return [
    `CREATE TABLE ${keys} (${typed.join(', ')}, PRIMARY KEY (${quoteColumns(table.key)}))`,
    `COMMENT ON TABLE ${keys} IS ${quoteLiteral(`The keys of ${name}, which stay unique over its partitions`)}`,
    `CREATE FUNCTION ${keys}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS ${quoteLiteral(body)}`,
    ...on('INSERT', 'REFERENCING NEW TABLE AS new_rows'),
    ...on('UPDATE', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'),
    ...on('DELETE', 'REFERENCING OLD TABLE AS old_rows'),
    ...on('TRUNCATE', ''),
    // Records are looked up by it.
    `CREATE INDEX ON ${name} (${quoteColumns(table.key)})`,
  ];
}

/** @returns the columns that the guard of a table keeps unique; undefined where it has none */
export async function keyGuardOf(
  client: pg.Client,
  oid: number,
): Promise<readonly string[] | undefined> {
  const { rows } = await client.query<{ columns: string[] }>(
    `SELECT array_agg(a.attname::text) AS columns
     FROM (SELECT DISTINCT k.oid FROM pg_trigger t
           JOIN pg_proc p ON p.oid = t.tgfoid
           JOIN pg_class k ON k.relnamespace = p.pronamespace AND k.relname = p.proname
           WHERE t.tgrelid = $1 AND ${IS_GUARD} AND t.tgenabled = 'A') AS guard
     JOIN pg_index i ON i.indrelid = guard.oid AND i.indisprimary
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[])
     GROUP BY i.indexrelid`,
    [oid],
  );
  return rows[0]?.columns;
}
