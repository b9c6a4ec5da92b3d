/** The declarations of a warehouse → what each table and column is made of. */
import { ENDED_COLUMN } from '../../model/kept-versions.js';
import { findTableAt, type Model, physicalColumns } from '../../model/model.js';
import { averageCount, averageSum } from '../../model/warehouse/measure.js';
import { isSqlFault, type SqlReader } from '../../model/warehouse/sql-reader.js';
import type { NamedTable } from '../../model/warehouse/sql-scope.js';
import type {
  Ends,
  FactTask,
  ModelTask,
  Relation,
  SilverTask,
  Source,
  Task,
  TaskKind,
  ViewTask,
  Warehouse,
} from '../../model/warehouse/task.js';
import {
  IS_CURRENT,
  VALID_FROM,
  VALID_TO,
  versionColumnsOf,
} from '../../model/warehouse/versions.js';
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
  /** `table` is what no task makes; `source` is a table that is captured. */
  readonly kind: TaskKind | 'table' | 'source';
  /** Names of the tables that it is made of. */
  readonly reads: readonly string[];
  /** As far as the declarations say; of a table that is not declared, the ones that something is made of. */
  readonly columns: readonly LineageColumn[];
}

/**
 * @param model the tables that edp loads
 * @param sql undefined where nothing declared has SQL
 */
