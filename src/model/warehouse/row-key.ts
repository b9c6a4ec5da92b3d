/** What tells the rows of a task apart. */
import type { Task } from './task.js';
import { VALID_FROM } from './versions.js';

/** Columns by which rows of a task are known. */
export function rowKeyOf(task: Task): readonly string[] {
  switch (task.kind) {
    case 'silver':
      return task.history === undefined ? task.key : [...task.key, VALID_FROM];
    case 'model':
      return task.key;
    case 'dimension':
      if ('calendar' in task) return ['date'];
      return task.type2 === undefined ? task.naturalKey : [...task.naturalKey, VALID_FROM];
    case 'view':
      return task.unique;
    case 'fact':
      return 'key' in task
        ? task.key
        : ['date', ...task.lookUps.map(({ column }) => column), ...task.columns];
  }
}
