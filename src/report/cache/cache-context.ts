/** What a session's results depend on beside the data, and whether it can use the cache at all. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Statement } from '../parameters.js';

/** Raised when the form of kept rows changes. */
const FORM = 1;

const TABLES = ['report_cache', 'report_cache_parts', 'report_cache_writes'];

/** Settings of this session alone, or of the transaction: no result depends on them. */
const PASSING = [
  'application_name',
  'in_hot_standby',
  'transaction_read_only',
  'transaction_isolation',
];

/**
 * All settings count, rather than a list of those that are known to matter. Of each provider, one collation stands for the
 * library that sorts texts: an update of the operating system leaves no other trace.
 */
const CONTEXT_SQL = `SELECT pg_is_in_recovery() AS "isStandby",
  current_setting('server_version_num')::int AS version,
  current_setting('default_transaction_read_only') = 'on' AS "isReadOnly",
  (SELECT count(*) FROM cache)::int AS tables,
  (SELECT bool_and(has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT') AND
     (relname <> 'report_cache' OR has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')))
   FROM cache) AND has_database_privilege(current_database(), 'TEMPORARY') AS "mayUse",
  EXISTS (SELECT FROM pg_event_trigger WHERE evtenabled <> 'D') AS "hasEventTriggers",
  EXISTS (SELECT FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM cache) AND NOT tgisinternal)
    OR EXISTS (SELECT FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM cache))
    OR EXISTS (SELECT FROM pg_constraint WHERE confrelid IN (SELECT oid FROM cache) AND conrelid NOT IN (SELECT oid FROM cache)) AS "hasTriggers",
  jsonb_build_array(version(), current_user, (SELECT oid FROM pg_roles WHERE rolname = current_user), session_user,
    (SELECT md5(string_agg(concat(name, '=', setting), chr(10) ORDER BY name)) FROM pg_settings WHERE name <> ALL ($2)),
    (SELECT jsonb_agg(pg_collation_actual_version(oid)) FROM (
       SELECT DISTINCT ON (collprovider) oid FROM pg_collation ORDER BY collprovider, collversion IS NULL, oid) AS of_provider))::text AS surroundings
FROM (SELECT) AS one`;

const CACHE_SQL = `WITH cache AS MATERIALIZED (
  SELECT c.oid, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'edp' AND c.relname = ANY ($1) AND has_schema_privilege(n.oid, 'USAGE'))`;

interface Context {
  readonly isStandby: boolean;
  readonly version: number;
  readonly isReadOnly: boolean;
  readonly tables: number;
  readonly mayUse: boolean | null;
  readonly hasEventTriggers: boolean;
  readonly hasTriggers: boolean;
  readonly surroundings: string;
}

/** The hash of all that decides on a result but the data; or why the cache cannot be used. */
export async function findKey(
  session: pg.Client,
  { text, values }: Statement,
): Promise<{ readonly key: Buffer } | { readonly why: string }> {
  const { rows } = await session.query<Context>(`${CACHE_SQL} ${CONTEXT_SQL}`, [TABLES, PASSING]);
  const context = rows[0]!;
  const why = whyNot(context);
  if (why !== undefined) return { why };
  const hash = createHash('sha256');
  hash.update(JSON.stringify([FORM, text, values, context.surroundings]));
  return { key: hash.digest() };
}

function whyNot(context: Context): string | undefined {
  if (context.isStandby) return 'the server is a standby, which cannot keep results';
  if (context.isReadOnly) return 'the session is read-only (default_transaction_read_only)';
  if (context.tables < TABLES.length)
    return 'the ledger has no cache that this role may look into: an older edp made it, or the role has no rights on schema edp';
  if (context.mayUse !== true)
    return 'this role may not write edp.report_cache and the tables beside it (docs/security.md)';
  // What a trigger, a rule or a foreign key writes would count as written by the cache. Those of events see the function by which edp lets the server take a report apart.
  if (context.hasEventTriggers) return 'the database has event triggers';
  if (context.hasTriggers)
    return 'the tables of the cache have triggers, rules or references of others';
  return undefined;
}
