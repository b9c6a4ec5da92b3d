/**
 * Rows that the server took and did not insert. A trigger may return NULL for a row, a rule may do
 * something instead; COPY and INSERT then count fewer rows than they got.
 *
 * Such a row may still be in the table: a trigger or a rule that sorts rows into children of the
 * table inserts it there. So where the counts differ, the rows that came into the table and all its
 * children are counted.
 */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { FAMILY } from '../../postgres/family.js';
import { IS_GUARD } from '../../postgres/key-guard.js';
import type { TableInCatalog } from '../../postgres/table-in-catalog.js';

/** Some rows that the server took are not in the table. */
export class RowsLeftOut extends Error {
  override readonly name = 'RowsLeftOut';

  constructor() {
    super('the server inserted fewer rows than it got');
  }
}

/**
 * How rows are counted that triggers or rules may have put elsewhere: `none` where there are none,
 * `counters` of the server, or by a `scan` of the table, where a trigger catches errors. The counters
 * keep an insert that failed and was caught.
 */
export type RowCounting = 'none' | 'counters' | 'scan';

type Target = Pick<TableInCatalog, 'oid' | 'table'>;

/** What triggers and rules make of rows. */
export interface RowFate {
  readonly counting: RowCounting;
  /** Whether a row may be another one than edp sends, before the server checks it. */
  readonly mayChange: boolean;
}

export const PLAIN_ROWS: RowFate = { counting: 'none', mayChange: false };

/** Looks at the triggers of the table, its partitions and children, and at its rules. */
export async function inspectTriggers(client: pg.Client, { oid }: Target): Promise<RowFate> {
  const { rows } = await client.query<{ has_any: boolean; catches: boolean; may_change: boolean }>(
    // Bits of tgtype: for each row (1), before (2).
    `${FAMILY}, functions AS (
       SELECT p.prosrc, t.tgtype & 3 = 3 AS is_before FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
       WHERE t.tgrelid IN (TABLE family) AND NOT t.tgisinternal AND t.tgenabled <> 'D'
         AND NOT ${IS_GUARD}),
     rules AS (SELECT FROM pg_rewrite WHERE ev_class = $1)
     SELECT EXISTS (TABLE functions) OR EXISTS (TABLE rules) AS has_any,
            EXISTS (SELECT FROM functions WHERE prosrc ~* '\\mexception\\M') AS catches,
            EXISTS (SELECT FROM functions WHERE is_before) OR EXISTS (TABLE rules) AS may_change`,
    [oid],
  );
  const { has_any, catches, may_change } = rows[0]!;
  if (!has_any) return PLAIN_ROWS;
  return { counting: catches ? 'scan' : 'counters', mayChange: may_change };
}

/**
 * Counts the rows that this transaction has put into a table, its partitions and children. Only
 * differences within a transaction mean something.
 *
 * @param withUpdates whether rows that it has replaced count, too
 */
export async function countOwnRows(
  client: pg.Client,
  target: Target,
  counting: RowCounting,
  withUpdates: boolean,
): Promise<number> {
  if (counting === 'none') return 0;
  return counting === 'scan'
    ? scanOwnRows(client, target)
    : readCounters(client, target, withUpdates);
}

/** @throws EdpError `table_mismatch` where the server does not count */
async function readCounters(
  client: pg.Client,
  { oid, table }: Target,
  withUpdates: boolean,
): Promise<number> {
  const { rows } = await client.query<{ is_counting: boolean; inserted: number; updated: number }>({
    name: 'edp_read_counters',
    text: `${FAMILY}
      SELECT current_setting('track_counts')::boolean AS is_counting,
             sum(pg_stat_get_xact_tuples_inserted(oid))::bigint AS inserted,
             sum(pg_stat_get_xact_tuples_updated(oid))::bigint AS updated
      FROM family`,
    values: [oid],
  });
  const { is_counting, inserted, updated } = rows[0]!;
  if (!is_counting) {
    throw new EdpError(
      'table_mismatch',
      `triggers or rules of ${table} may put rows elsewhere, and the server does not count them: track_counts is off`,
      { hint: 'ALTER DATABASE … SET track_counts = on' },
    );
  }
  return withUpdates ? inserted + updated : inserted;
}

/** Rows of transactions that are not over are only visible to those: they are this transaction's own. */
async function scanOwnRows(client: pg.Client, { table }: Target): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `WITH own AS (SELECT pg_current_xact_id()::text::bigint AS xid)
     SELECT count(*) FROM ${table} t, own
     WHERE CASE WHEN t.xmin::text::bigint >= own.xid % 4294967296
                THEN pg_xact_status((own.xid - own.xid % 4294967296 + t.xmin::text::bigint)::text::xid8) = 'in progress'
                ELSE false END`,
  );
  return rows[0]!.count;
}
