/**
 * Removes the ledger's entries for the records of a load: rejects, then receipts, and their counts.
 */
import type { HeldLoad } from '../../ledger/held-load.js';

const REJECTS_PER_BATCH = 10_000;
const RECEIPTS_PER_BATCH = 5000;

/** @param advance gets the number removed after each batch */
export async function removeRejects(
  hold: HeldLoad,
  advance: (rejects: number) => void,
  signal: AbortSignal,
): Promise<void> {
  // Continues behind the last one, so that removed rows are not scanned again.
  let after = -1;
  while (!signal.aborted) {
    const from = after;
    const removed = await hold.transaction(async (client) => {
      const { rows } = await client.query<{ byte_offset: number }>(
        `DELETE FROM edp.rejects WHERE load_id = $1 AND byte_offset IN (
           SELECT byte_offset FROM edp.rejects WHERE load_id = $1 AND byte_offset > $2
           ORDER BY byte_offset LIMIT $3)
         RETURNING byte_offset`,
        [hold.loadId, from, REJECTS_PER_BATCH],
      );
      if (rows.length > 0) await hold.takeFromCounts(client, { rejected: rows.length });
      return rows.map(({ byte_offset }) => byte_offset);
    });
    if (removed.length === 0) return;
    after = removed.reduce((last, offset) => Math.max(last, offset), after);
    advance(removed.length);
  }
}

/** The duplicates of a load exist only in its receipts, so their count is removed with these. */
export async function removeReceipts(
  hold: HeldLoad,
  advance: (receipts: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let after = -1;
  while (!signal.aborted) {
    const from = after;
    const removed = await hold.transaction(async (client) => {
      const { rows } = await client.query<{ start_byte: number; rows_duplicate: number }>(
        `DELETE FROM edp.receipts WHERE load_id = $1 AND start_byte IN (
           SELECT start_byte FROM edp.receipts WHERE load_id = $1 AND start_byte > $2
           ORDER BY start_byte LIMIT $3)
         RETURNING start_byte, rows_duplicate`,
        [hold.loadId, from, RECEIPTS_PER_BATCH],
      );
      const duplicate = rows.reduce((sum, { rows_duplicate }) => sum + rows_duplicate, 0);
      if (duplicate > 0) await hold.takeFromCounts(client, { duplicate });
      return rows.map(({ start_byte }) => start_byte);
    });
    if (removed.length === 0) return;
    after = removed.reduce((last, start) => Math.max(last, start), after);
    advance(removed.length);
  }
}
