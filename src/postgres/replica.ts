/**
 * Reads from a standby that has all that the primary had committed before.
 *
 * Rows and ledger come to a standby in the order of the primary's log. So a position in that log is enough: everything that
 * was reported as done when the command began lies in front of it. After a promotion, two servers may go on from the same log, and
 * positions of one mean nothing to the other; so the timeline must be the same, too.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { connectOnce, withClient } from './connection.js';
import { type Database, withDatabase } from './database.js';
import { isConnectionError } from './sqlstate.js';
import type { ConnectionConfig } from './tls.js';
import { describeClient, readUrl } from './which-server.js';

export interface ReplicaOptions {
  readonly databaseUrl: string | undefined;
  readonly directory: string;
  readonly replicaUrl: string | undefined;
  /** How long to wait for the standby. */
  readonly replicaWait: number;
}

/** What the standby must have. */
interface Need {
  readonly systemId: string;
  /** Which of the histories that begin with a promotion. */
  readonly timeline: number;
  /** A position in the log of the primary. */
  readonly wal: string;
}

interface Standby {
  readonly isStandby: boolean;
  readonly systemId: string;
  readonly timeline: number;
  /** Bytes of the log that are missing; null where nobody knows what is needed, or nothing was replayed. */
  readonly missing: number | null;
  readonly replayedAt: string | null;
  readonly isPaused: boolean | null;
}

const POLL_MS = 50;
const FLUSH_POLL_MS = 10;

/**
 * Runs `work` with the standby, once it has what the primary has now.
 *
 * @param warn what the user must know of the answer
 * @param wasThere whether the standby answered before, so that it may be starting again
 * @throws EdpError `usage` without a URL, `replica_wrong` where it names no standby of the database, `replica_behind` where
 *   the standby does not get there in time
 */
export async function withReplica<T>(
  options: ReplicaOptions,
  signal: AbortSignal,
  warn: (text: string) => void,
  work: (database: Database) => Promise<T>,
  wasThere = false,
): Promise<T> {
  if (options.replicaUrl === undefined) {
    throw new EdpError('usage', '--from-replica needs the URL of the standby', {
      hint: 'set EDP_REPLICA_URL, or replica-url in edp.yaml, to postgresql://user@host:port/database',
    });
  }
  const client = readUrl(options.replicaUrl, '--replica-url', process.env);
  const label = describeClient(client);
  const need = await findNeed(options, warn);
  await waitFor(client, need, options.replicaWait, signal, warn, wasThere);
  return work({ client, label: `the standby ${label}` });
}

/** @returns undefined where the primary cannot be reached */
async function findNeed(
  options: ReplicaOptions,
  warn: (text: string) => void,
): Promise<Need | undefined> {
  try {
    return await withDatabase(options, ({ client, label }) =>
      withClient(client, 'replica', async (session) => {
        const { rows } = await session.query<{ isStandby: boolean; systemId: string }>(
          `SELECT pg_is_in_recovery() AS "isStandby",
             (SELECT system_identifier FROM pg_control_system())::text AS "systemId"`,
        );
        const { isStandby, systemId } = rows[0]!;
        if (isStandby) throw notPrimary(label);
        return { systemId, ...(await readPosition(session)) };
      }),
    );
  } catch (error) {
    if (!(error instanceof EdpError) || error.code !== 'database_unreachable') throw error;
    warn(`the primary cannot be asked (${error.message}): what it committed last may be missing`);
    return undefined;
  }
}

/** Beyond three delays of the server's writer, within which it flushes commits that did not wait for the disk. */
const FLUSH_SLACK_MS = 200;

/**
 * Behind all that was committed, also with `synchronous_commit = off`. What is only inserted is waited for no longer than such a
 * commit may take: the rest of an idle server may stay in memory, and never reach the standby.
 */
async function readPosition(session: pg.Client): Promise<Pick<Need, 'timeline' | 'wal'>> {
  const { rows: begun } = await session.query<{ inserted: string; maxMs: number }>(
    `SELECT pg_current_wal_insert_lsn()::text AS inserted, 3 * setting::int AS "maxMs"
     FROM pg_settings WHERE name = 'wal_writer_delay'`,
  );
  const { inserted, maxMs } = begun[0]!;
  for (const deadline = Date.now() + maxMs + FLUSH_SLACK_MS; ; await sleep(FLUSH_POLL_MS)) {
    const isLast = Date.now() >= deadline;
    const { rows } = await session.query<{ wal: string; timeline: number; isFlushed: boolean }>(
      `SELECT wal::text, wal >= $1::pg_lsn AS "isFlushed",
         ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int AS timeline
       FROM pg_current_wal_flush_lsn() AS wal`,
      [inserted],
    );
    const { wal, timeline, isFlushed } = rows[0]!;
    if (isFlushed || isLast) return { wal, timeline };
  }
}

function notPrimary(label: string): EdpError {
  return new EdpError('replica_wrong', `${label} is a standby itself`, {
    hint: 'name the primary with --database-url or DATABASE_URL, and the standby with EDP_REPLICA_URL',
  });
}

