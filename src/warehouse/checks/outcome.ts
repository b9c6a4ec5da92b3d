/** What a check found, and the rows that it looked at. */
import type { Relation, SEVERITIES } from '../../model/warehouse/task.js';
import type { Expr, From } from '../../relational/tree.js';
import type { Shape } from '../compile/relation-shape.js';

export interface CheckOutcome {
  readonly name: string;
  readonly severity: (typeof SEVERITIES)[number];
  readonly ok: boolean;
  /** Rows; of `unique`, those beyond the first of each group. */
  readonly failing: number;
  /** The first of them, each an object as JSON. */
  readonly sample: readonly string[];
  /** For people: what a check found that is of the table, and not of its rows. */
  readonly found?: string;
  /** Of a table that has had no new rows for longer than it may: its age is null where it has no time. */
  readonly late?: { readonly ageSeconds: number | null; readonly limitSeconds: number };
  /** Whether it is of all slices. */
  readonly isOfTable?: boolean;
  /** Whether it holds nothing back, whatever its severity. */
  readonly onlyReports?: boolean;
}

/** Name of the rows in {@link CheckedRows.from}. */
export const CHECKED = 'edp_checked';

/** Name of the rows that stay, in {@link CheckedRows.beside}. */
export const STAYING = 'made';

export interface CheckedRows {
  /** `silver.members`: where errors say that they are. */
  readonly place: string;
  /** Called {@link CHECKED}. */
  readonly from: From;
  /** Their columns, without those of edp's own. */
  readonly shape: Shape;
  /** The table whose rows they are, or are to be. */
  readonly relation: Relation;
  /** The slice of a row, as text; undefined where all rows are one slice. */
  readonly slice?: Expr;
  /**
   * Which rows of the relation, called {@link STAYING}, stay in it beside these; undefined where these are
   * all of it.
   */
  readonly beside?: Expr;
}

/** Whether it failed, and was not to. */
export function isError({ ok, severity }: Pick<CheckOutcome, 'ok' | 'severity'>): boolean {
  return !ok && severity === 'error';
}

/** Whether a slice stays as it was for it. */
export function isStopping(outcome: CheckOutcome): boolean {
  return isError(outcome) && outcome.onlyReports !== true;
}

export function holdsBack(outcomes: readonly CheckOutcome[]): boolean {
  return outcomes.some(isStopping);
}
