/** `edp notify test`. */
import { z } from 'zod';
import type { Json } from './json-parts.js';

export const notifySchema = z.strictObject({
  command: z.literal('notify'),
  ok: z.literal(true).describe('Whether all receivers were tried'),
  receivers: z.array(
    z.strictObject({
      receiver: z.string().describe('Its form and its host, such as slack by hooks.slack.com'),
      delivered: z.boolean(),
      fault: z.string().nullable().describe('Why it was not delivered'),
    }),
  ),
});

export type NotifyJson = Json<typeof notifySchema>;
