/** All targets, by the word of the command line. A new one is a file, and a line here. */

import type { Target } from './codegen-target.js';
import { jsonSchema } from './json-schema.js';

export const TARGETS = { 'json-schema': jsonSchema } as const satisfies Readonly<
  Record<string, Target>
>;

export type TargetName = keyof typeof TARGETS;
