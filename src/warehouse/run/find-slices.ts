/** Which slices all rows of a source have, as far as they need different partitions. */
import type pg from 'pg';
import { quoteIdentifier } from '../../model/ddl.js';
import type { RangePartitions } from '../../model/partitions.js';
import { printSelect } from '../../relational/postgres-sql.js';
import type { Blueprint, OrderedColumn } from '../compile/blueprint.js';
import { quoteRelation } from '../compile/relation-shape.js';
import { rangeOf } from './make-partitions.js';

/** @returns rows with the column of slices, as in SQL */
export async function findSlices(client: pg.Client, blueprint: Blueprint): Promise<string> {
  const { orderedBy, slices } = blueprint;
  if (orderedBy !== undefined && (await hasIndex(client, orderedBy))) {
    return firstOfEach(orderedBy, rangeOf(blueprint)!);
  }
  return `(\n${printSelect(slices!())}\n)`;
}

async function hasIndex(client: pg.Client, { relation, column }: OrderedColumn): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
       WHERE i.indrelid = to_regclass($1) AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree'
         AND a.attname = $2) AS found`,
    [quoteRelation(relation), column],
  );
  return rows[0]!.found;
}

/** The first row of each partition: an index leads from one to the next, where a scan would read all rows. */
function firstOfEach({ relation, column, type }: OrderedColumn, range: RangePartitions): string {
  const name = quoteIdentifier(column);
  const zone = type === 'timestamptz' ? ` AT TIME ZONE 'UTC'` : '';
  const at = (day: string) => `CAST('${day}${zone === '' ? '' : ' 00:00+00'}' AS ${type})`;
  const first = (from: string) =>
    `(SELECT min(${name}) FROM ${quoteRelation(relation)} WHERE ${name} >= ${from} AND ${name} < ${at(range.to)})`;
  const local = `CAST(unit.first${zone} AS timestamp)`;
  const next = `CAST((date_trunc('${range.every}', ${local}) + interval '1 ${range.every}')${zone} AS ${type})`;
  return `(WITH RECURSIVE unit AS (
      SELECT ${first(at(range.from))} AS first
      UNION ALL SELECT ${first(next)} FROM unit WHERE unit.first IS NOT NULL)
    SELECT CAST(${local} AS date) AS ${quoteIdentifier(range.column)} FROM unit WHERE unit.first IS NOT NULL)`;
}
