/** `edp run`: what was done to each slice of each task; `edp check`: what checks found. */
import { z } from 'zod';
import { SEVERITIES, TASK_KINDS } from '../../model/warehouse/task.js';
import { count, error, type Json, seconds } from './json-parts.js';

export const TASK_STATES = ['done', 'unchanged', 'would-change', 'failed', 'skipped'] as const;

export const check = z
  .strictObject({
    name: z.string(),
    ok: z.boolean(),
    failing: count.describe('Rows; of unique, those beyond the first of each group'),
    severity: z.enum(SEVERITIES),
  })
  .meta({ id: 'TaskCheck', description: 'What a check found in a slice' });

export const taskRows = z
  .strictObject({
    read: count,
    inserted: count,
    updated: count,
    deleted: count,
    unknown: count.describe('Rows that hold an unknown member'),
    nullKey: count.describe('Rows read that have a NULL in a key'),
  })
  .meta({ id: 'TaskRows', description: 'Rows of a slice' });

const task = z
  .strictObject({
    task: z.string().describe('silver.members, gold.job_ran_fact'),
    kind: z.enum(TASK_KINDS),
    date: z.string().optional().describe('Of the slice; null for rows without a date'),
    state: z.enum(TASK_STATES),
    reason: z.string().optional().describe('Why it ran, or why it did not'),
    rows: taskRows,
    checks: z.array(check),
    seconds,
    error: error.optional(),
    sql: z.array(z.string()).optional().describe('With --dry-run --sql: its statements'),
  })
  .meta({ id: 'TaskRun', description: 'What a run did to a slice of a task' });

export const warehouseRunSchema = z.strictObject({
  command: z.literal('run'),
  ok: z.boolean().describe('Exit status 0, or 3 without a failed check of severity error'),
  runId: z.int().nullable().describe('null for a dry run'),
  environment: z
    .strictObject({
      name: z.string(),
      schemas: z.array(z.string()),
      differing: z
        .array(z.string())
        .describe('Tasks that differ from production, or read one that does: only these are made'),
    })
    .optional()
    .describe('With --env'),
  seconds,
  copies: z
    .array(
      z.strictObject({
        table: z.string(),
        column: z.string(),
        rows: z.int().describe('Rows that got the value that they copy, or would'),
        seconds,
      }),
    )
    .describe('Columns with copy-of that had other values than the rows that they copy from'),
  tasks: z.array(task),
});

export const initSchema = z.strictObject({
  command: z.literal('init'),
  ok: z.literal(true),
  directory: z.string(),
  files: z.array(z.string()).describe('Paths in the directory'),
  left: z.array(z.string()).describe('Files that were there already, and are as they were'),
});

const dbtPart = {
  kind: z.string().describe('model, seed, source, test, snapshot, macro, package, …'),
  name: z.string(),
  file: z.string().describe('Of the dbt project'),
  line: z.int().min(1),
};

export const initFromDbtSchema = initSchema.extend({
  fromDbt: z.strictObject({
    project: z.string(),
    taken: z.array(
      z.strictObject({
        ...dbtPart,
        became: z.string().describe('What it is in the new project'),
        note: z.string().nullable().describe('What is different there'),
      }),
    ),
    notTaken: z.array(
      z.strictObject({
        ...dbtPart,
        reason: z.string(),
        instead: z.string().describe('What to do about it'),
        waiting: z
          .string()
          .nullable()
          .describe('File of its SQL, where only what it reads was not taken'),
      }),
    ),
    tables: z.array(z.string()).describe('Tables that must be there before edp run'),
    next: z.array(z.string()).describe('Commands that load the seeds and make the tables'),
  }),
});

export type InitFromDbtJson = Json<typeof initFromDbtSchema>;

export type WarehouseRunJson = Json<typeof warehouseRunSchema>;

export const foundCheck = z
  .strictObject({
    table: z.string().describe('silver.members, gold.job_ran_fact, bronze.events'),
    name: z.string(),
    column: z
      .string()
      .nullable()
      .describe('Several with a comma between them; null for a check of the whole table'),
    severity: z.enum(SEVERITIES),
    ok: z.boolean(),
    failing: count.describe('Rows; of unique, those beyond the first of each group'),
    sample: z
      .array(z.unknown())
      .describe('The first of them; numbers that are no exact doubles are text'),
  })
  .meta({ id: 'Check', description: 'What a check found in a table' });

export const checkSchema = z.strictObject({
  command: z.literal('check'),
  ok: z.boolean().describe('Whether no check of severity error failed'),
  checks: z.array(foundCheck),
});

export type CheckJson = Json<typeof foundCheck>;

export const sampleSchema = z.strictObject({
  command: z.literal('sample'),
  ok: z.literal(true),
  views: z.array(
    z
      .strictObject({
        view: z.string().describe('gold.signup_rate'),
        title: z.string().nullable(),
        question: z.string().nullable(),
        columns: z.array(z.string()),
        rows: z
          .array(z.unknown())
          .describe('Each an object; numbers that are no exact doubles are text'),
      })
      .meta({ id: 'ViewSample', description: 'The first rows of a view' }),
  ),
});
