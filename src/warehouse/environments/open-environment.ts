/** The environment of a name, as edp.yaml and production are now. */
import { EdpError } from '../../base/errors.js';
import {
  type EnvironmentWarehouse,
  environmentFault,
  environmentTask,
  toEnvironment,
} from '../../model/warehouse/environment.js';
import { readBy } from '../../model/warehouse/order-tasks.js';
import { loadSqlReader } from '../../model/warehouse/sql-reader.js';
import type { Task, Warehouse } from '../../model/warehouse/task.js';
import type { Database } from '../../postgres/database.js';
import { listChanged } from '../run/changed-tasks.js';

export interface Environment {
  readonly name: string;
  readonly warehouse: EnvironmentWarehouse;
  /** Tasks that differ from production, and those that read them: as edp.yaml names them. */
  readonly differing: ReadonlySet<string>;
}

/** @throws EdpError `usage` for a name that cannot be one */
export function assertEnvironmentName(name: string, { layers }: Warehouse): void {
  const fault = environmentFault(name, layers);
  if (fault !== undefined) {
    throw new EdpError('usage', `"${name}" can be no environment: ${fault}`, {
      hint: 'such as dev, or my_change',
    });
  }
}

export async function openEnvironment(
  database: Database,
  warehouse: Warehouse,
  name: string,
): Promise<Environment> {
  assertEnvironmentName(name, warehouse);
  const changed = await listChanged(database, warehouse);
  const differing = withReaders(warehouse.tasks, changed);
  const hasSql = warehouse.tasks.some(
    (task) => 'sql' in task || task.checks.some(({ kind }) => kind === 'sql'),
  );
  const sql = hasSql ? await loadSqlReader() : undefined;
  return { name, warehouse: toEnvironment(warehouse, name, differing, sql), differing };
}

/** @param tasks in an order in which each comes behind what it reads */
function withReaders(tasks: readonly Task[], changed: ReadonlySet<string>): Set<string> {
  const found = new Set<string>();
  for (const task of tasks) {
    if (changed.has(task.name) || readBy(task).some((name) => found.has(name)))
      found.add(task.name);
  }
  return found;
}

/**
 * What of the environment a run is to make: of the selected tasks those that differ, and the views of all others,
 * so that the environment is whole.
 *
 * @param selected as edp.yaml has them
 */
export function tasksOf({ name, warehouse }: Environment, selected: readonly Task[]): Task[] {
  const names = new Set(selected.map((task) => environmentTask(task.name, name)));
  return [...warehouse.shown, ...warehouse.made.filter((task) => names.has(task.name))];
}
