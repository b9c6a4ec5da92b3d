/**
 * How the server compares the columns of a foreign key: by the constraint's own operator, with the
 * casts of that operator, and in the collation of the referred column. `=` alone may be another
 * operator, or none.
 */
import { quoteIdentifier } from '../model/ddl.js';

/** A referring column and the column that it refers to. Plain data. */
export interface ColumnPair {
  readonly column: string;
  readonly referredColumn: string;
  /** `OPERATOR(schema.=)`; the referred value is on its left. */
  readonly operator: string;
  /** What follows the referred column: empty, or `::type`. */
  readonly referredCast: string;
  /** What follows the referring value: empty, or `::type`. */
  readonly cast: string;
  /** What follows that: empty, or ` COLLATE …`, of the referred column. */
  readonly collation: string;
}

/**
 * SQL for the pairs of a foreign key, as JSON in the order of its columns.
 *
 * @param constraint alias of its row of pg_constraint
 */
export function pairsOf(constraint: string): string {
  const castTo = (type: string, actual: string) =>
    `CASE WHEN ${type} = ${actual} OR (SELECT typtype = 'p' FROM pg_type WHERE oid = ${type}) THEN ''
          ELSE '::' || format_type(${type}, -1) END`;
  return `(
    SELECT json_agg(json_build_object(
      'column', a.attname, 'referredColumn', ra.attname,
      'operator', format('OPERATOR(%I.%s)', pn.nspname, p.oprname),
      'referredCast', ${castTo('p.oprleft', 'ra.atttypid')},
      'cast', ${castTo('p.oprright', 'a.atttypid')},
      'collation', CASE WHEN c.oid IS NULL THEN '' ELSE format(' COLLATE %I.%I', cn.nspname, c.collname) END)
      ORDER BY k.position)
    FROM unnest(${constraint}.conkey, ${constraint}.confkey, ${constraint}.conpfeqop)
      WITH ORDINALITY AS k (number, referred, operator, position)
    JOIN pg_attribute a ON a.attrelid = ${constraint}.conrelid AND a.attnum = k.number
    JOIN pg_attribute ra ON ra.attrelid = ${constraint}.confrelid AND ra.attnum = k.referred
    JOIN pg_operator p ON p.oid = k.operator
    JOIN pg_namespace pn ON pn.oid = p.oprnamespace
    LEFT JOIN pg_collation c ON c.oid = ra.attcollation
    LEFT JOIN pg_namespace cn ON cn.oid = c.collnamespace)`;
}

/** SQL for whether a value refers to a row. @param referred alias of the row; @param value SQL of the value */
export function matches(pair: ColumnPair, referred: string, value: string): string {
  return `${referredValue(pair, referred)} ${pair.operator} (${value}${pair.cast}${pair.collation})`;
}

/** The same for any of several values. @param values SQL of an array */
export function matchesAny(pair: ColumnPair, referred: string, values: string): string {
  const cast = pair.cast === '' ? '' : `${pair.cast}[]`;
  return `${referredValue(pair, referred)} ${pair.operator} ANY (${values}${cast}${pair.collation})`;
}

function referredValue({ referredColumn, referredCast }: ColumnPair, referred: string): string {
  return `${referred}.${quoteIdentifier(referredColumn)}${referredCast}`;
}

/** SQL for whether one row refers to another; both are aliases. */
export function refersTo(
  pairs: readonly ColumnPair[],
  referring: string,
  referred: string,
): string {
  return pairs
    .map((pair) => matches(pair, referred, `${referring}.${quoteIdentifier(pair.column)}`))
    .join(' AND ');
}

/**
 * SQL for the rows that the server looks through on one side of a foreign key: also those of
 * partitions, but not those of children by inheritance.
 *
 * @param relation alias of its row of pg_class; @param schema of its row of pg_namespace
 */
export function rowsOf(relation: string, schema: string): string {
  return `format(CASE ${relation}.relkind WHEN 'p' THEN '%I.%I' ELSE 'ONLY %I.%I' END, ${schema}.nspname, ${relation}.relname)`;
}