async function waitFor(
  client: ConnectionConfig,
  need: Need | undefined,
  waitSeconds: number,
  signal: AbortSignal,
  warn: (text: string) => void,
  wasThere: boolean,
): Promise<void> {
  const label = describeClient(client);
  const deadline = Date.now() + waitSeconds * 1000;
  let last: Standby | undefined;
  for (;;) {
    signal.throwIfAborted();
    // Not connect(), which waits for a server that is starting for a minute, whatever the limit is.
    let session: pg.Client | undefined;
    try {
      session = await connectOnce(client, 'replica');
      for (;;) {
        signal.throwIfAborted();
        last = await askStandby(session, need);
        assertStandby(last, need, label);
        if (need === undefined) {
          warn(`read is what ${label} has: ${describeLag(last)}`);
          return;
        }
        const isThere = last.missing !== null && last.missing <= 0;
        if (isThere && last.timeline === need.timeline) return;
        if (Date.now() >= deadline) throw behind(last, need, label, waitSeconds);
        await sleep(POLL_MS);
      }
    } catch (error) {
      const wasSeen = wasThere || last !== undefined;
      const mayCome = isBusy(error) || (wasSeen && isLost(error));
      if (!mayCome || Date.now() >= deadline) throw ofStandby(error);
      await sleep(POLL_MS * 4);
    } finally {
      await session?.end().catch(() => {});
    }
  }
}

/** Of a server that does not answer, what is to be checked is the URL of the standby. */
function ofStandby(error: unknown): unknown {
  if (!(error instanceof EdpError) || error.code !== 'database_unreachable') return error;
  return new EdpError(error.code, error.message, {
    hint: 'check EDP_REPLICA_URL (replica-url in edp.yaml) and that the standby is up, or omit --from-replica',
    cause: error,
  });
}

/** Starting, which a standby that takes no queries (`hot_standby = off`) is for ever, or without a connection left. */
function isBusy(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: string };
    if (code === '57P03' || code === '53300') return true;
  }
  return false;
}

/**
 * Its timeline is the last one that it has noted. Only roles that may see statistics see which one it receives; what the control
 * file says may be minutes old.
 */
async function askStandby(session: pg.Client, need: Need | undefined): Promise<Standby> {
  const { rows } = await session.query<Standby>(
    `SELECT pg_is_in_recovery() AS "isStandby",
       (SELECT system_identifier FROM pg_control_system())::text AS "systemId",
       greatest((SELECT timeline_id FROM pg_control_checkpoint()), (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
         (SELECT received_tli FROM pg_stat_wal_receiver)) AS timeline,
       ($1::pg_lsn - pg_last_wal_replay_lsn())::float8 AS missing,
       pg_last_xact_replay_timestamp()::text AS "replayedAt",
       CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END AS "isPaused"`,
    [need?.wal ?? null],
  );
  return rows[0]!;
}

function assertStandby(standby: Standby, need: Need | undefined, label: string): void {
  const { isStandby, systemId, timeline } = standby;
  if (need !== undefined && systemId !== need.systemId) {
    throw new EdpError('replica_wrong', `${label} is a copy of another server`, {
      hint: 'name a standby of the database that this project loads into with EDP_REPLICA_URL',
    });
  }
  if (isStandby && need !== undefined && timeline > need.timeline) {
    throw new EdpError(
      'replica_wrong',
      `${label} follows a server that was promoted (timeline ${timeline}), not the primary (timeline ${need.timeline})`,
      { hint: 'name the server that was promoted with --database-url or DATABASE_URL' },
    );
  }
  if (isStandby) return;
  throw new EdpError('replica_wrong', `${label} is no standby`, {
    hint: 'name a standby with EDP_REPLICA_URL, or omit --from-replica; one that was promoted has a history of its own',
  });
}

function behind(standby: Standby, need: Need, label: string, waitSeconds: number): EdpError {
  const { missing, isPaused, timeline } = standby;
  if (missing !== null && missing <= 0) return onOldTimeline(timeline, need, label, waitSeconds);
  const lag =
    missing === null ? 'has replayed nothing yet' : `lacks ${Math.ceil(missing)} bytes of the log`;
  return new EdpError(
    'replica_behind',
    `${label} ${lag} after ${waitSeconds} s: ${describeLag(standby)}`,
    {
      hint:
        isPaused === true
          ? 'replay is paused there: SELECT pg_wal_replay_resume(); or omit --from-replica'
          : 'look at pg_stat_replication of the primary, wait longer with --replica-wait, or omit --from-replica',
    },
  );
}

/** As far as the primary, by its own count, but perhaps in the log of another server. */
function onOldTimeline(timeline: number, need: Need, label: string, waitSeconds: number): EdpError {
  return new EdpError(
    'replica_behind',
    `${label} is on timeline ${timeline} after ${waitSeconds} s, and the primary on ${need.timeline}, since it was promoted`,
    {
      hint: 'let it follow the primary (primary_conninfo). Where it does, it notes that within minutes; a role with pg_read_all_stats sees it at once',
    },
  );
}

function describeLag({ replayedAt, isPaused }: Standby): string {
  const paused = isPaused === true ? ', and replay is paused' : '';
  return replayedAt === null
    ? `it has replayed no transaction since its start${paused}`
    : `its last transaction is of ${replayedAt}${paused}`;
}

/** Whether the server or the connection went away, so that another try may succeed. */
function isLost(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof EdpError && at.code === 'database_unreachable') return true;
    const { code } = at as { code?: string };
    if (isConnectionError(code)) return true;
    // pg reports a connection that ended without any code.
    if (
      code === undefined &&
      !(at instanceof EdpError) &&
      /^Connection terminated/.test(at.message)
    )
      return true;
  }
  return false;
}

/**
 * Whether a read of a standby failed only because it is one: the server cancels what keeps it from replaying, or ends the
 * connection (serialization_failure, database_dropped), or went away.
 */
export function isStandbyConflict(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: string };
    if (code === '40001' || code === '40P01' || code === 'database_error') return true;
  }
  return isLost(error);
}
