/** Checks of a task that read a table that is still to be made: where checks read each other's tables, one comes first. */
import type pg from 'pg';
import type { Check, Relation, Task } from '../../model/warehouse/task.js';
import { quoteRelation } from '../compile/relation-shape.js';

/** @returns the task with the checks that can be asked now, and whether there are others */
export async function withReadableChecks<T extends Task>(
  client: pg.Client,
  task: T,
): Promise<{ task: T; isPutOff: boolean }> {
  const readable: Check[] = [];
  for (const check of task.checks) {
    if (await isThere(client, relationsOf(check, task))) readable.push(check);
  }
  const isPutOff = readable.length < task.checks.length;
  return { task: isPutOff ? { ...task, checks: readable } : task, isPutOff };
}

/** What other tasks make. What nobody makes is missed by the check itself. */
function relationsOf(check: Check, { name }: Task): Relation[] {
  const isOther = (other: string | undefined) => other !== undefined && other !== name;
  if (check.kind === 'relationships') return isOther(check.to.task) ? [check.to] : [];
  if (check.kind !== 'sql') return [];
  return check.sources.filter((source) => isOther(source.task)).map(({ relation }) => relation);
}

async function isThere(client: pg.Client, relations: readonly Relation[]): Promise<boolean> {
  if (relations.length === 0) return true;
  const { rows } = await client.query<{ there: boolean }>(
    'SELECT bool_and(to_regclass(name) IS NOT NULL) AS there FROM unnest($1::text[]) AS name',
    [relations.map(quoteRelation)],
  );
  return rows[0]!.there;
}
