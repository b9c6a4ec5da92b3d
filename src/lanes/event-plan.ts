/** The tables that change events are about, as the assembly looks for them in memory (assembly/layout.ts). */
import { type Op, schemaPath, TYPE_OF_OP } from '../events/change-event.js';
import { EVENT_LOG_FIELDS } from '../events/event-log.js';
import type { EventColumn, EventTable } from '../events/event-table.js';
import type { EventForm } from '../formats/events/event-form.js';
import type { TablePlan } from '../mapping/table-plan.js';
import type { ColumnType } from '../model/types.js';
import {
  BOOLEAN,
  COLUMN_BYTES,
  COLUMN_IS_KEY,
  COLUMN_IS_REQUIRED,
  COLUMN_NAME,
  COMMENT_LENGTH,
  CREATE,
  DATE,
  DELETE,
  EVENT_AFTER,
  EVENT_BEFORE,
  EVENT_CONTENT_TYPE,
  EVENT_END,
  EVENT_ID,
  EVENT_KEY,
  EVENT_OP,
  EVENT_OP_WORDS,
  EVENT_PARTIAL,
  EVENT_SEQUENCE,
  EVENT_SOURCE,
  EVENT_SUBJECT,
  EVENT_TABLE,
  EVENT_TABLES,
  EVENT_TIME,
  EVENT_TRANSACTION,
  EVENT_TYPE,
  EVENT_TYPE_WORDS,
  EVENT_WORDS,
  EVENTS,
  EVENTS_BYTES,
  FLOAT4,
  FLOAT8,
  HEADER_LENGTH,
  INT16,
  INT32,
  INT64,
  IS_EVENTS,
  IS_JSONL,
  JSON_TEXT,
  JSONB,
  KEY_LENGTH,
  KEY_TEXT,
  NUMERIC,
  READ,
  SLACK,
  STATE,
  TABLE_BYTES,
  TABLE_COLUMNS,
  TABLE_COLUMNS_END,
  TABLE_KEY,
  TABLE_KEY_END,
  TABLE_NAME,
  TABLE_NEXT,
  TABLE_REQUIRED,
  TABLE_SCHEMA,
  TABLE_TYPE,
  TABLE_VERSION,
  TEXT,
  TIMESTAMP,
  UPDATE,
  UTC,
  UUID,
} from './assembly/layout.js';
import type { LaneMemory } from './lane-memory.js';

const OPERATION: Readonly<Record<ColumnType, number>> = {
  smallint: INT16,
  int: INT32,
  bigint: INT64,
  real: FLOAT4,
  double: FLOAT8,
  numeric: NUMERIC,
  text: TEXT,
  boolean: BOOLEAN,
  date: DATE,
  timestamp: TIMESTAMP,
  timestamptz: UTC,
  uuid: UUID,
  json: JSON_TEXT,
  jsonb: JSONB,
};

const TEXTS: readonly (readonly [index: number, text: string])[] = [
  [EVENT_ID, '{"specversion":"1.0","id":"'],
  [EVENT_SOURCE, '","source":"'],
  [EVENT_TYPE, '","type":"'],
  [EVENT_SUBJECT, ',"subject":"'],
  [EVENT_TIME, ',"time":"'],
  [EVENT_CONTENT_TYPE, '","datacontenttype":"application/json","dataschema":"'],
  [EVENT_SEQUENCE, '","sequence":"'],
  [EVENT_OP, '","data":{"op":"'],
  [EVENT_KEY, '","key":{'],
  [EVENT_AFTER, ',"after":'],
  [EVENT_BEFORE, ',"before":'],
  [EVENT_PARTIAL, ',"partial":true'],
  [EVENT_TRANSACTION, ',"transaction":"'],
  [EVENT_END, '}}'],
];

/** The ops that the lane takes. */
const LANE_OPS: readonly (readonly [index: number, op: Op])[] = [
  [CREATE, 'create'],
  [READ, 'read'],
  [UPDATE, 'update'],
  [DELETE, 'delete'],
];

/** The catalog in a memory, which is the same for all files of a command. */
const placed = new WeakMap<LaneMemory, string>();

/**
 * Writes what the lane must know of events. A table that has corrections, or what the lane does not understand, is left
 * out: its events are for the other lane.
 *
 * @returns false where the lane does not know the encoding, or the plan is not that of the log
 */
export function placeEvents(memory: LaneMemory, plan: TablePlan, form: EventForm): boolean {
  const fields = plan.columns.filter(({ from }) => from !== 'load');
  const isLog = EVENT_LOG_FIELDS.length === fields.length && plan.sources.length === 0;
  if (form.format !== 'cloudevents' || form.encoding !== 'utf-8' || !isLog) return false;
  const state = memory.words.subarray(STATE / 4);
  if (placed.get(memory) !== form.catalog) {
    state[EVENT_TABLE] = new EventWriter(memory).write(JSON.parse(form.catalog) as EventTable[]);
    placed.set(memory, form.catalog);
  }
  state[IS_EVENTS] = 1;
  state[IS_JSONL] = 0;
  state[HEADER_LENGTH] = 0;
  state[COMMENT_LENGTH] = 0;
  return true;
}

