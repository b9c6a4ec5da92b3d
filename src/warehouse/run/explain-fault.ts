/** What the server refused while a task was made → an error that names the task and the remedy. */
import { EdpError } from '../../base/errors.js';
import type { Task } from '../../model/warehouse/task.js';

interface ServerFault {
  readonly code?: string;
  readonly message: string;
  readonly detail?: string;
}

const UNIQUE_VIOLATION = '23505';
const PRIVILEGE = '42501';

export function explainTaskFault(error: unknown, task: Task): unknown {
  if (error instanceof EdpError) return error;
  const { code, message, detail } = error as ServerFault;
  // Errors of edp itself, and broken connections, are no faults of a task.
  if (code === undefined || !/^(2[0-9A-Z]|3[0-9A-Z]|4[24]|P0|XX)[0-9A-Z]{3}$/.test(code))
    return error;
  const more = detail === undefined ? '' : ` (${detail})`;
  return new EdpError('task_failed', `${message}${more}`, {
    place: task.name,
    hint: hintOf(code, task),
    cause: error,
  });
}

function hintOf(code: string, task: Task): string {
  if (code === UNIQUE_VIOLATION) {
    return task.kind === 'silver'
      ? 'several rows of the source have this key: declare latest-by, or a longer key'
      : 'several rows have this key: declare a longer one';
  }
  if (code === PRIVILEGE) return 'give this role the right, or run as the owner of the schema';
  return 'edp run --dry-run --sql shows the statement';
}
