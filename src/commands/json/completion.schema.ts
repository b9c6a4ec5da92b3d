/** `edp completion`. */
import { z } from 'zod';
import { SHELLS } from '../completion/scripts.js';

export const completionSchema = z.strictObject({
  command: z.literal('completion'),
  ok: z.literal(true),
  shell: z.enum(SHELLS),
  script: z.string(),
});
