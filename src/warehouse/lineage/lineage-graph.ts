/** The declarations of a warehouse → what each table and column is made of. */
import { isSqlFault, type SqlReader } from '../../model/warehouse/sql-reader.js';
import type {
  FactTask,
  Relation,
  SilverTask,
  Source,
  Task,
  TaskKind,
  Warehouse,
} from '../../model/warehouse/task.js';
import { isAggregated } from '../compile/fact-rows.js';
import { fieldsOf } from '../compile/measure-columns.js';

export interface LineageColumn {
  readonly name: string;
  /** Columns that it is made of: `bronze.members.id`. */
  readonly from: readonly string[];
}

export interface LineageNode {
  /** `silver.members`, `bronze.events`. */
  readonly name: string;
  /** `table` is what no task makes. */
  readonly kind: TaskKind | 'table';
  /** Names of the tables that it is made of. */
  readonly reads: readonly string[];
  /** As far as the declarations say; those of a table are the ones that something is made of. */
  readonly columns: readonly LineageColumn[];
}

/** @param sql undefined where nothing declared has SQL */
export function lineageOf(warehouse: Warehouse, sql: SqlReader | undefined): LineageNode[] {
  const nameOf = (source: Source) => source.task ?? nameOfTable(source.relation, warehouse);
  const tasks = warehouse.tasks.map(
    (task): LineageNode => ({
      name: task.name,
      kind: task.kind,
      reads: [...new Set(readsOf(task, nameOf))],
      columns: columnsOf(task, nameOf, sql, warehouse.tasks),
    }),
  );
  const known = new Set(tasks.map(({ name }) => name));
  const outside = new Set(tasks.flatMap(({ reads }) => reads).filter((name) => !known.has(name)));
  const tables = [...outside].sort().map((name): LineageNode => {
    const columns = tasks.flatMap((task) => task.columns.flatMap(({ from }) => from));
    const own = columns
      .filter((column) => tableOf(column) === name)
      .map((column) => column.slice(name.length + 1));
    return {
      name,
      kind: 'table',
      reads: [],
      columns: [...new Set(own)].sort().map((column) => ({ name: column, from: [] })),
    };
  });
  return [...tables, ...tasks];
}

/** Of the full name of a column. */
export function tableOf(column: string): string {
  return column.slice(0, column.lastIndexOf('.'));
}

function nameOfTable({ schema, name }: Relation, { layers }: Warehouse): string {
  return `${schema === layers.bronze ? 'bronze' : schema}.${name}`;
}

type NameOf = (source: Source) => string;

function readsOf(task: Task, nameOf: NameOf): string[] {
  if ('calendar' in task) return [];
  if (!('source' in task)) return task.sources.map(nameOf);
  const dimensions = task.kind === 'fact' ? task.lookUps.map(({ dimension }) => dimension) : [];
  return [nameOf(task.source), ...dimensions];
}

function columnsOf(
  task: Task,
  nameOf: NameOf,
  sql: SqlReader | undefined,
  tasks: readonly Task[],
): LineageColumn[] {
  if ('calendar' in task) return [];
  switch (task.kind) {
    case 'silver':
      return silverColumns(task, nameOf(task.source), sql);
    case 'dimension': {
      const source = tasks.find(({ name }) => name === task.source.task);
      const all = source?.kind === 'silver' ? source.columns.map(({ name }) => name) : [];
      const names = new Set([...task.naturalKey, ...(task.attributes ?? all)]);
      return [...names].map((name) => ({ name, from: [`${nameOf(task.source)}.${name}`] }));
    }
    case 'fact':
      return factColumns(task, nameOf(task.source));
    default: {
      const reading = sql?.readQuery(task.sql);
      if (reading === undefined || isSqlFault(reading)) return [];
      return (reading.columns ?? []).map((name) => ({ name, from: [] }));
    }
  }
}

function silverColumns(
  { columns }: SilverTask,
  source: string,
  sql: SqlReader | undefined,
): LineageColumn[] {
  return columns.map(({ name, from }) => {
    if ('column' in from) return { name, from: [`${source}.${from.column}`] };
    const reading = sql?.readExpression(from.sql);
    const read = reading === undefined || isSqlFault(reading) ? [] : reading.columns;
    return { name, from: read.map((column) => `${source}.${column}`) };
  });
}

function factColumns(task: FactTask, source: string): LineageColumn[] {
  const of = (names: readonly string[]) => [...new Set(names)].map((name) => `${source}.${name}`);
  const key = 'key' in task ? task.key : [];
  const plain = [...new Set([...key, ...task.columns])];
  return [
    { name: 'date', from: of([task.date]) },
    ...task.lookUps.map(({ column, dimension, by }) => ({
      name: column,
      from: [
        ...of(by.map((each) => each.source)),
        ...by.map((each) => `${dimension}.${each.dimension}`),
      ],
    })),
    ...plain.map((name) => ({ name, from: of([name]) })),
    ...(isAggregated(task) ? task.measures : []).map(({ name, of: value }) => ({
      name,
      from: value === undefined ? [] : of(fieldsOf(value)),
    })),
  ];
}
