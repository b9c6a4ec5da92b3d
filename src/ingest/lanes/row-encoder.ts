/**
 * A record's fields → one row of COPY bytes, or what is wrong with the record: joins transform/ and
 * encode/ for the columns of one plan.
 */
import type { ColumnType } from '../../model/model.js';
import type { RowWriter } from '../encode/binary.js';
import type { ColumnPlan, TablePlan } from '../plan/table-plan.js';
import { Fault } from '../reject.js';
import {
  coerceBigint,
  coerceBoolean,
  coerceDouble,
  coerceInteger,
  coerceJson,
  coerceNumeric,
  coerceReal,
  coerceText,
  coerceUuid,
} from '../transform/coerce.js';
import { coerceDate, coerceTimestamp } from '../transform/datetime.js';
import { type Flattened, flatten } from '../transform/flatten.js';

/** Writes the text of a field as a value of one type, or tells what is wrong with it. */
type ValueWriter = (text: string, writer: RowWriter) => Fault | undefined;

/** Joins a coercion with the encoding of its result. */
function write<T>(
  coerce: (text: string) => T | Fault,
  encode: (writer: RowWriter, value: T) => void,
): ValueWriter {
  return (text, writer) => {
    const value = coerce(text);
    if (value instanceof Fault) return value;
    encode(writer, value);
    return undefined;
  };
}

const WRITERS: Readonly<Record<ColumnType, ValueWriter>> = {
  smallint: write(
    (text) => coerceInteger(text, -32_768, 32_767),
    (w, value) => w.int16(value),
  ),
  int: write(
    (text) => coerceInteger(text, -2_147_483_648, 2_147_483_647),
    (w, value) => w.int32(value),
  ),
  bigint: write(coerceBigint, (w, value) => w.int64(value)),
  real: write(coerceReal, (w, value) => w.float4(value)),
  double: write(coerceDouble, (w, value) => w.float8(value)),
  numeric: write(coerceNumeric, (w, value) => w.numeric(value)),
  text: write(coerceText, (w, value) => w.text(value)),
  boolean: write(coerceBoolean, (w, value) => w.boolean(value)),
  date: write(coerceDate, (w, value) => w.int32(value)),
  timestamp: write(coerceTimestamp, (w, value) => w.int64(value)),
  timestamptz: write(coerceTimestamp, (w, value) => w.int64(value)),
  uuid: write(coerceUuid, (w, value) => w.uuid(value)),
  json: write(
    (text) => coerceJson(text, false),
    (w, value) => w.text(value),
  ),
  jsonb: write(
    (text) => coerceJson(text, true),
    (w, value) => w.jsonb(value),
  ),
};

export class RowEncoder {
  readonly #plan: TablePlan;
  readonly #loadId: bigint;
  /** Names of undeclared metrics of the record encoded last. */
  unknownMetrics: readonly string[] = [];

  constructor(plan: TablePlan, loadId: number) {
    this.#plan = plan;
    this.#loadId = BigInt(loadId);
  }

  /**
   * Appends one row to `writer`; on a fault nothing is appended.
   *
   * @param fields byte strings, as many as the plan's header has; `null` is an unquoted empty field
   * @param ordinal goes before the columns, where given (a staged row)
   */
  encode(
    fields: readonly (string | null)[],
    writer: RowWriter,
    ordinal?: number,
  ): Fault | undefined {
    const { columns, sources } = this.#plan;
    const flattened: Flattened[] = [];
    this.unknownMetrics = [];
    for (const source of sources) {
      const result = flatten(fields[source.field] ?? null, source);
      if (result instanceof Fault) return new Fault(result.code, result.reason, source.fieldName);
      flattened.push(result);
      if (result.unknown.length > 0) {
        this.unknownMetrics = [...this.unknownMetrics, ...result.unknown];
      }
    }
    writer.beginRow(columns.length + (ordinal === undefined ? 0 : 1));
    if (ordinal !== undefined) writer.int32(ordinal);
    for (const column of columns) {
      const fault = this.#encodeColumn(column, fields, flattened, writer);
      if (fault !== undefined) {
        writer.takeBackRow();
        return new Fault(fault.code, fault.reason, column.name);
      }
    }
    return undefined;
  }

  #encodeColumn(
    column: ColumnPlan,
    fields: readonly (string | null)[],
    flattened: readonly Flattened[],
    writer: RowWriter,
  ): Fault | undefined {
    switch (column.from) {
      case 'load':
        writer.int64(this.#loadId);
        return undefined;
      case 'field': {
        const text = fields[column.field]!;
        // A quoted empty field is the empty string of a text column, and NULL in all others.
        if (text === null || (text === '' && column.type !== 'text')) {
          if (!column.isNullable) return new Fault('null_value', 'no value where one is needed');
          writer.null();
          return undefined;
        }
        return WRITERS[column.type](text, writer);
      }
      case 'metric': {
        const text = flattened[column.source]!.metrics[column.metric]!;
        if (text === null) {
          writer.null();
          return undefined;
        }
        const fault = text instanceof Fault ? text : WRITERS[column.type](text, writer);
        if (fault === undefined || fault.code === 'out_of_range') return fault;
        return new Fault('bad_metric', fault.reason);
      }
      case 'extra': {
        const { extra } = flattened[column.source]!;
        if (extra === null) {
          writer.null();
          return undefined;
        }
        return WRITERS.jsonb(extra, writer);
      }
    }
  }
}
