/** Where a table is, or where CREATE TABLE would put it. */
import type pg from 'pg';
import { quoteTable } from '../model/ddl.js';
import { formatTableName, parseTableName, type TablePlace } from '../model/table-name.js';

export interface LocatedTable {
  readonly place: TablePlace;
  /** With its schema, unless that is the first of the search path. */
  readonly shown: string;
}

/** @param text name of a table as edp.yaml writes it */
export async function locateTable(client: pg.Client, text: string): Promise<LocatedTable> {
  const { schema, name } = parseTableName(text);
  const { rows } = await client.query<TablePlace & { first: string | null }>(
    `SELECT coalesce(n.nspname, $2, current_schema(), 'public') AS schema, coalesce(c.relname, $3) AS name,
            current_schema() AS first
     FROM (SELECT to_regclass($1)::oid AS oid) AS found
     LEFT JOIN pg_class c ON c.oid = found.oid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace`,
    [quoteTable(text), schema ?? null, name],
  );
  const { first, ...place } = rows[0]!;
  return { place, shown: showPlace(place, first) };
}

/** @param first the first schema of the search path */
export function showPlace(place: TablePlace, first: string | null): string {
  return formatTableName(place.schema === first ? { name: place.name } : place);
}
