/** The foreign keys that refer to the rows of a table, and whether edp makes their checks itself. */
import type pg from 'pg';
import { type ColumnPair, pairsOf, rowsOf } from './column-pair.js';
import { FAMILY } from './family.js';
import { DELETES, isAllowedToSkip, mayReplaceChecks } from './replaced-checks.js';

/** A foreign key that refers to the rows of the table. */
export interface Referrer {
  /** Oid of the constraint. */
  readonly constraint: number;
  /** Its name; schema-qualified and quoted. */
  readonly name: string;
  /** The table with the referring rows; schema-qualified and quoted. */
  readonly table: string;
  /** The rows that may refer, as an item of FROM. */
  readonly rows: string;
  readonly pairs: readonly ColumnPair[];
  /** Whether rows of a table refer to rows of the same table. */
  readonly isOwn: boolean;
  /** Whether the server would change or delete the referring rows, instead of refusing. */
  readonly spreads: boolean;
  /** Whether the server can check it at the end of a transaction, and would refuse only then. */
  readonly isDeferrable: boolean;
  /** Whether a policy may hide some of its rows from this role. */
  readonly mayHide: boolean;
}

/**
 * Lists the foreign keys that refer to the table, one of its partitions or children. Those over
 * periods of time, and those that nobody enforces, are left to the server.
 */
export async function listReferrers(client: pg.Client, oid: number): Promise<Referrer[]> {
  const { rows } = await client.query<Referrer>(
    `${FAMILY}
     SELECT f.oid AS constraint, format('%I.%I', n.nspname, f.conname) AS name,
            format('%I.%I', n.nspname, r.relname) AS table,
            ${rowsOf('r', 'n')} AS rows, ${pairsOf('f')} AS pairs,
            f.conrelid IN (TABLE family) AS "isOwn", f.confdeltype NOT IN ('a', 'r') AS spreads,
            f.condeferrable AND f.confdeltype = 'a' AS "isDeferrable",
            row_security_active(r.oid) AS "mayHide"
     FROM pg_constraint f
     JOIN pg_class r ON r.oid = f.conrelid
     JOIN pg_namespace n ON n.oid = r.relnamespace
     WHERE f.contype = 'f' AND f.confrelid IN (TABLE family)
       -- PostgreSQL 18 has these columns; older servers know no such constraints.
       AND to_jsonb(f)->>'conperiod' IS DISTINCT FROM 'true'
       AND to_jsonb(f)->>'conenforced' IS DISTINCT FROM 'false'
       -- Most of those of partitions are copies of their parent's.
       AND NOT EXISTS (SELECT FROM pg_constraint parent
                       WHERE parent.oid = f.conparentid AND parent.confrelid IN (TABLE family))
     ORDER BY f.conname`,
    [oid],
  );
  return rows;
}

/** Whether edp makes all checks that the server would make for rows that are deleted. */
export async function mayReplaceReferrerChecks(
  client: pg.Client,
  oid: number,
  referrers: readonly Referrer[],
): Promise<boolean> {
  if (referrers.length === 0 || referrers.some(({ mayHide }) => mayHide)) return false;
  return mayReplaceChecks(client, oid, {
    events: DELETES,
    referrers: referrers.map(({ constraint }) => constraint),
  });
}

/** The same, where the role may skip triggers at all. */
export async function mayCheckReferrers(
  client: pg.Client,
  oid: number,
  referrers: readonly Referrer[],
): Promise<boolean> {
  return (
    (await mayReplaceReferrerChecks(client, oid, referrers)) && (await isAllowedToSkip(client))
  );
}

/**
 * Lists all constraints that can be deferred, but for some, as SET CONSTRAINTS takes them.
 *
 * @param others oids of those that are left out
 */
export function listUndeferred(client: pg.Client, others: readonly number[]): Promise<string> {
  return namesOf(client, 'c.condeferrable', others);
}

/** Lists the constraints that a transaction begins with deferred. */
export function listInitiallyDeferred(client: pg.Client): Promise<string> {
  return namesOf(client, 'c.condeferred', []);
}

/** @param condition on the constraint `c` */
async function namesOf(
  client: pg.Client,
  condition: string,
  others: readonly number[],
): Promise<string> {
  const { rows } = await client.query<{ names: string }>(
    // Those of partitions follow their parent's. The statement takes all constraints of one name.
    `SELECT coalesce(string_agg(DISTINCT name, ', '), '') AS names
     FROM (SELECT c.oid, format('%I.%I', n.nspname, c.conname) AS name
           FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
           WHERE ${condition} AND c.conparentid = 0 AND NOT pg_is_other_temp_schema(n.oid)
             AND has_schema_privilege(n.oid, 'USAGE')) AS listed
     WHERE name NOT IN (SELECT format('%I.%I', n.nspname, c.conname)
                        FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
                        WHERE c.oid = ANY ($1))`,
    [others],
  );
  return rows[0]!.names;
}
