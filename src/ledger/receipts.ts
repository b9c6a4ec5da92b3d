/** Writes a split into the ledger, in the transaction that holds its rows. */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { failpoint } from '../base/failpoints.js';
import type { OnConflict } from '../model/load-rules.js';
import { type ChangedRows, changesOf, insertChangesSql, toChangeRows } from './changes.js';
import type { Receipt } from './counts.js';

export interface RejectRecord {
  readonly byteOffset: number;
  /** Counts from 0 at the start of the split. */
  readonly lineInSplit: number;
  readonly column: string | undefined;
  readonly code: string;
  readonly reason: string;
  readonly raw: Buffer;
}

/** Replaces NUL, which PostgreSQL text cannot hold: a reason may quote a value with one. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\\0').toWellFormed();
}

export async function insertRejects(
  client: pg.Client,
  loadId: number,
  startByte: number,
  rejects: readonly RejectRecord[],
): Promise<void> {
  if (rejects.length === 0) return;
  await client.query(
    `INSERT INTO edp.rejects (load_id, start_byte, byte_offset, line_in_split, column_name, code, reason, raw)
     SELECT $1, $2, * FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::bytea[])`,
    [
      loadId,
      startByte,
      rejects.map(({ byteOffset }) => byteOffset),
      rejects.map(({ lineInSplit }) => lineInSplit),
      rejects.map(({ column }) => (column === undefined ? null : storable(column))),
      rejects.map(({ code }) => code),
      rejects.map(({ reason }) => storable(reason)),
      rejects.map(({ raw }) => raw),
    ],
  );
}

/** @returns null where there are no counts */
export function toStored(counts: Readonly<Record<string, number>>): string | null {
  return Object.keys(counts).length === 0 ? null : JSON.stringify(counts);
}

/** A loaded split, as the ledger stores it. */
export interface LoadedSplit {
  readonly load: {
    readonly loadId: number;
    readonly attempt: number;
    readonly onConflict: OnConflict;
    readonly target: { readonly table: string };
  };
  /** Line number at its start, from 1. */
  readonly firstLine: number;
  readonly receipt: Receipt;
  readonly changed: ChangedRows;
}

/**
 * Writes the receipts, and adds their counts to their loads and their changes to the log. Every split comes
 * by here, so the statements are prepared once in a session.
 *
 * @throws EdpError `interrupted` where another run took a load over: then none of this may commit
 */
export async function insertReceipts(
  client: pg.Client,
  splits: readonly LoadedSplit[],
): Promise<void> {
  if (splits.length === 0) return;
  const receipts = splits.map(({ receipt }) => receipt);
  await client.query({
    name: 'edp_insert_receipts',
    text: `INSERT INTO edp.receipts (load_id, start_byte, end_byte, first_line, line_count, rows_read,
       rows_loaded, rows_rejected, rows_duplicate, unknown_metrics, corrections, content_hash, on_conflict,
       record_bytes, passed_over)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
       $7::bigint[], $8::bigint[], $9::bigint[], $10::jsonb[], $11::jsonb[], $12::text[], $13::text[],
       $14::bigint[], $15::jsonb[])`,
    values: [
      splits.map(({ load }) => load.loadId),
      receipts.map(({ start }) => start),
      receipts.map(({ end }) => end),
      splits.map(({ firstLine }) => firstLine),
      receipts.map(({ lineCount }) => lineCount),
      receipts.map(({ rows }) => rows.read),
      receipts.map(({ rows }) => rows.loaded),
      receipts.map(({ rows }) => rows.rejected),
      receipts.map(({ rows }) => rows.duplicate),
      receipts.map(({ remarks }) => toStored(remarks.unknownMetrics)),
      receipts.map(({ remarks }) => toStored(remarks.corrections)),
      receipts.map(({ contentHash }) => contentHash),
      splits.map(({ load }) => load.onConflict),
      receipts.map(({ recordBytes }) => recordBytes),
      receipts.map(({ passedOver }) => JSON.stringify(passedOver)),
    ],
  });
  await failpoint('receipt.inserted', client);
  await addToLoads(client, splits);
}

/** Must come last in a transaction, since it locks the rows of the loads until the commit. */
async function addToLoads(client: pg.Client, splits: readonly LoadedSplit[]): Promise<void> {
  const { rows: added } = await client.query<{ load_id: number }>({
    name: 'edp_add_to_loads',
    // The changes go with it, so that they cost no round trip.
    text: `WITH changes AS (${insertChangesSql(7)})
     UPDATE edp.loads l SET rows_read = l.rows_read + s.read, rows_loaded = l.rows_loaded + s.loaded,
       rows_rejected = l.rows_rejected + s.rejected, rows_duplicate = l.rows_duplicate + s.duplicate
     FROM (SELECT load_id, attempt, sum(read)::bigint AS read, sum(loaded)::bigint AS loaded,
                  sum(rejected)::bigint AS rejected, sum(duplicate)::bigint AS duplicate
           FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
             AS t (load_id, attempt, read, loaded, rejected, duplicate)
           GROUP BY load_id, attempt) s
     WHERE l.load_id = s.load_id AND l.attempt = s.attempt AND l.state = 'loading'
     RETURNING l.load_id`,
    values: [
      splits.map(({ load }) => load.loadId),
      splits.map(({ load }) => load.attempt),
      splits.map(({ receipt }) => receipt.rows.read),
      splits.map(({ receipt }) => receipt.rows.loaded),
      splits.map(({ receipt }) => receipt.rows.rejected),
      splits.map(({ receipt }) => receipt.rows.duplicate),
      ...toChangeRows(
        splits.flatMap(({ load, changed }) => changesOf(load.target.table, load.loadId, changed)),
      ),
    ],
  });
  const own = new Set(added.map(({ load_id }) => load_id));
  const lost = splits.find(({ load }) => !own.has(load.loadId));
  if (lost === undefined) return;
  throw new EdpError('interrupted', `another run took over load ${lost.load.loadId}`, {
    hint: 'it finishes the load; run the command again to see the result',
  });
}

/**
 * Whether a split is in the ledger. Shows whether a commit happened whose acknowledgement was lost.
 */
export async function hasReceipt(
  client: pg.Client,
  loadId: number,
  startByte: number,
): Promise<boolean> {
  const { rowCount } = await client.query(
    'SELECT FROM edp.receipts WHERE load_id = $1 AND start_byte = $2',
    [loadId, startByte],
  );
  return rowCount === 1;
}

/** Whether the load has committed any split. */
export async function hasReceipts(client: pg.Client, loadId: number): Promise<boolean> {
  const { rows } = await client.query('SELECT FROM edp.receipts WHERE load_id = $1 LIMIT 1', [
    loadId,
  ]);
  return rows.length > 0;
}
