/**
 * Loads whose table is gone: it was dropped, and another one has its name. What such a load brought went with the
 * table, so its file is not known in the new one.
 *
 * Loads have the oid of their table. A dump that is restored gives tables other oids, rows and all, so an oid counts
 * only in the database and the ledger in which it was written; elsewhere, names are trusted. Where it counts and
 * differs, the rows decide: a table that was rebuilt with its rows is the same.
 */
import type pg from 'pg';
import { EdpError } from '../base/errors.js';
import { quoteColumns, quoteTable } from '../model/ddl.js';
import { formatTableName, type TablePlace } from '../model/table-name.js';
import { keyOfRow } from './load-key.js';
import type { LoadRow } from './load-row.js';
import { movePromotions } from './promotions.js';

/** Identifies this database, and this ledger in it: a copy of either has another identity. */
export const DATABASE_SQL = `concat_ws(' ', (SELECT system_identifier FROM pg_control_system()),
  (SELECT oid FROM pg_database WHERE datname = current_database()), 'edp.loads'::regclass::oid)`;

/** SQL of the oid that a table has now; null where there is none. Needs no privilege, as to_regclass does. */
function oidSql(schema: string, name: string): string {
  return `(SELECT present.oid FROM pg_class present JOIN pg_namespace n ON n.oid = present.relnamespace
    WHERE n.nspname = ${schema} AND present.relname = ${name})`;
}

/** The same, for a row with the columns of edp.loads. */
export const PRESENT_OID = oidSql('schema_name', 'table_name');

/** SQL: whether a row of edp.loads knows another table than is there now. */
const IS_OTHER = `gone_at IS NULL AND state <> 'undone' AND table_database = ${DATABASE_SQL}
  AND table_oid <> ${PRESENT_OID}`;

/** SQL: whether the table of a row of edp.loads was dropped, and none has its name. */
const IS_DROPPED = `gone_at IS NULL AND state <> 'undone' AND table_database = ${DATABASE_SQL}
  AND table_oid <> 0 AND ${PRESENT_OID} IS NULL AND NOT EXISTS (SELECT FROM pg_class WHERE oid = table_oid)`;

/** SQL of what {@link isGone} reads, for a row with the columns of edp.loads. */
export const TABLE_STATE_SQL = `CASE WHEN gone_at IS NOT NULL OR (${IS_DROPPED}) THEN 'gone'
  WHEN ${IS_OTHER} THEN 'other' ELSE 'same' END`;

export type TableState = 'same' | 'other' | 'gone';

/**
 * Marks all earlier loads of a table that has just been created, in that transaction: their rows are gone.
 *
 * @param name of the table, qualified and quoted
 * @returns how many had brought rows
 */
export async function markGone(client: pg.Client, name: string): Promise<number> {
  const { rows } = await client.query<{ rows_loaded: number }>(
    // No worker of a run that has begun with one may go on.
    `UPDATE edp.loads SET gone_at = clock_timestamp(), attempt = attempt + 1
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = $1::regclass AND schema_name = n.nspname AND table_name = c.relname
       AND gone_at IS NULL AND state <> 'undone'
     RETURNING rows_loaded`,
    [name],
  );
  return rows.filter(({ rows_loaded }) => rows_loaded > 0).length;
}

/** What a run can say of a table when its loads of before do not know it. */
export interface FormerLoads {
  /** `unsure` where nothing shows whether the rows are still there. */
  readonly verdict: 'gone' | 'unsure';
  readonly count: number;
}

/**
 * Finds out about the loads of a table that know another oid: marks them as gone, or gives them the present one.
 *
 * @param lineage the column that has the numbers of loads
 * @returns undefined where the table is the same, or none of the loads had brought rows
 */
export async function settleFormerLoads(
  client: pg.Client,
  place: TablePlace,
  lineage: string | undefined,
): Promise<FormerLoads | undefined> {
  await followTable(client, place);
  const { rows: unsettled } = await client.query<UnsettledLoad>(
    `SELECT load_id, rows_loaded, table_database IS DISTINCT FROM ${DATABASE_SQL} AS is_copied
     FROM edp.loads
     WHERE schema_name = $1 AND table_name = $2 AND gone_at IS NULL AND state <> 'undone'
       AND (table_database IS DISTINCT FROM ${DATABASE_SQL}
            OR table_oid <> ${oidSql('$1', '$2')})`,
    [place.schema, place.name],
  );
  await refreshOids(
    client,
    unsettled.filter((load) => load.is_copied).map(({ load_id }) => load_id),
  );
  const others = unsettled.filter((load) => !load.is_copied);
  if (others.length === 0) return undefined;
  const loads = others.map(({ load_id }) => load_id);
  const holding = others.filter(({ rows_loaded }) => rows_loaded > 0);
  const told = (verdict: FormerLoads['verdict']) =>
    holding.length === 0 ? undefined : { verdict, count: holding.length };
  const isThere = await hasRowsOf(client, place, loads, lineage);
  if (isThere === undefined) return told('unsure');
  if (isThere) {
    await refreshOids(client, loads);
    return undefined;
  }
  await client.query(
    `UPDATE edp.loads SET gone_at = clock_timestamp(), attempt = attempt + 1
     WHERE load_id = ANY ($1) AND gone_at IS NULL`,
    [loads],
  );
  return told('gone');
}

