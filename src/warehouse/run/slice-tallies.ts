/** Rows of a fact by slice, with the rows of the source that are in them. */
import type pg from 'pg';
import { quoteColumns, quoteIdentifier } from '../../model/ddl.js';
import { printExpr, printSelect } from '../../relational/postgres-sql.js';
import { type Blueprint, dataColumns, NULL_KEY, READ } from '../compile/blueprint.js';
import { unknownId } from '../compile/fact-rows.js';
import { quoteRelation } from '../compile/relation-shape.js';
import { sliceText } from '../compile/slice-conditions.js';

export interface Tally {
  readonly slice: string;
  readonly read: number;
  readonly nullKey: number;
  readonly rows: number;
  readonly unknown: number;
}

/** @param from rows with the hidden columns, as in SQL */
export async function readTallies(
  client: pg.Client,
  blueprint: Blueprint,
  from: string,
): Promise<Tally[]> {
  return (await client.query<Tally>(tallySql(blueprint, from, `sum(${READ})`, `sum(${NULL_KEY})`)))
    .rows;
}

/**
 * Inserts all rows. Where the table tells how many rows were read, they are inserted as they are grouped;
 * else they have to be kept in between.
 */
export async function insertCounted(client: pg.Client, blueprint: Blueprint): Promise<Tally[]> {
  const { relation, reads, rows } = blueprint;
  const table = quoteRelation(relation);
  const columns = quoteColumns(dataColumns(blueprint));
  const query = printSelect(rows('all'));
  const insert = `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM`;
  if (reads === undefined) {
    const made = await client.query<Tally>(
      `WITH made AS MATERIALIZED (\n${query}\n),
       inserted AS (${insert} made)
       ${tallySql(blueprint, 'made', `sum(${READ})`, `sum(${NULL_KEY})`)}`,
    );
    return made.rows;
  }
  await client.query(`${insert} (\n${query}\n) AS made`);
  const tallies = await client.query<Tally>(tallySql(blueprint, table, printExpr(reads), '0'));
  return withNullKeys(client, blueprint, tallies.rows);
}

/** A row with NULL in a key holds an unknown member. */
async function withNullKeys(
  client: pg.Client,
  { nullKeys, slice }: Blueprint,
  tallies: readonly Tally[],
): Promise<Tally[]> {
  if (nullKeys === undefined || tallies.every(({ unknown }) => unknown === 0)) return [...tallies];
  const { rows } = await client.query<{ slice: string; nullKey: number }>(
    `SELECT ${sliceText(quoteIdentifier(slice!.column))} AS slice, ${NULL_KEY} AS "nullKey"
     FROM (\n${printSelect(nullKeys())}\n) AS counted`,
  );
  const counts = new Map(rows.map((row) => [row.slice, row.nullKey]));
  return tallies.map((tally) => ({ ...tally, nullKey: counts.get(tally.slice) ?? 0 }));
}

/** @param read aggregates of the rows that were read, and of those with a NULL in a key */
function tallySql(blueprint: Blueprint, from: string, read: string, nullKey: string): string {
  const { slice, lookUps } = blueprint;
  const isUnknown = lookUps.map(
    ({ column: name, idType }) => `${quoteIdentifier(name)} = ${printExpr(unknownId(idType))}`,
  );
  const of = slice === undefined ? "''" : sliceText(quoteIdentifier(slice.column));
  const grouped = slice === undefined ? '' : 'GROUP BY 1 ORDER BY 1';
  const total = (sum: string) => `coalesce(${sum}, 0)::bigint`;
  const unknown =
    isUnknown.length === 0 ? '0' : `count(*) FILTER (WHERE ${isUnknown.join(' OR ')})`;
  return `SELECT ${of} AS slice, ${total(read)} AS read, ${total(nullKey)} AS "nullKey",
    count(*) AS rows, (${unknown})::bigint AS unknown FROM ${from} ${grouped}`;
}
