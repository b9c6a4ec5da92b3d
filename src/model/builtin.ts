/** The platform's own tables, used if a project declares no tables. */
import type { z } from 'zod';
import { parseModel, type tablesSchema } from './schema.js';

/** As edp.yaml would declare them. */
export const BUILTIN_TABLES: z.input<typeof tablesSchema> = {
  first_dimensions: {
    columns: { id: 'int', name: 'text' },
    key: 'id',
    lineage: false,
  },
  second_dimensions: {
    columns: {
      id: 'int',
      name: 'text',
      first_dimension_id: { type: 'int', references: 'first_dimensions' },
    },
    key: 'id',
    lineage: false,
  },
  events: {
    columns: {
      id: 'bigint',
      recorded_date: 'timestamp',
      created_date: 'timestamp',
      first_dimension_id: { type: 'int', references: 'first_dimensions' },
      second_dimension_id: { type: 'int', references: 'second_dimensions' },
    },
    key: 'id',
    indexes: ['first_dimension_id'],
    metrics: {
      from: 'event_metrics',
      path: 'metrics',
      columns: { metric_one: 'int', metric_two: 'int', metric_n: 'int' },
      extra: 'extra_metrics',
    },
  },
};

export const BUILTIN_MODEL = parseModel(BUILTIN_TABLES);
