/**
 * A consumer: how far it has read the outbox. It has read what transactions before `lastXmin` wrote; of those before `upto`, what is
 * not above `position`. Only a transaction that is older than every running one may be read, so nothing that commits
 * later belongs before what was read.
 */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';

export interface Cursor {
  readonly lastXmin: string;
  readonly upto: string | null;
  readonly position: string | null;
  readonly positionXid: string | null;
}

/** First number of the advisory locks of consumers. */
const CONSUMER_LOCKS = 1162104835;

/** Makes the consumer if there is none. */
export async function readCursor(client: pg.Client, name: string): Promise<Cursor> {
  await client.query(
    'INSERT INTO edp_capture.consumers (name) SELECT $1 WHERE NOT EXISTS (SELECT FROM edp_capture.consumers WHERE name = $1)',
    [name],
  );
  const { rows } = await client.query<Cursor>(
    `SELECT last_xmin::text AS "lastXmin", upto::text AS upto, position::text AS position, position_xid::text AS "positionXid"
     FROM edp_capture.consumers WHERE name = $1`,
    [name],
  );
  return rows[0]!;
}

export async function moveCursor(
  client: pg.Client,
  name: string,
  { lastXmin, upto, position, positionXid }: Cursor,
  events: number,
): Promise<void> {
  const { rowCount } = await client.query(
    `UPDATE edp_capture.consumers SET last_xmin = $2::text::xid8, upto = $3::text::xid8, position = $4, position_xid = $5::text::xid8,
       events = events + $6, moved_at = clock_timestamp() WHERE name = $1`,
    [name, lastXmin, upto, position, positionXid, events],
  );
  if (rowCount === 1) return;
  throw new EdpError('interrupted', `consumer ${name} is gone: somebody has removed it`, {
    hint: 'run it again to begin anew with all that is in the outbox',
  });
}

/**
 * Holds the consumer for this session; the server frees it however the session ends.
 *
 * @param onWait told once, where another session holds it
 * @returns whether it is held; false where `signal` came first
 */
export async function holdConsumer(
  client: pg.Client,
  name: string,
  onWait: () => void,
  signal: AbortSignal,
): Promise<boolean> {
  for (let tries = 0; ; tries++) {
    const { rows } = await client.query<{ held: boolean }>(
      'SELECT pg_try_advisory_lock($1, hashtext($2)) AS held',
      [CONSUMER_LOCKS, name],
    );
    if (rows[0]!.held) return true;
    if (tries === 0) onWait();
    if (!(await sleepUnless(signal, 500))) return false;
  }
}

/** @returns false where `signal` ended it */
export async function sleepUnless(signal: AbortSignal, ms: number): Promise<boolean> {
  if (signal.aborted) return false;
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
  return !signal.aborted;
}

/** SQL: whether a consumer `c` has not read a row `e` of the outbox. */
export const IS_UNREAD = `e.xid >= c.last_xmin AND (c.upto IS NULL OR e.xid >= c.upto
  OR c.position IS NULL OR (e.sequence, e.xid) > (c.position, c.position_xid))`;

export const BOTH_OUTBOXES =
  '(SELECT * FROM edp_capture.outbox_0 UNION ALL SELECT * FROM edp_capture.outbox_1)';

export interface Lag {
  readonly events: number;
  /** Age of the oldest one. */
  readonly seconds: number;
}

export async function readLag(client: pg.Client, name: string): Promise<Lag> {
  const { rows } = await client.query<{ events: string; seconds: string | null }>(
    `SELECT count(*) AS events, greatest(extract(epoch FROM clock_timestamp() - min(e.at)), 0) AS seconds
     FROM ${BOTH_OUTBOXES} AS e JOIN edp_capture.consumers AS c ON c.name = $1 WHERE ${IS_UNREAD}`,
    [name],
  );
  const { events, seconds } = rows[0]!;
  return { events: Number(events), seconds: Math.round(Number(seconds ?? 0) * 1000) / 1000 };
}
