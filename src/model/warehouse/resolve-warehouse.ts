/** The sections of edp.yaml, each valid by itself → the tasks, and what is wrong between them. */
import { formatTableName } from '../table-name.js';
import { ColumnFinder } from './known-columns.js';
import { orderTasks } from './order-tasks.js';
import { checkNames } from './project-sql.js';
import { resolveChecks } from './resolve-checks.js';
import { resolveDimension } from './resolve-dimension.js';
import { resolveFact } from './resolve-fact.js';
import { resolveSilver } from './resolve-silver.js';
import { resolveModel, resolveView } from './resolve-sql.js';
import type { Path, Resolving, WarehouseFault } from './resolving.js';
import type { SqlReader } from './sql-reader.js';
import type { Check, Relation, Source, Task, Warehouse } from './task.js';
import { Catalog, type Declarations, type Declared, describeSource } from './warehouse-catalog.js';

export interface ResolvedWarehouse {
  /** Not to be used where there are faults. */
  readonly warehouse: Warehouse;
  readonly faults: readonly WarehouseFault[];
}

/**
 * @param sql undefined where nothing declared has SQL
 * @param texts file of the project → its text; undefined where there is none
 */
export function resolveWarehouse(
  declarations: Declarations,
  sql?: SqlReader,
  texts: ReadonlyMap<string, string | undefined> = new Map(),
): ResolvedWarehouse {
  const faults: WarehouseFault[] = [];
  const catalog = new Catalog(declarations);
  const { input, model } = declarations;
  const columns = new ColumnFinder(input, catalog);
  const resolving: Resolving = {
    input,
    catalog,
    columns,
    sql,
    texts,
    add: (fault) => faults.push(fault),
  };
  findSameNames(
    resolving,
    model.tables.map((table) => catalog.placeOf(table)),
  );
  const unchecked = resolveTasks(resolving);
  const { ofTasks, bronzeChecks } = resolveAllChecks(resolving);
  // Only now are the columns of all models and views known.
  const ofSql = [...unchecked, ...[...ofTasks.values()].flat()].filter((each) => 'sql' in each);
  const files = new Map(ofSql.map(({ file, sql }) => [file, sql]));
  for (const [file, text] of files) checkNames(resolving, file, text);
  const tasks = unchecked.map((task) => ({ ...task, checks: ofTasks.get(task.name) ?? [] }));
  const { ordered, circles } = orderTasks(tasks);
  for (const circle of circles) faults.push(toCircleFault(catalog, circle));
  return { warehouse: { layers: catalog.layers, tasks: ordered, bronzeChecks }, faults };
}

/** Models and views first, as their files say which columns they have. */
function resolveTasks(resolving: Resolving): Task[] {
  const { silver = {}, dimensions = {}, facts = {}, models = {}, views = {} } = resolving.input;
  const each = <Input>(
    section: Readonly<Record<string, Input>>,
    resolve: (resolving: Resolving, name: string, input: Input) => Task | undefined,
  ) => Object.entries(section).flatMap(([name, input]) => resolve(resolving, name, input) ?? []);
  return [
    ...each(models, resolveModel),
    ...each(views, resolveView),
    ...each(silver, resolveSilver),
    ...each(dimensions, resolveDimension),
    ...each(facts, resolveFact),
  ];
}

function findSameNames({ catalog, add }: Resolving, tables: readonly Relation[]): void {
  const seen = new Map<string, string>(
    tables.map((table) => [formatTableName(table), `tables: declares it, too`]),
  );
  for (const declared of catalog.declared) {
    const name = formatTableName(declared.relation);
    const other = seen.get(name);
    if (other === undefined) seen.set(name, `${declared.section}: declares it, too`);
    else {
      const mend = 'rename one of them, or put their layers into two schemas (layers:)';
      add({ path: pathOf(declared), message: `${name} would be made twice: ${other}; ${mend}` });
    }
  }
}

function pathOf({ section, name }: Declared): Path {
  return [section, name];
}

interface CheckedTables {
  readonly ofTasks: ReadonlyMap<string, readonly Check[]>;
  readonly bronzeChecks: Warehouse['bronzeChecks'];
}

function resolveAllChecks(resolving: Resolving): CheckedTables {
  const ofTasks = new Map<string, Check[]>();
  const bronzeChecks = new Map<string, { relation: Relation; checks: Check[] }>();
  const written = new Map<string, string>();
  for (const [table, inputs] of Object.entries(resolving.input.checks ?? {})) {
    const source = findChecked(resolving, table);
    if (source === undefined) continue;
    const name = nameOfChecked(resolving, source);
    const other = written.get(name);
    written.set(name, table);
    if (other !== undefined) {
      const message = `${table} is the same table as ${other}; put its checks there`;
      resolving.add({ path: ['checks', table], message });
    }
    const checks = resolveChecks(resolving, table, source, inputs);
    if (source.task === undefined) bronzeChecks.set(name, { relation: source.relation, checks });
    else ofTasks.set(name, checks);
  }
  return { ofTasks, bronzeChecks };
}

/** @returns undefined, and a fault, where there is no such table */
function findChecked({ catalog, add }: Resolving, table: string): Source | undefined {
  const path = ['checks', table];
  const found = catalog.find(table);
  const message = typeof found === 'string' ? found : catalog.unknownBronze(table, found);
  if (typeof found !== 'string' && message === undefined) return found;
  add({ path, message: message! });
  return undefined;
}

function nameOfChecked({ catalog }: Resolving, source: Source): string {
  const { relation, task } = source;
  if (task !== undefined) return task;
  const isBronze = relation.schema === catalog.layers.bronze;
  return isBronze
    ? formatTableName({ schema: 'bronze', name: relation.name })
    : describeSource(source);
}

function toCircleFault(catalog: Catalog, circle: readonly string[]): WarehouseFault {
  const declared = catalog.taskOf(circle[0]!)!;
  const message =
    circle.length === 2
      ? `${circle[0]} reads itself`
      : `these tasks read each other in a circle: ${circle.join(' → ')}`;
  return { path: pathOf(declared), message };
}
