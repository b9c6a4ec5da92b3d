/** `edp diff`: rows that differ between production and an environment. */
import type pg from 'pg';
import { EdpError, EXIT } from '../base/errors.js';
import { formatTableName } from '../model/table-name.js';
import { environmentTask } from '../model/warehouse/environment.js';
import type { Task, Warehouse } from '../model/warehouse/task.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withCancel } from '../postgres/cancel.js';
import { withClient } from '../postgres/connection.js';
import { type Database, withDatabase } from '../postgres/database.js';
import { migrate } from '../postgres/migrate.js';
import { loadWarehouse } from '../project/load-warehouse.js';
import { diffTables, type TableDiff } from '../warehouse/environments/diff-tables.js';
import { assertEnvironment } from '../warehouse/environments/list-environments.js';
import { openEnvironment } from '../warehouse/environments/open-environment.js';
import { findTasks } from '../warehouse/run/select-tasks.js';
import { readState } from '../warehouse/run/task-state.js';
import type { Command } from './command.js';
import { DEFAULT_ROWS, OPTION_NAMES } from './diff.help.js';
import { isEqual, printDiff, toDiffJson } from './diff-lines.js';

export const command: Command = {
  async run({ given, project, output, signal }) {
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const limit = given.limit === undefined ? DEFAULT_ROWS : options.limit;
    const { env } = options;
    if (env === undefined) {
      throw new EdpError('usage', 'name the environment to compare with: --env NAME', {
        hint: 'edp run --env NAME makes one',
      });
    }
    const { warehouse, directory } = await loadWarehouse(project.directory);
    const task = findOne(warehouse, String(given.table));
    const where = { databaseUrl: options.databaseUrl, directory };
    const diff = await withDatabase(where, (database) =>
      withClient(database.client, 'diff', (client) =>
        withCancel(database.client, [client], signal, () =>
          compare(database, client, warehouse, task, env, limit),
        ),
      ),
    );
    printDiff(output, task.name, env, diff);
    output.result(toDiffJson(task.name, env, diff));
    return isEqual(diff) ? EXIT.done : EXIT.difference;
  },
};

function findOne({ tasks }: Warehouse, name: string): Task {
  const found = findTasks(tasks, name, () => false);
  if (found.length === 1) return found[0]!;
  throw new EdpError('unknown_task', `${JSON.stringify(name)} names ${found.length} tasks`, {
    hint: 'name one table',
  });
}

/** @returns undefined where the environment shows production's own table */
async function compare(
  database: Database,
  client: pg.Client,
  warehouse: Warehouse,
  task: Task,
  env: string,
  limit: number,
): Promise<TableDiff | undefined> {
  await migrate(client);
  await assertEnvironment(client, env);
  const environment = await openEnvironment(database, warehouse, env);
  const name = environmentTask(task.name, env);
  const own = environment.warehouse.made.find((each) => each.name === name);
  if (own === undefined) return undefined;
  const isMade = (await readState(client, name)) !== undefined;
  if (isMade && (await readState(client, task.name)) !== undefined) {
    return diffTables(client, task, own, limit);
  }
  throw new EdpError(
    'missing_source',
    isMade ? `production has no ${task.name} yet` : `environment ${env} has no ${task.name} yet`,
    {
      hint: isMade
        ? `there is nothing to compare with; its rows are in ${formatTableName(own.relation)}`
        : `edp run --env ${env}`,
    },
  );
}
