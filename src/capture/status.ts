/** `edp capture status`: what is installed, who has read how far, and what holds everything back. */
import type pg from 'pg';
import type { TablePlace } from '../model/table-name.js';
import { BOTH_OUTBOXES, IS_UNREAD } from './consumer.js';
import { hashOf, readBase, triggerKey, wantedFunctions, wantedTriggers } from './install-steps.js';
import { type KeptRows, readKept } from './map-kept.js';
import { type CapturePlan, placeText } from './plan.js';
import { readInstalled } from './read-installed.js';

export interface ConsumerStatus {
  readonly name: string;
  readonly isRunning: boolean;
  readonly events: number;
  readonly seconds: number;
}

/** A transaction that is not over: nothing that began after it can be read. */
export interface Holder {
  readonly kind: 'session' | 'prepared';
  /** Process id, or the name of a prepared transaction. */
  readonly id: string;
  readonly user: string | null;
  readonly database: string | null;
  readonly seconds: number;
  readonly state: string | null;
  readonly query: string | null;
}

export interface TableStatus {
  readonly source: string;
  readonly models: readonly string[];
  /** Relations that lack a trigger, or have one that is disabled. */
  readonly missing: readonly string[];
  /** Whether its functions are as edp.yaml and the table want them. */
  readonly isCurrent: boolean;
}

export interface CaptureStatus {
  readonly isInstalled: boolean;
  readonly isCurrent: boolean;
  readonly tables: readonly TableStatus[];
  readonly consumers: readonly ConsumerStatus[];
  readonly outbox: {
    readonly bytes: number;
    readonly capBytes: number;
    readonly events: number;
    readonly failedCalculations: number;
  };
  readonly kept: readonly KeptRows[];
  readonly heldBack: readonly Holder[];
}

const NO_OUTBOX = { bytes: 0, events: 0, failedCalculations: 0 };

export async function readStatus(client: pg.Client, plan: CapturePlan): Promise<CaptureStatus> {
  const capBytes = plan.capMb * 1024 * 1024;
  const installed = await readInstalled(client);
  const triggers = new Map(installed.triggers.map((one) => [triggerKey(one), one]));
  const tables = plan.sources.map((source): TableStatus => {
    const lacking = wantedTriggers(source)
      .filter((wanted) => {
        const there = triggers.get(triggerKey(wanted));
        return there?.functionName !== wanted.functionName || there.enabled !== 'A';
      })
      .map(({ relation }) => placeText(relation as TablePlace));
    return {
      source: placeText(source.table),
      models: source.models.map(({ name }) => name),
      missing: [...new Set(lacking)],
      isCurrent: wantedFunctions(source).every(
        ({ name, text }) => installed.functions.get(name)?.hash === hashOf(text),
      ),
    };
  });
  if (installed.base === undefined) {
    return {
      isInstalled: false,
      isCurrent: false,
      tables,
      consumers: [],
      outbox: { ...NO_OUTBOX, capBytes },
      kept: [],
      heldBack: [],
    };
  }
  return {
    isInstalled: true,
    isCurrent: installed.base === hashOf(await readBase()),
    tables,
    consumers: await readConsumers(client),
    outbox: { ...(await readOutbox(client)), capBytes },
    kept: await readKept(client),
    heldBack: await readHolders(client),
  };
}

async function readConsumers(client: pg.Client): Promise<ConsumerStatus[]> {
  const { rows } = await client.query<{
    name: string;
    running: boolean;
    events: string;
    seconds: string | null;
  }>(
    `SELECT c.name, EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 1162104835
         AND objid = (hashtext(c.name)::bigint & 4294967295)::oid AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS running,
       count(e.sequence) AS events, greatest(extract(epoch FROM clock_timestamp() - min(e.at)), 0) AS seconds
     FROM edp_capture.consumers AS c LEFT JOIN ${BOTH_OUTBOXES} AS e ON ${IS_UNREAD}
     GROUP BY c.name ORDER BY c.name`,
  );
  return rows.map(({ name, running, events, seconds }) => ({
    name,
    isRunning: running,
    events: Number(events),
    seconds: Math.round(Number(seconds ?? 0) * 1000) / 1000,
  }));
}

async function readOutbox(client: pg.Client) {
  const { rows } = await client.query<{ bytes: string; events: string; failed: string }>(
    `SELECT pg_total_relation_size('edp_capture.outbox_0') + pg_total_relation_size('edp_capture.outbox_1') AS bytes,
       count(*) AS events, count(errors) AS failed FROM ${BOTH_OUTBOXES} AS e`,
  );
  const { bytes, events, failed } = rows[0]!;
  return { bytes: Number(bytes), events: Number(events), failedCalculations: Number(failed) };
}

/** Transactions older than this are named. */
const HOLDER_SECONDS = 10;

export async function readHolders(
  client: pg.Client,
  minimumSeconds = HOLDER_SECONDS,
): Promise<Holder[]> {
  const { rows } = await client.query<Holder & { seconds: string }>(
    `SELECT * FROM (
       SELECT 'session' AS kind, pid::text AS id, usename AS "user", datname AS database,
         extract(epoch FROM clock_timestamp() - xact_start) AS seconds, state, left(query, 200) AS query
       FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
       UNION ALL
       SELECT 'prepared', gid, owner, database, extract(epoch FROM clock_timestamp() - prepared), NULL, NULL FROM pg_prepared_xacts
     ) AS held WHERE seconds >= $1 ORDER BY seconds DESC LIMIT 20`,
    [minimumSeconds],
  );
  return rows.map((row) => ({ ...row, seconds: Math.round(Number(row.seconds) * 10) / 10 }));
}
