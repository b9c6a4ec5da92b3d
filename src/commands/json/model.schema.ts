/** `edp model infer`, and the tables of `edp ingest --create`. */
import { z } from 'zod';
import { tablesSchema } from '../../model/schema.js';
import { COLUMN_TYPES } from '../../model/types.js';
import type { TableDeclaration } from '../../project/write-model.js';
import { count, counts, type Json, rejectCounts, seconds } from './json-parts.js';

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

const tableInput = z
  .custom<TableDeclaration>((value) => tablesSchema.valueType.safeParse(value).success)
  .meta({
    type: 'object',
    description: 'As under tables: in edp.yaml; edp.schema.json describes it',
  });

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
    declaration: tableInput,
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

const importedTable = z
  .strictObject({
    name: z.string().describe('In the model'),
    source: z.strictObject({ schema: z.string(), name: z.string() }),
    key: z.array(z.string()),
    keyFrom: z.enum(['primary key', 'unique index']),
    columns: count,
    references: z.array(z.strictObject({ column: z.string(), table: z.string() })),
    remarks: z
      .array(z.string())
      .describe('What the source has in another form, or what the model has not of it'),
    declaration: tableInput,
    capture: z
      .strictObject({
        from: z.string().optional(),
        columns: z
          .record(z.string(), z.union([z.string(), z.strictObject({ sql: z.string() })]))
          .optional(),
      })
      .describe('As under capture: tables: in edp.yaml'),
  })
  .meta({ id: 'ImportedTable' });

export const modelImportSchema = z.strictObject({
  command: z.literal('model'),
  ok: z.literal(true),
  action: z.literal('import'),
  seconds,
  source: z.string().describe('What events call the source'),
  tables: z.array(importedTable),
  leftOut: z.array(z.strictObject({ schema: z.string(), name: z.string(), why: z.string() })),
  declared: z
    .array(z.string())
    .describe('Tables of the model that are declared or captured already, left as they are'),
  yaml: z.string().describe('The sections tables and capture'),
  out: z.string().nullable().describe('The file they were written to'),
});

export type ModelImportJson = Json<typeof modelImportSchema>;
export type ProposedTableJson = Json<typeof proposedTable>;
export type ModelJson = Json<typeof modelSchema>;
