/** `edp ingest`, its dry run, and `edp seed-dimensions`. */
import { z } from 'zod';
import { FORMATS } from '../../model/file-settings.js';
import {
  accounting,
  count,
  dialect,
  drift,
  type Json,
  rejectCounts,
  remarks,
  rowCounts,
  runEnd,
  seconds,
  shownTable,
  triedReject,
} from './json-parts.js';
import { proposedTable } from './model.schema.js';
import { foundCheck } from './warehouse.schema.js';

const loadedFile = z
  .strictObject({
    path: z.string().describe('As the user specified it'),
    schema: z.string().nullable().describe('Null where the run did not come to the table'),
    table: shownTable,
    loadId: z.int().nullable().describe('Null if no load was started'),
    status: z.enum(['loaded', 'skipped', 'failed', 'interrupted']),
    rows: rowCounts.describe('Counts of the whole load, including earlier runs'),
    bytes: count,
    ...accounting,
    format: z
      .enum(FORMATS)
      .optional()
      .describe('Format of its records; absent for a file that was not read'),
    dialect: dialect.optional(),
    drift: drift.optional(),
    reason: z.string().optional().describe('Why it is not loaded'),
  })
  .meta({ id: 'LoadedFile' });

/** The output of a run of loads, for any command. */
const run = {
  ok: z.boolean(),
  seconds,
  bytes: count,
  rows: rowCounts,
  thisRun: z
    .strictObject({ bytes: count, rows: rowCounts })
    .describe(
      'What this run itself read and committed, without earlier runs of its loads. Header and footer are bytes of the run that completes the file',
    ),
  ...remarks,
  files: z.array(loadedFile),
  replaced: z
    .strictObject({ rows: count, loads: z.array(z.int()) })
    .optional()
    .describe('With --replace: the rows that were there, and the loads that had brought them'),
  repeats: z
    .array(
      z.strictObject({
        path: z.string(),
        table: z.string(),
        loadId: z.int(),
        loaded: count,
        repeated: count.describe('Rows of the load that earlier loads had brought, too'),
      }),
    )
    .optional()
    .describe('Loads into tables without key, at least half of whose rows were there before'),
  ...runEnd,
};

const created = z.array(proposedTable).optional().describe('With --create: the tables declared');

const checks = z.array(foundCheck).optional().describe('With --check: of the loaded tables');

export const ingestSchema = z.strictObject({
  command: z.literal('ingest'),
  ...run,
  created,
  checks,
});

export const dryRunSchema = z.strictObject({
  command: z.literal('ingest'),
  ...run,
  created,
  dryRun: z.literal(true),
  rejects: rejectCounts,
  firstRejects: z.array(triedReject.meta({ id: 'TriedReject' })),
});

export const seedDimensionsSchema = z.strictObject({
  command: z.literal('seed-dimensions'),
  ...run,
});

const foldedRows = z.strictObject({ inserted: count, updated: count, deleted: count });

export const foldedTables = z.array(
  z
    .strictObject({
      table: z.string(),
      rows: foldedRows.describe('Rows of the realized table that changed'),
      history: foldedRows.optional().describe('Rows of its history that changed'),
      reason: z.string().optional().describe('Why the table is as it was'),
    })
    .meta({ id: 'FoldedTable' }),
);

export const realizeSchema = z.strictObject({
  command: z.literal('realize'),
  ...run,
  tables: foldedTables.describe('The tables that the new events are about'),
});

export type RealizeJson = Json<typeof realizeSchema>;
export type IngestJson = Json<typeof ingestSchema>;
export type DryRunJson = Json<typeof dryRunSchema>;
export type SeedDimensionsJson = Json<typeof seedDimensionsSchema>;

/** The keys of a load's JSON that are known before anything is loaded. */
export type LoadHead =
  | Pick<IngestJson, 'command' | 'created' | 'checks'>
  | Pick<SeedDimensionsJson, 'command'>
  | Pick<RealizeJson, 'command' | 'tables'>;

/** The other keys. */
export type LoadCounts = Omit<SeedDimensionsJson, 'command'>;

/** The keys that `--create` adds to the JSON of a load. */
export type CreatedJson = Pick<IngestJson, 'created'>;
