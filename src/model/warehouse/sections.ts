/** The sections of edp.yaml that declare the warehouse. */
import { z } from 'zod';
import { identifier } from '../schema.js';
import { checksSection } from './check-schema.js';
import { dimensionsSection } from './dimension-schema.js';
import { factsSection } from './fact-schema.js';
import { silverSection } from './silver-schema.js';
import { modelsSection, viewsSection } from './view-schema.js';

const schemaName = () =>
  identifier
    .refine((name) => name !== 'edp', { message: 'schema "edp" belongs to edp itself' })
    .refine((name) => !/^pg_|^information_schema$/.test(name), {
      error: ({ input }) => `schema "${input}" belongs to the server`,
    })
    .optional();

const layersSection = () =>
  z.strictObject(
    {
      bronze: schemaName().describe('Schema of the tables that edp loads (default public)'),
      silver: schemaName().describe('Schema of cleaned tables (default silver)'),
      gold: schemaName().describe('Schema of dimensions, facts, models and views (default gold)'),
    },
    { error: 'layers is {bronze, silver, gold}, each a schema' },
  );

export const WAREHOUSE_SECTIONS = [
  'layers',
  'silver',
  'dimensions',
  'facts',
  'models',
  'views',
  'checks',
] as const;

const makeShape = () => ({
  layers: layersSection().optional().describe('Schema of each layer of the warehouse'),
  silver: silverSection().optional().describe('Tables that are cleaned, renamed and in UTC'),
  dimensions: dimensionsSection().optional().describe('What facts refer to, by an id of its own'),
  facts: factsSection().optional().describe('What happened, by date and dimensions'),
  models: modelsSection().optional().describe('Tables made by SQL of the project'),
  views: viewsSection().optional().describe('Views made by SQL of the project'),
  checks: checksSection().optional().describe('What must hold, by table'),
});

type WarehouseShape = ReturnType<typeof makeShape>;

let shape: WarehouseShape | undefined;

/** What the schema of edp.yaml has where a project declares a warehouse. Made once. */
export function warehouseShape(): WarehouseShape {
  shape ??= makeShape();
  return shape;
}

/** The sections as they are valid. */
export type WarehouseInput = {
  [Section in keyof WarehouseShape]?: z.output<WarehouseShape[Section]>;
};
