/** A column of a source → its type in the model, and what `capture:` says where the server's own form is another one. */
import { quoteIdentifier } from '../model/ddl.js';
import { type ColumnType, SQL_TYPE } from '../model/types.js';
import type { SourceColumn, SourceType } from './read-source-tables.js';

export interface ColumnForm {
  readonly type: ColumnType;
  /** SQL over the row of the source; undefined where the column is taken as it is. */
  readonly sql: string | undefined;
  /** For the reader of edp.yaml. */
  readonly remark: string | undefined;
}

/** By `format_type()`. */
const TYPES: ReadonlyMap<string, ColumnType> = new Map([
  ...Object.entries(SQL_TYPE).map(([type, name]) => [name, type as ColumnType] as const),
  ['character varying', 'text'] as const,
  ['character', 'text'] as const,
  ['bpchar', 'text'] as const,
]);

const NEEDS_NO_QUOTES = /^[a-z_][a-z0-9_$]*$/;

/** SQL of a column, as people write it. A word that the grammar keeps for itself is quoted, too. */
export function columnSql(name: string): string {
  return NEEDS_NO_QUOTES.test(name) && !RESERVED.has(name) ? name : quoteIdentifier(name);
}

export function formOf({ name, type, generated, isIdentity }: SourceColumn): ColumnForm {
  const { type: modelType, cast } = typeOf(type);
  const column = columnSql(name);
  // What triggers see of a row has no value of such a column.
  const own = generated?.isStored === false ? `(${generated.sql})` : column;
  const remarks = [
    ...(type.kind === 'enum' ? [type.labels.join(', ')] : []),
    ...(type.kind !== 'enum' && (cast !== undefined || type.isDomain) ? [type.name] : []),
    ...(generated === undefined ? [] : [`generated: ${generated.sql}`]),
    ...(isIdentity ? ['identity'] : []),
  ];
  return {
    type: modelType,
    sql: cast === undefined ? (own === column ? undefined : own) : cast(own),
    remark: remarks.length === 0 ? undefined : remarks.join('; '),
  };
}

/** @returns how the value is brought to the type of the model, where its own type is another one */
function typeOf({ base, kind }: SourceType): {
  readonly type: ColumnType;
  readonly cast?: (sql: string) => string;
} {
  if (kind === 'array' || kind === 'composite') {
    return { type: 'jsonb', cast: (sql) => `to_jsonb(${sql})` };
  }
  const known = TYPES.get(base);
  return known === undefined ? { type: 'text', cast: (sql) => `${sql}::text` } : { type: known };
}

/** Words that cannot name a column without quotes (PostgreSQL's appendix C: reserved). */
const RESERVED: ReadonlySet<string> = new Set(
  'all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column concurrently constraint create cross current_catalog current_date current_role current_schema current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning right select session_user similar some symmetric system_user table tablesample then to trailing true union unique user using variadic verbose when where window with'.split(
    ' ',
  ),
);
