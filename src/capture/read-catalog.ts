/** The tables of a source, as its catalog has them. */
import type pg from 'pg';
import { quoteTable } from '../model/ddl.js';
import type { TablePlace } from '../model/table-name.js';

export interface SourceColumn {
  readonly name: string;
  /** As format_type prints it. */
  readonly type: string;
  /** pg_type.typname; of a domain, that of its type. */
  readonly typeName: string;
  /** Computed when it is read, so that transition tables do not have it. */
  readonly isVirtual: boolean;
  /** Whether texts may be equal that are not the same. */
  readonly isLoose: boolean;
}

export interface ForeignKey {
  readonly columns: readonly string[];
  readonly table: TablePlace;
  readonly keys: readonly string[];
  readonly isDeferrable: boolean;
}

export interface DeferrableKey {
  readonly constraint: string;
  readonly columns: readonly string[];
}

export interface SourceTable extends TablePlace {
  readonly oid: number;
  /** pg_class.relkind */
  readonly kind: string;
  /** pg_class.relpersistence */
  readonly persistence: string;
  readonly isPartition: boolean;
  /** Whether tables inherit from it that are no partitions. */
  readonly hasChildren: boolean;
  /** Whether it inherits from another table, and is no partition. */
  readonly hasParent: boolean;
  /** Whether a subscription feeds it, or a partition of it. */
  readonly isSubscribed: boolean;
  /** Whether a statement may run another one on it before its own triggers fire: there are triggers, on whatever table. */
  readonly mayNest: boolean;
  /** Whether a statement may change a row of it twice: actions of foreign keys of its own do. */
  readonly mayRepeat: boolean;
  /** The role that has installed, or does, if row level security hides rows from it. */
  readonly hiddenFrom: string | null;
  readonly columns: readonly SourceColumn[];
  /** Of columns that are never null; the primary key first. */
  readonly uniqueKeys: readonly (readonly string[])[];
  /** Of such columns, but checked when a transaction ends. */
  readonly deferrableKeys: readonly DeferrableKey[];
  readonly foreignKeys: readonly ForeignKey[];
  /** All below it. */
  readonly partitions: readonly TablePlace[];
}

const NAMES = (attnums: string, relation: string) =>
  `(SELECT json_agg(a.attname ORDER BY k.n) FROM unnest(${attnums}::int2[]) WITH ORDINALITY AS k (attnum, n)
    JOIN pg_attribute AS a ON a.attrelid = ${relation} AND a.attnum = k.attnum)`;

const KEYS = `pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum
        WHERE k.n <= i.indnkeyatts AND NOT a.attnotnull)
      AND i.indnkeyatts = i.indnatts`;

const SQL = `
WITH wanted AS (
  SELECT name, to_regclass(name)::oid AS oid FROM unnest($1::text[]) AS name
)
SELECT wanted.name AS wanted, c.oid::int8::text AS oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind,
  c.relpersistence AS persistence, c.relispartition AS "isPartition",
  c.relkind <> 'p' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid) AS "hasChildren",
  NOT c.relispartition AND EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid) AS "hasParent",
  EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = c.oid OR srrelid IN (SELECT relid FROM pg_partition_tree(c.oid))) AS "isSubscribed",
  EXISTS (SELECT FROM pg_trigger WHERE NOT tgisinternal AND tgname NOT LIKE 'edp_capture%') AS "mayNest",
  EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND (confupdtype IN ('c', 'n', 'd') OR confdeltype IN ('n', 'd'))
    AND (conrelid = c.oid OR conrelid IN (SELECT relid FROM pg_partition_tree(c.oid)))) AS "mayRepeat",
  (SELECT rolname FROM pg_roles AS r WHERE c.relrowsecurity AND NOT r.rolsuper AND NOT r.rolbypassrls
    AND (c.relforcerowsecurity OR NOT pg_has_role(r.oid, c.relowner, 'USAGE'))
    AND r.oid = coalesce((SELECT nspowner FROM pg_namespace WHERE nspname = 'edp_capture'), current_user::regrole)) AS "hiddenFrom",
  (SELECT coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, NULL), 'typeName', coalesce(b.typname, y.typname),
      'isVirtual', a.attgenerated = 'v', 'isLoose', coalesce(NOT l.collisdeterministic, false)) ORDER BY a.attnum), '[]')
    FROM pg_attribute AS a JOIN pg_type AS y ON y.oid = a.atttypid LEFT JOIN pg_type AS b ON b.oid = y.typbasetype LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
  (SELECT coalesce(json_agg(${NAMES('i.indkey', 'c.oid')} ORDER BY i.indisprimary DESC, i.indexrelid), '[]')
    FROM ${KEYS} AND i.indimmediate) AS "uniqueKeys",
  (SELECT coalesce(json_agg(json_build_object('constraint', x.relname, 'columns', ${NAMES('i.indkey', 'c.oid')}) ORDER BY i.indisprimary DESC, i.indexrelid), '[]')
    FROM ${KEYS} AND NOT i.indimmediate) AS "deferrableKeys",
  (SELECT coalesce(json_agg(json_build_object('columns', ${NAMES('f.conkey', 'c.oid')},
      'table', json_build_object('schema', pn.nspname, 'name', p.relname),
      'keys', ${NAMES('f.confkey', 'p.oid')}, 'isDeferrable', f.condeferrable) ORDER BY f.oid), '[]')
    FROM pg_constraint AS f JOIN pg_class AS p ON p.oid = f.confrelid JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
    WHERE f.conrelid = c.oid AND f.contype = 'f') AS "foreignKeys",
  (SELECT coalesce(json_agg(json_build_object('schema', pn.nspname, 'name', p.relname) ORDER BY pn.nspname, p.relname), '[]')
    FROM pg_partition_tree(c.oid) AS t JOIN pg_class AS p ON p.oid = t.relid JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
    WHERE t.relid <> c.oid) AS partitions
FROM wanted JOIN pg_class AS c ON c.oid = wanted.oid JOIN pg_namespace AS n ON n.oid = c.relnamespace`;

/** @returns the tables that are there, by the names that were asked for */
export async function readCatalog(
  client: pg.Client,
  names: readonly string[],
): Promise<ReadonlyMap<string, SourceTable>> {
  const quoted = new Map(names.map((name) => [quoteTable(name), name]));
  const { rows } = await client.query<SourceTable & { readonly wanted: string }>(SQL, [
    [...quoted.keys()],
  ]);
  return new Map(rows.map(({ wanted, ...table }) => [quoted.get(wanted)!, table]));
}

/** Types by their oid. */
export async function readTypes(
  client: pg.Client,
  oids: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  const { rows } = await client.query<{ oid: string; typname: string }>(
    'SELECT oid::int8::text AS oid, typname FROM pg_type WHERE oid = ANY ($1::oid[])',
    [oids],
  );
  return new Map(rows.map(({ oid, typname }) => [Number(oid), typname]));
}
