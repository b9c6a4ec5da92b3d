/** What keeps copies from ever being right: two rows to copy from, or something else that writes the column. */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { safeText } from '../../base/safe-text.js';
import { quoteIdentifier, quoteTable } from '../../model/ddl.js';
import type { Copying, Table } from '../../model/model.js';

export interface Copy {
  readonly table: Table;
  readonly column: string;
  readonly origin: Copying;
}

/** The key is that of edp.yaml; a table that was there before may have none in the database. */
export async function assertOneRowPerKey(client: pg.Client, copy: Copy): Promise<void> {
  const { table, key } = copy.origin;
  if (await isUnique(client, table, key)) return;
  const name = quoteIdentifier(key);
  const { rows } = await client.query<{ key: string }>(
    `SELECT ${name}::text AS key FROM ${quoteTable(table)} WHERE ${name} IS NOT NULL
     GROUP BY ${name} HAVING count(*) > 1 ORDER BY ${name} LIMIT 1`,
  );
  const [twice] = rows;
  if (twice === undefined) return;
  throw new EdpError(
    'table_mismatch',
    `${nameOf(copy)} copies from "${safeText(table)}", which has several rows with ${safeText(key)} ${safeText(twice.key)}`,
    { hint: `remove all but one of them, and give the table a primary key on ${safeText(key)}` },
  );
}

async function isUnique(client: pg.Client, table: string, key: string): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
     WHERE i.indrelid = $1::regclass AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1
       AND i.indpred IS NULL AND a.attname = $2`,
    [quoteTable(table), key],
  );
  return rows.length > 0;
}

/** @param rows that had another value again */
export function notKept(copy: Copy, rows: number): EdpError {
  const name = nameOf(copy);
  return new EdpError(
    'table_mismatch',
    `${name} does not keep the values that it copies: ${rows === 1 ? 'one row has' : `${rows} rows have`} another one again after each update`,
    { hint: `see which trigger of the table, or which other program, writes ${name}` },
  );
}

function nameOf({ table, column }: Copy): string {
  return safeText(`${table.name}.${column}`);
}