/** Loads of a table that was renamed, or moved to another schema: they have its oid. Its promotions go with them. */
async function followTable(client: pg.Client, place: TablePlace): Promise<void> {
  const { schema, name } = place;
  const { rows } = await client.query<TablePlace>(
    `UPDATE edp.loads l SET schema_name = $1, table_name = $2, gone_at = NULL,
       generation = l.generation + CASE WHEN l.schema_name = $1 AND l.table_name = $2 THEN 0 ELSE coalesce((
         SELECT max(generation) + 1 FROM edp.loads o
         WHERE o.schema_name = $1 AND o.table_name = $2 AND o.content_hash = l.content_hash), 0) END
     FROM edp.loads former
     WHERE former.load_id = l.load_id AND l.table_oid = ${oidSql('$1', '$2')} AND l.table_database = ${DATABASE_SQL}
       AND ((l.schema_name, l.table_name) <> ($1, $2) OR l.gone_at IS NOT NULL)
     RETURNING former.schema_name AS schema, former.table_name AS name`,
    [schema, name],
  );
  for (const former of new Map(rows.map((row) => [formatTableName(row), row])).values()) {
    await movePromotions(client, former, place);
  }
}

interface UnsettledLoad {
  readonly load_id: number;
  readonly rows_loaded: number;
  /** Whether the ledger was copied with it: from a dump, or with the database. */
  readonly is_copied: boolean;
}

async function refreshOids(client: pg.Client, loads: readonly number[]): Promise<void> {
  if (loads.length === 0) return;
  await client.query(
    `UPDATE edp.loads SET table_oid = ${PRESENT_OID}, table_database = ${DATABASE_SQL}
     WHERE load_id = ANY ($1)`,
    [loads],
  );
}

/** @returns undefined where that cannot be seen: rows do not name their load, or a policy may hide them */
async function hasRowsOf(
  client: pg.Client,
  place: TablePlace,
  loads: readonly number[],
  lineage: string | undefined,
): Promise<boolean | undefined> {
  if (!(await mayReadAll(client, place))) return undefined;
  const table = quoteTable(formatTableName(place));
  const { rows: any } = await client.query(`SELECT FROM ${table} LIMIT 1`);
  if (any.length === 0) return false;
  if (lineage === undefined) return undefined;
  const { rows } = await client.query(
    `SELECT FROM ${table} WHERE ${quoteColumns([lineage])} = ANY ($1) LIMIT 1`,
    [loads],
  );
  return rows.length > 0;
}

async function mayReadAll(client: pg.Client, { schema, name }: TablePlace): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
       AND NOT row_security_active(c.oid) AS may
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
    [schema, name],
  );
  return rows[0]?.may === true;
}

/** @throws EdpError `table_mismatch` where the table of a load has another name, or another schema, by now */
export async function assertNotRenamed(client: pg.Client, loadId: number): Promise<void> {
  const { rows } = await client.query<{ was: string; is: string }>(
    `SELECT format('%I.%I', schema_name, table_name) AS was, format('%I.%I', n.nspname, c.relname) AS is
     FROM edp.loads l JOIN pg_class c ON c.oid = l.table_oid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE load_id = $1 AND table_database = ${DATABASE_SQL}
       AND (n.nspname, c.relname) <> (schema_name, table_name)`,
    [loadId],
  );
  const [renamed] = rows;
  if (renamed === undefined) return;
  throw new EdpError(
    'table_mismatch',
    `load ${loadId} went into table ${renamed.was}, which is called ${renamed.is} now`,
    { hint: 'give it its name back for as long as the command takes' },
  );
}

/** @param command that loads such files */
export function loadGone(loadId: number, table: string, command: string): EdpError {
  return new EdpError(
    'load_gone',
    `load ${loadId} went into a table "${table}" that was dropped: its rows are gone`,
    { hint: `load its file again: ${command}` },
  );
}

/**
 * Whether the table of a load is gone, as far as that can be seen without its model: where another table has its
 * name, that one must be empty.
 */
export async function isGone(
  client: pg.Client,
  row: LoadRow & { readonly table_state: TableState },
): Promise<boolean> {
  if (row.state === 'undone') return false;
  if (row.table_state !== 'other') return row.table_state === 'gone';
  const { place } = keyOfRow(row);
  return (await hasRowsOf(client, place, [row.load_id], undefined)) === false;
}
