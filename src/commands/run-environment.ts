/** What `edp run --env` says of the environment. */
import { declaredTask } from '../model/warehouse/environment.js';
import { formatNumber, type Output } from '../terminal/output.js';
import type { Environment } from '../warehouse/environments/open-environment.js';
import type { TaskResult } from '../warehouse/run/task-results.js';
import type { WarehouseRunJson } from './json/warehouse.schema.js';

/**
 * Results by the names of edp.yaml. That a view shows production's table is no news, unless it cannot.
 */
export function asDeclared(
  { warehouse }: Environment,
  results: readonly TaskResult[],
): TaskResult[] {
  const shown = new Set(warehouse.shown.map(({ name }) => name));
  return results
    .filter(({ task, state }) => !shown.has(task) || state === 'failed' || state === 'skipped')
    .map((result) => ({ ...result, task: declaredTask(result.task) }));
}

export function printEnvironment(
  output: Output<never>,
  { name, warehouse, differing }: Environment,
): void {
  const { silver, gold } = warehouse.layers;
  const rest = formatNumber(warehouse.shown.length, 'view');
  output.line(
    `environment ${name} (${[...new Set([silver, gold])].join(', ')}): ${formatNumber(differing.size, 'task')} ` +
      `${differing.size === 1 ? 'differs' : 'differ'} from production; ${rest} of production's tables`,
  );
}

export function environmentJson(
  environment: Environment | undefined,
): Pick<WarehouseRunJson, 'environment'> {
  if (environment === undefined) return {};
  const { name, warehouse, differing } = environment;
  const { silver, gold } = warehouse.layers;
  return {
    environment: { name, schemas: [...new Set([silver, gold])], differing: [...differing] },
  };
}
