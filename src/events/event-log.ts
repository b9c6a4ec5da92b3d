/** The table that keeps each change event once: its columns, in the order in which an event fills them. */
import type { ColumnType } from '../model/types.js';

export const EVENT_LOG = 'change_events';

export const EVENT_LOG_COLUMNS = {
  table_name: 'text',
  /** A JSON array of the texts of the key's values; empty for a truncate. */
  key: 'text',
  sequence: 'numeric',
  source: 'text',
  id: 'text',
  op: 'text',
  /** That of the names of its attributes: today's, once the event is lifted. */
  version: 'int',
  time: 'timestamptz',
  transaction: 'text',
  /** Attributes by their names of today, and corrected. */
  after: 'jsonb',
  before: 'jsonb',
  /** Of calculations that failed in the source: attribute → message. */
  errors: 'jsonb',
} as const satisfies Readonly<Record<string, ColumnType>>;

export const EVENT_LOG_FIELDS = Object.keys(EVENT_LOG_COLUMNS);

/** An event may come from several sources, or twice from one. */
export const EVENT_LOG_KEY = ['table_name', 'key', 'sequence', 'source'];

/** Of a row of the log, for a truncate: no row has it. */
export const NO_KEY = '';
