/** Statements that a signal stops, on the server too. */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { identifySession } from './backend.js';
import { withClient } from './connection.js';
import type { ConnectionConfig } from './tls.js';

/** A session may be between two statements when it is told to stop: it is told again. */
const AGAIN_MS = 300;

/**
 * Cancels what the sessions do as soon as the signal comes, by a connection of its own, until the work
 * ends.
 *
 * @param config where the sessions are
 */
export async function withCancel<T>(
  config: ConnectionConfig,
  sessions: readonly pg.Client[],
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const pids: number[] = [];
  for (const session of sessions) {
    pids.push((await identifySession(session)).backend);
  }
  const ended = new AbortController();
  let cancelled: Promise<unknown> | undefined;
  const cancel = () => {
    cancelled = withClient(config, 'cancel', (client) => cancelUntil(client, pids, ended.signal));
    cancelled.catch(() => {});
  };
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await work();
  } finally {
    ended.abort();
    signal.removeEventListener('abort', cancel);
    await cancelled?.catch(() => {});
  }
}

async function cancelUntil(
  client: pg.Client,
  pids: readonly number[],
  ended: AbortSignal,
): Promise<void> {
  while (!ended.aborted) {
    await client.query('SELECT pg_cancel_backend(pid) FROM unnest($1::int[]) AS pid', [pids]);
    await delay(AGAIN_MS, undefined, { signal: ended }).catch(() => {});
  }
}
