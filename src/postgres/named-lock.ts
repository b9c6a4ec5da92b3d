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
