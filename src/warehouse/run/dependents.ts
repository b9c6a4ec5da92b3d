/** What refers to a table: views on it, and foreign keys. It is kept while the table is replaced. */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { isOfEnvironmentSql } from '../../model/warehouse/environment.js';
import { isTransient } from '../../postgres/sqlstate.js';
import { type Belonging, giveBelongings, listBelongings } from './belongings.js';

export interface DependentView {
  readonly oid: number;
  /** As in SQL. */
  readonly name: string;
  readonly definition: string;
  readonly isMaterialized: boolean;
  /** Whether a task of edp made it. */
  readonly isTask: boolean;
  /** Whether that is one of an environment, which reads a table of production. */
  readonly isBeside: boolean;
  readonly comment: string | null;
  readonly belongings: readonly Belonging[];
}

/** SQL. */
function isMadeInEnvironment(oid: string): string {
  return `EXISTS (SELECT FROM edp.tasks t WHERE t.relation_oid = ${oid} AND ${isOfEnvironmentSql('t.task')})`;
}

/** Views that read the table, and views on them: each behind those that it reads. */
export async function listViews(client: pg.Client, oid: number): Promise<DependentView[]> {
  const { rows } = await client.query<Omit<DependentView, 'belongings'>>(
    `WITH RECURSIVE readers AS (
       SELECT r.ev_class AS oid, 1 AS depth FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
       WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = $1 AND r.ev_class <> $1
       UNION SELECT r.ev_class, depth + 1 FROM readers JOIN pg_depend d ON d.refobjid = readers.oid
       JOIN pg_rewrite r ON r.oid = d.objid
       WHERE d.classid = 'pg_rewrite'::regclass AND r.ev_class <> readers.oid)
     SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, pg_get_viewdef(c.oid) AS definition,
       c.relkind = 'm' AS "isMaterialized",
       EXISTS (SELECT FROM edp.tasks t WHERE t.relation_oid = c.oid) AS "isTask",
       ${isMadeInEnvironment('c.oid')} AND NOT ${isMadeInEnvironment('$1')} AS "isBeside",
       obj_description(c.oid, 'pg_class') AS comment
     FROM (SELECT oid, max(depth) AS depth FROM readers GROUP BY 1) AS reader
     JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY depth, c.oid`,
    [oid],
  );
  const views: DependentView[] = [];
  for (const row of rows) {
    views.push({ ...row, belongings: await listBelongings(client, row.oid) });
  }
  return views;
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
    // Production does not wait until an environment has its rows again.
    if (view.isBeside && view.isMaterialized) continue;
    await client.query('SAVEPOINT edp_view');
    try {
      await carryView(client, view);
      await client.query('RELEASE SAVEPOINT edp_view');
    } catch (error) {
      // A deadlock of others says nothing about the view; the run tries again.
      if (isTransient((error as { code?: string }).code)) throw error;
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
  const { name, definition, isMaterialized, belongings, comment, isTask, oid } = view;
  const kind = `${isMaterialized ? 'MATERIALIZED ' : ''}VIEW`;
  await client.query(`CREATE ${kind} ${name} AS ${definition}`);
  await giveBelongings(client, belongings);
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

export interface ForeignKey {
  /** The table that has it. */
  readonly of: number;
  readonly drop: string;
  readonly add: string;
}

/** Foreign keys of other tables. */
export async function listForeignKeys(client: pg.Client, oid: number): Promise<ForeignKey[]> {
  const { rows } = await client.query<ForeignKey>(
    `SELECT p.conrelid AS of, format('ALTER TABLE %I.%I DROP CONSTRAINT %I', n.nspname, c.relname, p.conname) AS drop,
       format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', n.nspname, c.relname, p.conname, pg_get_constraintdef(p.oid)) AS add
     FROM pg_constraint p JOIN pg_class c ON c.oid = p.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE p.contype = 'f' AND p.confrelid = $1 AND p.conrelid <> $1 AND p.conparentid = 0 ORDER BY 2`,
    [oid],
  );
  return rows;
}

/** @param kind of pg_class: a task may have been one of another kind before */
export function dropped(kind: string | null): string {
  return kind === 'm' ? 'MATERIALIZED VIEW' : kind === 'v' ? 'VIEW' : 'TABLE';
}
