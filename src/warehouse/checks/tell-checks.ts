/** Tells what checks found, to whoever listens. */
import { tell } from '../../base/happenings.js';
import type { CheckOutcome } from './outcome.js';

/** @param table `silver.members` */
export function tellChecks(table: string, outcomes: readonly CheckOutcome[]): void {
  for (const { name, severity, ok, failing, late } of outcomes) {
    tell({
      kind: 'check_ended',
      check: name,
      table,
      severity: severity === 'warn' ? 'warning' : severity,
      isOk: ok,
      failures: failing,
    });
    if (late !== undefined) tell({ kind: 'stale', table, ...late });
  }
}

/** The checks of the slices of one task, each once: the failing rows of all slices together. */
export function sumChecks(slices: readonly (readonly CheckOutcome[])[]): CheckOutcome[] {
  const sums = new Map<string, CheckOutcome>();
  for (const outcome of slices.flat()) {
    const sum = sums.get(outcome.name);
    if (sum === undefined) sums.set(outcome.name, outcome);
    else if (outcome.isOfTable !== true) {
      const failing = sum.failing + outcome.failing;
      sums.set(outcome.name, { ...sum, ok: sum.ok && outcome.ok, failing });
    }
  }
  return [...sums.values()];
}
