/** `edp capture status`: what is installed, who has read how far, and what holds everything back. */
import type pg from 'pg';
import { quoteLiteral } from '../model/ddl.js';
import { isLockHeldSql } from '../postgres/named-lock.js';
import {
  BOTH_OUTBOXES,
  isOtherServerSql,
  type Lag,
  NO_LAG,
  OTHER_SERVER,
  OUTBOX_BYTES,
  readLags,
} from './consumer.js';
import { type DueMethods, readDueMethods } from './due-methods.js';
import { CONSUMER_LOCK } from './hold-alone.js';
import {
  installSteps,
  isOfThisEdp,
  obsoleteTriggers,
  stateOf,
  wantedTriggers,
} from './install-steps.js';
import { type KeptRows, readKept } from './map-kept.js';
import { readStuck } from './misfits.js';
import { placeText, type Uncaptured } from './plan.js';
import { readInstalled } from './read-installed.js';
import type { FoundPlan } from './resolve-plan.js';
import { readUnread, type UnreadRows } from './unread-rows.js';

export interface ConsumerStatus {
  readonly name: string;
  readonly isRunning: boolean;
  readonly lag: Lag;
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
  /** Whether an install would leave it as it is. */
  readonly isCurrent: boolean;
}

export interface CaptureStatus {
  readonly isInstalled: boolean;
  /** Whether an install would change nothing. */
  readonly isCurrent: boolean;
  /** Whether consumers have read from another server: nothing of edp.yaml mends that. */
  readonly isOtherServer: boolean;
  /** What of edp.yaml does not fit the source, and calculations that do not fit it any more. */
  readonly misfits: readonly string[];
  readonly tables: readonly TableStatus[];
  /** Columns of the source that nothing reads. */
  readonly uncaptured: readonly Uncaptured[];
  readonly consumers: readonly ConsumerStatus[];
  readonly outbox: {
    readonly bytes: number;
    readonly capBytes: number;
    readonly events: number;
    readonly failedCalculations: number;
  };
  readonly kept: readonly KeptRows[];
  /** Tables that want a snapshot. */
  readonly unread: readonly UnreadRows[];
  /** Rows that wait for the application. */
  readonly dueMethods: readonly DueMethods[];
  readonly heldBack: readonly Holder[];
}

const NO_OUTBOX = { bytes: 0, events: 0, failedCalculations: 0 };

export async function readStatus(
  client: pg.Client,
  { plan, misfits }: FoundPlan,
): Promise<CaptureStatus> {
  const { capBytes, uncaptured } = plan;
  const installed = await readInstalled(client);
  const steps = await installSteps(plan, installed);
  const changed = new Set(steps.map(({ about }) => about));
  const tables = plan.sources.map((source): TableStatus => {
    const lacking = wantedTriggers(source).filter((one) => stateOf(one, installed) !== 'right');
    return {
      source: placeText(source.table),
      models: source.models.map(({ name }) => name),
      missing: [...new Set(lacking.map(({ relation }) => placeText(relation)))],
      isCurrent: !changed.has(placeText(source.table)),
    };
  });
  // Where a table does not fit, its triggers are not wanted either, and no install would remove them.
  const left = misfits.length > 0 ? [] : obsoleteTriggers(plan, installed);
  const leftOn = new Set(left.map(({ relation }) => placeText(relation)));
  if (installed.base === undefined) {
    return {
      isInstalled: false,
      isCurrent: false,
      isOtherServer: false,
      misfits,
      tables,
      uncaptured,
      consumers: [],
      outbox: { ...NO_OUTBOX, capBytes },
      kept: [],
      unread: [],
      dueMethods: [],
      heldBack: [],
    };
  }
  const isOther = await isOtherServer(client);
  return {
    isInstalled: true,
    isCurrent: steps.length === 0,
    isOtherServer: isOther,
    misfits: [
      ...(isOther ? [`${OTHER_SERVER.what}; ${OTHER_SERVER.hint}`] : []),
      ...misfits,
      ...[...leftOn].map(explainLeft),
      ...((await isOfThisEdp(installed)) ? await readStuck(client) : []),
    ],
    tables,
    uncaptured,
    consumers: await readConsumers(client),
    outbox: { ...(await readOutbox(client)), capBytes },
    kept: await readKept(client),
    unread: await readUnread(client),
    dueMethods: await readDueMethods(client),
    heldBack: await readHolders(client),
  };
}

function explainLeft(name: string): string {
  return `${name} has triggers, and is not captured, or no partition of a captured table any more: edp capture install removes them`;
}

async function isOtherServer(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ other: boolean }>(
    `SELECT EXISTS (SELECT FROM edp_capture.consumers WHERE ${isOtherServerSql('last_xmin')}) AS other`,
  );
  return rows[0]!.other;
}

async function readConsumers(client: pg.Client): Promise<ConsumerStatus[]> {
  const lags = await readLags(client);
  const { rows } = await client.query<{ name: string; running: boolean }>(
    `SELECT name, ${isLockHeldSql(`${quoteLiteral(CONSUMER_LOCK)} || name`)} AS running
     FROM edp_capture.consumers ORDER BY name`,
  );
  return rows.map(({ name, running }) => ({
    name,
    isRunning: running,
    lag: lags.get(name) ?? NO_LAG,
  }));
}

async function readOutbox(client: pg.Client) {
  const { rows } = await client.query<{ bytes: string; events: string; failed: string }>(
    `SELECT ${OUTBOX_BYTES} AS bytes,
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
