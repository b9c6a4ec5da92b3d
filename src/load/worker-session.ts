/**
 * The database session of a worker's thread, kept for all splits, and the ends of its transactions.
 */
import { threadId, workerData } from 'node:worker_threads';
import type pg from 'pg';
import { DatabaseError } from 'pg';
import { failpoint } from '../base/failpoints.js';
import type { ScannedRange } from '../formats/text/ranges.js';
import { hasReceipt } from '../ledger/receipts.js';
import { identifySession, isClosed, isSessionAlive, waitForBackend } from '../postgres/backend.js';
import { connectOnce } from '../postgres/connection.js';
import { sessionLost } from '../postgres/session.js';
import { isConnectionError } from '../postgres/sqlstate.js';
import type { LoadWorkerData } from './load-pool.js';
import type { LoadTask } from './messages.js';
import { markSession } from './session-marks.js';

export interface WorkerSession {
  readonly key: string;
  readonly client: pg.Client;
  /** Process id of the session's backend. */
  readonly backend: number;
  /** Whether it has committed nothing yet. */
  isNew: boolean;
}

/** One session per thread, kept for all splits. */
let session: WorkerSession | undefined;
export async function openSession(config: pg.ClientConfig): Promise<WorkerSession> {
  const key = JSON.stringify(config);
  if (session !== undefined && (session.key !== key || isClosed(session.client))) closeSession();
  if (session === undefined) {
    const client = await connectOnce(config, 'worker');
    // A crash loses a split together with its receipt; the end of the load is synchronous.
    await client.query('SET synchronous_commit = off; SET client_min_messages = warning');
    const { backend } = await identifySession(client);
    session = { key, client, backend, isNew: true };
    noteSession();
    await failpoint('worker.connected', client);
  }
  return session;
}

export function closeSession(): void {
  session?.client.end().catch(() => {});
  session = undefined;
  noteSession();
}

function noteSession(): void {
  markSession((workerData as LoadWorkerData).sessions, threadId, session !== undefined);
}

/** Private state of pg: its socket, and whether a query is running. */
interface ClientInternals {
  readonly connection: { readonly stream: { destroy(): void } };
  readonly readyForQuery: boolean;
}

/**
 * Rolls back the transaction. During a COPY no statement can be sent, so it closes the connection,
 * and the server rolls back.
 */
export async function rollBack(client: pg.Client, error: unknown): Promise<void> {
  const internals = client as unknown as ClientInternals;
  // An error of the server has ended the COPY, too.
  if (internals.readyForQuery || error instanceof DatabaseError) {
    await client.query('ROLLBACK').catch(closeSession);
    return;
  }
  internals.connection.stream.destroy();
  closeSession();
}

/**
 * Splits commit without waiting for the disk, so a server that crashed may have lost the last ones.
 * A new session must not commit after such a gap: the next run detects the gap and fills it in
 * order. No session survives a crash, so if the run's own session is alive, there was no crash.
 */
export async function assertOwned(client: pg.Client, { owner, loadId }: LoadTask): Promise<void> {
  if (await isSessionAlive(client, owner)) return;
  throw sessionLost(`load ${loadId}`);
}

/** If the acknowledgement of a commit was lost, the receipt shows whether it happened. */
export async function commit(
  { client, backend }: WorkerSession,
  load: LoadTask,
  { start }: ScannedRange,
): Promise<void> {
  try {
    await client.query('COMMIT');
    await failpoint('split.acknowledged', client);
  } catch (error) {
    if (!isConnectionError((error as { code?: string }).code) && !isClosed(client)) throw error;
    closeSession();
    const another = await openSession(load.database);
    await waitForBackend(another.client, backend);
    if (!(await hasReceipt(another.client, load.loadId, start))) throw error;
  }
}
