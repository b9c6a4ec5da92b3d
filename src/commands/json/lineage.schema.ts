/** `edp lineage`: what tables and columns are made of. */
import { z } from 'zod';
import { TASK_KINDS } from '../../model/warehouse/task.js';
import type { Json } from './json-parts.js';

const node = z
  .strictObject({
    name: z.string().describe('silver.members, bronze.events; of a source shop:accounts'),
    kind: z
      .enum([...TASK_KINDS, 'table', 'source'])
      .describe('table: no task makes it; source: a table of the database that capture: names'),
    reads: z.array(z.string()).describe('Tables that it is made of'),
    columns: z
      .array(
        z.strictObject({
          name: z.string(),
          from: z.array(z.string()).describe('Columns that it is made of: bronze.events.id'),
        }),
      )
      .describe('As far as edp.yaml says'),
  })
  .meta({ id: 'LineageNode', description: 'A table, and what it is made of' });

export const lineageSchema = z.strictObject({
  command: z.literal('lineage'),
  ok: z.literal(true),
  of: z.string().nullable().describe('The table or column; null for all of the warehouse'),
  nodes: z.array(node).describe('What it is made of, itself, and what is made of it'),
});

export type LineageJson = Json<typeof lineageSchema>;
