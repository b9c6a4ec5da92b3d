/** The environments that there are, and what is in them. */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { listNames, suggest } from '../../base/nearest.js';
import { isOfEnvironmentSql } from '../../model/warehouse/environment.js';

export interface EnvironmentRelation {
  /** The ledger's name of its task. */
  readonly task: string;
  readonly oid: number;
  /** As in SQL. */
  readonly name: string;
  readonly schema: string;
  /** Of pg_class. */
  readonly kind: string;
}

/** Tables and views of an environment, also those whose task edp.yaml does not declare any more. */
export async function listRelations(
  client: pg.Client,
  environment: string,
): Promise<EnvironmentRelation[]> {
  const { rows } = await client.query<EnvironmentRelation>(
    `SELECT t.task, c.oid, format('%I.%I', n.nspname, c.relname) AS name, n.nspname::text AS schema,
       c.relkind::text AS kind
     FROM edp.tasks t JOIN pg_class c ON c.oid = t.relation_oid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE ${isOfEnvironmentSql('t.task', environment)} ORDER BY t.task`,
  );
  return rows;
}

async function listEnvironments(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT DISTINCT substring(task FROM '__([^.]+)') AS name FROM edp.tasks
     WHERE ${isOfEnvironmentSql('task')} ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

/** @throws EdpError `unknown_environment` */
export async function assertEnvironment(client: pg.Client, name: string): Promise<void> {
  const names = await listEnvironments(client);
  if (names.includes(name)) return;
  const known = names.length === 0 ? 'there are none' : `there are ${listNames(names)}`;
  throw new EdpError('unknown_environment', `there is no environment "${name}"`, {
    hint: suggest(name, names, `${known}; edp run --env ${name} makes it`),
  });
}
