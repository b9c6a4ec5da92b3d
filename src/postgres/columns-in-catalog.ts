/** What the catalog says about the columns of a table. */
import type pg from 'pg';
import type { OtherType } from '../model/other-type.js';

export type Privilege = 'SELECT' | 'INSERT' | 'UPDATE';

export interface CatalogColumn {
  readonly name: string;
  /** As `format_type()` prints it. */
  readonly type: string;
  /** The same; for a domain, the type that it is made of. */
  readonly baseType: string;
  /** Whether a row needs a value that the server does not supply. */
  readonly isRequired: boolean;
  /** `a` for GENERATED ALWAYS AS IDENTITY, `d` for BY DEFAULT, else empty. */
  readonly identity: '' | 'a' | 'd';
  /** Whether the server computes it from others of its row. */
  readonly isGenerated: boolean;
  /** What the role may do with it. */
  readonly privileges: Readonly<Record<Privilege, boolean>>;
  /** What must be known of the type where edp does not know it. */
  readonly properties: OtherType;
}

/**
 * Each step leads from a domain to what it is made of, and from an array to its elements. The first
 * step that is no domain is the base type; the last one decides what is comparable.
 *
 * The empty text is a value of types of extensions, as far as anybody knows, and of some of the
 * server's own; of money it is 0 there, which edp does not take nothing for.
 */
const COLUMNS = `WITH RECURSIVE own AS (
    SELECT * FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped),
  steps AS (
    SELECT attnum, 0 AS depth, atttypid AS type, atttypmod AS modifier, false AS in_array FROM own
    UNION ALL
    SELECT s.attnum, s.depth + 1, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END,
           CASE WHEN t.typtype = 'd' AND s.modifier < 0 THEN t.typtypmod ELSE s.modifier END,
           s.in_array OR t.typtype <> 'd'
    FROM steps s JOIN pg_type t ON t.oid = s.type
    WHERE t.typtype = 'd' OR EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)),
  typed AS (
    SELECT s.*, t.typtype, t.typname, t.typcategory, t.typdelim, t.typnotnull, t.typdefault,
           t.typnamespace = 'pg_catalog'::regnamespace AS is_own,
           max(s.depth) OVER (PARTITION BY s.attnum) = s.depth AS is_last
    FROM steps s JOIN pg_type t ON t.oid = s.type),
  domains AS (
    SELECT attnum, bool_or(typnotnull) AS is_required, bool_or(typdefault IS NOT NULL) AS has_default
    FROM typed WHERE NOT in_array AND typtype = 'd' GROUP BY attnum)
  SELECT o.attname::text AS name, format_type(o.atttypid, o.atttypmod) AS type,
         format_type(b.type, b.modifier) AS "baseType",
         (o.attnotnull OR coalesce(d.is_required, false)) AND NOT o.atthasdef AND o.attidentity = ''
           AND NOT coalesce(d.has_default, false) AS "isRequired",
         o.attidentity AS identity, o.attgenerated <> '' AS "isGenerated",
         json_build_object(
           'SELECT', has_column_privilege($1, o.attnum, 'SELECT'),
           'INSERT', has_column_privilege($1, o.attnum, 'INSERT'),
           'UPDATE', has_column_privilege($1, o.attnum, 'UPDATE')) AS privileges,
         CASE b.typtype
           WHEN 'e' THEN EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = b.type AND e.enumlabel = '')
           WHEN 'b' THEN b.type = l.type AND (NOT b.is_own OR b.typcategory = 'S' OR b.typname IN
             ('xml', 'tsvector', 'tsquery', 'bytea', 'varbit', 'char', 'refcursor', 'oidvector', 'int2vector'))
           ELSE false END AS "hasEmpty",
         l.typtype IN ('e', 'r', 'm') OR l.typtype = 'b' AND EXISTS (
           SELECT FROM pg_opclass c JOIN pg_am m ON m.oid = c.opcmethod
           WHERE c.opcdefault AND m.amname IN ('btree', 'hash')
             AND (c.opcintype = l.type OR EXISTS (
               SELECT FROM pg_cast k WHERE k.castsource = l.type AND k.casttarget = c.opcintype
                 AND k.castmethod = 'b' AND k.castcontext = 'i'))) AS "isComparable",
         b.type <> l.type AS "isArray", l.typdelim AS delimiter,
         l.is_own AND l.typname IN ('json', 'jsonb') AS "hasJson"
  FROM own o
  JOIN LATERAL (SELECT * FROM typed t WHERE t.attnum = o.attnum AND NOT t.in_array AND t.typtype <> 'd') b ON true
  JOIN typed l ON l.attnum = o.attnum AND l.is_last
  LEFT JOIN domains d ON d.attnum = o.attnum
  ORDER BY o.attnum`;

type Row = Omit<CatalogColumn, 'properties'> &
  Omit<OtherType, 'array'> & {
    readonly isArray: boolean;
    readonly delimiter: string;
    readonly hasJson: boolean;
  };

export async function listColumns(client: pg.Client, oid: number): Promise<CatalogColumn[]> {
  const { rows } = await client.query<Row>(COLUMNS, [oid]);
  return rows.map(({ hasEmpty, isComparable, isArray, delimiter, hasJson, ...column }) => ({
    ...column,
    properties: {
      hasEmpty,
      isComparable,
      ...(isArray ? { array: { delimiter, hasJson } } : {}),
    },
  }));
}
