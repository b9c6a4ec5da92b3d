/** Warehouses of tests that fill their bronze tables themselves, and run tasks within the process. */
import type pg from 'pg';
import { beforeEach } from 'vitest';
import type { ChangeKind } from '../../src/ledger/changes.js';
import type { Warehouse } from '../../src/model/warehouse/task.js';
import { withClient } from '../../src/postgres/connection.js';
import { migrate } from '../../src/postgres/migrate.js';
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
}

export interface RunOptions {
  readonly tasks?: readonly string[];
  readonly only?: boolean;
  readonly full?: boolean;
  readonly dates?: readonly [string, string];
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

/** @returns a database whose schemas, and ledger, are made anew before each test */
export function useWarehouse(): WarehousePlace {
  const database = useTestDatabase('empty');
  beforeEach(() =>
    withClient(database.config, 'test', async (client) => {
      await client.query('DROP SCHEMA IF EXISTS edp, silver, gold CASCADE');
      await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
      await migrate(client);
    }),
  );
  let runs = 0;
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
    run(warehouse, options = {}) {
      const { tasks = [], only = false, full = false, dryRun = false, dates, signal } = options;
      return runTasks(
        { client: database.config, label: 'the test' },
        warehouse,
        selectTasks(warehouse.tasks, tasks, only, () => false),
        {
          full,
          dryRun,
          withSql: false,
          parallel: 2,
          ...(dates === undefined ? {} : { slices: { from: dates[0], to: dates[1] } }),
        },
        ++runs,
        { started() {}, ended() {} },
        signal ?? new AbortController().signal,
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
