/** What is kept beside the rows of a table: which metrics there are, and of what type the values of one are. */
import type pg from 'pg';
import { quoteIdentifier } from '../../model/ddl.js';
import type { TablePlace } from '../../model/table-name.js';
import type { ColumnType } from '../../model/types.js';

/** Digits that a double keeps. */
const DOUBLE_DIGITS = 15;

/** @param name of the table, schema-qualified and quoted */
export async function isKept(
  client: pg.Client,
  name: string,
  extraColumn: string,
  metric: string,
): Promise<boolean> {
  const extra = quoteIdentifier(extraColumn);
  const { rows } = await client.query<{ kept: boolean }>(
    `SELECT EXISTS (SELECT FROM ${name} WHERE jsonb_typeof(${extra}) = 'object' AND ${extra} ? $1) AS kept`,
    [metric],
  );
  return rows[0]?.kept === true;
}

/** Metrics that loads of a table have kept, the most frequent first. */
export async function listKept(client: pg.Client, { schema, name }: TablePlace): Promise<string[]> {
  const { rows } = await client.query<{ metric: string }>(
    `SELECT key AS metric FROM edp.receipts r JOIN edp.loads l USING (load_id),
       jsonb_each_text(r.unknown_metrics)
     WHERE l.schema_name = $1 AND l.table_name = $2 GROUP BY key ORDER BY sum(value::bigint) DESC, key`,
    [schema, name],
  );
  return rows.map(({ metric }) => metric);
}

interface Kind {
  readonly kind: 'number' | 'boolean' | 'string' | 'object';
  readonly whole: boolean | null;
  readonly is_int: boolean | null;
  readonly is_bigint: boolean | null;
  readonly digits: number | null;
  readonly uuids: boolean;
  readonly dates: boolean;
  readonly times: boolean;
  readonly zoned: boolean;
}

/**
 * The type that fits the values of a metric. Where they are of several kinds, that of most of them; the others
 * stay where they are.
 */
export async function typeOfKept(
  client: pg.Client,
  name: string,
  extraColumn: string,
  metric: string,
): Promise<ColumnType> {
  const extra = quoteIdentifier(extraColumn);
  const time = String.raw`\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?`;
  const { rows } = await client.query<Kind>(
    `SELECT CASE kind WHEN 'array' THEN 'object' ELSE kind END AS kind,
       bool_and(number % 1 = 0) AS whole,
       bool_and(number BETWEEN -2147483648 AND 2147483647) AS is_int,
       bool_and(number BETWEEN -9223372036854775808 AND 9223372036854775807) AS is_bigint,
       max(length(ltrim(regexp_replace(number::text, '\\D', '', 'g'), '0')))::int AS digits,
       bool_and(text ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$') AS uuids,
       bool_and(text ~ '^\\d{4}-\\d{2}-\\d{2}$') AS dates,
       bool_and(text ~ '^${time}$') AS times,
       bool_and(text ~ '^${time}(Z|[-+]\\d{2}(:?\\d{2})?)$') AS zoned
     FROM (SELECT jsonb_typeof(value) AS kind, value #>> '{}' AS text,
             CASE jsonb_typeof(value) WHEN 'number' THEN value::numeric END AS number
           FROM (SELECT ${extra} -> $1::text AS value FROM ${name}
                 WHERE jsonb_typeof(${extra}) = 'object' AND ${extra} ? $1::text) AS kept
           WHERE jsonb_typeof(value) <> 'null') AS kinds
     GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1`,
    [metric],
  );
  return rows[0] === undefined ? 'text' : typeOf(rows[0]);
}

function typeOf(kind: Kind): ColumnType {
  switch (kind.kind) {
    case 'boolean':
      return 'boolean';
    case 'object':
      return 'jsonb';
    case 'number':
      if (kind.whole === true) return kind.is_int ? 'int' : kind.is_bigint ? 'bigint' : 'numeric';
      return (kind.digits ?? 0) <= DOUBLE_DIGITS ? 'double' : 'numeric';
    case 'string':
      if (kind.uuids) return 'uuid';
      if (kind.dates) return 'date';
      return kind.zoned ? 'timestamptz' : kind.times ? 'timestamp' : 'text';
  }
}
