/**
 * The relations that a report read, and who changed them last.
 *
 * Whatever a statement reads it locks, views and what functions read included; so the locks of the transaction say
 * more than its SQL, and no parser is needed.
 */
import type pg from 'pg';
import type { SourceRelation } from './page/about-report.js';

const RELATIONS = `
  SELECT DISTINCT format('%I.%I', n.nspname, c.relname) AS name,
         CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                        WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind
    FROM pg_catalog.pg_locks AS l
    JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
   WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation'
     AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
     AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
     AND NOT (n.nspname = 'edp' AND c.relname LIKE 'report\\_cache%')
     AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
   ORDER BY 1`;

/** By oids: a name that is not there (a database that edp never loaded into) would be an error. */
const MAY_READ_LEDGER = `
  SELECT count(*) = 3 AS may
    FROM unnest(ARRAY['edp.changes', 'edp.loads', 'edp.runs']) AS name
   WHERE to_regclass(name) IS NOT NULL
     AND has_schema_privilege(to_regnamespace('edp'), 'USAGE') AND has_table_privilege(to_regclass(name), 'SELECT')`;

/** The transaction that began last; the index of relation and xid finds it. */
const LAST_CHANGES = `
  SELECT s.relation, c.load_id, l.path, l.finished_at::text AS loaded_at, c.run_id, r.command,
         r.finished::text AS ran_at
    FROM unnest($1::text[]) AS s (relation)
   CROSS JOIN LATERAL (SELECT * FROM edp.changes
                        WHERE changes.relation = s.relation AND kind <> 'definition'
                          AND pg_visible_in_snapshot(xid, $2)
                        ORDER BY xid DESC, change_id DESC LIMIT 1) AS c
    LEFT JOIN edp.loads AS l ON l.load_id = c.load_id
    LEFT JOIN edp.runs AS r ON r.run_id = c.run_id`;

interface LastChange {
  readonly relation: string;
  readonly load_id: number | null;
  readonly path: string | null;
  readonly loaded_at: string | null;
  readonly run_id: number | null;
  readonly command: string | null;
  readonly ran_at: string | null;
}

/** The changes that whatever is read from now on has in it. */
export async function takeSnapshot(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ snapshot: string }>(
    'SELECT pg_current_snapshot()::text AS snapshot',
  );
  return rows[0]!.snapshot;
}

/**
 * @param client in the transaction that has read all rows
 * @param before taken before they were read: what came later may not be in them, and is not listed
 */
export async function findSources(client: pg.Client, before: string): Promise<SourceRelation[]> {
  const { rows: relations } = await client.query<Pick<SourceRelation, 'name' | 'kind'>>(RELATIONS);
  const { rows } = await client.query<{ may: boolean }>(MAY_READ_LEDGER);
  if (relations.length === 0 || rows[0]?.may !== true) return relations;
  const names = relations.map(({ name }) => name);
  const changes = await client.query<LastChange>(LAST_CHANGES, [names, before]);
  const byName = new Map(changes.rows.map((change) => [change.relation, toLastChange(change)]));
  return relations.map((relation) => ({ ...relation, lastChange: byName.get(relation.name) }));
}

function toLastChange(change: LastChange): SourceRelation['lastChange'] {
  if (change.load_id !== null && change.path !== null) {
    return { by: 'load', id: change.load_id, what: change.path, at: change.loaded_at };
  }
  if (change.run_id === null) return undefined;
  return { by: 'run', id: change.run_id, what: `edp ${change.command ?? ''}`, at: change.ran_at };
}
