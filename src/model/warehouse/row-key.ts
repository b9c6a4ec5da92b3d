/** What tells the rows of a task apart. */
import type { Task } from './task.js';

/** Columns by which rows of a task are known. */
export function rowKeyOf(task: Task): readonly string[] {
  switch (task.kind) {
    case 'silver':
    case 'model':
      return task.key;
    case 'dimension':
      return 'calendar' in task ? ['date'] : task.naturalKey;
    case 'view':
      return task.unique;
    case 'fact':
      return 'key' in task
        ? task.key
        : ['date', ...task.lookUps.map(({ column }) => column), ...task.columns];
  }
}
