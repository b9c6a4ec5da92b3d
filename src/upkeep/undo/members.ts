/**
 * Dimension members that the load inferred. They are removed with it, if they are still as they
 * were inferred and no other row refers to them. The others stay, and remain recorded as inferred.
 */
import type pg from 'pg';
import { recordChanges } from '../../ledger/changes.js';
import type { HeldLoad } from '../../ledger/held-load.js';
import { quoteIdentifier } from '../../model/ddl.js';
import { refersTo } from '../../postgres/column-pair.js';
import {
  listReferrers,
  mayCheckReferrers,
  mayReplaceReferrerChecks,
} from '../../postgres/referring-keys.js';
import { lockAgainstChecks, runTriggers, skipTriggers } from '../../postgres/replaced-checks.js';

/** Members per batch. A referring table without an index is read once per batch. */
const MEMBERS_PER_BATCH = 10_000;

interface Dimension {
  readonly oid: number;
  /** Schema-qualified and quoted. */
  readonly table: string;
  readonly column: string;
  /** SQL type of the column. */
  readonly type: string;
  /** Columns that may have a value in a row that was only inferred. */
  readonly filledColumns: readonly string[];
  /** Whether edp checks the references itself; each transaction decides again. */
  readonly checksReferrers: boolean;
}

/**
 * Some may be left where `signal` ends it before.
 *
 * @param onRemoved gets what has been removed from a table: schema-qualified, quoted
 */
export async function removeInferredMembers(
  hold: HeldLoad,
  signal: AbortSignal,
  onRemoved: (table: string, rows: number) => void,
): Promise<void> {
  for (const dimension of await hold.read((client) => listDimensions(client, hold.loadId))) {
    let after: string | null = null;
    while (!signal.aborted) {
      const from: string | null = after;
      const batch: RemovedBatch = await hold.transaction((client) =>
        removeBatch(client, hold.loadId, dimension, from),
      );
      if (batch.last === undefined) break;
      onRemoved(dimension.table, batch.removed);
      after = batch.last;
    }
  }
}

/** Counts the members that are still recorded as inferred by this load. */
export async function countInferredMembers(client: pg.Client, loadId: number): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    'SELECT count(*) FROM edp.inferred_members WHERE load_id = $1 AND arrived_at IS NULL',
    [loadId],
  );
  return rows[0]!.count;
}

async function listDimensions(client: pg.Client, loadId: number): Promise<Dimension[]> {
  const { rows } = await client.query<{
    oid: number;
    table: string;
    column: string;
    type: string;
    filledColumns: string[];
  }>(
    `SELECT c.oid, m.table_name AS table, m.column_name AS column,
            format_type(a.atttypid, -1) AS type,
            (SELECT array_agg(f.attname::text) FROM pg_attribute f
             WHERE f.attrelid = c.oid AND f.attnum > 0 AND NOT f.attisdropped
               AND (f.attnum = a.attnum OR f.atthasdef OR f.attidentity <> '')) AS "filledColumns"
     FROM (SELECT DISTINCT table_name, column_name FROM edp.inferred_members
           WHERE load_id = $1 AND arrived_at IS NULL) m
     JOIN pg_class c ON c.oid = to_regclass(m.table_name)
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = m.column_name
     -- A role that may only add members leaves them.
     WHERE has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'DELETE')
       AND has_any_column_privilege(c.oid, 'UPDATE')
     ORDER BY 2, 3`,
    [loadId],
  );
  const dimensions: Dimension[] = [];
  for (const dimension of rows) {
    const referrers = await listReferrers(client, dimension.oid);
    const checksReferrers = await mayCheckReferrers(client, dimension.oid, referrers);
    dimensions.push({ ...dimension, checksReferrers });
  }
  return dimensions;
}

interface RemovedBatch {
  readonly removed: number;
  /** The last member checked; undefined where there was none. */
  readonly last: string | undefined;
}

async function removeBatch(
  client: pg.Client,
  loadId: number,
  { oid, table, column, type, filledColumns, checksReferrers }: Dimension,
  after: string | null,
): Promise<RemovedBatch> {
  const batch = await client.query<{ member: string }>(
    `SELECT member FROM edp.inferred_members
     WHERE load_id = $1 AND table_name = $2 AND column_name = $3 AND arrived_at IS NULL
       AND ($4::text IS NULL OR member > $4)
     ORDER BY member LIMIT $5`,
    [loadId, table, column, after, MEMBERS_PER_BATCH],
  );
  const members = batch.rows.map(({ member }) => member);
  if (members.length === 0) return { removed: 0, last: undefined };
  const isMember = `d.${quoteIdentifier(column)} = ANY ($1::${type}[])`;
  // From here on nobody adds a foreign key, or a trigger.
  await lockAgainstChecks(client, { table });
  const referrers = await listReferrers(client, oid);
  const skips = checksReferrers && (await mayReplaceReferrerChecks(client, oid, referrers));
  // Locked, so that no row can begin to refer to them; the next statement finds rows that already
  // do.
  await client.query(`SELECT FROM ${table} d WHERE ${isMember} FOR UPDATE`, [members]);
  const isFree = referrers.map(
    ({ rows, pairs }) =>
      `AND NOT EXISTS (SELECT FROM ${rows} r WHERE ${refersTo(pairs, 'r', 'd')})`,
  );
  if (skips) await skipTriggers(client);
  const { rowCount } = await client.query(
    `DELETE FROM ${table} d WHERE ${isMember}
       AND jsonb_strip_nulls(to_jsonb(d) - $2::text[]) = '{}' ${isFree.join(' ')}`,
    [members, filledColumns],
  );
  if (skips) await runTriggers(client);
  await client.query(
    `DELETE FROM edp.inferred_members m
     WHERE table_name = $1 AND column_name = $2 AND load_id = $3 AND member = ANY ($4)
       AND NOT EXISTS (SELECT FROM ${table} d WHERE d.${quoteIdentifier(column)} = m.member::${type})`,
    [table, column, loadId, members],
  );
  const removed = rowCount ?? 0;
  if (removed > 0) {
    await recordChanges(client, [{ relation: table, kind: 'deleted', rows: removed }]);
  }
  return { removed, last: members.at(-1) };
}
