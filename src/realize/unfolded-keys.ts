/** The keys whose events an undo takes out of the log: noted before they go, so that a fold finds them whatever happens. */
import type pg from 'pg';
import { quoteTable } from '../model/ddl.js';
import { formatTableName, type TablePlace } from '../model/table-name.js';

/** @param load one of change events, in the transaction that marks it */
export async function noteUnfolded(
  client: pg.Client,
  { loadId, place }: { readonly loadId: number; readonly place: TablePlace },
): Promise<void> {
  await client.query(
    `INSERT INTO edp.unfolded_keys (table_name, key, load_id)
     SELECT DISTINCT table_name, key, load_id FROM ${quoteTable(formatTableName(place))} WHERE load_id = $1
     ON CONFLICT DO NOTHING`,
    [loadId],
  );
}
