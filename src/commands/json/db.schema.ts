/** `edp db`. */
import { z } from 'zod';
import { count, type Json } from './json-parts.js';

const command = z.literal('db');
const ok = z.literal(true);

const tcp = z
  .strictObject({
    host: z.string(),
    port: count,
    passwordFile: z.string().describe('As libpq reads it (PGPASSFILE)'),
  })
  .nullable()
  .describe('Where it also listens; null for nowhere but its socket');

export const dbSchema = z.discriminatedUnion('action', [
  z.strictObject({
    command,
    ok,
    action: z.literal('start'),
    running: z.literal(true),
    url: z.string(),
    tcp: tcp.optional(),
  }),
  z.strictObject({
    command,
    ok,
    action: z.literal('stop'),
    running: z.literal(false),
    wasRunning: z.boolean(),
  }),
  z.strictObject({
    command,
    ok,
    action: z.literal('status'),
    running: z.boolean(),
    kept: z.boolean().describe('Whether it stays up until `edp db stop`'),
    pid: count.nullable(),
    version: z.string().describe('Of PostgreSQL'),
    dataDirectory: z.string(),
    otherDataDirectory: z
      .string()
      .nullable()
      .describe('Data of this project at a second place, which is not used'),
    isMade: z.boolean().describe('Whether there is data yet'),
    socketDirectory: z.string(),
    tcp,
    url: z.string().nullable().describe('Without a password; null while it does not run'),
    sizeBytes: count.nullable().describe('Of the database; null while it does not run'),
  }),
  z.strictObject({ command, ok, action: z.literal('url'), url: z.string() }),
  z.strictObject({
    command,
    ok,
    action: z.literal('destroy'),
    wasRunning: z.boolean(),
    removed: z
      .array(z.strictObject({ path: z.string(), bytes: count }))
      .describe('Folders that were removed; none where there was no data'),
    bytes: count.describe('Of all that was removed'),
    left: z.array(z.string()).describe('Data of this project at a second place, which is left'),
  }),
  z.strictObject({
    command,
    ok,
    action: z.literal('psql'),
    results: z
      .array(
        z.strictObject({
          columns: z.array(z.string()),
          rows: z.array(z.array(z.unknown())),
          rowCount: count.nullable(),
        }),
      )
      .describe('Of each statement'),
  }),
]);

export type DbJson = Json<typeof dbSchema>;
