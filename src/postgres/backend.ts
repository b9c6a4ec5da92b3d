/** The server's side of a session whose connection was lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

const DEADLINE_MS = 10_000;
const POLL_MS = 20;

/** Identifies one session among all, also against a later one with the same process id. */
export interface SessionIdentity {
  readonly backend: number;
  /** As printed by the server. */
  readonly startedAt: string;
}

export async function identifySession(client: pg.Client): Promise<SessionIdentity> {
  const { rows } = await client.query<SessionIdentity>(
    `SELECT pid AS backend, backend_start::text AS "startedAt" FROM pg_stat_activity
     WHERE pid = pg_backend_pid()`,
  );
  return rows[0]!;
}

/** @param client a session of the same role */
export async function isSessionAlive(
  client: pg.Client,
  { backend, startedAt }: SessionIdentity,
): Promise<boolean> {
  const { rowCount } = await client.query(
    'SELECT FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2',
    [backend, startedAt],
  );
  return rowCount === 1;
}

/** Reads an internal of pg: whether the socket is closed. */
export function isClosed(client: pg.Client): boolean {
  return (client as unknown as { connection: { stream: { destroyed: boolean } } }).connection.stream
    .destroyed;
}

/**
 * Waits until a backend is gone. It may still execute what it received before its connection broke,
 * such as a COMMIT; only afterwards does the database show whether that happened.
 *
 * @param client another session of the same role
 */
export async function waitForBackend(client: pg.Client, backend: number): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (Date.now() < deadline) {
    const { rowCount } = await client.query(
      `SELECT FROM pg_stat_activity WHERE pid = $1 AND pid <> pg_backend_pid()
         AND application_name LIKE 'edp %'`,
      [backend],
    );
    if (rowCount === 0) return;
    await sleep(POLL_MS);
  }
}
