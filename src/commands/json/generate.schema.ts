/** `edp generate-data`. */
import { z } from 'zod';
import { count, counts, type Json, rejectCounts, seconds } from './json-parts.js';

/** The expected result of loading the records. */
const expectation = {
  expected: z.strictObject({ loaded: count, rejected: count, duplicate: count }),
  rejectCodes: rejectCounts,
  dirt: counts.describe('Damaged records by kind of damage'),
  unknownMetrics: counts,
  metricSums: z.strictObject({ metric_one: count, metric_two: count, metric_n: count }),
};

const generatedFile = z
  .strictObject({ path: z.string(), bytes: count, records: count, ...expectation })
  .meta({ id: 'GeneratedFile' });

export const generateDataSchema = z.strictObject({
  command: z.literal('generate-data'),
  ok: z.literal(true),
  seconds,
  bytes: count,
  rows: z.strictObject({ read: count.describe('Records written') }),
  seed: z.int(),
  ...expectation,
  dimensions: z.strictObject({
    first: count,
    second: count,
    written: z.boolean().describe('False if the files existed'),
  }),
  files: z.array(generatedFile),
});

export type GenerateDataJson = Json<typeof generateDataSchema>;
