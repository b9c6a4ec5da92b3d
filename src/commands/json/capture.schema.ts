/** `edp capture`. */
import { z } from 'zod';
import { count, type Json, runEnd, seconds } from './json-parts.js';

const command = z.literal('capture');
const events = z.strictObject({ published: count }).describe('Events sent by this command');
const lag = z
  .strictObject({ events: count, seconds: seconds.describe('Age of the oldest one') })
  .describe('What the consumer has not got yet');
const byTable = z.array(z.strictObject({ table: z.string(), published: count }));
const failedCalculations = count.describe(
  'Events in which a calculation is null because it failed',
);
const misfits = z
  .array(z.string())
  .describe(
    'Where edp.yaml, the source and what is installed do not fit together: a sentence each',
  );
const unread = z
  .array(
    z.strictObject({
      table: z.string().describe('Of the model'),
      relations: z.array(z.string()).describe('Tables and partitions of the source'),
    }),
  )
  .describe(
    'Tables with rows that no event may tell of, since they were there before an install: edp capture snapshot publishes them',
  );
const uncaptured = z
  .array(
    z.strictObject({
      source: z.string().describe('Table of the source, with its schema'),
      models: z.array(z.string()).describe('Tables of the model that it feeds'),
      columns: z.array(z.string()),
    }),
  )
  .describe('Columns of captured tables that nothing of edp.yaml reads, nor ignores');
const dueMethods = z
  .array(
    z.strictObject({
      table: z.string().describe('Of the model'),
      rows: count.nullable().describe('null: all of them'),
    }),
  )
  .describe(
    'Rows whose Ruby methods no application has published yet: rake edp:publish_methods does it',
  );
const sql = z.string().optional().describe('With --dry-run: what would run');

export const captureInstallSchema = z.strictObject({
  command,
  action: z.literal('install'),
  ok: z.boolean(),
  seconds,
  dryRun: z.boolean(),
  tables: z.array(
    z.strictObject({
      source: z.string().describe('Table of the source, with its schema'),
      models: z.array(z.string()).describe('Tables of the model that it feeds'),
      partitions: count,
      changed: z.boolean().describe('Whether its triggers or functions were not as they must be'),
    }),
  ),
  uncaptured,
  mapped: count.describe('Statements whose rows had been kept, and are events now'),
  unread,
  warnings: z.array(z.string()),
  sql,
});

export const captureUninstallSchema = z.strictObject({
  command,
  action: z.literal('uninstall'),
  ok: z.literal(true),
  seconds,
  dryRun: z.boolean(),
  tables: z.array(z.string()).describe('Tables of the source whose triggers went'),
  consumer: z.string().nullable().describe('The one that was removed, if only that was asked for'),
  sql,
});

export const captureSnapshotSchema = z.strictObject({
  command,
  action: z.literal('snapshot'),
  ok: z.boolean(),
  seconds,
  events,
  tables: byTable,
  failedCalculations,
  ...runEnd,
});

export const captureRunSchema = z.strictObject({
  command,
  action: z.literal('run'),
  ok: z.boolean(),
  seconds,
  consumer: z.string(),
  events,
  lag,
  tables: byTable,
  failedCalculations,
  unmapped: count.describe('Statements whose rows wait for edp capture install'),
  misfits,
  ...runEnd,
});

export const captureStatusSchema = z.strictObject({
  command,
  action: z.literal('status'),
  ok: z.boolean().describe('Whether nothing needs attention'),
  installed: z.boolean(),
  current: z.boolean().describe('Whether edp capture install would change nothing'),
  misfits,
  tables: z.array(
    z.strictObject({
      source: z.string(),
      models: z.array(z.string()),
      missing: z
        .array(z.string())
        .describe('The table or partitions without a trigger, or with one that is disabled'),
      current: z.boolean(),
    }),
  ),
  uncaptured,
  consumers: z.array(z.strictObject({ name: z.string(), running: z.boolean(), lag })),
  outbox: z.strictObject({
    bytes: count,
    capBytes: count,
    events: count,
    failedCalculations: count,
  }),
  unmapped: z.array(
    z.strictObject({
      source: z.string(),
      statements: count,
      error: z.string().describe('The last one'),
    }),
  ),
  unread,
  dueMethods,
  heldBack: z
    .array(
      z.strictObject({
        kind: z.enum(['session', 'prepared']),
        id: z.string().describe('Process id, or name of the prepared transaction'),
        user: z.string().nullable(),
        database: z.string().nullable(),
        seconds,
        state: z.string().nullable(),
        query: z.string().nullable(),
      }),
    )
    .describe('Transactions that write; what began after them cannot be read until they end'),
});

export type CaptureInstallJson = Json<typeof captureInstallSchema>;
export type CaptureUninstallJson = Json<typeof captureUninstallSchema>;
export type CaptureSnapshotJson = Json<typeof captureSnapshotSchema>;
export type CaptureRunJson = Json<typeof captureRunSchema>;
export type CaptureStatusJson = Json<typeof captureStatusSchema>;
