/** Views on a table, and who may do what with it: kept while the table is replaced. */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';

export interface DependentView {
  readonly oid: number;
  /** As in SQL. */
  readonly name: string;
  readonly definition: string;
  readonly isMaterialized: boolean;
  /** Whether a task of edp made it. */
  readonly isTask: boolean;
  readonly grants: readonly string[];
  readonly indexes: readonly string[];
  readonly comment: string | null;
}

/** Views that read the table, and views on them: each behind those that it reads. */
export async function listViews(client: pg.Client, oid: number): Promise<DependentView[]> {
  const { rows } = await client.query<Omit<DependentView, 'grants'>>(
    `WITH RECURSIVE readers AS (
       SELECT r.ev_class AS oid, 1 AS depth FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
       WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = $1 AND r.ev_class <> $1
       UNION SELECT r.ev_class, depth + 1 FROM readers JOIN pg_depend d ON d.refobjid = readers.oid
       JOIN pg_rewrite r ON r.oid = d.objid
       WHERE d.classid = 'pg_rewrite'::regclass AND r.ev_class <> readers.oid)
     SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, pg_get_viewdef(c.oid) AS definition,
       c.relkind = 'm' AS "isMaterialized",
       EXISTS (SELECT FROM edp.tasks t WHERE t.relation_oid = c.oid) AS "isTask",
       ARRAY(SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = c.oid) AS indexes,
       obj_description(c.oid, 'pg_class') AS comment
     FROM (SELECT oid, max(depth) AS depth FROM readers GROUP BY 1) AS reader
     JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY depth, c.oid`,
    [oid],
  );
  const views: DependentView[] = [];
  for (const row of rows) views.push({ ...row, grants: await listGrants(client, row.oid) });
  return views;
}

/** What gives the same rights on a relation of the same name. */
export async function listGrants(client: pg.Client, oid: number): Promise<string[]> {
  const { rows } = await client.query<{ grant: string }>(
    `SELECT format('GRANT %s ON %I.%I TO %s%s', a.privilege_type, n.nspname, c.relname,
         CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
         CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS grant
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
     WHERE c.oid = $1 AND a.grantee <> c.relowner
     UNION ALL SELECT format('GRANT %s (%I) ON %I.%I TO %s', a.privilege_type, t.attname, n.nspname, c.relname,
         CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute t ON t.attrelid = c.oid,
       aclexplode(t.attacl) a WHERE c.oid = $1 AND NOT t.attisdropped`,
    [oid],
  );
  return rows.map(({ grant }) => grant);
}

export async function dropViews(client: pg.Client, views: readonly DependentView[]): Promise<void> {
  for (const { name, isMaterialized } of [...views].reverse()) {
    await client.query(`DROP ${isMaterialized ? 'MATERIALIZED ' : ''}VIEW IF EXISTS ${name}`);
  }
}

/**
 * Makes views again on the table that took the place of another. A view that a task makes is made by its
 * task where it does not fit any more.
 *
 * @throws EdpError `task_failed` for a view of somebody else that does not fit
 */
export async function carryViews(
  client: pg.Client,
  views: readonly DependentView[],
): Promise<void> {
  for (const view of views) {
    await client.query('SAVEPOINT edp_view');
    try {
      await carryView(client, view);
      await client.query('RELEASE SAVEPOINT edp_view');
    } catch (error) {
      await client.query('ROLLBACK TO SAVEPOINT edp_view');
      if (view.isTask) continue;
      throw new EdpError(
        'task_failed',
        `view ${view.name} does not fit the new definition: ${(error as Error).message}`,
        { hint: 'change or drop the view, then run again', cause: error },
      );
    }
  }
}

async function carryView(client: pg.Client, view: DependentView): Promise<void> {
  const { name, definition, isMaterialized, grants, indexes, comment, isTask, oid } = view;
  const kind = `${isMaterialized ? 'MATERIALIZED ' : ''}VIEW`;
  await client.query(`CREATE ${kind} ${name} AS ${definition}`);
  for (const index of indexes) await client.query(index);
  for (const grant of grants) await client.query(grant);
  if (comment !== null) {
    await client.query(`COMMENT ON ${kind} ${name} IS ${client.escapeLiteral(comment)}`);
  }
  if (isTask) {
    await client.query(
      'UPDATE edp.tasks SET relation_oid = $1::regclass::oid WHERE relation_oid = $2',
      [name, oid],
    );
  }
}

/** @param kind of pg_class: a task may have been one of another kind before */
export function dropped(kind: string | null): string {
  return kind === 'm' ? 'MATERIALIZED VIEW' : kind === 'v' ? 'VIEW' : 'TABLE';
}
