/** All targets, by the word of the command line. A new one is a folder, and a line here. */

import type { Target } from '../codegen-target.js';
import { activerecord } from './activerecord/activerecord.js';
import { ddl } from './ddl/ddl-files.js';
import { docs } from './docs/docs.js';
import { graphql } from './graphql/graphql.js';
import { jsonSchema } from './json-schema/json-schema.js';
import { kotlin } from './kotlin/kotlin.js';
import { proto } from './proto/proto.js';
import { typescript } from './typescript/typescript.js';

export const TARGETS = {
  'json-schema': jsonSchema,
  ddl,
  typescript,
  graphql,
  proto,
  kotlin,
  activerecord,
  docs,
} as const satisfies Readonly<Record<string, Target>>;

export type TargetName = keyof typeof TARGETS;
