/** A kept result: finds the one that is still what the query would give, and reads it part by part. */
import type pg from 'pg';
import { HISTORY_SQL } from '../../ledger/changes.js';
import type { ResultColumn, ResultRow } from '../format/report-writer.js';
import type { ReportRows } from '../rows.js';

export interface Kept {
  readonly entryId: number;
  readonly columns: readonly ResultColumn[];
  readonly rows: number;
  /** As people read it. */
  readonly keptAt: string;
  /** Whether its last use is so long ago that this one should be noted. */
  readonly isUseOld: boolean;
}

/** More transactions than this are not looked at one by one. */
const MAX_TRANSACTIONS = 10_000;

/**
 * Whether a transaction that may have changed anything has ended since a snapshot. Who changes rows, tables, views, functions,
 * rights or roles, by whatever means, has a number of a transaction; so where no number is new, nothing has
 * changed. Numbers of transactions that were rolled back, and those of the cache itself, do not count. That a transaction was
 * one of the cache is believed only of the role and login that asks, and of the owner of the ledger: another one may have
 * changed data in it.
 *
 * It does not ask which tables were changed: only edp enters that in edp.changes, and others may write, too.
 *
 * @param before,now SQL of snapshots
 */
export function hasChangedSql(before: string, now: string): string {
  const first = `pg_snapshot_xmin(${before})::text::bigint`;
  const end = `pg_snapshot_xmax(${now})::text::bigint`;
  return `CASE WHEN ${before}::text = ${now}::text THEN false
    WHEN ${end} - ${first} > ${MAX_TRANSACTIONS} THEN true
    ELSE EXISTS (
      SELECT FROM (SELECT number::text::xid8 AS xid FROM generate_series(${first}, ${end} - 1) AS number OFFSET 0) AS ended
      WHERE pg_visible_in_snapshot(xid, ${now}) AND NOT pg_visible_in_snapshot(xid, ${before})
        AND pg_xact_status(xid) IS DISTINCT FROM 'aborted'
        AND NOT EXISTS (SELECT FROM edp.report_cache_writes w WHERE w.xid = ended.xid AND (
          w.role_oid = quote_ident(current_user)::regrole AND w.login_oid = quote_ident(session_user)::regrole
          OR w.role_oid = (SELECT relowner FROM pg_class WHERE oid = 'edp.report_cache_writes'::regclass)))) END`;
}

/** A moment before a report reads: what ends later is new to it. */
export interface Moment {
  /** The database, and the history of its transactions, in which the snapshot means something. */
  readonly history: string;
  /** A `pg_snapshot`. */
  readonly snapshot: string;
}

export async function readMoment(session: pg.Client): Promise<Moment> {
  const { rows } = await session.query<Moment>(
    `SELECT ${HISTORY_SQL} AS history, pg_current_snapshot()::text AS snapshot`,
  );
  return rows[0]!;
}

/** Of `edp.report_cache`: the owner of the ledger sees the results of all. */
export const OWN_SQL = `role_oid = quote_ident(current_user)::regrole AND role_name = current_user
  AND login_oid = quote_ident(session_user)::regrole`;

/** @returns undefined where nothing is kept, or it is stale */
export async function findKept(
  session: pg.Client,
  key: Buffer,
  history: string,
): Promise<Kept | undefined> {
  const { rows } = await session.query<Kept>(
    `SELECT entry_id AS "entryId", columns, rows, used_at < clock_timestamp() - interval '1 minute' AS "isUseOld",
       to_char(kept_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') AS "keptAt"
     FROM edp.report_cache
     WHERE ${OWN_SQL} AND key = $1 AND history = $2
       AND NOT ${hasChangedSql('snapshot', 'pg_current_snapshot()')}`,
    [key, history],
  );
  return rows[0];
}

/** Reads through a cursor, which sees all parts though the entry may be removed meanwhile. */
const CURSOR = 'kept';

export class KeptRows implements ReportRows {
  readonly columns: readonly ResultColumn[];
  readonly #session: pg.Client;
  readonly #kept: Kept;
  readonly #first: readonly ResultRow[];
  #given = 0;

  private constructor(session: pg.Client, kept: Kept, first: readonly ResultRow[]) {
    this.#session = session;
    this.#kept = kept;
    this.#first = first;
    this.columns = kept.columns;
  }

  /** @returns undefined where the result is gone by now */
  static async open(session: pg.Client, kept: Kept): Promise<KeptRows | undefined> {
    await session.query(
      `DECLARE ${CURSOR} NO SCROLL CURSOR FOR SELECT rows FROM edp.report_cache_parts WHERE entry_id = $1 ORDER BY part`,
      [kept.entryId],
    );
    if (kept.rows === 0) return new KeptRows(session, kept, []);
    const first = await readPart(session);
    return first === undefined ? undefined : new KeptRows(session, kept, first);
  }

  async *batches(maxRows: number): AsyncGenerator<readonly ResultRow[]> {
    const wanted = Math.min(maxRows, this.#kept.rows);
    for (let part = 0; this.#given < wanted; part++) {
      const batch = part === 0 ? this.#first : await readPart(this.#session);
      if (batch === undefined) throw new TypeError(`part ${part} of a kept result is missing`);
      const shown = batch.slice(0, wanted - this.#given);
      this.#given += shown.length;
      yield shown;
    }
  }

  async countRest(): Promise<number> {
    return this.#kept.rows - this.#given;
  }
}

async function readPart(session: pg.Client): Promise<readonly ResultRow[] | undefined> {
  const { rows } = await session.query<{ rows: Buffer }>(`FETCH 1 FROM ${CURSOR}`);
  return rows[0] === undefined
    ? undefined
    : (JSON.parse(rows[0].rows.toString()) as readonly ResultRow[]);
}
