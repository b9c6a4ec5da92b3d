/**
 * Environments: a warehouse beside production, in schemas of its own. A task that differs from production is made
 * there; all others are views there that show production's tables. What a task of an environment reads is
 * production's, too, where that is not made in the environment.
 *
 * An environment is a warehouse like any other, with other names; so its tasks have state, receipts and locks of
 * their own, and a run knows nothing of it.
 */
import { quoteIdentifier } from '../ddl.js';
import type { SqlReader } from './sql-reader.js';
import type { Check, Layers, Relation, Source, Task, ViewTask, Warehouse } from './task.js';

const MARK = '__';
const MAX_NAME_BYTES = 63;

/** Of the environments of one warehouse. */
export interface EnvironmentWarehouse extends Warehouse {
  /** Tasks that are made in the environment; in an order in which each comes behind what it reads. */
  readonly made: readonly Task[];
  /** Views that show production's tables. */
  readonly shown: readonly ViewTask[];
}

/** @returns why it can be no name of an environment */
export function environmentFault(
  name: string,
  { silver, gold, bronze }: Layers,
): string | undefined {
  if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)) {
    return 'a name of an environment has small letters, digits and single underscores, and begins with a letter';
  }
  for (const layer of [silver, gold]) {
    const schema = schemaOf(layer, name);
    const bytes = Buffer.byteLength(schema);
    if (bytes > MAX_NAME_BYTES) {
      return `its schema ${schema} would have a name of ${bytes} bytes; PostgreSQL takes ${MAX_NAME_BYTES}`;
    }
    if ([silver, gold, bronze].includes(schema)) return `schema ${schema} is a layer of edp.yaml`;
  }
  return undefined;
}

export function environmentLayers({ bronze, silver, gold }: Layers, name: string): Layers {
  return { bronze, silver: schemaOf(silver, name), gold: schemaOf(gold, name) };
}

function schemaOf(layer: string, environment: string): string {
  return `${layer}${MARK}${environment}`;
}

/** `gold.job_fact` → `gold__dev.job_fact`: what the ledger calls a task of an environment. */
export function environmentTask(task: string, environment: string): string {
  return task.replace('.', `${MARK}${environment}.`);
}

/** The name that edp.yaml has for a task of the ledger. */
export function declaredTask(task: string): string {
  return task.replace(/^(silver|gold)__[^.]+/, '$1');
}

/** SQL: whether the ledger's name of a task is one of an environment; of this one, if it is given. */
export function isOfEnvironmentSql(column: string, environment?: string): string {
  return `${column} ~ '^(silver|gold)${MARK}${environment ?? '[^.]+'}\\.'`;
}

/**
 * @param made names of the tasks that are made in it
 * @param sql undefined where no task has SQL of the user
 */
export function toEnvironment(
  { layers, tasks }: Warehouse,
  name: string,
  made: ReadonlySet<string>,
  sql: SqlReader | undefined,
): EnvironmentWarehouse {
  const own = environmentLayers(layers, name);
  const toOwn = (relation: Relation, task: string): Relation => ({
    schema: task.startsWith('silver.') ? own.silver : own.gold,
    name: relation.name,
  });
  const names: Names = {
    task: (task) => (made.has(task) ? environmentTask(task, name) : task),
    relation: (relation, task) =>
      task !== undefined && made.has(task) ? toOwn(relation, task) : relation,
    sql: (text) =>
      sql!.renameRelations(text, (schema, table) => {
        const named = { schema: schema ?? layers.bronze, name: table };
        const task = tasks.find(
          ({ relation }) => relation.schema === named.schema && relation.name === table,
        );
        return task !== undefined && made.has(task.name) ? toOwn(named, task.name) : undefined;
      }),
  };
  const mapped = tasks.filter((task) => made.has(task.name)).map((task) => toOwnTask(task, names));
  const rest = tasks.filter((task) => !made.has(task.name));
  const shown = rest.map((task) =>
    toView(task, environmentTask(task.name, name), toOwn(task.relation, task.name)),
  );
  // Those of production are what tasks of the environment read.
  return {
    layers: own,
    tasks: [...rest, ...shown, ...mapped],
    made: mapped,
    shown,
    bronzeChecks: new Map(),
  };
}

interface Names {
  task(name: string): string;
  relation(relation: Relation, task: string | undefined): Relation;
  sql(text: string): string;
}

function toOwnTask(task: Task, names: Names): Task {
  const own = {
    name: names.task(task.name),
    relation: names.relation(task.relation, task.name),
    checks: task.checks.map((check) => toOwnCheck(check, names)),
  };
  const source = (of: Source) => toOwnSource(of, names);
  switch (task.kind) {
    case 'model':
    case 'view':
      return { ...task, ...own, sql: names.sql(task.sql), sources: task.sources.map(source) };
    case 'silver':
      return { ...task, ...own, source: source(task.source) };
    case 'dimension': {
      if ('calendar' in task) return { ...task, ...own };
      const idsOf = { task: task.name, relation: task.relation };
      return { ...task, ...own, source: source(task.source), idsOf };
    }
    case 'fact': {
      const lookUps = task.lookUps.map((lookUp) => ({
        ...lookUp,
        dimension: names.task(lookUp.dimension),
        relation: names.relation(lookUp.relation, lookUp.dimension),
      }));
      return { ...task, ...own, source: source(task.source), lookUps };
    }
  }
}

function toOwnSource(source: Source, names: Names): Source {
  if (source.task === undefined) return source;
  const relation = names.relation(source.relation, source.task);
  return { ...source, task: names.task(source.task), relation };
}

function toOwnCheck(check: Check, names: Names): Check {
  if (check.kind === 'sql') {
    const sources = check.sources.map((source) => toOwnSource(source, names));
    return { ...check, sql: names.sql(check.sql), sources };
  }
  if (check.kind !== 'relationships' || check.to.task === undefined) return check;
  const { schema, name } = names.relation(check.to, check.to.task);
  return { ...check, to: { ...check.to, schema, name, task: names.task(check.to.task) } };
}

function toView({ name: task, relation }: Task, name: string, own: Relation): ViewTask {
  const shown = `${quoteIdentifier(relation.schema)}.${quoteIdentifier(relation.name)}`;
  return {
    kind: 'view',
    name,
    relation: own,
    file: '',
    sql: `SELECT * FROM ${shown}`,
    sources: [{ task, relation }],
    description: `${shown}, which this environment does not change`,
    asksMoment: false,
    isMaterialized: false,
    unique: [],
    indexes: [],
    checks: [],
  };
}
