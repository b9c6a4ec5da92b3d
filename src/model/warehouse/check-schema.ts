/** The shape of `checks:` in edp.yaml. */
import { z } from 'zod';
import { notesShape } from '../notes-schema.js';
import { columnName, identifier } from '../schema.js';
import {
  columnList,
  expectedOf,
  interval,
  isSound,
  noFolder,
  sourceName,
  sqlText,
  valueText,
} from './schema-parts.js';
import { SEVERITIES } from './task.js';

const percent = () =>
  z
    .string({ error: 'expected percent, such as 50%' })
    .regex(/^\d+(?:\.\d+)?\s*%$/, { error: 'expected percent, such as 50%' })
    .transform((text) => Number.parseFloat(text));
const rows = () => z.int({ error: 'expected a number of rows' }).min(0, 'expected 0 or more');

const hasLimit = { message: 'range needs min, max or both', when: isSound };

/** Each kind of check, and what it needs. */
const kindShape = () => ({
  unique: columnList().describe('Columns that together are in no two rows'),
  not_null: columnList().describe('Columns that are never NULL'),
  accepted_values: z
    .strictObject(
      { column: columnName, values: z.array(valueText(), { error: 'expected a list of values' }) },
      { error: 'accepted_values is {column, values}' },
    )
    .describe('Values that a column may have; NULL is always accepted'),
  relationships: z
    .strictObject(
      { column: columnName, to: sourceName().describe('Table and column: silver.groups.group_id') },
      { error: 'relationships is {column, to: table.column}' },
    )
    .describe('Each value of the column is in another table'),
  range: z
    .strictObject(
      { column: columnName, min: valueText().optional(), max: valueText().optional() },
      { error: 'range is {column, min, max}' },
    )
    .refine(({ min, max }) => min !== undefined || max !== undefined, hasLimit)
    .describe('Smallest and largest value of a column, both included'),
  matches: z
    .strictObject(
      { column: columnName, pattern: z.string({ error: 'expected a pattern as text' }) },
      { error: 'matches is {column, pattern}' },
    )
    .describe('Regular expression of PostgreSQL that each value of a column matches'),
  fresh: z
    .strictObject(
      { column: columnName, within: interval() },
      { error: 'fresh is {column, within}' },
    )
    .describe('The latest time of a column is not older than this'),
  row_count: z
    .strictObject(
      { min: rows().optional(), max: rows().optional(), change: percent().optional() },
      { error: 'row_count is {min, max, change}' },
    )
    .refine((limits) => Object.values(limits).some((limit) => limit !== undefined), {
      message: 'row_count needs min, max or change',
      when: isSound,
    })
    .describe('How many rows the whole table has, or by how much that changed since the last run'),
  sql: identifier
    .refine(...noFolder)
    .describe('Name of sql/checks/<name>.sql: rows that it gives are failures'),
});

type Kinds = ReturnType<typeof kindShape>;

export const CHECK_KINDS = [
  'unique',
  'not_null',
  'accepted_values',
  'relationships',
  'range',
  'matches',
  'fresh',
  'row_count',
  'sql',
] as const satisfies (keyof Kinds)[];

type Optional<T> = { [K in keyof T]: T[K] extends z.ZodType ? z.ZodOptional<T[K]> : never };
const optionalKinds = () =>
  Object.fromEntries(
    Object.entries(kindShape()).map(([kind, schema]) => [kind, schema.optional()]),
  ) as Optional<Kinds>;

export const checkSchema = () =>
  z
    .strictObject(
      {
        ...optionalKinds(),
        severity: z
          .enum(SEVERITIES, { error: expectedOf(SEVERITIES) })
          .optional()
          .describe('error (default) holds the slice back, warn reports'),
        where: sqlText().optional().describe('SQL over the columns of the table: rows to check'),
        name: identifier.optional().describe('Default: the kind and the columns'),
        ...notesShape,
      },
      { error: `a check is one of ${CHECK_KINDS.join(', ')}, with what it needs` },
    )
    .superRefine((check, context) => {
      const kinds = CHECK_KINDS.filter((kind) => check[kind] !== undefined);
      if (kinds.length === 1 || context.issues.length > 0) return;
      const message =
        kinds.length === 0
          ? `a check is one of ${CHECK_KINDS.join(', ')}`
          : `${kinds.join(' and ')} are checks of their own; begin each with a dash`;
      context.addIssue({ code: 'custom', message });
    });

export type CheckInput = z.output<ReturnType<typeof checkSchema>>;

export const checksSection = () =>
  z.record(sourceName(), z.array(checkSchema(), { error: 'the checks of a table are a list' }), {
    error: 'checks is {table: list of checks}',
  });
