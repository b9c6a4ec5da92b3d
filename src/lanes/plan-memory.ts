/**
 * A table plan → the operations of the byte lane, as its assembly reads them from memory
 * (assembly/layout.ts).
 */

import { type Dialect, PLAIN_DIALECT } from '../formats/csv/dialect.js';
import type { RecordForm } from '../formats/open-format.js';
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
  FIELD_BYTES,
  FIELD_COUNT,
  FIELD_METRICS,
  FIELD_NULLABLE,
  FIELD_NUMBER,
  FIELD_REFERENCE,
  FIELDS,
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
  IS_EVENTS,
  IS_JSONL,
  JSON_TEXT,
  JSONB,
  LEFT,
  MAX_COMMENT_BYTES,
  MAX_FIELDS,
  MAX_METRICS,
  MAX_REFERENCES,
  METRICS,
  NUMERIC,
  OTHERS,
  OUTPUT_BYTES,
  SKIP,
  SLACK,
  STATE,
  TEXT,
  TIMESTAMP,
  UUID,
} from './assembly/layout.js';
import { correctedFields, correctedGrowth, hasTail } from './corrected-fields.js';
import { placeEvents } from './event-plan.js';
import { KeyWriter } from './key-writer.js';
import type { LaneMemory } from './lane-memory.js';
import { placeMembers } from './member-plan.js';
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
  /** For more keys. */
  readonly keys: KeyWriter;
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
  const state = memory.words.subarray(STATE / 4);
  state[IS_EVENTS] = 0;
  const growth = correctedGrowth(plan);
  if (growth > MAX_ROW_GROWTH) return undefined;
  const keys = new KeyWriter(memory, form);
  if ('catalog' in form) {
    if (!placeEvents(memory, plan, form)) return undefined;
    setColumns(state, plan);
    return { hasText: true, references: [], isCorrected: false, growth, keys };
  }
  const placed =
    form.format === 'csv'
      ? placeDialect(memory, plan, form)
      : placeMembers(memory, plan, form, keys);
  if (!placed) return undefined;
  setColumns(state, plan);
  const fields = placeFields(memory, plan, references);
  const hasMetricsText = fields && placeSources(memory, plan, keys);
  if (plan.others?.fate === 'keep') memory.bytes[entryOf(plan.others.field)] = OTHERS;
  if (fields === undefined || hasMetricsText === undefined) return undefined;

  const isCorrected = fields.isCorrected || hasTail(plan);
  state[IS_CORRECTED] = isCorrected ? 1 : 0;
  // A line must be UTF-8, whatever is in it.
  const hasText = fields.hasText || hasMetricsText || form.format === 'jsonl';
  return { hasText, references: fields.references, isCorrected, growth, keys };
}

function setColumns(state: Uint32Array, plan: TablePlan): void {
  const { columns, fieldCount } = plan;
  state[FIELD_COUNT] = fieldCount;
  state[COLUMN_COUNT] = columns.length;
  state[HAS_LOAD_ID] = columns.some(({ from }) => from === 'load') ? 1 : 0;
  state[HAS_TAIL] = hasTail(plan) ? 1 : 0;
  state[IS_CORRECTED] = 0;
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
