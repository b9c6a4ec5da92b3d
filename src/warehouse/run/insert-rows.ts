/** Rows of a table that nobody counts. */
import type pg from 'pg';
import { quoteColumns } from '../../model/ddl.js';
import { printSelect } from '../../relational/postgres-sql.js';
import { type Blueprint, dataColumns } from '../compile/blueprint.js';
import { quoteRelation } from '../compile/relation-shape.js';
import { STAGE } from './delta.js';

/**
 * Inserts all rows. Distinct values are few, and are kept in between: the server reads with several processes
 * for a new table, and with one for an INSERT.
 */
export async function insertRows(
  client: pg.Client,
  blueprint: Blueprint,
): Promise<{ rowCount: number | null }> {
  const columns = quoteColumns(dataColumns(blueprint));
  const rows = blueprint.rows('all');
  const query = printSelect(rows);
  const insert = `INSERT INTO ${quoteRelation(blueprint.relation)} (${columns}) SELECT ${columns} FROM`;
  if (rows.isDistinct !== true) return client.query(`${insert} (\n${query}\n) AS made`);
  await client.query(`DROP TABLE IF EXISTS ${STAGE}`);
  await client.query(`CREATE TEMP TABLE edp_stage ON COMMIT DROP AS\n${query}`);
  return client.query(`${insert} ${STAGE}`);
}
