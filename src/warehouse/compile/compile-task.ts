/** A task that makes a table → its blueprint. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { SilverColumn, Task, Warehouse } from '../../model/warehouse/task.js';
import { printSelect } from '../../relational/postgres-sql.js';
import type { From, Output } from '../../relational/tree.js';
import { type Blueprint, SOURCE } from './blueprint.js';
import { calendarBlueprint, dimensionBlueprint } from './dimension-rows.js';
import { factBlueprint } from './fact-rows.js';
import { modelBlueprint } from './model-rows.js';
import { describeStatement, readShape, type Shape } from './relation-shape.js';
import { silverBlueprint } from './silver-rows.js';
import type { DateReader } from './slice-value.js';

export type TableTask = Exclude<Task, { kind: 'view' }>;

export interface CompiledTask {
  readonly blueprint: Blueprint;
  /** Of the source; of a model, what its statement gives; empty for a calendar. */
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
  const shape = await shapeOf(client, task);
  const blueprint = toBlueprint(await typed(client, task), shape, tasks);
  const {
    rows: _rows,
    counts: _counts,
    affected: _affected,
    unknownKeys: _keys,
    hasLoads: _loads,
    ...plain
  } = blueprint;
  const definition = createHash('sha256')
    .update(JSON.stringify([plain, printSelect(blueprint.rows('all')), [...shape]]))
    .digest('hex');
  return { blueprint, shape, definition };
}

async function shapeOf(client: pg.Client, task: TableTask): Promise<Shape> {
  if (task.kind === 'model') return describeStatement(client, task.sql);
  return 'source' in task ? readShape(client, task.source.relation) : new Map();
}

/** The user need not say of which type SQL is, and it must be known what a time zone is for. */
async function typed(client: pg.Client, task: TableTask): Promise<TableTask> {
  if (task.kind !== 'silver') return task;
  const columns: SilverColumn[] = [];
  for (const each of task.columns) {
    const { from, type, timezone, truncate, values } = each;
    const isNeeded =
      type === undefined && values === undefined && (timezone ?? truncate) !== undefined;
    if (!('sql' in from) || !isNeeded) {
      columns.push(each);
      continue;
    }
    const table: From = { kind: 'table', ...task.source.relation, as: SOURCE };
    const value: Output = { of: { kind: 'user', sql: from.sql }, as: each.name };
    const shape = await describeStatement(client, printSelect({ columns: [value], from: table }));
    columns.push({ ...each, type: shape.get(each.name)! });
  }
  return { ...task, columns };
}

function toBlueprint(task: TableTask, shape: Shape, tasks: readonly Task[]): Blueprint {
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
      return modelBlueprint(task, shape);
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
