/**
 * A record's fields → one row. A declared metric whose value does not fit its column is not a fault
 * here: it stays beside the row, as if it were not declared.
 *
 * The result is what a row looks like that was loaded before the metric was declared, once `edp
 * promote` has moved the fitting values into the column. Verify and promote use it; a load rejects
 * such a record.
 */

import type { ColumnPlan, TablePlan } from '../mapping/table-plan.js';
import type { Fault } from '../model/reject-codes.js';
import { RowWriter } from '../values/copy-binary.js';
import { type FieldBytes, splitRow } from '../values/copy-fields.js';
import { RowEncoder } from './row-encoder.js';

export interface LenientRow {
  /** By column of the plan; valid until the next record is encoded. */
  readonly fields: readonly FieldBytes[];
  /** Metrics that stay beside the row, and the reason. */
  readonly unfit: readonly { readonly column: string; readonly reason: string }[];
}

export class LenientEncoder {
  readonly #plan: TablePlan;
  readonly #loadId: number;
  readonly #writer = new RowWriter();
  /** Encoders, by the columns that they leave out. */
  readonly #encoders = new Map<string, RowEncoder>();

  constructor(plan: TablePlan, loadId: number) {
    this.#plan = plan;
    this.#loadId = loadId;
  }

  /**
   * @param fields byte strings, as many as the plan's header has
   * @returns a fault where something other than a metric is wrong
   */
  encode(fields: readonly (string | null)[]): LenientRow | Fault {
    const unfit: { column: string; reason: string }[] = [];
    for (;;) {
      const out = new Set(unfit.map(({ column }) => column));
      const fault = this.#encoderWithout(out).encode(fields, this.#writer);
      if (fault === undefined) return { fields: this.#takeFields(out), unfit };
      const { column } = fault;
      const isMetric = this.#plan.columns.some(
        ({ name, from }) => from === 'metric' && name === column,
      );
      if (!isMetric || column === undefined || out.has(column)) return fault;
      unfit.push({ column, reason: fault.reason });
    }
  }

  #encoderWithout(out: ReadonlySet<string>): RowEncoder {
    const key = JSON.stringify([...out]);
    let encoder = this.#encoders.get(key);
    if (encoder === undefined) {
      encoder = new RowEncoder(withoutMetrics(this.#plan, out), this.#loadId);
      this.#encoders.set(key, encoder);
    }
    return encoder;
  }

  #takeFields(out: ReadonlySet<string>): FieldBytes[] {
    const found = splitRow(this.#writer.lendRows());
    let next = 0;
    return this.#plan.columns.map(({ name }) => (out.has(name) ? null : found[next++]!));
  }
}

/** The plan without the declarations of these metrics. */
function withoutMetrics(plan: TablePlan, out: ReadonlySet<string>): TablePlan {
  if (out.size === 0) return plan;
  const columns = plan.columns.filter(({ name }) => !out.has(name));
  const kept = (source: number) =>
    plan.columns
      .filter((column) => column.from === 'metric' && column.source === source)
      .filter(({ name }) => !out.has(name))
      .map((column) => (column as Extract<ColumnPlan, { from: 'metric' }>).metric)
      .sort((a, b) => a - b);
  const metrics = plan.sources.map((_, source) => kept(source));
  return {
    ...plan,
    columns: columns.map((column) =>
      column.from === 'metric'
        ? { ...column, metric: metrics[column.source]!.indexOf(column.metric) }
        : column,
    ),
    sources: plan.sources.map((source, index) => ({
      ...source,
      keys: metrics[index]!.map((metric) => source.keys[metric]!),
      isJson: metrics[index]!.map((metric) => source.isJson[metric]!),
    })),
  };
}
