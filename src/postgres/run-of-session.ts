/** What ties a session to the run of the command that opened it. */
import { isLockHeldSql } from './named-lock.js';

const nameOf = (runId: string) => `'edp run ' || ${runId}`;

/**
 * Expressions by which the session shares the run's lock, and its changes are entered as those of the run.
 *
 * @param runId SQL of its number
 */
export function joinRunSql(runId: string): string {
  return (
    `set_config('edp.run_id', (${runId})::text, false), ` +
    `pg_advisory_lock_shared(hashtextextended(${nameOf(runId)}, 0))`
  );
}

/** An expression: whether any session of a run is there. @param runId SQL of its number */
export function isRunThereSql(runId: string): string {
  return isLockHeldSql(nameOf(runId));
}
