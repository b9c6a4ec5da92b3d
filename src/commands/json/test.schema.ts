/** `edp test`: which tests of tasks passed, and how the rows of the others differ. */
import { z } from 'zod';
import { count, error, type Json, runEnd, seconds } from './json-parts.js';

const values = z
  .record(z.string(), z.string().nullable())
  .describe('Column → value as text; of an id that is expected by its member, what that is');

const expectedRow = z.strictObject({ line: count.describe('Of the file'), row: values });

const testResult = z
  .strictObject({
    name: z.string(),
    task: z.string().describe('silver.members'),
    file: z.string(),
    line: count,
    state: z.enum(['passed', 'failed']),
    seconds,
    error: error.optional().describe('Why its task could not be made'),
    missing: z.array(expectedRow).describe('Rows that were expected and did not come'),
    unexpected: z.array(z.strictObject({ row: values })).describe('Rows that nobody expected'),
    different: z
      .array(
        z.strictObject({
          line: count.describe('Of the expected row'),
          key: values,
          columns: z.array(
            z.strictObject({
              column: z.string(),
              expected: z.string().nullable(),
              actual: z.string().nullable(),
            }),
          ),
        }),
      )
      .describe('Rows of one key with other values'),
  })
  .meta({ id: 'TestResult', description: 'What became of a test of a task' });

export const testSchema = z.strictObject({
  command: z.literal('test'),
  ok: z.boolean().describe('Whether all tests passed'),
  seconds,
  tests: z.array(testResult),
  interrupted: runEnd.interrupted,
});

export type TestJson = Json<typeof testSchema>;
