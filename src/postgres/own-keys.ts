/** Foreign keys by which rows of a table refer to rows of the same table, its partitions and children. */
import type pg from 'pg';
import { type ColumnPair, pairsOf, rowsOf } from './column-pair.js';
import { FAMILY } from './family.js';

/** Condition on the constraint `f`, behind {@link FAMILY}. A partition may refer to its whole table. */
export const IS_OWN_KEY = `f.contype = 'f' AND f.conrelid IN (TABLE family)
  AND (f.confrelid IN (TABLE family) OR pg_partition_root(f.confrelid) = pg_partition_root(f.conrelid))`;

/** Lists those that the server would check at the commit, as SET CONSTRAINTS takes them; empty for none. */
export async function listDeferredOwnKeys(client: pg.Client, oid: number): Promise<string> {
  const { rows } = await client.query<{ names: string }>(
    `${FAMILY}
     SELECT coalesce(string_agg(DISTINCT format('%I.%I', n.nspname, f.conname), ', '), '') AS names
     FROM pg_constraint f JOIN pg_namespace n ON n.oid = f.connamespace
     WHERE ${IS_OWN_KEY} AND f.condeferrable`,
    [oid],
  );
  return rows[0]!.names;
}

/** A foreign key by which a table refers to itself. */
export interface OwnReference {
  /** Oid of the constraint. */
  readonly constraint: number;
  /** Schema-qualified and quoted. */
  readonly referredTable: string;
  /** The rows that it may refer to, as an item of FROM. */
  readonly referredRows: string;
  readonly pairs: readonly ColumnPair[];
  /** Whether values that the key takes for equal have equal hashes, whatever their spelling. */
  readonly areHashed: boolean;
}

export interface OwnReferences {
  /** Those whose referred columns the role can see. */
  readonly references: readonly OwnReference[];
  /** Whether these are all, also of partitions and children. */
  readonly areAll: boolean;
}

/**
 * Condition that both sides of the operator `p` have a hash, and that it is one of their family. What arrays
 * and ranges consist of need not have one.
 */
const IS_HASHED = `EXISTS (
  SELECT FROM pg_opclass l
  JOIN pg_opclass r ON r.opcfamily = l.opcfamily
  JOIN pg_am m ON m.oid = l.opcmethod AND m.amname = 'hash'
  JOIN pg_amop o ON o.amopfamily = l.opcfamily AND o.amopopr = p.oid
  WHERE l.opcintype = p.oprleft AND l.opcdefault AND r.opcintype = p.oprright AND r.opcdefault
    AND p.oprleft NOT IN ('anyarray'::regtype, 'anyrange'::regtype, 'anymultirange'::regtype, 'record'::regtype))`;

export async function listOwnReferences(client: pg.Client, oid: number): Promise<OwnReferences> {
  const { rows } = await client.query<OwnReference & { isVisible: boolean; isOfTable: boolean }>(
    `${FAMILY}
     SELECT f.oid AS constraint, format('%I.%I', n.nspname, r.relname) AS "referredTable",
            ${rowsOf('r', 'n')} AS "referredRows", ${pairsOf('f')} AS pairs,
            f.conrelid = $1 AS "isOfTable",
            NOT row_security_active(r.oid) AND NOT EXISTS (
              SELECT FROM unnest(f.confkey) AS number
              WHERE NOT has_column_privilege(r.oid, number, 'SELECT')) AS "isVisible",
            (SELECT bool_and(${IS_HASHED}) FROM unnest(f.conpfeqop) AS k (operator)
             JOIN pg_operator p ON p.oid = k.operator) AS "areHashed"
     FROM pg_constraint f
     JOIN pg_class r ON r.oid = f.confrelid
     JOIN pg_namespace n ON n.oid = r.relnamespace
     WHERE ${IS_OWN_KEY}
       -- Most of those of partitions are copies of their parent's.
       AND NOT EXISTS (SELECT FROM pg_constraint parent
                       WHERE parent.oid = f.conparentid AND parent.conrelid IN (TABLE family))
     ORDER BY f.conname`,
    [oid],
  );
  const references = rows.filter(({ isVisible, isOfTable }) => isVisible && isOfTable);
  return { references, areAll: references.length === rows.length };
}
