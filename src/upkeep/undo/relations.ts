/**
 * What the catalog says about the rows of a load: where they can be, and what may refer to them.
 */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { quoteIdentifier } from '../../model/ddl.js';
import type { Table } from '../../model/model.js';
import { FAMILY, maySkipTriggers } from '../../postgres/table-in-catalog.js';

/** A relation that holds rows itself: the table, or one of its partitions or children. */
export interface Relation {
  /** Schema-qualified and quoted. */
  readonly name: string;
  /** Whether its rows have block numbers to walk by; those of a foreign table have none. */
  readonly hasBlocks: boolean;
  /** Whether an index leads to the rows of one load. */
  readonly hasIndex: boolean;
}

/** A foreign key that refers to the rows of the table. */
export interface Referrer {
  readonly constraint: string;
  /** The table with the referring rows; schema-qualified and quoted. */
  readonly table: string;
  readonly columns: readonly string[];
  readonly referredColumns: readonly string[];
  /** Whether rows of a table refer to rows of the same table. */
  readonly isOwn: boolean;
  /** Whether the server would change or delete the referring rows, instead of refusing. */
  readonly spreads: boolean;
}

export interface LineageTable {
  /** Schema-qualified and quoted. */
  readonly name: string;
  /** Quoted. */
  readonly lineage: string;
  readonly relations: readonly Relation[];
  readonly referrers: readonly Referrer[];
  /**
   * Whether references are checked once per transaction instead of by the server's triggers, which
   * read the referring table once per row where it has no index.
   */
  readonly checksReferrers: boolean;
}

/**
 * @returns undefined where the database has no such table (any more)
 * @throws EdpError `table_mismatch` where the table has no such column
 */
export async function inspectLineage(
  client: pg.Client,
  table: Table & { readonly lineageColumn: string },
): Promise<LineageTable | undefined> {
  const { rows } = await client.query<{ oid: number; name: string }>(
    `SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`,
    [quoteIdentifier(table.name)],
  );
  const found = rows[0];
  if (found === undefined) return undefined;
  const { rowCount: columnCount } = await client.query(
    'SELECT FROM pg_attribute WHERE attrelid = $1 AND attname = $2 AND NOT attisdropped',
    [found.oid, table.lineageColumn],
  );
  if (columnCount === 0) {
    throw new EdpError(
      'table_mismatch',
      `table "${table.name}" has no column "${table.lineageColumn}", which the model names as its lineage`,
      { hint: 'name the column that holds the numbers of loads as `lineage` in edp.yaml' },
    );
  }
  const referrers = await listReferrers(client, found.oid);
  return {
    name: found.name,
    lineage: quoteIdentifier(table.lineageColumn),
    relations: await listRelations(client, found.oid, table.lineageColumn),
    referrers,
    checksReferrers: referrers.length > 0 && (await maySkipTriggers(client, found.oid, [])),
  };
}

async function listRelations(client: pg.Client, oid: number, lineage: string): Promise<Relation[]> {
  const { rows } = await client.query<Relation>(
    `${FAMILY}
     SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relkind = 'r' AS "hasBlocks",
            EXISTS (SELECT FROM pg_index i
                    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                    JOIN pg_class index ON index.oid = i.indexrelid
                    JOIN pg_am am ON am.oid = index.relam
                    WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL
                      AND a.attname = $2 AND am.amname IN ('btree', 'hash', 'brin')) AS "hasIndex"
     FROM family JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'f') ORDER BY name`,
    [oid, lineage],
  );
  return rows;
}

export async function listReferrers(client: pg.Client, oid: number): Promise<Referrer[]> {
  const names = (relation: string, numbers: string) =>
    `(SELECT array_agg(a.attname::text ORDER BY k.position)
      FROM unnest(${numbers}) WITH ORDINALITY AS k (number, position)
      JOIN pg_attribute a ON a.attrelid = ${relation} AND a.attnum = k.number)`;
  const { rows } = await client.query<Referrer>(
    `${FAMILY}
     SELECT f.conname::text AS constraint, format('%I.%I', n.nspname, r.relname) AS table,
            ${names('f.conrelid', 'f.conkey')} AS columns,
            ${names('f.confrelid', 'f.confkey')} AS "referredColumns",
            f.conrelid IN (TABLE family) AS "isOwn", f.confdeltype NOT IN ('a', 'r') AS spreads
     FROM pg_constraint f
     JOIN pg_class r ON r.oid = f.conrelid
     JOIN pg_namespace n ON n.oid = r.relnamespace
     WHERE f.contype = 'f' AND f.confrelid IN (TABLE family)
       -- Most of those of partitions are copies of their parent's.
       AND NOT EXISTS (SELECT FROM pg_constraint parent
                       WHERE parent.oid = f.conparentid AND parent.confrelid IN (TABLE family))
     ORDER BY 1`,
    [oid],
  );
  return rows;
}
