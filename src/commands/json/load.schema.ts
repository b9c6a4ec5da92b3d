/** `edp ingest`, its dry run, and `edp seed-dimensions`. */
import { z } from 'zod';
import { FORMATS } from '../../model/file-settings.js';
import {
  count,
  dialect,
  drift,
  type Json,
  rejectCounts,
  remarks,
  rowCounts,
  runEnd,
  seconds,
  triedReject,
} from './json-parts.js';
import { proposedTable } from './model.schema.js';

const loadedFile = z
  .strictObject({
    path: z.string().describe('As it was named'),
    table: z.string(),
    loadId: z.int().nullable().describe('Null where no load was begun'),
    status: z.enum(['loaded', 'skipped', 'failed']),
    rows: rowCounts.describe('Of the whole load, also what earlier runs committed'),
    bytes: count,
    format: z
      .enum(FORMATS)
      .optional()
      .describe('What its records are; not there for a file that was not read'),
    dialect: dialect.optional(),
    drift: drift.optional(),
    reason: z.string().optional().describe('Why it was skipped or failed'),
  })
  .meta({ id: 'LoadedFile' });

/** What a run of loads prints, whichever command began it. */
const run = {
  ok: z.boolean(),
  seconds,
  bytes: count,
  rows: rowCounts,
  ...remarks,
  files: z.array(loadedFile),
  ...runEnd,
};

const created = z.array(proposedTable).optional().describe('With --create: the tables declared');

export const ingestSchema = z.strictObject({ command: z.literal('ingest'), ...run, created });

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

export type IngestJson = Json<typeof ingestSchema>;
export type DryRunJson = Json<typeof dryRunSchema>;
export type SeedDimensionsJson = Json<typeof seedDimensionsSchema>;

/** What the JSON of a load has before anything is loaded. */
export type LoadHead =
  | Pick<IngestJson, 'command' | 'created'>
  | Pick<SeedDimensionsJson, 'command'>;

/** The rest of it. */
export type LoadCounts = Omit<SeedDimensionsJson, 'command'>;

/** What `--create` adds to the JSON of a load. */
export type CreatedJson = Pick<IngestJson, 'created'>;
