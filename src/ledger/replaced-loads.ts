/** What the ledger says of loads whose rows another load replaces as the new content of their table. */
import type pg from 'pg';
import type { TablePlace } from '../model/table-name.js';
import { IS_HELD } from './ledger-queries.js';
import { type EndedLoad, writeEnds } from './loads.js';

export interface HeldByOther {
  readonly loadId: number;
  readonly path: string;
}

/** Lists loads of a table that another session is working on. */
export async function listHeldLoads(
  client: pg.Client,
  { schema, name }: TablePlace,
): Promise<HeldByOther[]> {
  const { rows } = await client.query<HeldByOther>(
    `SELECT load_id AS "loadId", path FROM edp.loads
     WHERE schema_name = $1 AND table_name = $2 AND state <> 'undone' AND rows_read > 0 AND ${IS_HELD} LIMIT 1`,
    [schema, name],
  );
  return rows;
}

/** Removes what loads have committed, so that they begin again. */
export async function restartLoads(client: pg.Client, loads: readonly number[]): Promise<void> {
  await removeRecords(client, loads);
  await client.query(
    `UPDATE edp.loads SET rows_read = 0, rows_loaded = 0, rows_rejected = 0, rows_duplicate = 0, rows_replaced = 0,
       rows_ended = NULL
     WHERE load_id = ANY ($1) AND (rows_read > 0 OR rows_ended IS NOT NULL)`,
    [loads],
  );
}

/**
 * Marks all other loads of a table as undone. Their attempts are raised, so that no command that has begun with one
 * can go on.
 *
 * @param by the loads of the new content
 * @returns the marked loads that had brought anything
 */
export async function markReplaced(
  client: pg.Client,
  { schema, name }: TablePlace,
  by: readonly number[],
): Promise<number[]> {
  const { rows } = await client.query<{ load_id: number; had_records: boolean }>(
    `SELECT load_id, rows_read > 0 AS had_records FROM edp.loads
     WHERE schema_name = $1 AND table_name = $2 AND gone_at IS NULL AND load_id <> ALL ($3)
       AND (state IN ('loaded', 'undoing') OR (state = 'loading' AND rows_read > 0))
     ORDER BY load_id FOR UPDATE`,
    [schema, name, by],
  );
  const loads = rows.map(({ load_id }) => load_id);
  await removeRecords(client, loads);
  await client.query(
    `UPDATE edp.loads SET state = 'undone', undone_at = clock_timestamp(), attempt = attempt + 1,
       rows_read = 0, rows_loaded = 0, rows_rejected = 0, rows_duplicate = 0, rows_ended = NULL,
       replaced_by = $2
     WHERE load_id = ANY ($1)`,
    [loads, by[0] ?? null],
  );
  return rows.filter(({ had_records }) => had_records).map(({ load_id }) => load_id);
}

async function removeRecords(client: pg.Client, loads: readonly number[]): Promise<void> {
  if (loads.length === 0) return;
  await client.query('DELETE FROM edp.rejects WHERE load_id = ANY ($1)', [loads]);
  await client.query('DELETE FROM edp.receipts WHERE load_id = ANY ($1)', [loads]);
}

/**
 * Marks loads as complete, in the transaction of their rows.
 *
 * @returns whether all of them still belong to this run
 */
export async function completeLoads(
  client: pg.Client,
  loads: readonly Omit<EndedLoad, 'key' | 'isComplete' | 'seconds'>[],
  seconds: number,
): Promise<boolean> {
  const ends = loads.map((load) => ({ ...load, isComplete: true, seconds }));
  return (await writeEnds(client, ends)) === loads.length;
}

/** Whether all loads are complete: shows whether a commit happened whose acknowledgement was lost. */
export async function areComplete(client: pg.Client, loads: readonly number[]): Promise<boolean> {
  const { rowCount } = await client.query(
    "SELECT FROM edp.loads WHERE load_id = ANY ($1) AND state = 'loaded'",
    [loads],
  );
  return rowCount === loads.length;
}

/** Removes loads that were begun and have brought nothing. */
export async function dropEmptyLoads(client: pg.Client, loads: readonly number[]): Promise<void> {
  await client.query(
    `DELETE FROM edp.loads l WHERE load_id = ANY ($1) AND state = 'loading'
       AND NOT EXISTS (SELECT FROM edp.receipts r WHERE r.load_id = l.load_id)`,
    [loads],
  );
}

export interface ReplacedLoad {
  readonly loadId: number;
  readonly path: string;
}

/** Lists the loads whose rows a load has replaced. */
export async function listReplaced(client: pg.Client, loadId: number): Promise<ReplacedLoad[]> {
  const { rows } = await client.query<ReplacedLoad>(
    'SELECT load_id AS "loadId", path FROM edp.loads WHERE replaced_by = $1 ORDER BY load_id',
    [loadId],
  );
  return rows;
}