export function lineageOf(
  warehouse: Warehouse,
  model: Model,
  sql: SqlReader | undefined,
): LineageNode[] {
  const relations = new Map<string, Relation>();
  const nameOf = (source: Source) => {
    const name = source.task ?? nameOfTable(source.relation, warehouse);
    relations.set(name, source.relation);
    return name;
  };
  const tasks: LineageNode[] = [];
  const known = (source: Source) => knownColumns(source, tasks, model);
  for (const task of warehouse.tasks) {
    tasks.push({
      name: task.name,
      kind: task.kind,
      reads: [...new Set(readsOf(task, nameOf))],
      columns: columnsOf(task, { nameOf, known, sql, tasks: warehouse.tasks }),
    });
  }
  const made = new Set(tasks.map(({ name }) => name));
  const outside = new Set(tasks.flatMap(({ reads }) => reads).filter((name) => !made.has(name)));
  const tables = [...outside].sort().map((name): LineageNode => {
    const columns = tasks.flatMap((task) => task.columns.flatMap(({ from }) => from));
    const own = columns
      .filter((column) => tableOf(column) === name)
      .map((column) => column.slice(name.length + 1))
      .sort();
    const declared = knownColumns({ relation: relations.get(name)! }, [], model) ?? [];
    return {
      name,
      kind: 'table',
      reads: [],
      columns: [...new Set([...declared, ...own])].map((column) => ({ name: column, from: [] })),
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

/** @param nodes of the tasks before; @returns undefined where nobody knows them */
function knownColumns(
  { task, relation }: Source,
  nodes: readonly LineageNode[],
  model: Model,
): string[] | undefined {
  if (task !== undefined) {
    const names = nodes.find(({ name }) => name === task)?.columns.map(({ name }) => name) ?? [];
    return names.length === 0 ? undefined : names;
  }
  const table = findTableAt(model, relation);
  return table && physicalColumns(table).map(({ name }) => name);
}

interface Known {
  readonly nameOf: NameOf;
  known(source: Source): readonly string[] | undefined;
  readonly sql: SqlReader | undefined;
  readonly tasks: readonly Task[];
}

function readsOf(task: Task, nameOf: NameOf): string[] {
  if ('calendar' in task) return [];
  if (!('source' in task)) return task.sources.map(nameOf);
  const dimensions = task.kind === 'fact' ? task.lookUps.map(({ dimension }) => dimension) : [];
  return [nameOf(task.source), ...dimensions];
}

function columnsOf(task: Task, { nameOf, known, sql, tasks }: Known): LineageColumn[] {
  if ('calendar' in task) return [];
  switch (task.kind) {
    case 'silver':
      return silverColumns(task, nameOf(task.source), sql);
    case 'dimension': {
      const source = tasks.find(({ name }) => name === task.source.task);
      const all = source?.kind === 'silver' ? source.columns.map(({ name }) => name) : [];
      const names = new Set([...task.naturalKey, ...(task.attributes ?? all)]);
      const from = (name: string) => `${nameOf(task.source)}.${name}`;
      const moment = task.type2?.changedAt;
      const moments = moment === undefined ? [] : [from(moment)];
      return [
        { name: 'id', from: [...task.naturalKey.map(from), ...moments] },
        ...[...names].map((name) => ({ name, from: [from(name)] })),
        ...(task.type2 === undefined
          ? []
          : versionColumns(moments, task.type2.ends, nameOf(task.source))),
      ];
    }
    case 'fact':
      return factColumns(task, nameOf(task.source));
    default:
      return sqlColumns(task, nameOf, known, sql);
  }
}

function sqlColumns(
  { sql: text, sources }: ModelTask | ViewTask,
  nameOf: NameOf,
  known: Known['known'],
  sql: SqlReader | undefined,
): LineageColumn[] {
  const reading = sql?.readQuery(text);
  if (reading === undefined || isSqlFault(reading)) return [];
  const sourceOf = (table: NamedTable) =>
    sources.find(
      ({ relation }) =>
        relation.name === table.name &&
        (table.schema === undefined || table.schema === relation.schema),
    );
  const columnsKnown = (table: NamedTable) => {
    const source = sourceOf(table);
    return source === undefined ? undefined : known(source);
  };
  return reading.origins(columnsKnown).flatMap(({ name, from }) => {
    const origins = from.flatMap(({ table, column }) => {
      const source = sourceOf(table);
      return source === undefined ? [] : [`${nameOf(source)}.${column}`];
    });
    return name === undefined ? [] : [{ name, from: origins }];
  });
}

/** @param moments what says from when a version is valid */
function versionColumns(
  moments: readonly string[],
  ends: Ends | undefined,
  source: string,
): LineageColumn[] {
  const ended = { rows: ENDED_COLUMN, gaps: VALID_TO, states: VALID_TO };
  const until = ends === undefined ? moments : [...moments, `${source}.${ended[ends]}`];
  return versionColumnsOf(ends).map((name) => ({
    name,
    from: name === VALID_FROM ? moments : until,
  }));
}

function silverColumns(
  { columns, history }: SilverTask,
  source: string,
  sql: SqlReader | undefined,
): LineageColumn[] {
  const versions =
    history === undefined ? [] : versionColumns([`${source}.${history.by}`], history.ends, source);
  const declared = columns.map(({ name, from }) => {
    if ('column' in from) return { name, from: [`${source}.${from.column}`] };
    const reading = sql?.readExpression(from.sql);
    const read = reading === undefined || isSqlFault(reading) ? [] : reading.columns;
    return { name, from: read.map((column) => `${source}.${column}`) };
  });
  return [...declared, ...versions];
}

function factColumns(task: FactTask, source: string): LineageColumn[] {
  const of = (names: readonly string[]) => [...new Set(names)].map((name) => `${source}.${name}`);
  const key = 'key' in task ? task.key : [];
  const plain = [...new Set([...key, ...task.columns])];
  return [
    { name: 'date', from: of([task.date]) },
    ...task.lookUps.map(({ column, dimension, by, hasVersions, asOf }) => {
      const valid = !hasVersions ? [] : asOf === undefined ? [IS_CURRENT] : [VALID_FROM, VALID_TO];
      return {
        name: column,
        from: [
          ...of([...by.map((each) => each.source), ...(asOf === undefined ? [] : [asOf])]),
          ...[...by.map((each) => each.dimension), ...valid].map((name) => `${dimension}.${name}`),
        ],
      };
    }),
    ...plain.map((name) => ({ name, from: of([name]) })),
    ...(isAggregated(task) ? task.measures : []).flatMap(({ name, aggregate, of: value }) => {
      const names = aggregate === 'avg' ? [name, averageSum(name), averageCount(name)] : [name];
      const from = value === undefined ? [] : of(fieldsOf(value));
      return names.map((each) => ({ name: each, from }));
    }),
  ];
}
