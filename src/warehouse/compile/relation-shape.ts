/** The columns of a relation of the database, by which a task is compiled. */
import type pg from 'pg';
import { EdpError } from '../../base/errors.js';
import { suggest } from '../../base/nearest.js';
import { quoteIdentifier } from '../../model/ddl.js';
import type { Relation, Source } from '../../model/warehouse/task.js';
import { cast, type Expr } from '../../relational/tree.js';

/** Prefix of the type of text whose collation calls different texts equal, as where case does not count. */
const BY_COLLATION = 'pg_catalog.';

/** Name → type, as `format_type` prints it, of a domain the one below it, in the order of the table. */
export type Shape = ReadonlyMap<string, string>;

export function quoteRelation({ schema, name }: Relation): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** @returns undefined for a relation that is not there */
export async function findShape(client: pg.Client, relation: Relation): Promise<Shape | undefined> {
  const { rows } = await client.query<{ name: string | null; type: string }>(
    `SELECT a.attname::text AS name, (
         WITH RECURSIVE based AS (
           SELECT a.atttypid AS type, a.atttypmod AS modifier
           UNION ALL SELECT t.typbasetype, t.typtypmod FROM based JOIN pg_type t ON t.oid = based.type
           WHERE t.typtype = 'd')
         SELECT CASE WHEN o.collisdeterministic IS NOT false OR t.typnamespace <> 'pg_catalog'::regnamespace
             THEN format_type(based.type, based.modifier)
             ELSE '${BY_COLLATION}' || t.typname || substring(format_type(based.type, based.modifier) FROM '\\(.*|$') END
         FROM based JOIN pg_type t ON t.oid = based.type LEFT JOIN pg_collation o ON o.oid = a.attcollation
         WHERE t.typtype <> 'd') AS type
     FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.oid = to_regclass($1) ORDER BY a.attnum`,
    [quoteRelation(relation)],
  );
  if (rows.length === 0) return undefined;
  return new Map(rows.flatMap(({ name, type }) => (name === null ? [] : [[name, type]])));
}

/** @throws EdpError `missing_source` */
export async function readShape(client: pg.Client, relation: Relation): Promise<Shape> {
  const shape = await findShape(client, relation);
  if (shape !== undefined) return shape;
  throw await lacking(client, relation);
}

/** Of what a task reads. @throws EdpError `missing_source` */
export async function readSource(
  client: pg.Client,
  { relation, isRealized }: Source,
): Promise<Shape> {
  if (isRealized !== true) return readShape(client, relation);
  const shape = await findShape(client, relation);
  if (shape !== undefined) return shape;
  throw new EdpError('missing_source', `there is no table ${relation.schema}.${relation.name}`, {
    hint: 'it is realized from change events: edp realize makes it, also before the first of them',
  });
}

async function lacking(client: pg.Client, relation: Relation): Promise<EdpError> {
  const name = `${relation.schema}.${relation.name}`;
  return new EdpError('missing_source', `there is no table or view ${name}`, {
    hint: suggest(
      name,
      await listRelations(client),
      'load it first, or correct the name in edp.yaml',
    ),
  });
}

/** Tables and views of people. */
async function listRelations(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^(pg_|information_schema$|edp$)'`,
  );
  return rows.map(({ name }) => name);
}

/** The columns that a statement gives. */
export async function describeStatement(client: pg.Client, sql: string): Promise<Shape> {
  const { fields } = await client.query(`SELECT * FROM (\n${sql}\n) AS described LIMIT 0`);
  const { rows } = await client.query<{ type: string }>(
    `SELECT format_type(t.type, t.modifier) AS type
     FROM unnest($1::oid[], $2::int[]) WITH ORDINALITY AS t (type, modifier, place) ORDER BY place`,
    [fields.map(({ dataTypeID }) => dataTypeID), fields.map((each) => each.dataTypeModifier)],
  );
  return new Map(fields.map(({ name }, i) => [name, rows[i]!.type]));
}

/** Whether values of the type have an order and an equality. */
export function isComparable(type: string): boolean {
  return !/^(json|xml|point|line|lseg|box|path|polygon|circle|txid_snapshot|pg_snapshot)\b(?!b)/.test(
    type,
  );
}

/** Whether equal values are written alike: 1.0 equals 1.00, as an hour equals 60 minutes. */
export function isSameWhereEqual(type: string): boolean {
  return (
    /^(smallint|integer|bigint|oid|boolean|date|uuid|text|bytea|character varying|timestamp|time)\b/.test(
      type,
    ) && !type.endsWith('[]')
  );
}

/** What values are ordered by so that only those are equal that are written alike. */
export function wholeOrder(of: Expr, type: string): Expr[] {
  return [
    ...(isComparable(type) ? [of] : []),
    ...(isSameWhereEqual(type) ? [] : [written(of, type)]),
  ];
}

/** The text of a value, in an order in which no two texts are equal. */
export function written(of: Expr, type: string): Expr {
  const value = cast(of, 'text');
  return type.startsWith(BY_COLLATION) ? { kind: 'by-bytes', of: value } : value;
}

export function isFloat(type: string): boolean {
  return type === 'real' || type === 'double precision';
}

/** SQL: a value as text, so that equal values are written alike. */
export function writtenAlike(value: string, type: string): string {
  if (type.startsWith('numeric')) return `trim_scale(${value})::text`;
  return type === 'json' ? `${value}::jsonb::text` : `${value}::text`;
}
