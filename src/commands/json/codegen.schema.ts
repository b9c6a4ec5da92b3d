/** `edp codegen`. */
import { z } from 'zod';
import { TARGETS } from '../../codegen/targets/all-targets.js';
import { count, type Json, namesOf, seconds } from './json-parts.js';

export const codegenSchema = z.strictObject({
  command: z.literal('codegen'),
  ok: z.literal(true),
  seconds,
  targets: z.array(z.enum(namesOf(TARGETS))),
  check: z.boolean().describe('Whether nothing was written'),
  tables: count,
  others: z
    .array(z.strictObject({ table: z.string(), why: z.string() }))
    .describe('Tables of the model of which nothing is made'),
  unchanged: count.describe('Files'),
  changed: z
    .array(z.strictObject({ path: z.string(), kind: z.enum(['new', 'changed', 'removed']) }))
    .describe('Files that were written or removed; with check, those that differ'),
});

export type CodegenJson = Json<typeof codegenSchema>;
