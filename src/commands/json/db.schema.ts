/** `edp db`. */
import { z } from 'zod';
import { count, type Json } from './json-parts.js';

const command = z.literal('db');
const ok = z.literal(true);

export const dbSchema = z.discriminatedUnion('action', [
  z.strictObject({
    command,
    ok,
    action: z.literal('start'),
    running: z.literal(true),
    url: z.string(),
  }),
  z.strictObject({
    command,
    ok,
    action: z.literal('stop'),
    running: z.literal(false),
    wasRunning: z.boolean(),
  }),
  z.strictObject({ command, ok, action: z.literal('url'), url: z.string() }),
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
