/** Each command → the schemas of what it prints with `--json`. A new command is a line here. */
import { z } from 'zod';
import {
  captureInstallSchema,
  captureRunSchema,
  captureSnapshotSchema,
  captureStatusSchema,
  captureUninstallSchema,
} from './capture.schema.js';
import { completionSchema } from './completion.schema.js';
import { dbSchema } from './db.schema.js';
import { doctorSchema } from './doctor.schema.js';
import { diffSchema, promoteEnvSchema } from './environment.schema.js';
import { generateDataSchema } from './generate.schema.js';
import { inspectSchema } from './inspect.schema.js';
import { error, failureOf, type Json } from './json-parts.js';
import {
  loadStatusSchema,
  passedOverSchema,
  rejectsSchema,
  statusSchema,
} from './ledger.schema.js';
import { lineageSchema } from './lineage.schema.js';
import { dryRunSchema, ingestSchema, seedDimensionsSchema } from './load.schema.js';
import { modelSchema } from './model.schema.js';
import { notifySchema } from './notify.schema.js';
import { allReportsSchema, reportListSchema, reportSchema } from './report.schema.js';
import { runStatusSchema, runsStatusSchema } from './runs.schema.js';
import { testSchema } from './test.schema.js';
import { promoteSchema, replaySchema, undoSchema } from './upkeep.schema.js';
import { verifySchema } from './verify.schema.js';
import {
  checkSchema,
  initFromDbtSchema,
  initSchema,
  sampleSchema,
  warehouseRunSchema,
} from './warehouse.schema.js';

/** By name of the result: a command with several modes has several. */
export const RESULT_SCHEMAS = {
  ingest: { ingest: ingestSchema, 'ingest --dry-run': dryRunSchema },
  inspect: { inspect: inspectSchema },
  model: { 'model infer': modelSchema },
  'seed-dimensions': { 'seed-dimensions': seedDimensionsSchema },
  'generate-data': { 'generate-data': generateDataSchema },
  'generate-report': {
    'generate-report': reportSchema,
    'generate-report --list': reportListSchema,
    'generate-report all': allReportsSchema,
  },
  status: {
    status: statusSchema,
    'status <load>': loadStatusSchema,
    'status --runs': runsStatusSchema,
    'status --runs <run>': runStatusSchema,
  },
  rejects: { rejects: rejectsSchema, 'rejects --passed-over': passedOverSchema },
  replay: { replay: replaySchema },
  check: { check: checkSchema },
  sample: { sample: sampleSchema },
  lineage: { lineage: lineageSchema },
  capture: {
    'capture install': captureInstallSchema,
    'capture uninstall': captureUninstallSchema,
    'capture snapshot': captureSnapshotSchema,
    'capture run': captureRunSchema,
    'capture status': captureStatusSchema,
  },
  undo: { undo: undoSchema },
  init: { init: initSchema, 'init --from-dbt': initFromDbtSchema },
  run: { run: warehouseRunSchema },
  test: { test: testSchema },
  verify: { verify: verifySchema },
  diff: { diff: diffSchema },
  'promote-env': { 'promote-env': promoteEnvSchema },
  promote: { promote: promoteSchema },
  notify: { 'notify test': notifySchema },
  doctor: { doctor: doctorSchema },
  db: { db: dbSchema },
  completion: { completion: completionSchema },
} as const satisfies Readonly<Record<string, Readonly<Record<string, z.ZodType>>>>;

export type CommandName = keyof typeof RESULT_SCHEMAS;

type SchemasOf<C extends CommandName> = (typeof RESULT_SCHEMAS)[C];

/** The output of a command with a result: one type for each of its modes. */
export type ResultOf<C extends CommandName> = {
  [N in C]: Json<SchemasOf<N>[keyof SchemasOf<N>] & z.ZodType>;
}[C];

export type CommandResult = ResultOf<CommandName>;

/** The output of a command that failed before it had a result; also of an invalid command line. */
export const failureSchema = z.strictObject({
  command: z.string().nullable(),
  ok: z.literal(false),
  error,
});

export type FailureJson = Json<typeof failureSchema>;

export const COMMAND_NAMES = Object.keys(RESULT_SCHEMAS) as CommandName[];

export function isCommandName(name: unknown): name is CommandName {
  return typeof name === 'string' && Object.hasOwn(RESULT_SCHEMAS, name);
}

/** All outputs of a command, by name; the last is its failure. */
export function schemasOf(command: CommandName): Readonly<Record<string, z.ZodType>> {
  return { ...RESULT_SCHEMAS[command], [`${command} failed`]: failureOf(command) };
}
