/** The model's tables in the database: created when they are missing, otherwise left alone. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import {
  addColumnClause,
  createTableStatements,
  quoteIdentifier,
  quoteTable,
  withReferredTables,
} from '../model/ddl.js';
import { type Model, physicalColumns, type Table } from '../model/model.js';
import { formatTableName, parseTableName } from '../model/table-name.js';
import type { ColumnType } from '../model/types.js';
import { withTransaction } from './connection.js';
import { makeKeyGuard } from './key-guard.js';
import { withSchemaLock } from './migrate.js';
import { makeRestPartition } from './partitions-in-catalog.js';

/**
 * Enters the new definition of a table, by its quoted name, into the log of changes: within the
 * transaction that makes it. `isNew` where the table was created.
 */
export type DefinitionLog = (client: pg.Client, name: string, isNew: boolean) => Promise<void>;

async function isMissing(client: pg.Client, table: Table): Promise<boolean> {
  const { rows } = await client.query<{ missing: boolean }>(
    'SELECT to_regclass($1) IS NULL AS missing',
    [quoteTable(table.name)],
  );
  return rows[0]?.missing === true;
}

async function listMissing(client: pg.Client, tables: readonly Table[]): Promise<Table[]> {
  const missing: Table[] = [];
  for (const table of tables) if (await isMissing(client, table)) missing.push(table);
  return missing;
}

/**
 * Creates a table and those it refers to, where they are missing. Safe when two processes start at
 * once.
 *
 * @throws EdpError `database_refused` where the role may not create tables
 */
export async function ensureTable(
  client: pg.Client,
  model: Model,
  table: Table,
  log: DefinitionLog,
): Promise<void> {
  const wanted = withReferredTables(table, model.tables);
  if ((await listMissing(client, wanted)).length === 0) return;
  await explainRefusal(table, 'made', () =>
    withSchemaLock(client, () => createMissing(client, wanted, log)),
  );
}

/** Does the same within a running transaction, which may be rolled back. */
export async function ensureTableWithin(
  client: pg.Client,
  model: Model,
  table: Table,
  log: DefinitionLog,
): Promise<void> {
  const wanted = withReferredTables(table, model.tables);
  await explainRefusal(table, 'made', () => createMissing(client, wanted, log));
}

/**
 * Adds the column that keeps undeclared fields, where the table was created without it.
 *
 * @throws EdpError `database_refused` where the role may not alter the table
 */
export async function ensureExtraColumnWithin(
  client: pg.Client,
  table: Table,
  log: DefinitionLog,
): Promise<void> {
  const { extraColumn } = table;
  if (extraColumn === undefined || (await hasColumn(client, table, extraColumn))) return;
  await addColumnsWithin(client, table, [{ name: extraColumn, type: 'jsonb' }], log);
}

/** Does the same in a transaction of its own. */
export async function ensureExtraColumn(
  client: pg.Client,
  table: Table,
  log: DefinitionLog,
): Promise<void> {
  const { extraColumn } = table;
  if (extraColumn === undefined || (await hasColumn(client, table, extraColumn))) return;
  await withTransaction(client, () => ensureExtraColumnWithin(client, table, log));
}

async function hasColumn(client: pg.Client, { name }: Table, column: string): Promise<boolean> {
  const { rowCount } = await client.query(
    'SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped',
    [quoteTable(name), column],
  );
  return rowCount !== 0;
}

/**
 * Adds columns to a table, where they are missing. A table that does not exist yet will be created
 * with them.
 *
 * @throws EdpError `database_refused` where the role may not alter the table
 */
export async function addColumns(
  client: pg.Client,
  table: Table,
  columns: readonly NewColumn[],
  log: DefinitionLog,
): Promise<void> {
  await withTransaction(client, () => addColumnsWithin(client, table, columns, log));
}

interface NewColumn {
  readonly name: string;
  readonly type: ColumnType;
}

