/** What only one command at a time may do in a database, under an advisory lock. */
import type pg from 'pg';

/** Waits for other commands with the same name. The end of the session releases the lock, too. */
export async function withNamedLock<T>(
  client: pg.Client,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [name]);
  try {
    return await work();
  } finally {
    await client
      .query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [name])
      .catch(() => {});
  }
}

/**
 * An expression: whether any session holds a named lock.
 *
 * @param name SQL of the name
 * @param condition on the lock, a row of pg_locks
 */
export function isLockHeldSql(name: string, condition = 'true'): string {
  return `EXISTS (
    SELECT FROM pg_locks, hashtextextended(${name}, 0) AS key
    WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND ${condition}
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND ((classid::bigint << 32) | objid::bigint) = key)`;
}
