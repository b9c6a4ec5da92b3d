/** `edp model infer`, and the tables of `edp ingest --create`. */
import { z } from 'zod';
import type { TableDeclaration } from '../../infer/propose.js';
import { tablesSchema } from '../../model/schema.js';
import { COLUMN_TYPES } from '../../model/types.js';
import { count, counts, type Json, rejectCounts } from './json-parts.js';

/** The inferred type of a column, with reasons. */
export const inferredType = {
  type: z.enum(COLUMN_TYPES),
  typeWithoutNullTokens: z
    .enum(COLUMN_TYPES)
    .optional()
    .describe('The type if the words in nullTokens meant NULL; only if it differs'),
  why: z.string(),
  values: count,
  nulls: count,
  emptyStrings: count,
  nullTokens: counts.describe('Words that may mean NULL → occurrences'),
};

const proposedColumn = z
  .strictObject({
    name: z.string(),
    field: z.string().describe('Its name in the files'),
    ...inferredType,
    nullable: z.boolean(),
    uniqueness: z.enum(['unique', 'not_unique', 'not_verified']).optional(),
    metrics: z.array(z.string()).optional().describe('Columns from its JSON'),
  })
  .meta({ id: 'ProposedColumn' });

export const proposedTable = z
  .strictObject({
    name: z.string(),
    files: z.array(z.string()),
    records: count,
    odd: rejectCounts,
    key: z
      .union([z.string(), z.array(z.string())])
      .nullable()
      .describe('Null if there is no suitable column'),
    keyWhy: z.string().optional().describe('Why it is the key'),
    timeColumn: z.string().nullable(),
    columns: z.array(proposedColumn),
    declaration: z
      .custom<TableDeclaration>((value) => tablesSchema.valueType.safeParse(value).success)
      .meta({
        type: 'object',
        description: 'As under tables: in edp.yaml; edp.schema.json describes it',
      }),
  })
  .meta({ id: 'ProposedTable' });

export const modelSchema = z.strictObject({
  command: z.literal('model'),
  ok: z.literal(true),
  action: z.literal('infer'),
  tables: z.array(proposedTable),
  yaml: z.string().describe('The tables as edp.yaml declares them'),
  out: z.string().nullable().describe('The file they were written to'),
});

export type ProposedTableJson = Json<typeof proposedTable>;
export type ModelJson = Json<typeof modelSchema>;
