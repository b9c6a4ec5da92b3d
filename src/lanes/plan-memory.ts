/**
 * A table plan → the operations of the byte lane, as its assembly reads them from memory
 * (assembly/layout.ts).
 */

import { type Dialect, PLAIN_DIALECT } from '../formats/csv/dialect.js';
import type { JsonlForm } from '../formats/jsonl/jsonl-form.js';
import type { RecordForm } from '../formats/open-format.js';
import type { FieldEncoding } from '../formats/text/transcode.js';
import type { SourcePlan, TablePlan } from '../mapping/table-plan.js';
import type { ColumnType } from '../model/types.js';
import {
  ALLOWS_BARE_QUOTES,
  BOOLEAN,
  COLUMN_COUNT,
  COMMENT,
  COMMENT_LENGTH,
  CORRECTED,
  DATE,
  DELIMITER,
  ENTRY_COUNT,
  FIELD_BYTES,
  FIELD_COUNT,
  FIELD_KEEPS_QUOTES,
  FIELD_KEY,
  FIELD_METRICS,
  FIELD_NULLABLE,
  FIELD_NUMBER,
  FIELD_REFERENCE,
  FIELDS,
  FIRST_ENTRY,
  FLOAT4,
  FLOAT8,
  HAS_LOAD_ID,
  HAS_TAIL,
  HEADER,
  HEADER_BYTES,
  HEADER_LENGTH,
  INT16,
  INT32,
  INT64,
  IS_CORRECTED,
  IS_JSONL,
  JSON_TEXT,
  JSONB,
  KEY_LENGTH,
  KEY_NEXT,
  KEY_OPERATION,
  KEY_TEXT,
  KEYS,
  LEFT,
  MAX_COMMENT_BYTES,
  MAX_FIELDS,
  MAX_METRICS,
  MAX_REFERENCES,
  METRICS,
  METRICS_BARE_KEYS,
  METRICS_COUNT,
  METRICS_EXTRA,
  METRICS_PATH_COUNT,
  METRICS_QUOTED_KEYS,
  METRICS_WORDS,
  NUMERIC,
  OUTPUT_BYTES,
  PLAN_END,
  SKIP,
  SLACK,
  STATE,
  TEXT,
  TIMESTAMP,
  UUID,
} from './assembly/layout.js';
import { correctedFields, correctedGrowth, hasTail } from './corrected-fields.js';
import type { LaneMemory } from './lane-memory.js';
import type { ReferenceValues } from './reference-values.js';

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
  timestamptz: TIMESTAMP,
  uuid: UUID,
  json: JSON_TEXT,
  jsonb: JSONB,
};

/** With more, only few rows would fit an output. */
const MAX_ROW_GROWTH = OUTPUT_BYTES / 4;

