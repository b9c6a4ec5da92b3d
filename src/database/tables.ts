/** The model's tables in the database: made when they are missing, otherwise left alone. */
import type pg from 'pg';
import { EdpError } from '../errors.js';
import { createTableStatements, quoteIdentifier, withReferredTables } from '../model/ddl.js';
import { type Model, physicalColumns, type Table } from '../model/model.js';
import { withSchemaLock } from './migrate.js';

async function isMissing(client: pg.Client, table: Table): Promise<boolean> {
  const { rows } = await client.query<{ missing: boolean }>(
    'SELECT to_regclass($1) IS NULL AS missing',
    [quoteIdentifier(table.name)],
  );
  return rows[0]?.missing === true;
}

async function listMissing(client: pg.Client, tables: readonly Table[]): Promise<Table[]> {
  const missing: Table[] = [];
  for (const table of tables) if (await isMissing(client, table)) missing.push(table);
  return missing;
}

/**
 * Makes a table and those it refers to, where they are missing. Safe when two processes start at once.
 *
 * @throws EdpError `database_refused` where the role may not create tables
 */
export async function ensureTable(client: pg.Client, model: Model, table: Table): Promise<void> {
  const wanted = withReferredTables(table, model.tables);
  if ((await listMissing(client, wanted)).length === 0) return;
  await explainRefusal(table, () => withSchemaLock(client, () => createMissing(client, wanted)));
}

/** The same within a transaction that is going on, which may be rolled back. */
export async function ensureTableWithin(
  client: pg.Client,
  model: Model,
  table: Table,
): Promise<void> {
  const wanted = withReferredTables(table, model.tables);
  await explainRefusal(table, () => createMissing(client, wanted));
}

/** PostgreSQL's, less the one by which records are told apart where some are refused. */
const MAX_COLUMNS = 1599;

/** @throws EdpError `model` for a table with more columns than the server takes */
export function assertTableWidth(table: Table): void {
  const { length } = physicalColumns(table);
  if (length <= MAX_COLUMNS) return;
  throw new EdpError(
    'model',
    `table "${table.name}" has ${length} columns; it can have ${MAX_COLUMNS}, the one for lineage counted`,
    { hint: 'declare those of its fields that you need, and the others under ignore:' },
  );
}

async function createMissing(client: pg.Client, wanted: readonly Table[]): Promise<void> {
  for (const missing of await listMissing(client, wanted)) {
    assertTableWidth(missing);
    for (const statement of createTableStatements(missing)) await client.query(statement);
  }
}

async function explainRefusal(table: Table, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if ((error as { code?: string }).code === '42501') {
      throw new EdpError(
        'database_refused',
        `table "${table.name}" cannot be made: ${(error as Error).message}`,
        {
          hint: 'let the owner of the schema make it, or GRANT CREATE ON SCHEMA public to this role',
          cause: error,
        },
      );
    }
    throw error;
  }
}
