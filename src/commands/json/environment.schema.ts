/** `edp promote-env`: what became of an environment. */
import { z } from 'zod';
import { count, type Json, seconds } from './json-parts.js';

export const promoteEnvSchema = z.strictObject({
  command: z.literal('promote-env'),
  ok: z.literal(true),
  environment: z.string(),
  action: z.enum(['promoted', 'dropped']),
  tasks: z.array(z.string()).describe("Those whose tables took the place of production's"),
  dropped: count.describe('With --drop: tables and views'),
  keptSchemas: z.array(z.string()).describe('Schemas in which there is more than edp made'),
  seconds,
  swapSeconds: seconds.nullable().describe('Of the transaction in which production changed'),
});

export type PromoteEnvJson = Json<typeof promoteEnvSchema>;
