/** A kept result: finds the one that is still what the query would give, and reads it part by part. */
import type pg from 'pg';
import type { ReadPoint } from '../../ledger/changes.js';
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
 * changed. Numbers of transactions that were rolled back, and those of the cache itself, do not count.
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
        AND NOT EXISTS (SELECT FROM edp.report_cache_writes w WHERE w.xid = ended.xid)) END`;
}

/**
 * @param session in the transaction of the point
 * @returns undefined where nothing is kept, or it is stale
 */
export async function findKept(
  session: pg.Client,
  key: Buffer,
  { history, snapshot }: ReadPoint,
): Promise<Kept | undefined> {
  const { rows } = await session.query<Kept>(
    `SELECT entry_id AS "entryId", columns, rows, used_at < clock_timestamp() - interval '1 minute' AS "isUseOld",
       to_char(kept_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') AS "keptAt"
     FROM edp.report_cache
     WHERE role_oid = quote_ident(current_user)::regrole AND role_name = current_user AND key = $1 AND history = $2
       AND NOT ${hasChangedSql('snapshot', '$3::pg_snapshot')}`,
    [key, history, snapshot],
  );
  return rows[0];
}

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

  /**
   * Reads the first part. From then on, the transaction holds locks on both tables, so that nobody empties them meanwhile.
   *
   * @returns undefined where the part is gone
   */
  static async open(session: pg.Client, kept: Kept): Promise<KeptRows | undefined> {
    const first = kept.rows === 0 ? [] : await readPart(session, kept, 0);
    return first === undefined ? undefined : new KeptRows(session, kept, first);
  }

  async *batches(maxRows: number): AsyncGenerator<readonly ResultRow[]> {
    const wanted = Math.min(maxRows, this.#kept.rows);
    for (let part = 0; this.#given < wanted; part++) {
      const batch = part === 0 ? this.#first : await readPart(this.#session, this.#kept, part);
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

async function readPart(
  session: pg.Client,
  { entryId }: Kept,
  part: number,
): Promise<readonly ResultRow[] | undefined> {
  const { rows } = await session.query<{ rows: Buffer }>(
    'SELECT rows FROM edp.report_cache_parts WHERE entry_id = $1 AND part = $2',
    [entryId, part],
  );
  return rows[0] === undefined
    ? undefined
    : (JSON.parse(rows[0].rows.toString()) as readonly ResultRow[]);
}
