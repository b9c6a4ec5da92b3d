/** Types that a column may have. */

/** The column types edp knows how to read from a CSV field and write as COPY bytes. */
export const COLUMN_TYPES = [
  'smallint',
  'int',
  'bigint',
  'real',
  'double',
  'numeric',
  'text',
  'boolean',
  'date',
  'timestamp',
  'timestamptz',
  'uuid',
  'json',
  'jsonb',
] as const;

export type ColumnType = (typeof COLUMN_TYPES)[number];

/**
 * Types that an undeclared metric may be promoted to. json is not one of them: it stores the
 * original text, which is lost in the column that keeps the metric.
 */
export const PROMOTED_TYPES = COLUMN_TYPES.filter((type) => type !== 'json');

/** PostgreSQL's own name of each type, as `format_type()` prints it. */
export const SQL_TYPE: Readonly<Record<ColumnType, string>> = {
  smallint: 'smallint',
  int: 'integer',
  bigint: 'bigint',
  real: 'real',
  double: 'double precision',
  numeric: 'numeric',
  text: 'text',
  boolean: 'boolean',
  date: 'date',
  timestamp: 'timestamp without time zone',
  timestamptz: 'timestamp with time zone',
  uuid: 'uuid',
  json: 'json',
  jsonb: 'jsonb',
};
