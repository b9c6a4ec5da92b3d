/**
 * What the catalog says about the rows of a load: where they can be, and what may refer to them.
 */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { quoteIdentifier } from '../../model/ddl.js';
import type { Table } from '../../model/model.js';
import { FAMILY } from '../../postgres/family.js';
import { listReferrers, mayCheckReferrers, type Referrer } from '../../postgres/referring-keys.js';

/** A relation that holds rows itself: the table, or one of its partitions or children. */
export interface Relation {
  /** Schema-qualified and quoted. */
  readonly name: string;
  /** Whether its rows have block numbers to walk by; those of a foreign table have none. */
  readonly hasBlocks: boolean;
  /** Whether an index leads to the rows of one load. */
  readonly hasIndex: boolean;
}

export interface LineageTable {
  readonly oid: number;
  /** Schema-qualified and quoted. */
  readonly name: string;
  /** Quoted. */
  readonly lineage: string;
  readonly relations: readonly Relation[];
  readonly referrers: readonly Referrer[];
  /**
   * Whether references are checked once per transaction instead of by the server's triggers, which
   * read the referring table once per row where it has no index. Each transaction decides again.
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
  const { rows } = await client.query<{ oid: number; name: string; hidden: string | null }>(
    `SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name,
            CASE WHEN row_security_active(c.oid) THEN current_user::text END AS hidden
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`,
    [quoteIdentifier(table.name)],
  );
  const found = rows[0];
  if (found === undefined) return undefined;
  if (found.hidden !== null) {
    throw new EdpError(
      'database_refused',
      `table "${table.name}" has row-level security, which applies to role ${quoteIdentifier(found.hidden)}: rows that a policy hides would stay`,
      {
        hint: `undo the load as the owner of the table, or ALTER ROLE ${quoteIdentifier(found.hidden)} BYPASSRLS;`,
      },
    );
  }
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
    oid: found.oid,
    name: found.name,
    lineage: quoteIdentifier(table.lineageColumn),
    relations: await listRelations(client, found.oid, table.lineageColumn),
    referrers,
    checksReferrers: await mayCheckReferrers(client, found.oid, referrers),
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
