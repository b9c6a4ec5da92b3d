/** What the types of all tables use, as GraphQL. */
import type { ColumnType } from '../../../model/types.js';

export const SCALARS: Readonly<Record<ColumnType, string>> = {
  smallint: 'Int',
  int: 'Int',
  bigint: 'BigInt',
  real: 'Double',
  double: 'Double',
  numeric: 'Decimal',
  text: 'String',
  boolean: 'Boolean',
  date: 'Date',
  timestamp: 'LocalTime',
  timestamptz: 'Time',
  uuid: 'UUID',
  json: 'JSON',
  jsonb: 'JSON',
};

const ORDERED = ['Int', 'BigInt', 'Double', 'Decimal', 'Date', 'LocalTime', 'Time'];

/** Scalars of which a filter only asks whether there is a value. */
const INCOMPARABLE = 'JSON';

/** Names that no table has, in lower case. */
export const RESERVED_TYPES: ReadonlySet<string> = new Set(
  [
    ...Object.values(SCALARS).flatMap((name) => [name, `${name}Filter`]),
    ...['Query', 'Mutation', 'Subscription', 'PageInfo', 'ID', 'Float'],
  ].map((name) => name.toLowerCase()),
);

const filters = [...new Set(Object.values(SCALARS))].map((name) => {
  const comparisons = [
    ...(name === INCOMPARABLE ? [] : [`eq: ${name}`, `ne: ${name}`, `in: [${name}!]`]),
    ...(ORDERED.includes(name) ? ['lt', 'lte', 'gt', 'gte'].map((op) => `${op}: ${name}`) : []),
    ...(name === 'String' ? ['startsWith: String', 'contains: String'] : []),
    'isNull: Boolean',
  ];
  return `input ${name}Filter {\n${comparisons.map((one) => `  ${one}\n`).join('')}}\n`;
});

export const COMMON = `"The table of a type."
directive @table(name: String!, key: [String!]!) on OBJECT

"The column of a field."
directive @column(name: String!) on FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION

"The row that columns refer to: of the table of the field's type, by one of its columns."
directive @reference(column: String!, to: String!) on FIELD_DEFINITION

"An integer of 64 bits, as a text of digits."
scalar BigInt
"A decimal number of any size, as a text; NaN, Infinity and -Infinity, too."
scalar Decimal
"A number; NaN, Infinity and -Infinity are texts."
scalar Double
"YYYY-MM-DD; infinity and -infinity, too."
scalar Date
"A time without a zone: YYYY-MM-DDTHH:MM:SS.ffffff; infinity and -infinity, too."
scalar LocalTime
"A moment in UTC: YYYY-MM-DDTHH:MM:SS.ffffffZ; infinity and -infinity, too."
scalar Time
scalar UUID
"Any value of JSON."
scalar JSON

"Where a page of a list ends."
type PageInfo {
  hasNextPage: Boolean!
  "What the next page comes after."
  endCursor: String
}

${filters.join('\n')}`;
