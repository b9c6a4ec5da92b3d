/** `edp promote-env`: what became of an environment. */
import { z } from 'zod';
import { count, type Json, seconds } from './json-parts.js';

export const promoteEnvSchema = z.strictObject({
  command: z.literal('promote-env'),
  ok: z.literal(true),
  environment: z.string(),
  action: z.enum(['promoted', 'dropped']),
  tasks: z.array(z.string()).describe("Those whose tables took the place of production's"),
  dropped: count.describe('With --drop: tables and views'),
  keptSchemas: z.array(z.string()).describe('Schemas in which there is more than edp made'),
  seconds,
  swapSeconds: seconds.nullable().describe('How long readers of production could wait'),
});

export type PromoteEnvJson = Json<typeof promoteEnvSchema>;

const diffValues = z.record(z.string(), z.string().nullable()).describe('Column → value as text');

export const diffSchema = z.strictObject({
  command: z.literal('diff'),
  ok: z.boolean().describe('Whether there is no difference'),
  table: z.string().describe('gold.member_dim'),
  environment: z.string(),
  isShared: z.boolean().describe("Whether the environment shows production's own table"),
  key: z
    .array(z.string())
    .describe('By which rows are the same row; empty where whole rows are compared'),
  compared: z.array(z.string()).describe('All other columns that are compared'),
  notCompared: z.array(z.string()).describe('Ids of a dimension that has another key on each side'),
  columns: z
    .strictObject({ onlyProduction: z.array(z.string()), onlyEnvironment: z.array(z.string()) })
    .describe('Columns of one side'),
  rows: z.strictObject({ production: count, environment: count }),
  counts: z.strictObject({ onlyProduction: count, onlyEnvironment: count, changed: count }),
  changedColumns: z.record(z.string(), count).describe('Column → rows in which it differs'),
  onlyProduction: z.array(z.strictObject({ row: diffValues })).describe('The first (--limit)'),
  onlyEnvironment: z.array(z.strictObject({ row: diffValues })),
  changed: z.array(
    z.strictObject({
      key: diffValues,
      columns: z.array(
        z.strictObject({
          column: z.string(),
          production: z.string().nullable(),
          environment: z.string().nullable(),
        }),
      ),
    }),
  ),
});

export type DiffJson = Json<typeof diffSchema>;
