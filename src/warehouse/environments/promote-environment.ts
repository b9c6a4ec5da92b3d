/** `edp promote-env`: the tables of an environment become production's, in one short transaction. */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { failpoint } from '../../base/failpoints.js';
import { declaredTask } from '../../model/warehouse/environment.js';
import type { Warehouse } from '../../model/warehouse/task.js';
import { withTransaction } from '../../postgres/connection.js';
import { adoptIds } from './adopt-ids.js';
import { carryIndexes } from './carry-indexes.js';
import { dropEnvironment } from './drop-environment.js';
import { findUnready } from './find-unready.js';
import { copyUnseen, moveState } from './move-state.js';
import type { Environment } from './open-environment.js';
import { type Swap, swapTables } from './swap-tables.js';

/** Readers of production never wait longer than this for a lock that is not given. */
const LOCK_TIMEOUT_MS = 500;
const PAUSE_MS = 300;
const PATIENCE_MS = 60_000;
/** lock_not_available, deadlock_detected. */
const BUSY = ['55P03', '40P01'];

export interface Promoted {
  /** As edp.yaml names them. */
  readonly tasks: readonly string[];
  /** How long readers of production could wait. */
  readonly swapSeconds: number;
  /** Schemas in which there is more than edp made. */
  readonly kept: readonly string[];
}

/**
 * @param client that holds the locks of all tasks
 * @param warehouse as edp.yaml declares production
 * @throws EdpError `environment_refused`
 */
export async function promoteEnvironment(
  client: pg.Client,
  environment: Environment,
  warehouse: Warehouse,
  runId: number,
  signal: AbortSignal,
): Promise<Promoted> {
  await assertReady(client, environment);
  await adoptIds(client, environment.warehouse.made, environment.warehouse);
  const swaps = await prepareSwaps(client, environment, warehouse);
  await failpoint('environment.prepared', client);
  for (const deadline = Date.now() + PATIENCE_MS; ; await delay(PAUSE_MS)) {
    signal.throwIfAborted();
    try {
      const { kept, lockedAt } = await swapAll(client, environment, swaps, warehouse, runId);
      const swapSeconds = (performance.now() - lockedAt) / 1000;
      return { tasks: swaps.map(({ task }) => task.name), swapSeconds, kept };
    } catch (error) {
      if (!BUSY.includes((error as { code?: string }).code ?? '')) throw error;
      if (Date.now() < deadline) continue;
      throw new EdpError('environment_refused', 'somebody uses tables of production all the time', {
        hint: 'run the command again when long queries have ended; nothing has changed',
        cause: error,
      });
    }
  }
}

async function assertReady(client: pg.Client, environment: Environment): Promise<void> {
  const { name, warehouse } = environment;
  if (warehouse.made.length === 0) {
    throw new EdpError(
      'environment_refused',
      `nothing in edp.yaml differs from production: environment ${name} has nothing to promote`,
      { hint: `change edp.yaml, then edp run --env ${name}; or edp promote-env ${name} --drop` },
    );
  }
  const unready = await findUnready(client, environment);
  if (unready.length === 0) return;
  const [first] = unready;
  const more = unready.length === 1 ? '' : ` (and ${unready.length - 1} more)`;
  throw new EdpError(
    'environment_refused',
    `environment ${name} is not what edp.yaml declares now: ${first}${more}`,
    { hint: `edp run --env ${name}, then promote it` },
  );
}

async function prepareSwaps(
  client: pg.Client,
  { warehouse: { made } }: Environment,
  { tasks }: Warehouse,
): Promise<Swap[]> {
  const swaps: Swap[] = [];
  for (const own of made) {
    const task = tasks.find(({ name }) => name === declaredTask(own.name))!;
    swaps.push({ task, own, carried: await carryIndexes(client, task, own) });
  }
  return swaps;
}

function swapAll(
  client: pg.Client,
  { name, warehouse: { layers } }: Environment,
  swaps: readonly Swap[],
  warehouse: Warehouse,
  runId: number,
): Promise<{ kept: readonly string[]; lockedAt: number }> {
  return withTransaction(client, async () => {
    await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await copyUnseen(client, swaps);
    const lockedAt = await swapTables(client, swaps);
    await failpoint('environment.swapped', client);
    await moveState(client, swaps, warehouse, runId);
    const { kept } = await dropEnvironment(client, name, [layers.silver, layers.gold]);
    await failpoint('environment.moved', client);
    return { kept, lockedAt };
  });
}
