/** Slices that a check holds back keep their rows, in a table that is made anew, too. */
import type pg from 'pg';
import { quoteColumns } from '../../model/ddl.js';
import { GOLD_TIMES } from '../../model/warehouse/known-columns.js';
import type { Relation } from '../../model/warehouse/task.js';
import { printExpr } from '../../relational/postgres-sql.js';
import { column } from '../../relational/tree.js';
import { type Blueprint, dataColumns } from '../compile/blueprint.js';
import { quoteRelation, readShape } from '../compile/relation-shape.js';
import { isSlice } from '../compile/slice-conditions.js';

/**
 * Copies rows of these slices from the table before. Where it has other columns, there is nothing to copy.
 *
 * @param blueprint of the new table
 * @returns number of rows
 */
export async function keepSlices(
  client: pg.Client,
  blueprint: Blueprint,
  from: Relation,
  slices: readonly string[],
): Promise<number> {
  const { relation, slice, hasTimes } = blueprint;
  if (slice === undefined || slices.length === 0) return 0;
  const [before, made] = [await readShape(client, from), await readShape(client, relation)];
  const names = [...dataColumns(blueprint), ...(hasTimes ? GOLD_TIMES : [])];
  if (!names.every((name) => before.get(name) === made.get(name))) return 0;
  const columns = quoteColumns(names);
  const { rowCount } = await client.query(
    `INSERT INTO ${quoteRelation(relation)} (${columns}) SELECT ${columns} FROM ${quoteRelation(from)}
     WHERE ${printExpr(isSlice(column(slice.column), slice.type, slices))} ON CONFLICT DO NOTHING`,
  );
  return rowCount ?? 0;
}
