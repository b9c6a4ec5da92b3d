/** `edp model infer`, and the tables of `edp ingest --create`. */
import { z } from 'zod';
import type { TableInput } from '../../infer/propose.js';
import { tablesSchema } from '../../model/schema.js';
import { COLUMN_TYPES } from '../../model/types.js';
import { count, counts, type Json, rejectCounts } from './json-parts.js';

/** What the values of a column say of its type. */
export const inferredType = {
  type: z.enum(COLUMN_TYPES),
  typeWithoutNullTokens: z
    .enum(COLUMN_TYPES)
    .optional()
    .describe('The type, if the words in nullTokens stood for NULL; where that changes it'),
  why: z.string(),
  values: count,
  nulls: count,
  emptyStrings: count,
  nullTokens: counts.describe('Words that may stand for NULL → how often'),
};

const proposedColumn = z
  .strictObject({
    name: z.string(),
    field: z.string().describe('Its name in the files'),
    ...inferredType,
    nullable: z.boolean(),
    uniqueness: z.enum(['unique', 'not_unique', 'not_verified']).optional(),
    metrics: z.array(z.string()).optional().describe('Columns that are made of its JSON'),
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
      .describe('Null where no column offers itself'),
    timeColumn: z.string().nullable(),
    columns: z.array(proposedColumn),
    declaration: z
      .custom<TableInput>((value) => tablesSchema.valueType.safeParse(value).success)
      .meta({
        type: 'object',
        description: 'As it stands under tables: in edp.yaml; edp.schema.json describes it',
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
