/** `edp inspect`. */
import { z } from 'zod';
import { COMPRESSIONS, ESCAPES, LINE_ENDS } from '../../model/csv-settings.js';
import { FORMATS } from '../../model/file-settings.js';
import { count, counts, foundDialect, type Json, passedOver, rejectCounts } from './json-parts.js';
import { inferredType } from './model.schema.js';

const inspectedColumn = z
  .strictObject({
    name: z.string(),
    header: z.string().nullable().describe('Its name in the file; null for none'),
    ...inferredType,
    metrics: z
      .strictObject({
        path: z.array(z.string()).describe('Keys from the root to the object with the metrics'),
        keys: z.array(z.string()),
      })
      .optional(),
    examples: z.array(z.string()),
  })
  .meta({ id: 'InspectedColumn' });

export const inspectSchema = z.strictObject({
  command: z.literal('inspect'),
  ok: z.literal(true),
  path: z.string(),
  bytes: count,
  format: z.enum(FORMATS),
  dialect: foundDialect,
  why: z
    .strictObject({
      format: z.string(),
      delimiter: z.string().optional(),
      quote: z.string().optional(),
      escape: z.string().optional(),
      lineEnd: z.string().optional(),
      header: z.string().optional(),
      linesBeforeHeader: z.string().optional(),
      comment: z.string().optional(),
      encoding: z.string(),
      compression: z.string(),
    })
    .describe('Reasons for the detected form'),
  csv: z
    .strictObject({
      delimiter: z.string(),
      quote: z.enum(['none', 'single', 'double']),
      escape: z.enum(ESCAPES),
      'line-end': z.enum(LINE_ENDS),
      encoding: z.string(),
      compression: z.enum(COMPRESSIONS),
      header: z.boolean(),
      'skip-lines': count,
      comment: z.string(),
    })
    .optional()
    .describe('The same as settings, for csv: in edp.yaml'),
  sample: z.strictObject({
    records: count,
    bytes: count,
    isWhole: z.boolean().describe('Whether it is the whole file'),
  }),
  key: z.string().nullable(),
  timeColumn: z.string().nullable(),
  columns: z.array(inspectedColumn),
  nullTokens: counts,
  odd: rejectCounts,
  damage: z.string().nullable().describe('Why the file cannot be decompressed completely'),
  blankLines: count.describe('Between the records'),
  commentLines: count.describe('Between the records'),
  passedOver: passedOver.describe(
    'All lines that are no records; of a large file, those of the sample',
  ),
  footer: z.strictObject({ lines: count, text: z.string() }).nullable(),
  preview: z.array(z.array(z.string().nullable())).describe('The first records'),
});

export type InspectJson = Json<typeof inspectSchema>;
