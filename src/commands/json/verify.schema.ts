/** `edp verify`. */
import { z } from 'zod';
import { DIFFERENCE_KINDS } from '../../upkeep/verify/difference.js';
import {
  accounting,
  count,
  type Json,
  namesOf,
  rowCounts,
  seconds,
  shownTable,
} from './json-parts.js';
import { loadState } from './ledger.schema.js';

const kind = z
  .enum(namesOf(DIFFERENCE_KINDS))
  .meta({ id: 'DifferenceKind', description: 'codes.md explains each' });

const kindCounts = z.partialRecord(kind, count).describe('Differences by kind');

const value = z.string().nullable().optional();

const difference = z
  .strictObject({
    kind,
    path: z.string().optional().describe('With byteOffset'),
    byteOffset: count.optional(),
    line: count.optional(),
    split: z.strictObject({ startByte: count, endByte: count }).optional(),
    key: z.record(z.string(), z.string().nullable()).optional(),
    columns: z
      .array(z.strictObject({ column: z.string(), file: value, table: value }))
      .optional()
      .describe('The columns that differ; all columns if one side has no row'),
    holder: z.int().nullable().optional().describe('Load that the row belongs to; null for none'),
    detail: z.string().optional(),
  })
  .meta({ id: 'Difference' });

export const verifySchema = z.strictObject({
  command: z.literal('verify'),
  ok: z.boolean().describe('Whether file and table agree'),
  seconds,
  loadId: z.int(),
  path: z.string(),
  schema: z.string(),
  table: shownTable,
  state: loadState,
  sameContent: z.boolean().describe('Whether the file has the content that was loaded'),
  compared: z.strictObject({ records: count, rows: count, rejects: count, splits: count }),
  rows: rowCounts.describe('Counts of the ledger'),
  ...accounting,
  superseded: count.describe('Rows that a later load replaced as intended'),
  laterUpdates: z
    .array(z.int())
    .describe('Later loads that replaced rows, if rows do not have the number of their load'),
  undoneSince: z
    .array(z.int())
    .optional()
    .describe(
      'Loads that were undone since: records that are missing may be duplicates of theirs. Only where there are such',
    ),
  uncompared: z
    .array(z.string())
    .optional()
    .describe('Columns that are not compared, because only the server can compare their values'),
  counts: kindCounts,
  splits: z
    .array(
      z.strictObject({
        startByte: count,
        endByte: count,
        firstLine: count,
        lastLine: count,
        counts: kindCounts,
      }),
    )
    .describe('Splits with differences'),
  differences: z.array(difference).describe('The first ones'),
});

export type VerifyJson = Json<typeof verifySchema>;
