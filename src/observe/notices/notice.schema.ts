/** What a notice of `format: json` is, and what the others are made of. Only types of it are imported at run time. */
import { z } from 'zod';
import { NOTICE_EVENTS } from '../../model/notify-schema.js';

const count = z.int().min(0);
const loadId = z.int().nullable().describe('Null where the ledger has no load of it');
const event = z.enum(NOTICE_EVENTS);
const columns = z
  .strictObject({ names: z.array(z.string()), others: count })
  .describe('Names that look like names; how many others there are');

export const noticeSchema = z
  .strictObject({
    version: z.literal(1).describe('A later one has other meanings; keys may be added without'),
    isTest: z.boolean().describe('Whether edp notify test sent it, and nothing happened'),
    event: event.describe('The weightiest of events'),
    events: z.array(event).describe('What happened of what the receiver is told'),
    title: z.string().describe('One line for people'),
    project: z.string().describe('Name of the folder of edp.yaml'),
    command: z.string(),
    runId: z
      .int()
      .nullable()
      .describe('edp status --runs shows it; null for a command without a run'),
    exitStatus: z.int(),
    startedAt: z.string(),
    seconds: z.number().min(0),
    edpVersion: z.string(),
    rows: z
      .strictObject({ read: count, loaded: count, rejected: count, duplicate: count })
      .describe('Records of this run: read = loaded + rejected + duplicate'),
    failures: z.array(
      z.strictObject({
        code: z
          .string()
          .describe('codes.md explains it; else a SQLSTATE, a code of Node, or internal'),
        meaning: z.string(),
        loadId,
        file: z.string().nullable().describe('As it was named; a URL without what may sign it'),
        table: z.string().nullable(),
        task: z.string().nullable(),
      }),
    ),
    rejects: z.array(
      z.strictObject({
        loadId,
        file: z.string().nullable(),
        table: z.string(),
        rejected: count,
        codes: z.record(z.string(), count).describe('Reject code → records'),
      }),
    ),
    checks: z.array(
      z.strictObject({
        check: z.string(),
        table: z.string(),
        severity: z.enum(['error', 'warning']),
        failures: count.describe('Rows that fail it'),
      }),
    ),
    stale: z.array(
      z.strictObject({
        table: z.string(),
        ageSeconds: z.number().nullable().describe('Null where it has no time at all'),
        limitSeconds: z.number(),
      }),
    ),
    schemaChanges: z.array(
      z.strictObject({
        table: z.string(),
        file: z.string().nullable(),
        added: columns,
        missing: columns,
      }),
    ),
    omitted: count.describe('Entries that the lists above leave out'),
    next: z.array(z.string()).describe('What to do: a command, or a sentence'),
  })
  .meta({ id: 'Notice', description: 'What a receiver with format: json gets' });

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

export type Notice = DeepReadonly<z.output<typeof noticeSchema>>;