/** Whether JSON writes the text without escapes, and objects keep it where it was put: numbers come first in them. */
function isPlain(text: string): boolean {
  return JSON.stringify(text) === `"${text}"` && text !== '__proto__' && !/^\d+$/.test(text);
}

function isPlainTable({ name, columns, key, ignored }: EventTable): boolean {
  return (
    ignored === undefined &&
    isPlain(name) &&
    columns.every((column) => column.corrections === undefined && isPlain(column.name)) &&
    key.every((one) => columns.some((column) => column.name === one))
  );
}

class EventWriter {
  readonly #bytes: Buffer;
  readonly #words: Uint32Array;
  #address = EVENTS + 4 * EVENT_WORDS;

  constructor({ bytes, words }: LaneMemory) {
    this.#bytes = bytes;
    this.#words = words;
  }

  /** @returns the address of the first table; 0 for none */
  write(tables: readonly EventTable[]): number {
    this.#bytes.fill(0, EVENTS, EVENTS + EVENTS_BYTES);
    for (const [index, text] of TEXTS) this.#setText(index, text);
    for (const [index, op] of LANE_OPS) {
      this.#setText(EVENT_TYPE_WORDS + index, `${TYPE_OF_OP[op]}"`);
      this.#setText(EVENT_OP_WORDS + index, op);
    }
    let link = EVENTS + 4 * EVENT_TABLES;
    for (const table of tables) {
      if (!isPlainTable(table)) continue;
      const address = this.#writeTable(table);
      if (address === undefined) break;
      this.#words[link / 4] = address;
      link = address + TABLE_NEXT;
    }
    return this.#words[EVENTS / 4 + EVENT_TABLES]!;
  }

  /** @returns undefined where there is no room */
  #writeTable(table: EventTable): number | undefined {
    const { name, version, columns, key } = table;
    const textBytes = columns.reduce((sum, column) => sum + textSize(`"${column.name}":`), 0);
    const schema = schemaPath(name, version);
    const size =
      align(TABLE_BYTES) +
      align(columns.length * COLUMN_BYTES) +
      align(key.length * 4) +
      textBytes +
      textSize(`${name}.`) +
      textSize(name) +
      textSize(schema);
    if (this.#address + size + SLACK > EVENTS + EVENTS_BYTES) return undefined;
    const address = this.#take(TABLE_BYTES);
    const columnsFrom = this.#take(columns.length * COLUMN_BYTES);
    const keyFrom = this.#take(key.length * 4);
    const set = (offset: number, value: number) => {
      this.#words[(address + offset) / 4] = value;
    };
    set(TABLE_COLUMNS, columnsFrom);
    set(TABLE_COLUMNS_END, columnsFrom + columns.length * COLUMN_BYTES);
    set(TABLE_KEY, keyFrom);
    set(TABLE_KEY_END, keyFrom + key.length * 4);
    set(TABLE_VERSION, version);
    set(TABLE_TYPE, this.#writeText(`${name}.`));
    set(TABLE_NAME, this.#writeText(name));
    set(TABLE_SCHEMA, this.#writeText(schema));
    let required = 0;
    for (const [i, column] of columns.entries()) {
      const place = columnsFrom + i * COLUMN_BYTES;
      const isRequired = isCarriedByCreate(table, column);
      if (isRequired) required++;
      this.#bytes[place] = OPERATION[column.type];
      this.#bytes[place + COLUMN_IS_KEY] = key.includes(column.name) ? 1 : 0;
      this.#bytes[place + COLUMN_IS_REQUIRED] = isRequired ? 1 : 0;
      this.#words[(place + COLUMN_NAME) / 4] = this.#writeText(`"${column.name}":`);
    }
    set(TABLE_REQUIRED, required);
    for (const [i, one] of key.entries()) {
      const column = columns.findIndex((each) => each.name === one);
      this.#words[keyFrom / 4 + i] = columnsFrom + column * COLUMN_BYTES;
    }
    return address;
  }

  #setText(index: number, text: string): void {
    this.#words[EVENTS / 4 + index] = this.#writeText(text);
  }

  /** @returns its address */
  #writeText(text: string): number {
    const address = this.#take(textSize(text));
    this.#words[(address + KEY_LENGTH) / 4] = this.#bytes.write(text, address + KEY_TEXT);
    return address;
  }

  #take(byteLength: number): number {
    const address = align(this.#address);
    this.#address = address + align(byteLength);
    return address;
  }
}

/** Whether a create must have the attribute. */
function isCarriedByCreate(
  { key, knowsCalculated }: EventTable,
  { name, isCalculated }: EventColumn,
): boolean {
  return key.includes(name) || (knowsCalculated === true && isCalculated !== true);
}

/** Bytes of a text as a key, of which vectors are read. */
const textSize = (text: string) => align(KEY_TEXT + Buffer.byteLength(text)) + 16;

function align(byteLength: number): number {
  return Math.ceil(byteLength / 16) * 16;
}
