/** An environment beside production: it is what a rebuild would give, production stays as it was, or becomes it. */
import { EdpError } from '../../src/base/errors.js';
import { declaredTask } from '../../src/model/warehouse/environment.js';
import type { Warehouse } from '../../src/model/warehouse/task.js';
import { withClient } from '../../src/postgres/connection.js';
import { openEnvironment, tasksOf } from '../../src/warehouse/environments/open-environment.js';
import { promoteEnvironment } from '../../src/warehouse/environments/promote-environment.js';
import { withTaskLocks } from '../../src/warehouse/environments/task-locks.js';
import { readProduction } from '../support/production.js';
import { compareContent, compareRows, readContent } from './dump.js';
import type { Place } from './judge.js';
import { rebuild, run } from './runs.js';

const NAME = 'dev';

export async function runBeside(
  { config, client }: Place,
  warehouse: Warehouse,
  full: boolean,
): Promise<string[]> {
  const before = await readProduction(client);
  const environment = await openEnvironment({ client: config, label: 'the test' }, warehouse, NAME);
  const beside = environment.warehouse;
  const results = await run(config, beside, { full }, tasksOf(environment, warehouse.tasks));
  const failed = results.filter(({ state }) => state === 'failed' || state === 'skipped');
  const problems = compareRows(
    'production',
    await readProduction(client),
    before,
    'a run beside it',
  );
  if (failed.length > 0) {
    return [...problems, ...failed.map(({ task, error }) => `${task} failed: ${error?.message}`)];
  }
  const { content } = await rebuild(config, warehouse);
  // What is made beside reads production's tables as they are; these may wait for a run of their own.
  const shared = {
    ...warehouse,
    tasks: warehouse.tasks.filter(({ name }) => !environment.differing.has(name)),
  };
  const rest = new Map([...content].filter(([task]) => !environment.differing.has(task)));
  if (compareContent(await readContent(client, shared), rest, '').length > 0) return problems;
  const made = await readContent(client, {
    ...beside,
    tasks: [...beside.made, ...sharedOf(environment)],
  });
  const wanted = new Map([...content].filter(([task]) => environment.differing.has(task)));
  const named = new Map([...made].map(([task, rows]) => [declaredTask(task), rows]));
  return [...problems, ...compareContent(named, wanted, 'a rebuild, beside production')];
}

/** Dimensions of production that facts of the environment refer to. */
function sharedOf({ warehouse, differing }: Awaited<ReturnType<typeof openEnvironment>>) {
  return warehouse.tasks.filter(
    ({ name, kind }) => kind === 'dimension' && !name.includes('__') && !differing.has(name),
  );
}

export async function promote({ config }: Place, warehouse: Warehouse): Promise<string[]> {
  const database = { client: config, label: 'the test' };
  await withClient(config, 'test', (client) =>
    withTaskLocks(client, warehouse, NAME, async () => {
      const environment = await openEnvironment(database, warehouse, NAME);
      await promoteEnvironment(
        client,
        environment,
        warehouse,
        1_000_000,
        new AbortController().signal,
      );
    }),
  ).catch((error: unknown) => {
    if (!(error instanceof EdpError) || error.code !== 'environment_refused') throw error;
  });
  return [];
}
