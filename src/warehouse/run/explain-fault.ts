/** What the server refused while a task was made → an error that names the task and the remedy. */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import type { Task } from '../../model/warehouse/task.js';
import { isOfStatement } from '../checks/check-fault.js';
import { findBadValue, findDoubledKey, isOfValue } from './find-fault-row.js';

interface ServerFault {
  readonly code?: string;
  readonly message: string;
  readonly detail?: string;
}

const UNIQUE_VIOLATION = '23505';
const PRIVILEGE = '42501';

/** @param client in no transaction, or in one that is rolled back later, at a savepoint */
export async function explainTaskFault(
  client: pg.Client,
  error: unknown,
  task: Task,
  isInTransaction: boolean,
): Promise<unknown> {
  if (error instanceof EdpError) return error;
  const { code, message, detail } = error as ServerFault;
  // Errors of edp itself, and broken connections, are no faults of a task.
  if (!isOfStatement(code)) return error;
  const found = await findRow(client, error, task, isInTransaction);
  const more = detail === undefined ? '' : ` (${detail})`;
  const where = found === undefined ? '' : `: ${found}`;
  return new EdpError('task_failed', `${message}${more}${where}`, {
    place: task.name,
    hint: hintOf(code, task),
    cause: error,
  });
}

/** Where the fault is, if the rows say; what cannot be found out adds nothing. */
async function findRow(
  client: pg.Client,
  error: unknown,
  task: Task,
  isInTransaction: boolean,
): Promise<string | undefined> {
  if (task.kind !== 'silver') return undefined;
  const isDoubled = (error as ServerFault).code === UNIQUE_VIOLATION;
  if (!isDoubled && !isOfValue(error)) return undefined;
  await client.query(isInTransaction ? 'SAVEPOINT edp_fault' : 'BEGIN');
  try {
    return await (isDoubled ? findDoubledKey(client, task) : findBadValue(client, task));
  } catch {
    return undefined;
  } finally {
    await client
      .query(isInTransaction ? 'ROLLBACK TO SAVEPOINT edp_fault' : 'ROLLBACK')
      .catch(() => {});
  }
}

function hintOf(code: string, task: Task): string {
  if (code === UNIQUE_VIOLATION) {
    return task.kind === 'silver'
      ? 'several rows of the source have this key: declare latest-by, or a longer key'
      : 'several rows have this key: declare a longer one';
  }
  if (code.startsWith('22') && task.kind === 'silver') {
    return 'declare on-error: null for the column, its values, or a where that leaves the row out';
  }
  if (code === PRIVILEGE) return 'give this role the right, or run as the owner of the schema';
  return 'edp run --dry-run --sql shows the statement';
}
