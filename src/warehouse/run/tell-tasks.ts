/** Tells what a task has done, to whoever listens. */
import { isHeard, tell } from '../../base/happenings.js';
import { formatTableName } from '../../model/table-name.js';
import type { Task } from '../../model/warehouse/task.js';
import { sumChecks, tellChecks } from '../checks/tell-checks.js';
import type { TaskResult } from './task-results.js';

export function tellTask(
  { name, relation }: Pick<Task, 'name' | 'relation'>,
  results: readonly TaskResult[],
): void {
  if (!isHeard()) return;
  const table = formatTableName(relation);
  for (const { slice, state, rows, seconds, error } of results) {
    const { inserted, updated, deleted } = rows;
    tell({
      kind: 'task_ended',
      task: name,
      table,
      slice,
      state,
      change: { inserted, updated, deleted },
      startedAt: Date.now() - seconds * 1000,
      seconds,
      ...(error === undefined ? {} : { code: error.code }),
    });
  }
  tellChecks(table, sumChecks(results.map(({ checks }) => checks)));
}
