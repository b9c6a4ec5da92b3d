/** What only one command at a time may do in a database, under an advisory lock. */
import type pg from 'pg';
import { sleepUnless } from '../base/sleep-unless.js';

const WAIT_MS = 100;

/**
 * Waits for other commands with the same name. The end of the session releases the lock, too.
 *
 * @returns undefined where `signal` came before the lock
 */
export async function withNamedLock<T>(
  client: pg.Client,
  name: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T | undefined> {
  // A statement that waits in the server would not hear the signal.
  while (!(await tryNamedLock(client, name))) {
    if (!(await sleepUnless(signal, WAIT_MS))) return undefined;
  }
  try {
    return await work();
  } finally {
    await client
      .query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [name])
      .catch(() => {});
  }
}

/**
 * Waits for a lock that the end of the transaction releases.
 *
 * @returns whether it is held; false where `signal` came first
 */
export async function holdInTransaction(
  client: pg.Client,
  name: string,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const { rows } = await client.query<{ held: boolean }>(
      'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS held',
      [name],
    );
    if (rows[0]!.held) return true;
    if (!(await sleepUnless(signal, WAIT_MS))) return false;
  }
}

/** Takes the lock for the rest of the session, if no other one has it. */
export async function tryNamedLock(client: pg.Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ held: boolean }>(
    'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS held',
    [name],
  );
  return rows[0]!.held;
}

/** Who holds a named lock, such as `process 4711 (edp capture of ann, from 10.0.0.7, since 2026-11-29 10:00:00 UTC)`. */
export async function describeHolder(client: pg.Client, name: string): Promise<string | undefined> {
  const { rows } = await client.query<{ holder: string }>(
    // What a role may not see of other sessions is NULL.
    `SELECT format('process %s%s', a.pid, ' (' || nullif(concat_ws(', ',
       nullif(a.application_name, '') || ' of ' || a.usename, 'from ' || host(a.client_addr),
       'since ' || to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'), '') || ')') AS holder
     FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid), hashtextextended($1, 0) AS key
     WHERE ${IS_NAMED_LOCK} LIMIT 1`,
    [name],
  );
  return rows[0]?.holder;
}

const IS_NAMED_LOCK = `locktype = 'advisory' AND granted AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND ((classid::bigint << 32) | objid::bigint) = key`;

/**
 * An expression: whether any session holds a named lock.
 *
 * @param name SQL of the name
 * @param condition on the lock, a row of pg_locks
 */
export function isLockHeldSql(name: string, condition = 'true'): string {
  return `EXISTS (
    SELECT FROM pg_locks, hashtextextended(${name}, 0) AS key
    WHERE ${IS_NAMED_LOCK} AND ${condition})`;
}
