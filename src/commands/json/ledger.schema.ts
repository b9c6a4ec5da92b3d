/** `edp status` and `edp rejects`: what the ledger knows. */
import { z } from 'zod';
import {
  count,
  counts,
  drift,
  type Json,
  remarks,
  rowCounts,
  seconds,
  triedReject,
} from './json-parts.js';

export const loadState = z.enum([
  'loaded',
  'loading',
  'interrupted',
  'undoing',
  'half_undone',
  'undone',
]);

const time = z.string().describe('As PostgreSQL prints it, in UTC');

const loadSummary = {
  loadId: z.int(),
  path: z.string(),
  table: z.string(),
  state: loadState,
  bytes: count,
  rows: rowCounts,
  ...remarks,
  drift: drift.optional(),
  rowsReplaced: count.describe('Rows of other loads that it replaced'),
  seconds: seconds.describe('Working time of all its runs'),
  contentHash: z.string(),
  startedAt: time,
  finishedAt: time.nullable(),
  undoneAt: time.nullable(),
  replacedBy: z.int().nullable().describe('The load that replaced its rows with --replace'),
};

const receipt = z
  .strictObject({
    startByte: count,
    endByte: count,
    firstLine: count,
    rows: rowCounts,
    committedAt: time,
  })
  .meta({ id: 'Receipt', description: 'The result of one split' });

const inferredMembers = counts.describe('Dimension → inferred members that no file has loaded');

export const statusSchema = z.strictObject({
  command: z.literal('status'),
  ok: z.literal(true),
  loads: z.array(z.strictObject(loadSummary).meta({ id: 'Load' })).describe('Newest first'),
  inferredMembers,
});

export const loadStatusSchema = z.strictObject({
  command: z.literal('status'),
  ok: z.literal(true),
  load: z.strictObject({ ...loadSummary, receipts: z.array(receipt), inferredMembers }),
});

const reject = z
  .strictObject({ loadId: z.int(), ...triedReject.shape })
  .meta({ id: 'Reject', description: 'A record that was not loaded' });

export const rejectsSchema = z.strictObject({
  command: z.literal('rejects'),
  ok: z.literal(true),
  rejects: z.array(reject),
});

export type StatusJson = Json<typeof statusSchema>;
export type LoadStatusJson = Json<typeof loadStatusSchema>;
export type RejectJson = Json<typeof reject>;
export type RejectsJson = Json<typeof rejectsSchema>;
