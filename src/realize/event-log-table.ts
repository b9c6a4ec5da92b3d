/** The table of change events, as a table of the model: loads, undo, replay and verify treat it like any other. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { EVENT_LOG, EVENT_LOG_COLUMNS, EVENT_LOG_KEY } from '../events/event-log.js';
import { type EventTable, toEventTable, withoutNotes } from '../events/event-table.js';
import type { Reading } from '../formats/all-formats.js';
import { quoteTable } from '../model/ddl.js';
import { isEventFormat } from '../model/file-settings.js';
import { findTable, type Model, type Table } from '../model/model.js';
import { isRealizable } from '../model/realized-model.js';
import { formatTableName } from '../model/table-name.js';
import type { ColumnType } from '../model/types.js';
import { listColumns } from '../postgres/columns-in-catalog.js';
import { findTableInCatalog } from '../postgres/table-in-catalog.js';

/** Of a project. */
interface ProjectTables {
  readonly model: Model;
  /** Schema of the layer bronze; undefined where the search path decides. */
  readonly bronzeSchema?: string;
}

const OPTIONAL = ['transaction', 'after', 'before', 'errors'];

/**
 * @param model the tables that events may be about
 * @param schema of the log; undefined where the search path decides
 */
export function eventLogTable(model: Model, schema?: string): Table {
  const columns = Object.entries(EVENT_LOG_COLUMNS) as [string, ColumnType][];
  return {
    name: formatTableName({ ...(schema === undefined ? {} : { schema }), name: EVENT_LOG }),
    columns: columns.map(([name, type]) => ({
      name,
      type,
      field: name,
      isNullable: OPTIONAL.includes(name),
    })),
    key: EVENT_LOG_KEY,
    indexes: [],
    sources: [],
    lineageColumn: 'load_id',
    files: [],
    ignoredFields: [],
    eventCatalog: JSON.stringify(toEventTables(model).map(withoutNotes)),
  };
}

/** The tables that events can be about. */
export function toEventTables({ tables }: Model): EventTable[] {
  return tables.filter(isRealizable).map((table) => toEventTable(table));
}

/** The log of a project. @throws EdpError `model` where a table of its own is in that place */
export function projectLog({ model, bronzeSchema }: ProjectTables): Table {
  const log = eventLogTable(model, bronzeSchema);
  if (findTable(model, log.name) === undefined) return log;
  throw new EdpError('model', `edp keeps change events in ${log.name}, which is a table of yours`, {
    hint: 'give your table another name, or the log another schema (layers: bronze)',
  });
}

/** @param log its name in edp.yaml's form */
export async function hasLog(client: pg.Client, log: string): Promise<boolean> {
  const { rows } = await client.query<{ isThere: boolean }>(
    'SELECT to_regclass($1) IS NOT NULL AS "isThere"',
    [quoteTable(log)],
  );
  return rows[0]!.isThere;
}

/**
 * A table in the place of the log that is another one is not to be made into a log.
 *
 * @throws EdpError `table_mismatch`
 */
export async function assertIsLog(client: pg.Client, log: Table): Promise<void> {
  const found = await findTableInCatalog(client, log.name);
  if (found === undefined) return;
  const there = new Set((await listColumns(client, found.oid)).map(({ name }) => name));
  const missing = log.columns.filter(({ name }) => !there.has(name));
  if (missing.length === 0) return;
  throw new EdpError(
    'table_mismatch',
    `edp keeps change events in ${log.name}, and the database has another table of this name: it lacks ${missing.map(({ name }) => name).join(', ')}`,
    { hint: 'give that table another name, or the log another schema (layers: bronze)' },
  );
}

/**
 * For what is done to a load: the log is found where the project has it, and where it was when the search path decided. A
 * table of the project in that place is that table.
 */
export function withEventLog({ model, bronzeSchema }: ProjectTables): Model {
  const logs = [eventLogTable(model, bronzeSchema), eventLogTable(model)];
  return logs.reduce(
    ({ tables }: Model, log) =>
      findTable({ tables }, log.name) === undefined ? { tables: [...tables, log] } : { tables },
    model,
  );
}

/** Whether a load is one of change events: no other command than those for events reads such files. */
export function hasEvents({ format }: { readonly format: Reading }): boolean {
  return format.format !== undefined && isEventFormat(format.format);
}
