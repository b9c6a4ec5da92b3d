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

/** The one that install makes. */
export const FIRST_CONSUMER = 'default';

/** @param isMade whether it is made if there is none */
export async function readCursor(
  client: pg.Client,
  name: string,
  isMade: boolean,
): Promise<Cursor> {
  if (isMade) {
    await client.query(
      'INSERT INTO edp_capture.consumers (name) SELECT $1 WHERE NOT EXISTS (SELECT FROM edp_capture.consumers WHERE name = $1)',
      [name],
    );
  }
  const { rows } = await client.query<Cursor>(
    `SELECT last_xmin::text AS "lastXmin", upto::text AS upto, position::text AS position, position_xid::text AS "positionXid"
     FROM edp_capture.consumers WHERE name = $1`,
    [name],
  );
  if (rows[0] !== undefined) return rows[0];
  throw new EdpError('config', `consumer ${name} was removed`, {
    hint: `--consumer ${name} makes it again, and begins with what is in the outbox`,
  });
}

export const OTHER_SERVER = {
  what: 'the source is not the server that was captured before: its transactions have lower numbers',
  hint: 'edp capture uninstall, install and snapshot begin anew',
};

/** SQL: whether transactions have other numbers since, as after a restore of a dump on another server. @param xid SQL of one that was seen */
export function isOtherServerSql(xid: string): string {
  return `${xid} > pg_snapshot_xmax(pg_current_snapshot())`;
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

/** SQL: whether a consumer `c` has not read a row `e` of the outbox. */
const IS_UNREAD = `e.xid >= c.last_xmin AND (c.upto IS NULL OR e.xid >= c.upto
  OR c.position IS NULL OR (e.sequence, e.xid) > (c.position, c.position_xid))`;

export const BOTH_OUTBOXES =
  '(SELECT * FROM edp_capture.outbox_0 UNION ALL SELECT * FROM edp_capture.outbox_1)';

/** SQL: bytes of both, with the long values that are stored beside; asks the file system alone. */
export const OUTBOX_BYTES =
  "(pg_total_relation_size('edp_capture.outbox_0') + pg_total_relation_size('edp_capture.outbox_1'))";

export interface Lag {
  readonly events: number;
  /** Age of the oldest one. */
  readonly seconds: number;
}

export const NO_LAG: Lag = { events: 0, seconds: 0 };

/** By consumer. @param name only of this one */
export async function readLags(
  client: pg.Client,
  name?: string,
): Promise<ReadonlyMap<string, Lag>> {
  const { rows } = await client.query<{ name: string; events: string; seconds: string | null }>(
    `SELECT c.name, count(e.sequence) AS events, greatest(extract(epoch FROM clock_timestamp() - min(e.at)), 0) AS seconds
     FROM edp_capture.consumers AS c LEFT JOIN ${BOTH_OUTBOXES} AS e ON ${IS_UNREAD}
     WHERE $1::text IS NULL OR c.name = $1 GROUP BY c.name ORDER BY c.name`,
    [name ?? null],
  );
  return new Map(
    rows.map(({ name: consumer, events, seconds }) => [
      consumer,
      { events: Number(events), seconds: Math.round(Number(seconds ?? 0) * 1000) / 1000 },
    ]),
  );
}

export async function readLag(client: pg.Client, name: string): Promise<Lag> {
  return (await readLags(client, name)).get(name) ?? NO_LAG;
}
