/** The table of change events, as a table of the model: loads, undo, replay and verify treat it like any other. */
import { EVENT_LOG, EVENT_LOG_COLUMNS, EVENT_LOG_KEY } from '../events/event-log.js';
import { toEventTable } from '../events/event-table.js';
import type { Model, Table } from '../model/model.js';
import { formatTableName } from '../model/table-name.js';
import type { ColumnType } from '../model/types.js';

const OPTIONAL = ['transaction', 'after', 'before', 'errors'];

/** Whether events can be folded into it. */
export function isRealizable(table: Table): boolean {
  return (
    table.key.length > 0 &&
    table.sources.length === 0 &&
    table.hasVersions !== true &&
    table.partitions === undefined &&
    table.columns.every(({ origin }) => origin === undefined)
  );
}

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
    eventCatalog: JSON.stringify(model.tables.filter(isRealizable).map((one) => toEventTable(one))),
  };
}

/** For what is done to a load: the log is found by its name, wherever it is. */
export function withEventLog(model: Model): Model {
  if (model.tables.some(({ name }) => name === EVENT_LOG)) return model;
  return { tables: [...model.tables, eventLogTable(model)] };
}
