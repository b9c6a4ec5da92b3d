/** What keeps an environment from being promoted: it is not made as edp.yaml declares it now. */
import type pg from 'pg';
import { declaredTask } from '../../model/warehouse/environment.js';
import type { Task, Warehouse } from '../../model/warehouse/task.js';
import { compileTask } from '../compile/compile-task.js';
import { viewDefinition } from '../run/run-view.js';
import { listHeldBack, readState } from '../run/task-state.js';
import type { Environment } from './open-environment.js';

/** Each names a task, and why it is not ready. */
export async function findUnready(
  client: pg.Client,
  { warehouse }: Environment,
): Promise<string[]> {
  const found: string[] = [];
  for (const task of warehouse.made) {
    const why = await describeUnready(client, task, warehouse);
    if (why !== undefined) found.push(`${declaredTask(task.name)} ${why}`);
  }
  return found;
}

async function describeUnready(
  client: pg.Client,
  task: Task,
  warehouse: Warehouse,
): Promise<string | undefined> {
  const state = await readState(client, task.name);
  if (state === undefined) return 'is not made there';
  const definition = await definitionOf(client, task, warehouse).catch(() => undefined);
  if (state.definition !== definition) return 'is made there by another definition';
  const [first] = await listHeldBack(client, task.name);
  return first === undefined ? undefined : `is incomplete there: ${first.reason}`;
}

/** The hash of what makes the table or view. */
export async function definitionOf(
  client: pg.Client,
  task: Task,
  warehouse: Warehouse,
): Promise<string> {
  if (task.kind === 'view') return viewDefinition(client, task);
  return (await compileTask(client, task, warehouse)).definition;
}
