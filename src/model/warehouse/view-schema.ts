/** The shape of `models:` and `views:` in edp.yaml. */
import { z } from 'zod';
import { notesShape } from '../notes-schema.js';
import { columnName } from '../schema.js';
import { columnList, noFolder, taskName } from './schema-parts.js';

export const modelSchema = () =>
  z.strictObject(
    {
      key: columnList().describe('Column, or columns, that identify a row'),
      date: columnName.optional().describe('Column by which those that read it are made anew'),
      ...notesShape,
    },
    { error: 'a model is {key, date}; its SQL is sql/models/<name>.sql' },
  );

const viewDetails = () =>
  z
    .strictObject({
      materialized: z
        .boolean({ error: 'expected true or false' })
        .optional()
        .describe('Keeps the rows, and refreshes them in a run'),
      unique: columnList()
        .optional()
        .describe('Columns that identify a row: it is refreshed without locking out readers'),
      indexes: z
        .array(columnList(), { error: 'indexes are a list, each a column or a list of columns' })
        .optional()
        .describe('Indexes, each a column or a list'),
      ...notesShape,
    })
    .superRefine((view, context) => {
      if (view.materialized === true || context.issues.length > 0) return;
      for (const name of ['unique', 'indexes'] as const) {
        if (view[name] === undefined) continue;
        const message = `a view that keeps no rows has no ${name}; add materialized: true`;
        context.addIssue({ code: 'custom', message, path: [name] });
      }
    });

/** A view needs no details. */
export const viewSchema = () =>
  z.union([z.null(), viewDetails()], {
    error: 'a view is {materialized, unique, indexes}; its SQL is sql/views/<name>.sql',
  });

export type ModelInput = z.output<ReturnType<typeof modelSchema>>;
export type ViewInput = z.output<ReturnType<typeof viewDetails>>;

export const modelsSection = () =>
  z.record(taskName().refine(...noFolder), modelSchema(), {
    error: 'models is {name: {key, date}}',
  });
export const viewsSection = () =>
  z.record(taskName().refine(...noFolder), viewSchema(), {
    error: 'views is {name: {materialized}}',
  });
