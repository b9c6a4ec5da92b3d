/** The tables of a source database, as its catalog has them, in a handful of queries whatever their number. */
import type pg from 'pg';

/** What a type is made of: that of a domain is the type below it. */
export interface SourceType {
  /** As `format_type()` prints it, without a modifier. */
  readonly name: string;
  readonly isDomain: boolean;
  /** Below all domains. */
  readonly base: string;
  readonly kind: 'array' | 'composite' | 'enum' | 'plain';
  /** Of an enum, in its order. */
  readonly labels: readonly string[];
}

export interface SourceColumn {
  readonly name: string;
  readonly type: SourceType;
  readonly isNullable: boolean;
  readonly isIdentity: boolean;
  /** The expression of a column that the server computes. */
  readonly generated: { readonly sql: string; readonly isStored: boolean } | undefined;
  readonly comment: string | undefined;
}

export interface SourceReference {
  /** Columns, and those that they refer to, in the same order. */
  readonly columns: readonly string[];
  readonly target: number;
  readonly targetColumns: readonly string[];
}

/** Columns that tell rows apart, none of them NULL. */
export interface SourceKey {
  readonly columns: readonly string[];
  readonly isPrimary: boolean;
  /** Whether logical replication tells rows apart by it. */
  readonly isIdentity: boolean;
}

export interface SourceTable {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** Whether its name needs no schema. */
  readonly isInPath: boolean;
  readonly isPartitioned: boolean;
  /** Whether it inherits from another table or others from it, as no partition. */
  readonly isInherited: boolean;
  readonly comment: string | undefined;
  readonly columns: readonly SourceColumn[];
  /** The best one first. */
  readonly keys: readonly SourceKey[];
  readonly references: readonly SourceReference[];
  /** Of a table that edp has folded from change events, whose own columns are left out (find-realized.ts). */
  readonly realized?: { readonly hasSoftDelete: boolean; readonly hasHistory: boolean };
}