/** The same within a running transaction. */
export async function addColumnsWithin(
  client: pg.Client,
  table: Table,
  columns: readonly NewColumn[],
  log: DefinitionLog,
): Promise<void> {
  if (await isMissing(client, table)) return;
  const listNew = async () => {
    const missing: NewColumn[] = [];
    for (const column of columns) {
      if (!(await hasColumn(client, table, column.name))) missing.push(column);
    }
    return missing;
  };
  if ((await listNew()).length === 0) return;
  const additions = columns.map(addColumnClause);
  await explainRefusal(table, 'altered', async () => {
    // Another command may be adding the same column: it is entered once.
    await client.query(`LOCK TABLE ${quoteTable(table.name)} IN ACCESS EXCLUSIVE MODE`);
    if ((await listNew()).length === 0) return;
    await client.query(`ALTER TABLE ${quoteTable(table.name)} ${additions.join(', ')}`);
    await log(client, quoteTable(table.name), false);
  });
}

/** PostgreSQL's limit of 1600, less the column that numbers the rows of a staging table. */
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

async function createMissing(
  client: pg.Client,
  wanted: readonly Table[],
  log: DefinitionLog,
): Promise<void> {
  for (const missing of await listMissing(client, wanted)) {
    assertTableWidth(missing);
    await assertNotHidden(client, missing);
    for (const statement of createTableStatements(missing)) await client.query(statement);
    await divide(client, missing);
    await log(client, quoteTable(missing.name), true);
  }
}

async function divide(client: pg.Client, table: Table): Promise<void> {
  if (table.partitions === undefined) return;
  const name = quoteTable(table.name);
  // The partitions take over the guard of their parent.
  if (table.hasKeyGuard === true) await makeKeyGuard(client, table, name);
  await makeRestPartition(client, name, table.partitions);
}

/**
 * @throws EdpError `database_refused` for a table that is there, in a schema of the search path that
 *   the role may not look into
 */
async function assertNotHidden(client: pg.Client, { name: text }: Table): Promise<void> {
  const { schema, name } = parseTableName(text);
  const { rows } = await client.query<{ schema: string; role: string }>(
    `SELECT quote_ident(n.nspname) AS schema, quote_ident(current_user) AS role
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = $1 AND NOT has_schema_privilege(n.oid, 'USAGE')
       AND CASE WHEN $2::text IS NOT NULL THEN n.nspname = $2
           ELSE n.nspname = ANY (SELECT replace(btrim(part, ' "'), '$user', current_user)
                                 FROM unnest(string_to_array(current_setting('search_path'), ',')) AS s (part))
                AND NOT coalesce(has_schema_privilege(current_schema()::text, 'CREATE'), false) END`,
    [name, schema ?? null],
  );
  const hidden = rows[0];
  if (hidden === undefined) return;
  throw new EdpError(
    'database_refused',
    `table "${text}" is in schema ${hidden.schema}, which role ${hidden.role} may not use`,
    { hint: `GRANT USAGE ON SCHEMA ${hidden.schema} TO ${hidden.role};` },
  );
}

/** invalid_schema_name */
const NO_SCHEMA = '3F000';

/** @returns undefined for a table without a schema of its own: nothing in search_path exists */
function explainSchema({ name: text }: Table, cause: unknown): EdpError | undefined {
  const { schema, name } = parseTableName(text);
  if (schema === undefined) return undefined;
  const whole = formatTableName({ name: `${schema}.${name}` });
  return new EdpError(
    'database_refused',
    `table "${text}" cannot be made: there is no schema "${schema}" in the database`,
    {
      hint: `CREATE SCHEMA ${quoteIdentifier(schema)}; or, if the name of the table has a dot in it, write '${whole}'`,
      cause,
    },
  );
}

async function explainRefusal(
  table: Table,
  done: 'made' | 'altered',
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if ((error as { code?: string }).code === NO_SCHEMA) throw explainSchema(table, error) ?? error;
    if ((error as { code?: string }).code === '42501') {
      const { schema } = parseTableName(table.name);
      throw new EdpError(
        'database_refused',
        `table "${table.name}" cannot be ${done}: ${(error as Error).message}`,
        {
          hint:
            done === 'made'
              ? `let the owner of the schema make it, or GRANT CREATE ON SCHEMA ${schema === undefined ? 'public' : quoteIdentifier(schema)} to this role`
              : 'let the owner of the table run the command once: only the owner may add columns',
          cause: error,
        },
      );
    }
    throw error;
  }
}
