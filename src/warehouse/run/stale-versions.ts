/** Slices of a fact that looked up a version of a member when it was another one. */
import type pg from 'pg';
import type { FactTask, LookUp } from '../../model/warehouse/task.js';
import { printSelect } from '../../relational/postgres-sql.js';
import { all, binary, column, type Expr, type Select, some } from '../../relational/tree.js';
import { SOURCE } from '../compile/blueprint.js';
import { DATE, datedSource } from '../compile/fact-rows.js';
import { CHANGED_FROM, CHANGED_TO, changedVersions } from '../compile/key-readers.js';
import { readShape, type Shape } from '../compile/relation-shape.js';
import { sliceText } from '../compile/slice-conditions.js';

const CHANGED = 'changed';

/** @param keys as the log of changes lists them: members, and from when to when they changed */
export async function findStaleVersions(
  client: pg.Client,
  task: FactTask,
  shape: Shape,
  lookUp: LookUp,
  keys: readonly string[],
): Promise<string[]> {
  if (keys.length === 0) return [];
  const types = await readShape(client, lookUp.relation);
  const { rows } = await client.query<{ slice: string }>(
    `SELECT DISTINCT ${sliceText(DATE)} AS slice FROM (\n${printSelect(rowsThatAsked(task, shape, lookUp, types, keys))}\n) AS asked`,
  );
  return rows.map(({ slice }) => slice);
}

function rowsThatAsked(
  task: FactTask,
  shape: Shape,
  lookUp: LookUp,
  types: Shape,
  keys: readonly string[],
): Select {
  const columns = lookUp.by.map(({ dimension }) => dimension);
  const isMember = lookUp.by.map(({ dimension, source }) =>
    binary(column(source, SOURCE), '=', column(dimension, CHANGED)),
  );
  return {
    ...datedSource(task, shape),
    joins: [
      {
        kind: 'inner',
        from: { kind: 'query', query: changedVersions(columns, types, keys), as: CHANGED },
        on: all([...isMember, ...isWhen(lookUp)]),
      },
    ],
  };
}

/** Without a moment, the version of now was asked for. */
function isWhen({ asOf }: LookUp): Expr[] {
  const [from, to] = [column(CHANGED_FROM, CHANGED), column(CHANGED_TO, CHANGED)];
  const isNull = (of: Expr): Expr => ({ kind: 'is-null', of });
  if (asOf === undefined) return [isNull(to)];
  const moment = column(asOf, SOURCE);
  return [
    some([isNull(to), binary(moment, '<', to)]),
    some([isNull(moment), isNull(from), binary(moment, '>=', from)]),
  ];
}
