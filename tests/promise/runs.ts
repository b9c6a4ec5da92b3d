/** Runs of a warehouse within this process: whole, in part, killed, two at once. */
import type pg from 'pg';
import type { Task, Warehouse } from '../../src/model/warehouse/task.js';
import { withClient } from '../../src/postgres/connection.js';
import { runTask } from '../../src/warehouse/run/run-task.js';
import { runTasks } from '../../src/warehouse/run/run-tasks.js';
import { selectTasks } from '../../src/warehouse/run/select-tasks.js';
import type { TaskResult } from '../../src/warehouse/run/task-results.js';
import { type Content, readContent } from './dump.js';

export interface RunOptions {
  readonly tasks?: readonly string[];
  readonly only?: boolean;
  readonly full?: boolean;
  readonly dates?: readonly [string, string];
}

const PROGRESS = { started() {}, ended() {} };
let nextRun = 1;

export function run(
  config: pg.ClientConfig,
  warehouse: Warehouse,
  options: RunOptions = {},
  given?: readonly Task[],
): Promise<TaskResult[]> {
  const { tasks = [], only = false, full = false, dates } = options;
  return runTasks(
    { client: config, label: 'the test' },
    warehouse,
    given ?? selectTasks(warehouse.tasks, tasks, only, () => false),
    {
      full,
      dryRun: false,
      withSql: false,
      parallel: 2,
      ...(dates === undefined ? {} : { slices: { from: dates[0], to: dates[1] } }),
    },
    nextRun++,
    PROGRESS,
    new AbortController().signal,
  );
}

/** A run whose sessions the server ends after a while, as when its process is killed. */
export async function runKilled(
  config: pg.ClientConfig,
  warehouse: Warehouse,
  afterMs: number,
): Promise<void> {
  const name = 'edp task';
  const going = run(config, warehouse).catch(() => []);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  await withClient(config, 'test', (client) =>
    client.query(
      'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1',
      [name],
    ),
  );
  await going;
}

/** What a database without any task would get: made in a transaction that is rolled back. */
export async function rebuild(
  config: pg.ClientConfig,
  warehouse: Warehouse,
): Promise<{ content: Content; failed: string[] }> {
  return withClient(config, 'test', async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await client.query('DROP SCHEMA IF EXISTS silver CASCADE; DROP SCHEMA IF EXISTS gold CASCADE');
    await client.query('CREATE SCHEMA silver; CREATE SCHEMA gold');
    await client.query('DELETE FROM edp.tasks');
    const failed: string[] = [];
    for (const task of warehouse.tasks) {
      const orders = { full: false, dryRun: true, withSql: false };
      await runTask(client, task, warehouse, orders, nextRun).catch((error: Error) => {
        failed.push(`${task.name}: ${error.message}`);
      });
    }
    nextRun++;
    const content = await readContent(client, warehouse);
    await client.query('ROLLBACK');
    return { content, failed };
  });
}
