/** `edp generate-report`, and its list. */
import { z } from 'zod';
import { count, type Json, seconds } from './json-parts.js';

export const reportSchema = z.strictObject({
  command: z.literal('generate-report'),
  ok: z.literal(true),
  seconds,
  report: z.string(),
  path: z.string().nullable().describe('Null if it was printed'),
  rows: count,
  columns: z.array(z.string()),
  bytes: count,
  cached: z.boolean().describe('Whether the rows are those of an earlier run'),
});

const listedReport = z
  .strictObject({
    name: z.string(),
    title: z.string().nullable().describe('Null for a report with a fault'),
    description: z.string().nullable(),
    parameters: z.array(
      z.strictObject({
        name: z.string(),
        type: z.string(),
        default: z.string().nullable(),
        description: z.string(),
      }),
    ),
    source: z.enum(['built-in', 'project']),
    path: z.string(),
    replacesBuiltin: z.boolean(),
    fault: z
      .strictObject({
        message: z.string(),
        place: z.string().optional(),
        hint: z.string().optional(),
      })
      .optional(),
  })
  .meta({ id: 'ListedReport' });

export const reportListSchema = z.strictObject({
  command: z.literal('generate-report'),
  ok: z.literal(true),
  reports: z.array(listedReport),
});

export type ReportJson = Json<typeof reportSchema>;
export type ReportListJson = Json<typeof reportListSchema>;
