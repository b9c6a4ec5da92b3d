/**
 * Records that were in the table already: a file that was exported again, with a record more. A key
 * lets the server notice them; without one they are there twice, which somebody should hear of.
 */
import type pg from 'pg';
import { quoteIdentifier } from '../model/ddl.js';
import { physicalColumns, type Table } from '../model/model.js';
import type { TableInCatalog } from '../postgres/table-in-catalog.js';
import type { FileResult } from './file-results.js';

/** The whole table is read once; beyond this size that would take longer than many a load. */
const MAX_TABLE_BYTES = 256 * 1024 * 1024;

/** Records are often equal by chance; a file that has this share of them there is likely the same again. */
const MIN_SHARE = 0.5;

/** A load most of whose records were in the table before it. */
export interface RepeatedLoad {
  readonly path: string;
  readonly table: string;
  readonly loadId: number;
  /** Rows of the load. */
  readonly loaded: number;
  /** Those of them that earlier loads had brought, too. */
  readonly repeated: number;
}

/**
 * Compares the rows of new loads with those of earlier ones, in all columns but that of the load.
 *
 * @param results of the files of one table
 */
export async function findRepeats(
  client: pg.Client,
  table: Table,
  { oid, table: name, isInOrder }: TableInCatalog,
  results: readonly FileResult[],
): Promise<RepeatedLoad[]> {
  const { lineageColumn } = table;
  const fresh = results.filter(({ status, rows }) => status === 'loaded' && rows.loaded > 0);
  const ids = fresh.map(({ loadId }) => loadId!);
  if (lineageColumn === undefined || isInOrder || ids.length === 0) return [];
  if (!(await hasOthers(client, table, oid, ids))) return [];
  const load = quoteIdentifier(lineageColumn);
  const values = physicalColumns(table)
    .filter((column) => column.name !== lineageColumn)
    .map((column) => quoteIdentifier(column.name));
  const { rows } = await client.query<{ load_id: number; repeated: number }>(
    `WITH hashed AS MATERIALIZED (
       SELECT ${load} AS load_id, hashtextextended(ROW(${values})::text, 0) AS hash FROM ${name}),
     first AS (SELECT hash, min(load_id) AS load_id FROM hashed GROUP BY hash)
     SELECT h.load_id, count(*) AS repeated FROM hashed h JOIN first f USING (hash)
     WHERE h.load_id = ANY($1) AND f.load_id < h.load_id GROUP BY 1`,
    [ids],
  );
  const repeated = new Map(rows.map((row) => [row.load_id, row.repeated]));
  return fresh
    .map(({ path, loadId, rows: { loaded } }) => ({
      path,
      table: table.name,
      loadId: loadId!,
      loaded,
      repeated: repeated.get(loadId!) ?? 0,
    }))
    .filter((one) => one.repeated >= one.loaded * MIN_SHARE);
}

/** Whether there is anything to compare with, in a table that is quickly read. */
async function hasOthers(
  client: pg.Client,
  { name }: Table,
  oid: number,
  ids: readonly number[],
): Promise<boolean> {
  const { rows } = await client.query<{ worth: boolean }>(
    `SELECT pg_table_size($1::oid::regclass) <= $2 AND EXISTS (
       SELECT FROM edp.loads WHERE table_name = $3 AND rows_loaded > 0 AND state = 'loaded'
       AND load_id < $4) AS worth`,
    [oid, MAX_TABLE_BYTES, name, Math.max(...ids)],
  );
  return rows[0]!.worth;
}
