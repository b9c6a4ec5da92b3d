/** What of a table is to be made: what is stale, what was held back before, or what was ordered. */
import type pg from 'pg';
import type { Warehouse } from '../../model/warehouse/task.js';
import type { Blueprint } from '../compile/blueprint.js';
import type { CompiledTask, TableTask } from '../compile/compile-task.js';
import { EVERY_SLICE, listSlices } from './slice-list.js';
import { everything, findStaleKeys, findStaleSlices, type Work } from './staleness.js';
import type { TaskOrders } from './task-results.js';
import { behindViews, findChange, findMoment, findUntracked, sourcesOf } from './task-sources.js';
import type { TaskState } from './task-state.js';

/** @returns undefined where nothing is stale */
export async function findWork(
  client: pg.Client,
  task: TableTask,
  { blueprint, shape }: CompiledTask,
  state: TaskState,
  { tasks }: Warehouse,
): Promise<Work | undefined> {
  if ('calendar' in task) return undefined;
  const sources = sourcesOf(task);
  if (task.kind === 'silver' && task.incrementalBy !== undefined) {
    return findNewRows(task.incrementalBy.column, state.highWater);
  }
  const moment = findMoment(task, tasks);
  if (moment !== undefined) return { ...everything(moment), isLook: true };
  const behind = behindViews(sources, tasks);
  const untracked = await findUntracked(client, [...sources, ...behind]);
  if (untracked !== undefined) {
    return { ...everything(`edp does not load ${untracked}`), isLook: true };
  }
  // The rows of a model may be of any date, and those of a view have no load: all of it is compared.
  const whole = task.kind === 'model' ? [...sources, ...behind] : behind;
  const change = await findChange(client, whole, state.point);
  if (change !== undefined || task.kind === 'model') {
    return change === undefined ? undefined : everything(change);
  }
  return task.kind === 'fact'
    ? findStaleSlices(client, task, shape, state.point)
    : findStaleKeys(client, task, blueprint, state.point);
}

/** @param since the last value of the column that was read; null where the source had none */
function findNewRows(column: string, since: string | null): Work {
  if (since === null) return { ...everything(`${column} had no value`), isLook: true };
  return {
    within: 'keys',
    reason: `${column} since ${since}`,
    reasons: new Map(),
    trace: { since },
    isLook: true,
  };
}

/** What of the work is to be done now; what was held back before is tried again. */
export function narrow(
  { slice }: Blueprint,
  stale: Work | undefined,
  heldBack: readonly { readonly slice: string; readonly reason: string }[],
  { slices: range }: TaskOrders,
): Work | undefined {
  if (range !== undefined && slice !== undefined) {
    const slices = listSlices(range, slice.unit);
    return { within: { slices }, reason: 'as ordered', reasons: new Map() };
  }
  if (heldBack.length === 0) return stale;
  const [first] = heldBack;
  if (slice === undefined || heldBack.some((each) => each.slice === EVERY_SLICE)) {
    return everything(stale?.reason ?? first!.reason);
  }
  if (stale?.within === 'all') return stale;
  const reasons = new Map([
    ...heldBack.map((each) => [each.slice, each.reason] as const),
    ...(stale?.reasons ?? []),
  ]);
  const reason = stale?.reason ?? first!.reason;
  return { within: { slices: [...reasons.keys()] }, reason, reasons };
}
