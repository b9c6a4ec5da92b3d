/**
 * Where SQL of `capture:`, and of the functions that it calls, finds what has no schema before its name: in the schemas of
 * the captured tables, and in public, as the application does. The functions of capture run with the rights of their owner, so
 * schemas in which somebody else may create functions are left out. Whoever asks gets the same path.
 */
import type pg from 'pg';
import { quoteIdentifier } from '../model/ddl.js';
import type { SourceTable } from './read-catalog.js';

export interface SearchPath {
  /** As in `SET search_path = …`. */
  readonly sql: string;
  readonly schemas: readonly string[];
  /** Schemas that are left out, with a role that may create functions there. */
  readonly unsafe: readonly { readonly schema: string; readonly role: string }[];
}

/** For functions that call nothing of the source. */
export const NO_SCHEMAS = 'pg_catalog, pg_temp';

/** @param tables the captured ones; their owners are trusted, since the triggers call what they have made */
export async function readSearchPath(
  client: pg.Client,
  tables: readonly SourceTable[],
): Promise<SearchPath> {
  const { rows } = await client.query<{ schema: string; role: string | null }>(
    `WITH trusted AS (
       SELECT relowner AS role FROM pg_class WHERE oid = ANY ($1::oid[])
       UNION SELECT oid FROM pg_roles WHERE rolsuper)
     SELECT n.nspname AS schema,
       (SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
        FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
        WHERE a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner AND a.grantee NOT IN (SELECT role FROM trusted)
        LIMIT 1) AS role
     FROM pg_namespace n
     WHERE (n.nspname = 'public' OR n.oid IN (SELECT relnamespace FROM pg_class WHERE oid = ANY ($1::oid[])))
     ORDER BY n.nspname = 'public', n.nspname`,
    [tables.map(({ oid }) => oid)],
  );
  const schemas = rows.filter(({ role }) => role === null).map(({ schema }) => schema);
  return {
    sql: ['pg_catalog', ...schemas.map(quoteIdentifier), 'pg_temp'].join(', '),
    schemas,
    unsafe: rows.flatMap(({ schema, role }) => (role === null ? [] : [{ schema, role }])),
  };
}
