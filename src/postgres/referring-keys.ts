/** The foreign keys that refer to the rows of a table. */
import type pg from 'pg';
import { FAMILY } from './table-in-catalog.js';

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
  /** Whether the server can check it at the end of a transaction. */
  readonly isDeferrable: boolean;
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
            f.conrelid IN (TABLE family) AS "isOwn", f.confdeltype NOT IN ('a', 'r') AS spreads,
            f.condeferrable AND f.confdeltype <> 'r' AS "isDeferrable"
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
