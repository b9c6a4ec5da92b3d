/** All targets, by the word of the command line. A new one is a file, and a line here. */
import { jsonSchema } from './json-schema.js';
import type { Target } from './target.js';

export const TARGETS = { 'json-schema': jsonSchema } as const satisfies Readonly<
  Record<string, Target>
>;

export type TargetName = keyof typeof TARGETS;