/** Partitions belong to their table, and what an extension has made belongs to the extension. */
const TABLES = `SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name,
       n.nspname = ANY (current_schemas(false)) AS "isInPath", c.relkind = 'p' AS "isPartitioned",
       obj_description(c.oid, 'pg_class') AS comment,
       c.relkind <> 'p' AND EXISTS (SELECT FROM pg_inherits WHERE c.oid IN (inhparent, inhrelid)) AS "isInherited"
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('information_schema', 'edp', 'edp_capture') AND n.nspname !~ '^pg_'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                    AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e')
  ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

const COLUMNS = `SELECT a.attrelid AS table, a.attname::text AS name, a.atttypid AS type,
       NOT a.attnotnull AS "isNullable", a.attidentity <> '' AS "isIdentity",
       CASE WHEN a.attgenerated <> '' THEN
         json_build_object('sql', pg_get_expr(d.adbin, d.adrelid), 'isStored', a.attgenerated = 's')
       END AS generated,
       col_description(a.attrelid, a.attnum) AS comment
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY a.attrelid, a.attnum`;

const TYPES = `WITH RECURSIVE used AS (
    SELECT DISTINCT atttypid AS oid FROM pg_attribute
    WHERE attrelid = ANY ($1::oid[]) AND attnum > 0 AND NOT attisdropped
    UNION
    SELECT t.typbasetype FROM used JOIN pg_type t USING (oid) WHERE t.typtype = 'd')
  SELECT t.oid, format_type(t.oid, NULL) AS name, t.typtype AS form,
         t.typbasetype AS "baseOid", t.typnotnull AS "isRequired",
         -- Vectors of the server are subscripted, too, and no arrays.
         EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid) AS "isArray",
         array(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder) AS labels
  FROM used JOIN pg_type t USING (oid)`;

/** Unique over all rows and at any moment, of columns that are never NULL. */
const KEYS = `SELECT i.indrelid AS table, i.indisprimary AS "isPrimary", i.indisreplident AS "isIdentity",
       array_agg(a.attname::text ORDER BY n.place) AS columns
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
  -- The columns behind the first indnkeyatts are only included.
  CROSS JOIN unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) WITH ORDINALITY AS n (number, place)
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = n.number
  WHERE i.indrelid = ANY ($1::oid[]) AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
    AND i.indimmediate AND (i.indisvalid OR x.relkind = 'I')
  GROUP BY i.indexrelid, i.indrelid, i.indisprimary, i.indisreplident, x.relname
  HAVING bool_and(a.attnotnull)
  ORDER BY i.indrelid, i.indisprimary DESC, i.indisreplident DESC, count(*), x.relname COLLATE "C"`;

const REFERENCES = `SELECT c.conrelid AS table, c.confrelid AS target,
       array(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS n (number, place)
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = n.number ORDER BY n.place) AS columns,
       array(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY AS n (number, place)
             JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = n.number ORDER BY n.place) AS "targetColumns"
  FROM pg_constraint c
  WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid = ANY ($1::oid[])
  ORDER BY c.conrelid, c.conname COLLATE "C"`;

interface TypeRow extends Pick<SourceType, 'name' | 'labels'> {
  readonly oid: number;
  readonly form: string;
  readonly baseOid: number;
  readonly isRequired: boolean;
  readonly isArray: boolean;
}

type OfTable<T> = T & { readonly table: number };
type ColumnRow = OfTable<Omit<SourceColumn, 'type'>> & { readonly type: number };

/** All of them, by schema and name. */
export async function readSourceTables(client: pg.Client): Promise<SourceTable[]> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    return await readTables(client);
  } finally {
    await client.query('ROLLBACK');
  }
}

async function readTables(client: pg.Client): Promise<SourceTable[]> {
  const { rows: tables } =
    await client.query<Omit<SourceTable, 'columns' | 'keys' | 'references' | 'realized'>>(TABLES);
  const list = async <T extends object>(sql: string): Promise<T[]> =>
    (await client.query<T>(sql, [tables.map(({ oid }) => oid)])).rows;
  const types = new Map((await list<TypeRow>(TYPES)).map((type) => [type.oid, type]));
  const columns = byTable(await list<ColumnRow>(COLUMNS));
  const keys = byTable(await list<OfTable<SourceKey>>(KEYS));
  const references = byTable(await list<OfTable<SourceReference>>(REFERENCES));
  return tables.map((table) => ({
    ...table,
    comment: table.comment ?? undefined,
    columns: (columns.get(table.oid) ?? []).map((column) => toColumn(column, types)),
    keys: keys.get(table.oid) ?? [],
    references: references.get(table.oid) ?? [],
  }));
}

function byTable<T extends { readonly table: number }>(rows: readonly T[]): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const row of rows) {
    const group = groups.get(row.table);
    if (group === undefined) groups.set(row.table, [row]);
    else group.push(row);
  }
  return groups;
}

function toColumn({ type, ...row }: ColumnRow, types: ReadonlyMap<number, TypeRow>): SourceColumn {
  const own = types.get(type)!;
  let base = own;
  let isRequired = own.isRequired;
  while (base.form === 'd') {
    base = types.get(base.baseOid)!;
    isRequired ||= base.isRequired;
  }
  return {
    name: row.name,
    type: {
      name: own.name,
      isDomain: own.form === 'd',
      base: base.name,
      kind: kindOf(base),
      labels: base.labels,
    },
    isNullable: row.isNullable && !isRequired,
    isIdentity: row.isIdentity,
    generated: row.generated ?? undefined,
    comment: row.comment ?? undefined,
  };
}

function kindOf({ form, isArray }: TypeRow): SourceType['kind'] {
  if (isArray) return 'array';
  return form === 'e' ? 'enum' : form === 'c' ? 'composite' : 'plain';
}
