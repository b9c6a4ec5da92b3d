/**
 * A record's fields → one row of COPY bytes, or the fault of the record: joins the conversions and
 * encodings of values/ for the columns of one plan.
 */

import { NO_REMARKS, type RowRemarks } from '../ledger/remarks.js';
import type { ColumnPlan, TablePlan } from '../mapping/table-plan.js';
import { Fault } from '../model/reject-codes.js';
import type { RowWriter } from '../values/copy-binary.js';
import { type Flattened, flatten } from '../values/flatten.js';
import { WRITERS, writeValue } from '../values/value-writers.js';
import { ColumnEncoder } from './column-encoder.js';
import { OtherFieldCounts } from './other-fields.js';

const NO_KEYS: ReadonlyMap<string, string> = new Map();

const NOT_FLATTENED: Flattened[] = [];

export class RowEncoder {
  readonly #plan: TablePlan;
  readonly #loadId: bigint;
  /** By column; undefined for columns that are simply a field. */
  readonly #encoders: readonly (ColumnEncoder | undefined)[];
  /** What is to be counted for the record encoded last. */
  remarks: RowRemarks = NO_REMARKS;
  /** By column: the text of a field that was written for the record encoded last. */
  readonly texts: (string | null)[];
  readonly #otherFields: OtherFieldCounts | undefined;
  /** Of the record under way: one list for all of them. */
  readonly #corrections: string[] = [];

  constructor(plan: TablePlan, loadId: number) {
    this.#plan = plan;
    this.#loadId = BigInt(loadId);
    this.#encoders = plan.columns.map((column) => ColumnEncoder.compile(column));
    this.texts = plan.columns.map(() => null);
    this.#otherFields = plan.others === undefined ? undefined : new OtherFieldCounts(plan.others);
  }

  /** Keys under which undeclared fields have been counted, by name. */
  get otherKeys(): ReadonlyMap<string, string> {
    return this.#otherFields?.keys ?? NO_KEYS;
  }

  /**
   * Appends one row to `writer`, or nothing where there is a fault.
   *
   * @param fields byte strings, as many as the plan's header has; `null` is an unquoted empty field
   * @param ordinal goes before the columns, where given (a row for the staging table)
   */
  encode(
    fields: readonly (string | null)[],
    writer: RowWriter,
    ordinal?: number,
  ): Fault | undefined {
    const { columns, sources } = this.#plan;
    const flattened = sources.length === 0 ? NOT_FLATTENED : ([] as Flattened[]);
    let unknownMetrics: readonly string[] = NO_REMARKS.unknownMetrics;
    for (const source of sources) {
      const result = flatten(fields[source.field] ?? null, source);
      if (result instanceof Fault) return new Fault(result.code, result.reason, source.fieldName);
      flattened.push(result);
      if (result.unknown.length > 0) unknownMetrics = [...unknownMetrics, ...result.unknown];
    }
    writer.beginRow(columns.length + (ordinal === undefined ? 0 : 1));
    if (ordinal !== undefined) writer.int32(ordinal);
    const corrections = this.#corrections;
    corrections.length = 0;
    if (this.#otherFields !== undefined) corrections.push(...this.#otherFields.count(fields));
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index]!;
      const encoder = this.#encoders[index];
      const fault =
        encoder === undefined
          ? this.#encodeColumn(column, fields, flattened, writer)
          : encoder.encode(fields, writer, corrections);
      if (fault !== undefined) {
        writer.takeBackRow();
        return new Fault(fault.code, fault.reason, column.name);
      }
      if (column.from === 'field') {
        this.texts[index] = encoder === undefined ? fields[column.field]! : encoder.text;
      }
    }
    this.remarks =
      unknownMetrics.length + corrections.length === 0
        ? NO_REMARKS
        : { unknownMetrics, corrections: [...corrections] };
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
      case 'field':
        return writeValue(fields[column.field]!, column.type, column.isNullable, writer);
      case 'constant':
      case 'computed':
      case 'kept':
        return undefined;
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
