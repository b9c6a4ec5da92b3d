/** `edp schema`. */
import { z } from 'zod';
import { TABLE_STATES } from '../../codegen/check-schemas.js';
import { CHANGE_KINDS, COMPATIBILITIES, DIRECTIONS } from '../../codegen/compare-shapes.js';
import { PUBLISHED_STATES } from '../../codegen/published.js';
import { count, type Json, seconds } from './json-parts.js';

const version = z.int().min(1);

const compatibility = z
  .enum(COMPATIBILITIES)
  .describe(
    'backward: readers of the new version read what the old one wrote; forward: the reverse',
  );

const schemaChange = z
  .strictObject({
    kind: z.enum(CHANGE_KINDS),
    attribute: z.string().nullable().describe('Null for the key'),
    before: z.string().nullable(),
    after: z.string().nullable(),
    breaks: z.array(z.enum(DIRECTIONS)),
    lifted: z.boolean().describe('Whether migrations: make older events fit'),
  })
  .meta({ id: 'SchemaChange' });

const head = { command: z.literal('schema'), ok: z.literal(true), seconds };

export const schemaCheckSchema = z.strictObject({
  ...head,
  action: z.literal('check'),
  needsAction: z.boolean(),
  tables: z.array(
    z.strictObject({
      table: z.string(),
      version: version
        .nullable()
        .describe('Of the model; null where it has no such table any more'),
      published: version.nullable().describe('The last one that is published'),
      state: z.enum(TABLE_STATES),
      compatibility: compatibility.nullable(),
      changes: z.array(schemaChange),
      faults: z.array(z.strictObject({ file: z.string(), state: z.enum(PUBLISHED_STATES) })),
      todo: z.string().nullable().describe('What must be done'),
    }),
  ),
});

export const schemaPublishSchema = z.strictObject({
  ...head,
  action: z.literal('publish'),
  published: z.array(z.strictObject({ table: z.string(), version })),
  unchanged: count.describe('Tables whose version was published before'),
  files: z.array(z.string()),
});

export const schemaDiffSchema = z.strictObject({
  ...head,
  action: z.literal('diff'),
  tables: z.array(
    z.strictObject({
      table: z.string(),
      from: version,
      to: version.nullable().describe('Null for the model'),
      compatibility,
      changes: z.array(schemaChange),
    }),
  ),
});

export type SchemaChangeJson = Json<typeof schemaChange>;
export type SchemaCheckJson = Json<typeof schemaCheckSchema>;
export type SchemaPublishJson = Json<typeof schemaPublishSchema>;
export type SchemaDiffJson = Json<typeof schemaDiffSchema>;
