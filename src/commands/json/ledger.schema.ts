/** `edp status` and `edp rejects`: what the ledger knows. */
import { z } from 'zod';
import { PASSED_OVER_KINDS } from '../../formats/text/passed-over.js';
import {
  accounting,
  count,
  counts,
  drift,
  type Json,
  remarks,
  rowCounts,
  seconds,
  shownTable,
  time,
  triedReject,
} from './json-parts.js';

export const loadState = z.enum([
  'loaded',
  'loading',
  'interrupted',
  'undoing',
  'half_undone',
  'undone',
  'gone',
]);

const loadSummary = {
  loadId: z.int(),
  path: z.string(),
  schema: z.string(),
  table: shownTable,
  state: loadState,
  bytes: count,
  rows: rowCounts,
  ...accounting,
  ...remarks,
  drift: drift.optional(),
  rowsReplaced: count.describe('Rows of other loads that it replaced'),
  membersEnded: count
    .nullable()
    .describe('Members that its file lacks, of a table with snapshot: full; null for other loads'),
  seconds: seconds.describe('Working time of all its runs'),
  contentHash: z.string(),
  startedAt: time,
  effectiveAt: time.describe('When its records became valid, for dimensions with type-2'),
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
    ...accounting,
    committedAt: time,
  })
  .meta({ id: 'Receipt', description: 'The result of one split' });

const inferredMembers = counts.describe('Dimension → inferred members that no file has loaded');

export const statusSchema = z.strictObject({
  command: z.literal('status'),
  ok: z.literal(true),
  loads: z.array(z.strictObject(loadSummary).meta({ id: 'Load' })).describe('Newest first'),
  total: count.describe('Loads that there are, listed or not'),
  inferredMembers,
});

export const loadStatusSchema = z.strictObject({
  command: z.literal('status'),
  ok: z.literal(true),
  load: z.strictObject({ ...loadSummary, receipts: z.array(receipt), inferredMembers }),
});

const rejectedEvent = z
  .strictObject({
    id: z.string().optional(),
    table: z.string().optional(),
    op: z.string().optional(),
    key: z.record(z.string(), z.unknown()).optional(),
    sequence: z.string().optional(),
    source: z.string().optional(),
    value: z
      .unknown()
      .optional()
      .describe('Of the attribute that column names, as the line has it'),
    inLog: z
      .int()
      .nullable()
      .describe('The load that brought the event, corrected: nothing is left to do'),
  })
  .meta({
    id: 'RejectedEvent',
    description: 'What a line says of its event, as far as it can be read',
  });

const reject = z
  .strictObject({
    loadId: z.int(),
    ...triedReject.shape,
    event: rejectedEvent.optional().describe('Only of change events'),
  })
  .meta({ id: 'Reject', description: 'A record that was not loaded' });

export const rejectsSchema = z.strictObject({
  command: z.literal('rejects'),
  ok: z.literal(true),
  rejects: z.array(reject),
});

const passedOverLine = z
  .strictObject({
    loadId: z.int(),
    path: z.string(),
    kind: z.enum(PASSED_OVER_KINDS),
    line: count,
    byteOffset: count,
    bytes: count.describe('Its line end included'),
    raw: z
      .string()
      .describe('The line without its line end; bytes that are not UTF-8 are replaced'),
    rawBase64: z.string().optional().describe('Its bytes, if they are not UTF-8'),
  })
  .meta({ id: 'PassedOverLine', description: 'A line that is no record' });

export const passedOverSchema = z.strictObject({
  command: z.literal('rejects'),
  ok: z.literal(true),
  passedOver: z.array(passedOverLine),
});

export type PassedOverLineJson = Json<typeof passedOverLine>;
export type PassedOverJson = Json<typeof passedOverSchema>;
export type StatusJson = Json<typeof statusSchema>;
export type LoadStatusJson = Json<typeof loadStatusSchema>;
export type RejectJson = Json<typeof reject>;
export type RejectsJson = Json<typeof rejectsSchema>;
