/** `edp promote-env`: an environment becomes production, or goes. */
import type pg from 'pg';
import { EdpError, EXIT } from '../base/errors.js';
import { environmentLayers } from '../model/warehouse/environment.js';
import type { Warehouse } from '../model/warehouse/task.js';
import { resolveOptions } from '../options/resolve-options.js';
import { withCancel } from '../postgres/cancel.js';
import { withClient, withTransaction } from '../postgres/connection.js';
import { type Database, withDatabase } from '../postgres/database.js';
import { migrate } from '../postgres/migrate.js';
import { loadWarehouse } from '../project/load-warehouse.js';
import { confirm } from '../terminal/confirm.js';
import { formatNumber, formatSeconds, type Output } from '../terminal/output.js';
import { dropEnvironment } from '../warehouse/environments/drop-environment.js';
import { assertEnvironment, listRelations } from '../warehouse/environments/list-environments.js';
import {
  assertEnvironmentName,
  openEnvironment,
} from '../warehouse/environments/open-environment.js';
import { promoteEnvironment } from '../warehouse/environments/promote-environment.js';
import { withTaskLocks } from '../warehouse/environments/task-locks.js';
import type { Command } from './command.js';
import type { PromoteEnvJson } from './json/environment.schema.js';
import { OPTION_NAMES } from './promote-env.help.js';
import { asRun } from './shared/recorded-run.js';
import { secondsJson } from './shared/seconds-json.js';

type Done = Pick<PromoteEnvJson, 'tasks' | 'dropped' | 'keptSchemas' | 'swapSeconds'>;

export const command: Command = {
  async run(invocation) {
    const { given, project, output, signal } = invocation;
    const options = resolveOptions(OPTION_NAMES, given, project.options);
    const name = String(given.env);
    const { warehouse, directory } = await loadWarehouse(project.directory);
    assertEnvironmentName(name, warehouse);
    return withDatabase({ databaseUrl: options.databaseUrl, directory }, async (database) => {
      const question = await withClient(database.client, 'promote', (client) =>
        describe(client, name, options.drop),
      );
      if (!options.yes && !(await confirm(question, signal))) {
        throw new EdpError('interrupted', `environment ${name} is as it was`, {
          hint: 'answer y, or give --yes',
        });
      }
      return asRun(invocation, 'promote-env', database, async (own, { runId }) => {
        const startedAt = performance.now();
        const done = await withClient(own.client, 'promote', (client) =>
          withCancel(own.client, [client], signal, () =>
            withTaskLocks(client, warehouse, name, () =>
              options.drop
                ? drop(client, name, warehouse)
                : promote(own, client, name, warehouse, runId, signal),
            ),
          ),
        ).catch((error: unknown) => {
          throw signal.aborted ? stopped(name, error) : error;
        });
        const seconds = (performance.now() - startedAt) / 1000;
        print(output, name, options.drop, done, seconds);
        const action = options.drop ? 'dropped' : 'promoted';
        const head = { command: 'promote-env', ok: true, environment: name, action } as const;
        output.result({ ...head, ...done, seconds: secondsJson(seconds) });
        return EXIT.done;
      });
    });
  },
};

async function describe(client: pg.Client, name: string, isDrop: boolean): Promise<string> {
  await migrate(client);
  await assertEnvironment(client, name);
  const relations = await listRelations(client, name);
  const tables = relations.filter(({ kind }) => kind !== 'v').map((relation) => relation.name);
  const list = tables.length === 0 ? 'it has no tables' : tables.join(', ');
  return isDrop
    ? `environment ${name} (${list}) is dropped; production stays as it is.\nDrop it?`
    : `environment ${name}: its tables (${list}) take the place of those of production.\nPromote it?`;
}

function stopped(name: string, cause: unknown): EdpError {
  return new EdpError('interrupted', `interrupted: environment ${name} is as it was`, { cause });
}

async function promote(
  database: Database,
  client: pg.Client,
  name: string,
  warehouse: Warehouse,
  runId: number,
  signal: AbortSignal,
): Promise<Done> {
  const environment = await openEnvironment(database, warehouse, name);
  const { tasks, kept, swapSeconds } = await promoteEnvironment(
    client,
    environment,
    warehouse,
    runId,
    signal,
  );
  return {
    tasks: [...tasks],
    dropped: 0,
    keptSchemas: [...kept],
    swapSeconds: secondsJson(swapSeconds),
  };
}

async function drop(client: pg.Client, name: string, { layers }: Warehouse): Promise<Done> {
  const { silver, gold } = environmentLayers(layers, name);
  const { relations, kept } = await withTransaction(client, () =>
    dropEnvironment(client, name, [silver, gold]),
  );
  return { tasks: [], dropped: relations, keptSchemas: [...kept], swapSeconds: null };
}

function print(
  output: Output<never>,
  name: string,
  isDrop: boolean,
  { tasks, dropped, keptSchemas, swapSeconds }: Done,
  seconds: number,
): void {
  for (const task of tasks) output.line(task);
  const end =
    keptSchemas.length === 0 ? '' : `; ${keptSchemas.join(', ')} stays: it has more in it`;
  output.line(
    isDrop
      ? `environment ${name} is gone, with ${dropped} tables and views${end}`
      : `${formatNumber(tasks.length, 'task')} of ${name} ${tasks.length === 1 ? 'is' : 'are'} production now ` +
          `(${formatSeconds(seconds)}; readers waited ${formatSeconds(swapSeconds!)} at most)${end}`,
  );
}
