/** `edp doctor`. */
import { z } from 'zod';
import { MEND_KINDS, SEVERITIES } from '../../doctor/finding.js';
import { count, type Json } from './json-parts.js';

const mend = z.strictObject({
  kind: z
    .enum(MEND_KINDS)
    .describe('edp.yaml: a line for that file; advice: text for people, not to be run'),
  text: z.string().describe('Exactly what is to be run or written'),
  by: z.string().nullable().describe('Who must do it, where not everybody may'),
});

export const doctorSchema = z.strictObject({
  command: z.literal('doctor'),
  ok: z.boolean().describe('Whether no finding has severity error'),
  server: z
    .strictObject({
      kind: z.enum(['embedded', 'server']),
      label: z.string().describe('Where it is; without a password'),
      version: count.describe('server_version_num'),
    })
    .nullable()
    .describe('Null where none answered'),
  checks: count.describe('Checks that were made'),
  findings: z
    .array(
      z.strictObject({
        check: z.string().describe('doctor.md explains each'),
        severity: z.enum(SEVERITIES),
        problem: z.string(),
        why: z.string(),
        mend: z.array(mend).describe('Steps, in their order'),
      }),
    )
    .describe('The worst first'),
  notExamined: z.array(z.strictObject({ check: z.string(), reason: z.string() })),
});

export type DoctorJson = Json<typeof doctorSchema>;
