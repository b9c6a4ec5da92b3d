/** A task that makes a table → its blueprint. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { SilverColumn, Task, Warehouse } from '../../model/warehouse/task.js';
import { printSelect } from '../../relational/postgres-sql.js';
import type { From, Output } from '../../relational/tree.js';
import { type Blueprint, SOURCE } from './blueprint.js';
import { calendarBlueprint, dimensionBlueprint } from './dimension-rows.js';
import { factBlueprint } from './fact-rows.js';
import { type KeyReader, keyReaderName } from './key-readers.js';
import { modelBlueprint } from './model-rows.js';
import { describeStatement, readSource, type Shape } from './relation-shape.js';
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
    slices: _slices,
    orderedBy: _orderedBy,
    hasLoads: _loads,
    ...plain
  } = blueprint;
  const definition = createHash('sha256')
    .update(JSON.stringify([plain, printSelect(blueprint.rows('all')), [...shape]]))
    .digest('hex');
  return { blueprint, shape, definition };
}

async function shapeOf(client: pg.Client, task: TableTask): Promise<Shape> {
  if (task.kind !== 'model') return 'source' in task ? readSource(client, task.source) : new Map();
  // The server would only say that there is no such relation.
  for (const source of task.sources)
    if (source.isRealized === true) await readSource(client, source);
  return describeStatement(client, task.sql);
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
    case 'silver':
      return silverBlueprint(task, shape, indexesOf(task.name, tasks));
    case 'dimension':
      return 'calendar' in task ? calendarBlueprint(task) : dimensionBlueprint(task, shape);
    case 'fact':
      return factBlueprint(task, shape);
    case 'model':
      return modelBlueprint(task, shape);
  }
}

/** By dates, facts find rows of their slices; by keys, rows that looked up a version that is another one now. */
function indexesOf(name: string, tasks: readonly Task[]): string[][] {
  const dates = readersOf(name, tasks).map(({ column }) => [column]);
  const lookUps = tasks.flatMap((task) => {
    if (task.kind !== 'fact' || task.source.task !== name) return [];
    return task.lookUps
      .filter(({ hasVersions }) => hasVersions)
      .map(({ by, asOf }) => [
        ...by.map(({ source }) => source),
        ...(asOf === undefined ? [] : [asOf]),
      ]);
  });
  const all = [...dates, ...lookUps].map((columns) => [...new Set(columns)]);
  return all.filter((columns, i) => all.findIndex((each) => each.join() === columns.join()) === i);
}

/** How the facts divide what they read of a task. */
export function readersOf(name: string, tasks: readonly Task[]): DateReader[] {
  return tasks.flatMap((task) => {
    if (task.kind !== 'fact' || task.source.task !== name) return [];
    const { date, slice: unit, timezone } = task;
    return [{ column: date, unit, ...(timezone === undefined ? {} : { timezone }) }];
  });
}

/** Which columns of a task others identify members by, and whether they ask for versions of them. */
export function keyReadersOf(name: string, tasks: readonly Task[]): KeyReader[] {
  const readers = tasks.flatMap((task): KeyReader[] => {
    if (task.kind === 'dimension' && 'source' in task && task.source.task === name) {
      return [{ columns: task.naturalKey, isOfVersions: false }];
    }
    if (task.kind !== 'fact') return [];
    return task.lookUps
      .filter(({ dimension, hasVersions }) => hasVersions && dimension === name)
      .map(({ by }) => ({ columns: by.map((each) => each.dimension), isOfVersions: true }));
  });
  return [...new Map(readers.map((reader) => [keyReaderName(reader), reader])).values()];
}
