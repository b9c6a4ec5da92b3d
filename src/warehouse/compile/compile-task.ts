/** A task that makes a table → its blueprint. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Task, Warehouse } from '../../model/warehouse/task.js';
import { printSelect } from '../../relational/postgres-sql.js';
import type { Blueprint } from './blueprint.js';
import { calendarBlueprint, dimensionBlueprint } from './dimension-rows.js';
import { factBlueprint } from './fact-rows.js';
import { modelBlueprint } from './model-rows.js';
import { readShape, type Shape } from './relation-shape.js';
import { silverBlueprint } from './silver-rows.js';
import type { DateReader } from './slice-value.js';

export type TableTask = Exclude<Task, { kind: 'view' }>;

export interface CompiledTask {
  readonly blueprint: Blueprint;
  /** Of the source; empty for a task that has none, or several. */
  readonly shape: Shape;
  /** Changes when anything changes that makes the table. */
  readonly definition: string;
}

/** @throws EdpError `missing_source` */
export async function compileTask(
  client: pg.Client,
  task: TableTask,
  { tasks }: Warehouse,
): Promise<CompiledTask> {
  const shape: Shape = 'source' in task ? await readShape(client, task.source.relation) : new Map();
  const blueprint = await toBlueprint(client, task, shape, tasks);
  const {
    rows: _rows,
    counts: _counts,
    affected: _affected,
    unknownKeys: _keys,
    ...plain
  } = blueprint;
  const types = blueprint.lookUps.length === 0 ? [] : [...shape];
  const definition = createHash('sha256')
    .update(JSON.stringify([plain, printSelect(blueprint.rows('all')), types, [...shape]]))
    .digest('hex');
  return { blueprint, shape, definition };
}

async function toBlueprint(
  client: pg.Client,
  task: TableTask,
  shape: Shape,
  tasks: readonly Task[],
): Promise<Blueprint> {
  switch (task.kind) {
    case 'silver': {
      const dates = [...new Set(readersOf(task.name, tasks).map(({ column }) => column))];
      return silverBlueprint(
        task,
        shape,
        dates.map((name) => [name]),
      );
    }
    case 'dimension':
      return 'calendar' in task ? calendarBlueprint(task) : dimensionBlueprint(task, shape);
    case 'fact':
      return factBlueprint(task, shape);
    case 'model':
      return modelBlueprint(client, task);
  }
}

/** How the facts divide what they read of a task. */
export function readersOf(name: string, tasks: readonly Task[]): DateReader[] {
  return tasks.flatMap((task) => {
    if (task.kind !== 'fact' || task.source.task !== name) return [];
    const { date, slice: unit, timezone } = task;
    return [{ column: date, unit, ...(timezone === undefined ? {} : { timezone }) }];
  });
}