/** Plain values contain these characters, so as a delimiter they would not end a value. */
const PART_OF_VALUES = /[\w .:+{}[\]"-]/;

/** What the facade must know about a plan in memory. */
export interface PlacedPlan {
  /** Whether the outcome of a record depends on its being UTF-8. */
  readonly hasText: boolean;
  /** Collectors of each reference's values, in the order of their memory. */
  readonly references: readonly ReferenceValues[];
  /** Whether the host writes some of the values. */
  readonly isCorrected: boolean;
  /** Bytes of a row beyond its text and what all plans need. */
  readonly growth: number;
}

/**
 * @param references by column name
 * @returns undefined where the plan or the form has something that the lane cannot handle at all
 */
export function placePlan(
  memory: LaneMemory,
  plan: TablePlan,
  form: RecordForm,
  references: ReadonlyMap<string, ReferenceValues>,
): PlacedPlan | undefined {
  const { columns } = plan;
  const growth = correctedGrowth(plan);
  if (growth > MAX_ROW_GROWTH) return undefined;
  const keys = new KeyWriter(memory, form);
  const placed =
    form.format === 'csv'
      ? placeDialect(memory, plan, form)
      : placeMembers(memory, plan, form, keys);
  if (!placed) return undefined;
  const fields = placeFields(memory, plan, references);
  const hasMetricsText = fields && placeSources(memory, plan, keys);
  if (fields === undefined || hasMetricsText === undefined) return undefined;

  const state = memory.words.subarray(STATE / 4);
  const isCorrected = fields.isCorrected || hasTail(plan);
  state[FIELD_COUNT] = plan.fieldCount;
  state[COLUMN_COUNT] = columns.length;
  state[HAS_LOAD_ID] = columns.some(({ from }) => from === 'load') ? 1 : 0;
  state[HAS_TAIL] = hasTail(plan) ? 1 : 0;
  state[IS_CORRECTED] = isCorrected ? 1 : 0;
  // A line must be UTF-8, whatever is in it.
  const hasText = fields.hasText || hasMetricsText || form.format === 'jsonl';
  return { hasText, references: fields.references, isCorrected, growth };
}

const entryOf = (field: number) => FIELDS + field * FIELD_BYTES;

/** @returns false where the lane does not know the dialect, or has no room */
function placeDialect(
  { bytes, words }: LaneMemory,
  { fieldCount }: TablePlan,
  { dialect, header = '' }: Extract<RecordForm, { format: 'csv' }>,
): boolean {
  if (!isPlain(dialect) || fieldCount < 1 || fieldCount > MAX_FIELDS) return false;
  bytes.fill(0, FIELDS, entryOf(fieldCount));
  const state = words.subarray(STATE / 4);
  state[IS_JSONL] = 0;
  state[DELIMITER] = dialect.delimiter.charCodeAt(0);
  // Where the delimiter may be part of JSON, unquoted JSON does not end at the first delimiter.
  state[ALLOWS_BARE_QUOTES] = dialect.allowsBareQuotes && dialect.delimiter === '\t' ? 1 : 0;
  state[COMMENT_LENGTH] = dialect.comment.length;
  bytes.fill(0, STATE + 4 * COMMENT, STATE + 4 * COMMENT + MAX_COMMENT_BYTES);
  bytes.write(dialect.comment, STATE + 4 * COMMENT, 'latin1');
  state[HEADER_LENGTH] = header.length;
  bytes.fill(0, HEADER, HEADER + SLACK);
  bytes.write(header.slice(0, HEADER_BYTES), HEADER, 'latin1');
  return true;
}

/**
 * Writes the keys of the fields, and of members that are passed over. A key that JSON writes with
 * escapes, or in another encoding, is left out: records that have it are for the csv lane.
 *
 * @returns false where the form has something that the lane does not handle, or there is no room
 */
function placeMembers(
  { bytes, words }: LaneMemory,
  plan: TablePlan,
  { keys, ignored, asJson, others, encoding }: JsonlForm,
  writer: KeyWriter,
): boolean {
  const { fieldCount, columns } = plan;
  const passedOver = ignored.filter((key) => !keys.includes(key));
  const entryCount = fieldCount + passedOver.length;
  if (others === 'add' || fieldCount < 1 || entryCount > MAX_FIELDS) return false;
  const unlikeCsv = columns.some(
    (column) =>
      column.from === 'field' &&
      (column.type === 'json' || column.type === 'jsonb') &&
      column.field < keys.length &&
      !asJson.includes(keys[column.field]!) &&
      column.corrections === undefined,
  );
  if (unlikeCsv) return false;
  bytes.fill(0, FIELDS, entryOf(entryCount));
  const entries = [
    ...keys.entries(),
    ...passedOver.map((key, i) => [fieldCount + i, key] as const),
  ];
  for (const [field, key] of entries) {
    const entry = entryOf(field);
    bytes[entry + FIELD_KEEPS_QUOTES] = asJson.includes(key) ? 1 : 0;
    if (!isPlainKey(key, encoding)) continue;
    const address = writer.writeField(key);
    if (address === undefined) return false;
    words[(entry + FIELD_KEY) / 4] = address;
  }
  const state = words.subarray(STATE / 4);
  state[IS_JSONL] = 1;
  state[ENTRY_COUNT] = entryCount;
  state[FIRST_ENTRY] = 0;
  state[HEADER_LENGTH] = 0;
  state[COMMENT_LENGTH] = 0;
  return true;
}

/** What is to be known of the fields of a plan in memory. */
interface PlacedFields {
  readonly hasText: boolean;
  readonly references: readonly ReferenceValues[];
  readonly isCorrected: boolean;
}

function placeFields(
  { bytes, words }: LaneMemory,
  plan: TablePlan,
  references: ReadonlyMap<string, ReferenceValues>,
): PlacedFields | undefined {
  const used: ReferenceValues[] = [];
  const corrected = correctedFields(plan);
  for (const [number, field] of corrected.entries()) {
    bytes[entryOf(field)] = CORRECTED;
    words[(entryOf(field) + FIELD_NUMBER) / 4] = number;
  }
  const isCorrected = corrected.length > 0;
  // Corrections read text, whatever type it is converted to.
  let hasText = isCorrected;
  for (const column of plan.columns) {
    if (column.from !== 'field' || corrected.includes(column.field)) continue;
    const entry = entryOf(column.field);
    if (bytes[entry] !== SKIP) return undefined;
    const operation = OPERATION[column.type];
    bytes[entry] = operation;
    bytes[entry + FIELD_NULLABLE] = column.isNullable ? 1 : 0;
    hasText ||= operation === TEXT || operation === JSON_TEXT || operation === JSONB;
    const reference = references.get(column.name);
    if (reference === undefined) continue;
    const isInteger = operation === INT16 || operation === INT32 || operation === INT64;
    if (reference.isText ? operation !== TEXT : !isInteger) return undefined;
    if (used.push(reference) > MAX_REFERENCES) return undefined;
    bytes[entry + FIELD_REFERENCE] = used.length;
  }
  return { hasText, references: used, isCorrected };
}

/** @returns whether a metric is text; undefined where the lane cannot handle the sources */
function placeSources(
  { bytes, words }: LaneMemory,
  plan: TablePlan,
  keys: KeyWriter,
): boolean | undefined {
  let hasText = false;
  for (const [index, source] of plan.sources.entries()) {
    const entry = entryOf(source.field);
    if (bytes[entry] !== SKIP || source.keys.length > MAX_METRICS) return undefined;
    if (!source.path.every((key) => keys.isPlain(key))) return undefined;
    const operations = metricOperations(plan, index, source, keys);
    const hasExtra = plan.columns.some(
      (column) => column.from === 'extra' && column.source === index,
    );
    const address = keys.writeMetrics(source, operations, hasExtra);
    if (address === undefined) return undefined;
    bytes[entry] = METRICS;
    words[(entry + FIELD_METRICS) / 4] = address;
    hasText ||= operations.includes(TEXT);
  }
  return hasText;
}

/**
 * Whether the lane knows how the dialect's records begin, end and quote. In other encodings it
 * takes only records that are ASCII. Ragged records it leaves in any case.
 */
function isPlain(dialect: Dialect): boolean {
  return (
    dialect.delimiter.length === 1 &&
    !PART_OF_VALUES.test(dialect.delimiter) &&
    dialect.quote === PLAIN_DIALECT.quote &&
    dialect.escape === PLAIN_DIALECT.escape &&
    dialect.lineEnd === PLAIN_DIALECT.lineEnd &&
    dialect.comment.length <= MAX_COMMENT_BYTES &&
    !dialect.hasTrailingDelimiter
  );
}

function metricOperations(
  { columns }: TablePlan,
  index: number,
  { keys }: SourcePlan,
  writer: KeyWriter,
): readonly number[] {
  return keys.map((key, metric) => {
    // If two metrics read one key, the lane would give the value to the first only.
    const isShared = keys.some((other, i) => other === key && i !== metric);
    if (isShared || !writer.isPlain(key)) return LEFT;
    const column = columns.find(
      (c) => c.from === 'metric' && c.source === index && c.metric === metric,
    );
    return column === undefined ? LEFT : OPERATION[column.type];
  });
}

/**
 * Whether a key is written in JSON without escapes, and in other encodings with the same bytes as
 * in UTF-8. `__proto__` is a fault there.
 */
function isPlainKey(key: string, encoding: FieldEncoding): boolean {
  const hasSameBytes = encoding === 'utf-8' || Buffer.byteLength(key) === key.length;
  return hasSameBytes && JSON.stringify(key) === `"${key}"` && key !== '__proto__';
}

/** Writes keys of fields, plans of metrics and their keys, one after the other. */
class KeyWriter {
  readonly #memory: LaneMemory;
  readonly #encoding: FieldEncoding;
  /** How JSON in quotes writes a quote. */
  readonly #innerQuote: string;
  #address = KEYS;

  constructor(memory: LaneMemory, form: RecordForm) {
    this.#memory = memory;
    this.#encoding = form.format === 'csv' ? form.dialect.encoding : form.encoding;
    this.#innerQuote = form.format === 'csv' ? '""' : '\\"';
  }

  isPlain(key: string): boolean {
    return isPlainKey(key, this.#encoding);
  }

  /** @returns the address of the key; undefined where there is no room for it */
  writeField(key: string): number | undefined {
    if (!this.#hasRoom([key])) return undefined;
    return this.#writeKeys([key], [LEFT], '"');
  }

  /** Whether there is room for these keys in both forms, and for a plan of them. */
  #hasRoom(keys: readonly string[]): boolean {
    const byteLength = keys.reduce((sum, key) => sum + 2 * (Buffer.byteLength(key) + 64), 64);
    return this.#address + byteLength + SLACK <= PLAN_END;
  }

  /** @returns the address of the plan; undefined where there is no room for it */
  writeMetrics(
    { path, keys }: SourcePlan,
    operations: readonly number[],
    hasExtra: boolean,
  ): number | undefined {
    const address = this.#address;
    const all = [...path, ...keys];
    if (!this.#hasRoom(all)) return undefined;
    this.#address += align(4 * METRICS_WORDS);
    const plan = this.#memory.words.subarray(address / 4);
    plan[METRICS_PATH_COUNT] = path.length;
    plan[METRICS_COUNT] = keys.length;
    plan[METRICS_EXTRA] = hasExtra ? 1 : 0;
    const allOperations = [...path.map(() => LEFT), ...operations];
    plan[METRICS_QUOTED_KEYS] = this.#writeKeys(all, allOperations, this.#innerQuote);
    plan[METRICS_BARE_KEYS] = this.#writeKeys(all, allOperations, '"');
    return address;
  }

  #writeKeys(keys: readonly string[], operations: readonly number[], quote: string): number {
    const first = this.#address;
    const { bytes } = this.#memory;
    for (const [i, key] of keys.entries()) {
      const address = this.#address;
      const length = bytes.write(`${quote}${key}${quote}`, address + KEY_TEXT);
      this.#address = address + KEY_TEXT + align(length);
      bytes.writeUInt32LE(length, address + KEY_LENGTH);
      bytes.writeUInt32LE(operations[i]!, address + KEY_OPERATION);
      bytes.writeUInt32LE(this.#address, address + KEY_NEXT);
    }
    return first;
  }
}

function align(byteLength: number): number {
  return Math.ceil(byteLength / 16) * 16;
}
