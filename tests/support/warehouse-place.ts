/** Warehouses of tests that fill their bronze tables themselves, and run tasks within the process. */
import type pg from 'pg';
import { beforeEach } from 'vitest';
import type { ChangeKind } from '../../src/ledger/changes.js';
import { declaredTask } from '../../src/model/warehouse/environment.js';
import type { Task, Warehouse } from '../../src/model/warehouse/task.js';
import { withClient } from '../../src/postgres/connection.js';
import { migrate } from '../../src/postgres/migrate.js';
import { openEnvironment, tasksOf } from '../../src/warehouse/environments/open-environment.js';
import {
  type Promoted,
  promoteEnvironment,
} from '../../src/warehouse/environments/promote-environment.js';
import { withTaskLocks } from '../../src/warehouse/environments/task-locks.js';
import { runTasks } from '../../src/warehouse/run/run-tasks.js';
import { selectTasks } from '../../src/warehouse/run/select-tasks.js';
import type { TaskResult } from '../../src/warehouse/run/task-results.js';
import { type TestDatabase, useTestDatabase } from './database.js';
import { loadFiles } from './warehouse-project.js';

export interface WarehousePlace {
  readonly database: TestDatabase;
  /** @param declared sections of edp.yaml, as plain data */
  declare(declared: object, files?: Readonly<Record<string, string>>): Promise<Warehouse>;
  /** A transaction with its entry in the log of changes. */
  change(sql: string, relation: string, kind: ChangeKind, loadId?: number): Promise<void>;
  run(warehouse: Warehouse, options?: RunOptions): Promise<TaskResult[]>;
  /** Of an environment. */
  runIn(name: string, warehouse: Warehouse, options?: RunOptions): Promise<TaskResult[]>;
  promote(name: string, warehouse: Warehouse): Promise<Promoted>;
}

export interface RunOptions {
  readonly tasks?: readonly string[];
  readonly only?: boolean;
  readonly full?: boolean;
  readonly dates?: readonly [string, string];
  readonly dryRun?: boolean;
  readonly withSql?: boolean;
  readonly signal?: AbortSignal;
}

/** @returns a database whose schemas, and ledger, are made anew before each test */
export function useWarehouse(): WarehousePlace {
  const database = useTestDatabase('empty');
  beforeEach(() =>
    withClient(database.config, 'test', async (client) => {
      await client.query('DROP SCHEMA IF EXISTS edp, silver, gold, silver__dev, gold__dev CASCADE');
      await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
      await migrate(client);
    }),
  );
  let runs = 0;
  const runTasksOf = (warehouse: Warehouse, tasks: readonly Task[], options: RunOptions) => {
    const { full = false, dryRun = false, withSql = false, dates, signal } = options;
    return runTasks(
      { client: database.config, label: 'the test' },
      warehouse,
      tasks,
      {
        full,
        dryRun,
        withSql,
        parallel: 2,
        ...(dates === undefined ? {} : { slices: { from: dates[0], to: dates[1] } }),
      },
      ++runs,
      { started() {}, ended() {} },
      signal ?? new AbortController().signal,
    );
  };
  const select = ({ tasks: all }: Warehouse, { tasks = [], only = false }: RunOptions) =>
    selectTasks(all, tasks, only, () => false);
  const open = (warehouse: Warehouse, name: string) =>
    openEnvironment({ client: database.config, label: 'the test' }, warehouse, name);
  return {
    database,
    async declare(declared, files = {}) {
      return (await loadFiles({ 'edp.yaml': JSON.stringify(declared), ...files })).warehouse;
    },
    async change(sql, relation, kind, loadId) {
      await withClient(database.config, 'test', async (client: pg.Client) => {
        await client.query('BEGIN');
        await client.query(sql);
        await client.query(
          'INSERT INTO edp.changes (relation, kind, load_id, rows) VALUES ($1, $2, $3, $4)',
          [relation, kind, loadId ?? null, kind === 'definition' ? null : 1],
        );
        await client.query('COMMIT');
      });
    },
    run: (warehouse, options = {}) => runTasksOf(warehouse, select(warehouse, options), options),
    async runIn(name, warehouse, options = {}) {
      const environment = await open(warehouse, name);
      const tasks = tasksOf(environment, select(warehouse, options));
      const results = await runTasksOf(environment.warehouse, tasks, options);
      return results.filter(({ task }) => environment.differing.has(declaredTask(task)));
    },
    async promote(name, warehouse) {
      const runId = ++runs;
      // Its entries in the log of changes say which run it is.
      return withClient({ ...database.config, runId }, 'test', (client) =>
        withTaskLocks(client, warehouse, name, async () =>
          promoteEnvironment(
            client,
            await open(warehouse, name),
            warehouse,
            runId,
            new AbortController().signal,
          ),
        ),
      );
    },
  };
}

/** Each as `task slice state: message`. */
export function statesOf(results: readonly TaskResult[]): string[] {
  return results.map(({ task, slice, state, error }) =>
    [[task, slice, state].filter((part) => part !== '').join(' '), error?.message]
      .filter((part) => part !== undefined)
      .join(': '),
  );
}
