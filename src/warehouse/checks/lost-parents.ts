/** Relationships whose parent may have lost rows since a task read it: rows that were right may be orphans. */
import type pg from 'pg';
import { listUnseen, type ReadPoint } from '../../ledger/changes.js';
import type { Check, Task } from '../../model/warehouse/task.js';
import { quoteRelation } from '../compile/relation-shape.js';

type Relationship = Extract<Check, { readonly kind: 'relationships' }>;

function isRelationship(check: Check): check is Relationship {
  return check.kind === 'relationships';
}

/** @returns those of the checks that may fail for rows that did not change */
export async function withLostParents(
  client: pg.Client,
  task: Task,
  tasks: readonly Task[],
  point: ReadPoint,
): Promise<Check[]> {
  const found: Check[] = [];
  for (const check of task.checks.filter(isRelationship)) {
    // What the task itself deletes is not in the log yet.
    if (refersToItself(check, task)) continue;
    if (await mayHaveLost(client, check, tasks, point)) found.push(check);
  }
  return found;
}

/** The relationships of a table to itself. */
export function ofItself(task: Task): Check[] {
  return task.checks.filter((check) => isRelationship(check) && refersToItself(check, task));
}

function refersToItself({ to }: Relationship, { relation }: Task): boolean {
  return to.schema === relation.schema && to.name === relation.name;
}

async function mayHaveLost(
  client: pg.Client,
  { to }: Relationship,
  tasks: readonly Task[],
  point: ReadPoint,
): Promise<boolean> {
  const unseen = await listUnseen(client, quoteRelation(to), point);
  if (unseen === undefined) return true;
  const parent = tasks.find(({ name }) => name === to.task);
  const keepsKey = parent !== undefined && keyOf(parent).includes(to.column);
  return unseen.some(
    ({ kind }) => kind === 'deleted' || kind === 'definition' || (kind === 'updated' && !keepsKey),
  );
}

/** Columns that an update of a row does not change. */
function keyOf(task: Task): readonly string[] {
  if (task.kind === 'silver' || task.kind === 'model') return task.key;
  if (task.kind === 'dimension') return 'calendar' in task ? ['date'] : ['id', ...task.naturalKey];
  return [];
}
