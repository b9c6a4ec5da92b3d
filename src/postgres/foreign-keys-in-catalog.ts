/** The foreign keys of a table that edp can check itself: of one column each. */
import type pg from 'pg';
import { type ColumnPair, pairsOf, rowsOf } from './column-pair.js';

/** Plain data. */
export interface ForeignKey {
  /** Oid of the constraint. */
  readonly constraint: number;
  readonly column: string;
  /** SQL type of the column, without a length: `bpchar` takes any. */
  readonly type: string;
  /** Schema-qualified and quoted. */
  readonly referredTable: string;
  /** The rows that it may refer to, as an item of FROM. */
  readonly referredRows: string;
  readonly referredColumn: string;
  readonly pair: ColumnPair;
  /** Whether it refers to rows of the same table. */
  readonly isOwn: boolean;
  /** Whether the role may lock the referred rows, as the server's triggers do. */
  readonly mayLock: boolean;
}

/**
 * Lists those that the server checks for the rows of the table, and whose referred rows the role can
 * see. All others are left to the server: it alone knows whether they hold.
 */
export async function listForeignKeys(client: pg.Client, oid: number): Promise<ForeignKey[]> {
  const { rows } = await client.query<Omit<ForeignKey, 'pair'> & { pairs: [ColumnPair] }>({
    name: 'edp_foreign_keys',
    text: `SELECT f.oid AS constraint, a.attname::text AS column,
            format_type(a.atttypid, -1) AS type,
            format('%I.%I', n.nspname, r.relname) AS "referredTable",
            ${rowsOf('r', 'n')} AS "referredRows",
            ra.attname::text AS "referredColumn", ${pairsOf('f')} AS pairs,
            r.oid = f.conrelid
              OR coalesce(pg_partition_root(r.oid) = pg_partition_root(f.conrelid), false) AS "isOwn",
            has_any_column_privilege(r.oid, 'UPDATE') AS "mayLock"
     FROM pg_constraint f
     JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
     JOIN pg_class r ON r.oid = f.confrelid
     JOIN pg_namespace n ON n.oid = r.relnamespace
     JOIN pg_attribute ra ON ra.attrelid = f.confrelid AND ra.attnum = f.confkey[1]
     WHERE f.conrelid = $1 AND f.contype = 'f' AND array_length(f.conkey, 1) = 1
       AND has_column_privilege(r.oid, ra.attnum, 'SELECT') AND NOT row_security_active(r.oid)
       -- A reference to a partitioned table has an entry for each partition, too.
       AND NOT EXISTS (SELECT FROM pg_constraint parent
                       WHERE parent.oid = f.conparentid AND parent.conrelid = f.conrelid)
       -- The triggers that check it are there, in every partition, and enabled.
       AND (WITH RECURSIVE derived AS (
              SELECT f.oid, f.conrelid
              UNION ALL SELECT c.oid, c.conrelid FROM pg_constraint c
                JOIN derived ON c.conparentid = derived.oid AND c.conrelid <> derived.conrelid)
            SELECT bool_and(d.relkind = 'p' OR EXISTS (
                     SELECT FROM pg_trigger t
                     WHERE t.tgconstraint = derived.oid AND t.tgrelid = derived.conrelid
                       AND t.tgtype & 4 <> 0 AND t.tgenabled IN ('O', 'A')))
            FROM derived JOIN pg_class d ON d.oid = derived.conrelid)
     ORDER BY f.conname`,
    values: [oid],
  });
  return rows.map(({ pairs, ...key }) => ({ ...key, pair: pairs[0] }));
}
