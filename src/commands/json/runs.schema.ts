/** `edp status --runs`: what commands did. */
import { z } from 'zod';
import { CHANGE_KINDS } from '../../ledger/changes.js';
import { RUN_STATES } from '../../ledger/runs.js';
import { TASK_KINDS } from '../../model/warehouse/task.js';
import { count, type Json, seconds, time } from './json-parts.js';
import { check, taskRows } from './warehouse.schema.js';

const runShape = {
  runId: z.int(),
  command: z.string(),
  options: z
    .record(z.string(), z.unknown())
    .describe('Options and arguments of the command line, without secrets'),
  environment: z.string().nullable().describe('Of edp run --env and promote-env; null: production'),
  state: z.enum(RUN_STATES).describe('interrupted: also where the command was killed'),
  errorCode: z
    .string()
    .nullable()
    .describe(
      'Why it failed, or the first of its files, tables or tasks that did; null where nothing did, and where it is not known',
    ),
  startedAt: time,
  finishedAt: time.nullable().describe('Null while it runs, and where it was killed'),
  rows: z
    .strictObject({
      inserted: count,
      updated: count,
      deleted: count,
      rejected: count.nullable().describe('Records; null until the command has ended'),
    })
    .meta({ id: 'ChangedRows', description: 'Rows that a run changed' }),
  host: z.string(),
  version: z.string().describe('Of edp'),
};

const change = z
  .strictObject({
    relation: z.string().describe('schema.table, quoted where needed'),
    kind: z.enum(CHANGE_KINDS),
    loadId: z.int().nullable(),
    rows: count.nullable().describe('Null for a definition'),
  })
  .meta({ id: 'Change', description: 'What a run changed in a table, by load' });

const taskRun = z
  .strictObject({
    task: z.string(),
    kind: z.enum(TASK_KINDS),
    date: z.string().optional().describe('Of the slice; null for rows without a date'),
    state: z.enum(['done', 'unchanged', 'failed', 'skipped']),
    reason: z.string().nullable(),
    rows: taskRows,
    checks: z.array(check),
    error: z.string().nullable(),
    seconds,
  })
  .meta({ id: 'TaskReceipt', description: 'What a run did to a slice of a task' });

export const runsStatusSchema = z.strictObject({
  command: z.literal('status'),
  ok: z.literal(true),
  runs: z.array(z.strictObject(runShape).meta({ id: 'Run' })).describe('Newest first'),
});

export const runStatusSchema = z.strictObject({
  command: z.literal('status'),
  ok: z.literal(true),
  run: z.strictObject({
    ...runShape,
    changes: z.array(change),
    tasks: z
      .array(taskRun)
      .describe('Of edp run, in the order in which they ended, by the names of edp.yaml'),
  }),
});

export type RunsStatusJson = Json<typeof runsStatusSchema>;
export type RunStatusJson = Json<typeof runStatusSchema>;
