/** What ties a session to the run of the command that opened it. */

/** An expression that takes the run's lock until the session ends. @param runId SQL of its number */
export function runLockSql(runId: string | number): string {
  return `pg_advisory_lock_shared(hashtextextended('edp run ' || ${runId}, 0))`;
}

/** The session shares the run's lock, and its changes are entered as those of the run. */
export function joinRunSql(runId: number): string {
  return `SELECT set_config('edp.run_id', '${runId}', false), ${runLockSql(runId)}`;
}
