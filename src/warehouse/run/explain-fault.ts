/** What the server refused while a task was made → an error that names the task and the remedy. */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { NO_TEMPLATES } from '../../model/warehouse/no-templates.js';
import type { ModelTask, Task, ViewTask } from '../../model/warehouse/task.js';
import { isOfStatement } from '../checks/check-fault.js';
import { findBadValue, findDoubledKey, isOfValue } from './find-fault-row.js';

interface ServerFault {
  readonly code?: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  /** Of the statement, in characters, from 1. */
  readonly position?: string;
}

const UNIQUE_VIOLATION = '23505';
const PRIVILEGE = '42501';
const NULL_IN_KEY = '23502';
/** out_of_memory, as of locks; program_limit_exceeded. */
const TOO_MANY = ['53200', '54000'];
const NO_FUNCTION = '42883';
/** Text that is no time, or none that there is. */
const NO_TIME = ['22007', '22008'];

/** @param client in no transaction, or in one that is rolled back later, at a savepoint */
export async function explainTaskFault(
  client: pg.Client,
  error: unknown,
  task: Task,
  isInTransaction: boolean,
): Promise<unknown> {
  if (error instanceof EdpError) return error;
  const { code, message, detail, hint } = error as ServerFault;
  const tooMany = explainTooMany(error as ServerFault, task);
  if (tooMany !== undefined) return tooMany;
  // Errors of edp itself, and broken connections, are no faults of a task.
  if (!isOfStatement(code)) return error;
  const found = await findPlace(client, error as ServerFault, task, isInTransaction);
  // The server lists what depends on a relation line by line.
  const more = detail === undefined ? '' : ` (${detail.replaceAll('\n', '; ')})`;
  return new EdpError('task_failed', found ?? describeKey(detail) ?? `${message}${more}`, {
    place: task.name,
    hint:
      hintOf(code, task) ??
      hintOfMessage(message) ??
      hint ??
      (found === undefined ? 'edp run --dry-run --sql shows the statement' : 'correct it there'),
    cause: error,
  });
}

/** A transaction holds a lock of each partition that it makes or drops. */
function explainTooMany(error: ServerFault, task: Task): EdpError | undefined {
  const isDivided = task.kind === 'fact' && task.partitions !== undefined;
  if (!isDivided || !TOO_MANY.includes(error.code ?? '')) return undefined;
  return new EdpError('task_failed', `too many partitions: ${error.message}`, {
    place: task.name,
    hint: 'partition-by: month or year makes fewer; or let the server keep more locks (max_locks_per_transaction)',
    cause: error,
  });
}

/** The indexes of a table in the making have names of edp's own. */
function describeKey(detail: string | undefined): string | undefined {
  const found = /^Key \((.*)\)=\((.*)\) (?:is duplicated|already exists)\.$/s.exec(detail ?? '');
  return found === null ? undefined : `several rows have the key (${found[1]}) = (${found[2]})`;
}

/** Where the fault is, and what it is; what cannot be found out is left to what the server said. */
async function findPlace(
  client: pg.Client,
  { code = '' }: ServerFault,
  task: Task,
  isInTransaction: boolean,
): Promise<string | undefined> {
  const find = finderOf(code, task);
  if (find === undefined) return undefined;
  await client.query(isInTransaction ? 'SAVEPOINT edp_fault' : 'BEGIN');
  try {
    return await find(client);
  } catch {
    return undefined;
  } finally {
    await client
      .query(isInTransaction ? 'ROLLBACK TO SAVEPOINT edp_fault' : 'ROLLBACK')
      .catch(() => {});
  }
}

function finderOf(
  code: string,
  task: Task,
): ((client: pg.Client) => Promise<string | undefined>) | undefined {
  if (task.kind === 'silver') {
    if (code === UNIQUE_VIOLATION) return (client) => findDoubledKey(client, task);
    return isOfValue({ code }) ? (client) => findBadValue(client, task) : undefined;
  }
  const isOwnSql = task.kind === 'model' || task.kind === 'view';
  return isOwnSql && code.startsWith('42') ? (client) => findSqlFault(client, task) : undefined;
}

/** The line of the user's SQL that the server does not understand: it is asked for that SQL alone. */
async function findSqlFault(
  client: pg.Client,
  { sql, file }: ModelTask | ViewTask,
): Promise<string | undefined> {
  const explain = 'EXPLAIN ';
  try {
    await client.query(explain + sql);
    return undefined;
  } catch (error) {
    const { message, position } = error as ServerFault;
    if (position === undefined) return `${file}: ${message}`;
    // The server counts characters, as a person does.
    const before = [...sql].slice(0, Number(position) - explain.length - 1);
    return `${file}:${before.filter((each) => each === '\n').length + 1}: ${message}`;
  }
}

function hintOfMessage(message: string): string | undefined {
  return /^function (?:ref|source)\(/.test(message) ? NO_TEMPLATES : undefined;
}

function hintOf(code: string, task: Task): string | undefined {
  if (code === UNIQUE_VIOLATION) {
    return task.kind === 'silver' ? 'declare latest-by, or a longer key' : 'declare a longer key';
  }
  if (code.startsWith('22') && task.kind === 'silver') {
    return 'declare on-error: null for the column, its values, or a where that leaves the row out';
  }
  if (task.kind === 'fact' && NO_TIME.includes(code)) {
    return `date: ${task.date} is to be a time in each row; give its source a column of type date or timestamp`;
  }
  if (task.kind === 'fact' && code === NO_FUNCTION) {
    return 'one of its measures does not take values of this type; give its source a column of another type';
  }
  if (code === NULL_IN_KEY) {
    return 'a key has no NULL: leave such rows out with WHERE, or give them a value with coalesce';
  }
  if (code === PRIVILEGE) return 'give this role the right, or run as the owner of the schema';
  return undefined;
}
