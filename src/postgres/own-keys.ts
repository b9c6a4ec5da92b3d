/** Foreign keys by which rows of a table refer to rows of the same table, its partitions and children. */
import type pg from 'pg';
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
