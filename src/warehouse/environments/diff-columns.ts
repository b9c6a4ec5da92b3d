/** What of a table is compared with the same table of an environment, on each side as SQL. */
import { quoteIdentifier } from '../../model/ddl.js';
import { GOLD_TIMES } from '../../model/warehouse/known-columns.js';
import { rowKeyOf } from '../../model/warehouse/row-key.js';
import type { LookUp, Task } from '../../model/warehouse/task.js';
import { IS_CURRENT, VALID_FROM } from '../../model/warehouse/versions.js';
import { printExpr } from '../../relational/postgres-sql.js';
import { unknownId } from '../compile/fact-rows.js';
import { quoteRelation, type Shape, writtenAlike } from '../compile/relation-shape.js';

/** A table, and the dimensions that it refers to: in production, or in the environment. */
export interface Side {
  readonly task: Task;
  readonly shape: Shape;
  /** Name of a look-up's column → the columns of its dimension. */
  readonly members: ReadonlyMap<string, Shape>;
}

export interface DiffColumns {
  /** By which rows are the same row; none where one side lacks a column of it: then whole rows are compared. */
  readonly key: readonly string[];
  /** All others that are compared. */
  readonly rest: readonly string[];
  /** Of one side alone. */
  readonly onlyProduction: readonly string[];
  readonly onlyEnvironment: readonly string[];
  /** Ids that cannot be compared, as the dimension has another key on each side. */
  readonly notCompared: readonly string[];
}

export function diffColumns(production: Side, environment: Side): DiffColumns {
  const ofEdp = new Set<string>([
    ...GOLD_TIMES,
    ...(production.task.kind === 'dimension' ? ['id'] : []),
  ]);
  const names = (side: Side) => [...side.shape.keys()].filter((name) => !ofEdp.has(name));
  const [own, other] = [names(production), names(environment)];
  const both = own.filter((name) => other.includes(name));
  const notCompared = both.filter((name) => !isComparable(name, production, environment));
  const compared = both.filter((name) => !notCompared.includes(name));
  const wanted = rowKeyOf(environment.task);
  const key = wanted.every((name) => compared.includes(name)) ? wanted : [];
  return {
    key,
    rest: compared.filter((name) => !key.includes(name)),
    onlyProduction: own.filter((name) => !other.includes(name)),
    onlyEnvironment: other.filter((name) => !own.includes(name)),
    notCompared,
  };
}

/** Ids mean members, which are compared by what both sides know them by. */
function isComparable(name: string, ...sides: readonly Side[]): boolean {
  const keys = sides.map(({ task, members }) => {
    const lookUp = lookUpOf(task, name);
    if (lookUp === undefined) return '';
    const columns = memberKey(lookUp, members.get(name));
    return columns.every((column) => members.get(name)?.has(column) === true)
      ? JSON.stringify(columns)
      : undefined;
  });
  return keys.every((key) => key !== undefined && key === keys[0]);
}

/** What tells the members of a dimension apart, and the versions of one. */
function memberKey({ by }: LookUp, dimension: Shape | undefined): string[] {
  const hasVersions = [VALID_FROM, IS_CURRENT].every((name) => dimension?.has(name) === true);
  return [...by.map(({ dimension: column }) => column), ...(hasVersions ? [VALID_FROM] : [])];
}

function lookUpOf(task: Task, name: string): LookUp | undefined {
  return task.kind === 'fact' ? task.lookUps.find(({ column }) => column === name) : undefined;
}

/** SQL: a value of a side's table, which is called `made`, as text. */
export function diffValue({ task, shape, members }: Side, name: string): string {
  const value = `made.${quoteIdentifier(name)}`;
  const lookUp = lookUpOf(task, name);
  if (lookUp === undefined) return writtenAlike(value, shape.get(name)!);
  const types = members.get(name)!;
  const key = memberKey(lookUp, types).map((column) =>
    writtenAlike(`member.${quoteIdentifier(column)}`, types.get(column)!),
  );
  return `CASE WHEN ${value} = ${printExpr(unknownId(lookUp.idType))} THEN 'unknown'
    ELSE coalesce((SELECT concat_ws(', ', ${key.join(', ')}) FROM ${quoteRelation(lookUp.relation)} AS member
      WHERE member.id = ${value}), 'no member ' || ${value}) END`;
}
