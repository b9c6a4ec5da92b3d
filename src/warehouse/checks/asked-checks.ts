/** Checks that a table was asked: one that is declared later is asked of all rows that are there. */
import { createHash } from 'node:crypto';
import type { Check, Task } from '../../model/warehouse/task.js';
import { type CheckOutcome, isError } from './outcome.js';

/** Of all that a check asks. */
export function hashOf(check: Check): string {
  return createHash('sha256').update(JSON.stringify(check)).digest('hex').slice(0, 16);
}

/** @param asked hashes of those that all rows of the table were asked */
export function listUnasked({ checks }: Task, asked: readonly string[]): Check[] {
  return checks.filter((check) => !asked.includes(hashOf(check)));
}

/**
 * Hashes of the checks of a task. One that fails for rows that were published before it is left out, so
 * that it is asked again.
 *
 * @param unasked checks that were asked for the first time
 * @param outcomes what became of them in rows that stay
 */
export function askedChecks(
  { checks }: Task,
  unasked: readonly Check[],
  outcomes: readonly CheckOutcome[],
): string[] {
  const failing = new Set(outcomes.filter(isError).map(({ name }) => name));
  return checks
    .filter((check) => !(unasked.includes(check) && failing.has(check.name)))
    .map(hashOf);
}
