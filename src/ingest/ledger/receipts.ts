/** What a split writes into the ledger, in the transaction that holds its rows. */
import type pg from 'pg';
import { EdpError } from '../../errors.js';
import { failpoint } from '../../failpoints.js';
import type { OnConflict } from '../copy/stage.js';
import type { Receipt } from '../split.js';

export interface RejectRecord {
  readonly byteOffset: number;
  /** From 0, counted from the start of the split. */
  readonly lineInSplit: number;
  readonly column: string | undefined;
  readonly code: string;
  readonly reason: string;
  readonly raw: Buffer;
}

/** PostgreSQL text cannot hold NUL; a reason may quote a value that has one. */
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

/** @returns null for no counts */
export function toStored(counts: Readonly<Record<string, number>>): string | null {
  return Object.keys(counts).length === 0 ? null : JSON.stringify(counts);
}

/**
 * The receipt, and the counts of the load with it.
 *
 * @param attempt the attempt that owns the load as far as this run knows
 * @param onConflict how conflicts of keys were settled
 * @throws EdpError `interrupted` where another run took the load over: then nothing of this may commit
 */
export async function insertReceipt(
  client: pg.Client,
  loadId: number,
  attempt: number,
  firstLine: number,
  onConflict: OnConflict,
  receipt: Receipt,
): Promise<void> {
  const { read, loaded, rejected, duplicate } = receipt.rows;
  const { unknownMetrics, corrections } = receipt.notes;
  await client.query(
    `INSERT INTO edp.receipts (load_id, start_byte, end_byte, first_line, line_count, rows_read,
       rows_loaded, rows_rejected, rows_duplicate, unknown_metrics, corrections, content_hash, on_conflict)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      loadId,
      receipt.start,
      receipt.end,
      firstLine,
      receipt.lineCount,
      read,
      loaded,
      rejected,
      duplicate,
      toStored(unknownMetrics),
      toStored(corrections),
      receipt.contentHash,
      onConflict,
    ],
  );
  await failpoint('receipt.inserted', client);
  // Last, since it locks the load's row until the commit.
  const { rowCount } = await client.query(
    `UPDATE edp.loads SET rows_read = rows_read + $3, rows_loaded = rows_loaded + $4,
       rows_rejected = rows_rejected + $5, rows_duplicate = rows_duplicate + $6
     WHERE load_id = $1 AND attempt = $2 AND state = 'loading'`,
    [loadId, attempt, read, loaded, rejected, duplicate],
  );
  if (rowCount !== 1) {
    throw new EdpError('interrupted', `another run took over load ${loadId}`, {
      hint: 'it finishes the load; run the command again to see the result',
    });
  }
}

/** Whether a split is in the ledger: answers what a lost acknowledgement of a commit left open. */
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
