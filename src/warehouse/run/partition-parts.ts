/** Partitions of a table: statements on the table do not reach their names, schemas, owners and rights. */
import type pg from 'pg';
import { GRANTEE, NAME } from './belongings.js';

/** SQL of a partition `c` of the table `$1`, in the schema `n`. */
const PARTITIONS = `pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE i.inhparent = $1::regclass`;
/** What edp puts behind the name of the table. */
const ENDING = `substring(c.relname FROM '((?:_rest|_\\d{4,}(?:_\\d\\d){0,2})(?:_\\d+)?)$')`;

async function runAll(client: pg.Client, select: string, values: unknown[]): Promise<void> {
  const { rows } = await client.query<{ statement: string }>(select, values);
  if (rows.length > 0) await client.query(rows.map(({ statement }) => statement).join(';\n'));
}

/**
 * Partitions, and their indexes, get the name of their table into theirs, unless it is cut so that it is there.
 *
 * @param table as in SQL, renamed already
 */
export async function renamePartitions(client: pg.Client, table: string): Promise<void> {
  await runAll(
    client,
    `WITH part AS (
       SELECT c.oid, n.nspname, c.relname AS old, edp.partition_name($1::regclass, ${ENDING}) AS new
       FROM pg_class parent, ${PARTITIONS} AND parent.oid = i.inhparent AND ${ENDING} IS NOT NULL
         AND NOT starts_with(parent.relname, left(c.relname, -length(${ENDING})))),
     renamed AS (
       SELECT part.nspname, x.relname AS old, part.new || substr(x.relname, length(part.old) + 1) AS new
       FROM part JOIN pg_index x1 ON x1.indrelid = part.oid JOIN pg_class x ON x.oid = x1.indexrelid
       WHERE starts_with(x.relname, part.old))
     SELECT format('ALTER TABLE %I.%I RENAME TO %I', nspname, old, new) AS statement FROM part
     UNION ALL SELECT format('ALTER INDEX %I.%I RENAME TO %I', nspname, old, new) FROM renamed
       WHERE octet_length(new) <= 63 AND to_regclass(format('%I.%I', nspname, new)) IS NULL`,
    [table],
  );
}

/**
 * Partitions move to the schema of their table; one that is called like something there gets another name.
 *
 * @param table as in SQL, moved already
 */
export async function movePartitions(client: pg.Client, table: string): Promise<void> {
  await runAll(
    client,
    `WITH part AS (
       SELECT n.nspname, c.relname AS old, t.nspname AS target,
         CASE WHEN to_regclass(format('%I.%I', t.nspname, c.relname)) IS NULL THEN c.relname
              ELSE edp.partition_name($1::regclass, coalesce(${ENDING}, '_part')) END AS new
       FROM (SELECT p.nspname FROM pg_class r JOIN pg_namespace p ON p.oid = r.relnamespace WHERE r.oid = $1::regclass) t,
         ${PARTITIONS} AND n.nspname <> t.nspname)
     SELECT format('ALTER TABLE %I.%I RENAME TO %I', nspname, old, new) AS statement FROM part WHERE new <> old
     UNION ALL SELECT format('ALTER TABLE %I.%I SET SCHEMA %I', nspname, new, target) FROM part`,
    [table],
  );
}

/**
 * Partitions get, from a role that may give them, owner, rights and replica identity of their table. Where the table shows some rows only to some
 * (row security), nobody else has a right on a partition, which would show all.
 *
 * @param table as in SQL
 * @param only these partitions, as in SQL
 */
export async function sharePartitions(
  client: pg.Client,
  table: string,
  only?: readonly string[],
): Promise<void> {
  const parts = `(SELECT c.*, ${NAME} AS name FROM ${PARTITIONS}
    AND ($2::text[] IS NULL OR ${NAME} = ANY ($2))) AS part`;
  const parent =
    "(SELECT * FROM pg_class WHERE oid = $1::regclass AND pg_has_role(relowner, 'USAGE')) AS parent";
  await runAll(
    client,
    `SELECT statement FROM (
       SELECT 1 AS step, format('ALTER TABLE %s OWNER TO %s', part.name, parent.relowner::regrole) AS statement
       FROM ${parent}, ${parts} WHERE part.relowner <> parent.relowner
       UNION ALL
       SELECT 2, format('REVOKE ALL ON %s FROM %s', part.name, string_agg(DISTINCT ${GRANTEE}, ', '))
       FROM ${parent}, ${parts}, aclexplode(part.relacl) a
       WHERE a.grantee NOT IN (part.relowner, parent.relowner) GROUP BY part.name
       UNION ALL
       SELECT 3, format('GRANT %s ON %s TO %s%s', string_agg(a.privilege_type, ', '), part.name, ${GRANTEE},
         CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
       FROM ${parent}, ${parts}, aclexplode(parent.relacl) a
       WHERE a.grantee <> parent.relowner AND NOT parent.relrowsecurity GROUP BY part.name, a.grantee, a.is_grantable
       UNION ALL
       SELECT 3, format('GRANT %s (%I) ON %s TO %s', a.privilege_type, t.attname, part.name, ${GRANTEE})
       FROM ${parent} JOIN pg_attribute t ON t.attrelid = parent.oid AND NOT t.attisdropped, ${parts}, aclexplode(t.attacl) a
       WHERE NOT parent.relrowsecurity
       UNION ALL
       SELECT 4, format('ALTER TABLE %s REPLICA IDENTITY %s', part.name, CASE parent.relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END)
       FROM ${parent}, ${parts} WHERE parent.relreplident IN ('f', 'n') AND part.relreplident <> parent.relreplident
     ) AS shared ORDER BY step, statement`,
    [table, only ?? null],
  );
}
