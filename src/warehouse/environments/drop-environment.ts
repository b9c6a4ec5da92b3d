/** Takes an environment away: its tables and views, what the ledger knows of them, and its schemas. */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { quoteIdentifier } from '../../model/ddl.js';
import { isOfEnvironmentSql } from '../../model/warehouse/environment.js';
import { dropped, listViews } from '../run/dependents.js';
import { type EnvironmentRelation, listRelations } from './list-environments.js';

export interface DroppedEnvironment {
  /** Number of tables and views. */
  readonly relations: number;
  /** Schemas in which there is more than edp made. */
  readonly kept: readonly string[];
}

/**
 * In the caller's transaction.
 *
 * @param schemas of its layers
 * @throws EdpError `environment_refused` where a view of somebody else reads it
 */
export async function dropEnvironment(
  client: pg.Client,
  name: string,
  schemas: readonly string[],
): Promise<DroppedEnvironment> {
  const relations = await listRelations(client, name);
  await assertUnread(client, name, relations);
  // A view may read a materialized one, and the other way round.
  for (const { name: relation, kind } of await inOrder(client, relations)) {
    await client.query(`DROP ${dropped(kind)} ${relation}`);
  }
  await client.query(`DELETE FROM edp.tasks WHERE ${isOfEnvironmentSql('task', name)}`);
  const kept: string[] = [];
  for (const schema of new Set(schemas)) {
    if (!(await dropSchema(client, schema))) kept.push(schema);
  }
  return { relations: relations.length, kept };
}

async function assertUnread(
  client: pg.Client,
  name: string,
  relations: readonly EnvironmentRelation[],
): Promise<void> {
  const own = new Set(relations.map(({ oid }) => oid));
  for (const { oid, name: relation } of relations) {
    const other = (await listViews(client, oid)).find((view) => !own.has(view.oid));
    if (other === undefined) continue;
    throw new EdpError(
      'environment_refused',
      `view ${other.name} reads ${relation} of environment ${name}`,
      {
        hint: 'drop that view first, or let it read something else',
      },
    );
  }
}

/** Each before those that it reads. */
async function inOrder(
  client: pg.Client,
  relations: readonly EnvironmentRelation[],
): Promise<EnvironmentRelation[]> {
  const readers = new Map<number, readonly number[]>();
  for (const { oid } of relations) {
    readers.set(
      oid,
      (await listViews(client, oid)).map((view) => view.oid),
    );
  }
  const ordered = new Set<EnvironmentRelation>();
  const visit = (relation: EnvironmentRelation): void => {
    if (ordered.has(relation)) return;
    for (const reader of relations) {
      if (readers.get(relation.oid)!.includes(reader.oid)) visit(reader);
    }
    ordered.add(relation);
  };
  for (const relation of relations) visit(relation);
  return [...ordered];
}

/** @returns whether there is none now */
async function dropSchema(client: pg.Client, schema: string): Promise<boolean> {
  await client.query('SAVEPOINT edp_schema');
  try {
    await client.query(`DROP SCHEMA IF EXISTS ${quoteIdentifier(schema)}`);
    await client.query('RELEASE SAVEPOINT edp_schema');
    return true;
  } catch (error) {
    // dependent_objects_still_exist
    if ((error as { code?: string }).code !== '2BP01') throw error;
    await client.query('ROLLBACK TO SAVEPOINT edp_schema');
    return false;
  }
}
