/** What a check found. */
import type { SEVERITIES } from '../../model/warehouse/task.js';

export interface CheckOutcome {
  readonly name: string;
  readonly severity: (typeof SEVERITIES)[number];
  readonly ok: boolean;
  /** Rows; of `unique`, those beyond the first of each group. */
  readonly failing: number;
  /** The first of them, each as an object. */
  readonly sample: readonly unknown[];
}

/** The rows that checks look at. */
export interface CheckedRows {
  /** In SQL: a table, or a query in parentheses. */
  readonly from: string;
  /** SQL of the slice of a row, as text; undefined where all rows are one slice. */
  readonly slice?: string;
}

export function holdsBack(outcomes: readonly CheckOutcome[]): boolean {
  return outcomes.some(({ ok, severity }) => !ok && severity === 'error');
}
