/** `edp replay`, `edp undo` and `edp promote`: operations on an existing load or metric. */
import { z } from 'zod';
import { count, type Json, remarks, rowCounts, runEnd, seconds, shownTable } from './json-parts.js';
import { foldedTables } from './load.schema.js';

const tables = foldedTables
  .optional()
  .describe('Of a load of change events: the tables that were folded anew');

export const replaySchema = z.strictObject({
  command: z.literal('replay'),
  ok: z.boolean(),
  loadId: z.int(),
  path: z.string(),
  schema: z.string(),
  table: shownTable,
  seconds,
  rows: rowCounts.describe('read is the number of rejects that were tried'),
  remaining: count.describe('Remaining rejects'),
  tables,
  ...remarks,
  ...runEnd,
});

export const undoSchema = z.strictObject({
  command: z.literal('undo'),
  ok: z.boolean(),
  loadId: z.int(),
  path: z.string(),
  schema: z.string(),
  table: shownTable,
  state: z.enum(['undone', 'undoing', 'loading', 'loaded']),
  seconds,
  removed: z
    .strictObject({ rows: count, rejects: count, receipts: count, inferredMembers: count })
    .describe('By this command; an earlier one may have removed a part'),
  rowsGoneBefore: count.describe('Records whose row no longer existed'),
  rowsReplaced: count.describe('Rows of other loads whose values it had replaced'),
  keptInferredMembers: count,
  loadsWithDuplicates: z.array(z.int()),
  replacedLoads: z
    .array(z.strictObject({ loadId: z.int(), path: z.string() }))
    .describe('Loads whose rows it had replaced with --replace; those rows are not brought back'),
  tables,
  ...runEnd,
});

const leftValue = z
  .strictObject({
    key: z.record(z.string(), z.string().nullable()),
    value: z.string().describe('JSON, as the server prints it'),
    reason: z.string(),
  })
  .meta({ id: 'LeftValue', description: 'A value that does not fit its new column' });

export const promoteSchema = z.strictObject({
  command: z.literal('promote'),
  ok: z.literal(true),
  seconds,
  metric: z.string(),
  schema: z.string(),
  table: shownTable,
  column: z.string(),
  type: z.string(),
  rows: z.strictObject({ moved: count, left: count }),
  left: z.array(leftValue).describe('The first ones'),
  declared: z.boolean().describe('Whether this run added it to edp.yaml'),
  tableExists: z.boolean(),
});

export type ReplayJson = Json<typeof replaySchema>;
export type UndoJson = Json<typeof undoSchema>;
export type PromoteJson = Json<typeof promoteSchema>;
